@ Dense layer with two roundings, four units at a time.
@
@   for each four units:
@       sums = biases + inputs . weights of each
@       products = round(sums * 2^max(shift, 0) * multiplier / 2^31)             halves up
@       outputs = saturate(zero point + round(products / 2^max(-shift, 0)))      halves away from 0
@
@ Every product of an input is at most 2^14 in size; sums stay in 32 bits, also shifted to the left,
@ because the model proved it for all partial sums. `vqrdmulh` is (2 * sum * multiplier + 2^31) >>
@ 32 and saturates for -2^31 * -2^31 only, which no multiplier is. `vrshl` rounds halves up: where a
@ product is below 0 and the shift too, 1 less of it moves just the halves down. A product is more
@ than -2^31 + 1, so that fits. Outputs saturate to 16 bits before the zero point is added, to 8
@ after it: 2^15 - 1 and a zero point are still beyond 8 bits.
@
@ The loop over inputs is predicated: it neither reads nor adds what is after the last one. A
@ multiple of 32 inputs has a loop of its own.
@
@ r0 = {weights, inputs, number of inputs, parameters, end of parameters, shifts, output, zero
@ point}; four units or more, a multiple of four. Registers: r0, r2, r4 and r6 sums, as VMLADAVA
@ asks; r1 inputs, r3, r5, r7 and r9 weights, r8 number of inputs, r10 next weights, r11 all inputs,
@ r12 parameters, lr inputs left; the end of parameters, shifts, output and zero point are on the
@ stack.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12, q0-q2
@ - stack bytes: 56
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.macro KINDLING_DENSE_TWICE_UNIT sum, weights
  vldrb.u8 q1, [\weights], #16
  vmladava.s8 \sum, q0, q1
.endm

.macro KINDLING_DENSE_TWICE_CHUNK multiply, third=r7
  vldrb.u8 q0, [r1], #16
  vldrb.u8 q1, [r3], #16
  \multiply r0, q0, q1
  vldrb.u8 q1, [r5], #16
  \multiply r2, q0, q1
  vldrb.u8 q1, [\third], #16
  \multiply r4, q0, q1
  vldrb.u8 q1, [r9], #16
  \multiply r6, q0, q1
.endm

@ Outputs of the sums in q0 by the multipliers in q2; Z, if these were the last units.
.macro KINDLING_DENSE_TWICE_OUTPUTS
  ldmia sp, {r0, r2, r4, r6}  @ end of parameters, shifts, output, zero point
  vldrb.s32 q1, [r2], #4
  vptt.s32 gt, q1, zr
  vshlt.s32 q0, q0, q1
  veort q1, q1, q1
  vqrdmulh.s32 q0, q0, q2
  vand q2, q0, q1
  vshr.s32 q2, q2, #31
  vadd.i32 q0, q0, q2
  vrshl.s32 q0, q0, q1
  vqmovnb.s32 q0, q0
  vqadd.s16 q0, q0, r6
  vqmovnb.s16 q0, q0
  vstrb.32 q0, [r4], #4
  cmp r12, r0
  strd r2, r4, [sp, #4]
.endm

.section .text.kindling_vector_dense_twice, "ax", %progbits
.global kindling_vector_dense_twice
.type kindling_vector_dense_twice, %function
.thumb_func
.balign 4
kindling_vector_dense_twice:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #20
  .cfi_adjust_cfa_offset 20
  ldr r10, [r0], #4
  ldr r11, [r0], #4
  ldr r8, [r0], #4
  ldr r12, [r0], #4
  ldmia r0, {r1-r4}
  stmia sp, {r1-r4}
1:                            @ four units
  mov r3, r10
  mov r1, r11
  add r5, r3, r8
  ldr r0, [r12]
  add r7, r5, r8
  ldr r2, [r12, #8]
  add r9, r7, r8
  ldr r4, [r12, #16]
  add r10, r9, r8
  ldr r6, [r12, #24]
  dlstp.8 lr, r8
2:
  vldrb.u8 q0, [r1], #16
  KINDLING_DENSE_TWICE_UNIT r0, r3
  KINDLING_DENSE_TWICE_UNIT r2, r5
  KINDLING_DENSE_TWICE_UNIT r4, r7
  KINDLING_DENSE_TWICE_UNIT r6, r9
  letp lr, 2b
  vmov q0[2], q0[0], r0, r4
  vmov q0[3], q0[1], r2, r6
  vld20.32 {q1, q2}, [r12]
  vld21.32 {q1, q2}, [r12]!   @ biases, multipliers
  KINDLING_DENSE_TWICE_OUTPUTS
  bne 1b
  .cfi_remember_state
  add sp, sp, #20
  .cfi_adjust_cfa_offset -20
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_vector_dense_twice, . - kindling_vector_dense_twice

@ The same for a multiple of 32 inputs, two vectors of them at a time. Other registers: r8 turns
@ after the first, r10 number of inputs.
.section .text.kindling_vector_dense_twice_long, "ax", %progbits
.global kindling_vector_dense_twice_long
.type kindling_vector_dense_twice_long, %function
.thumb_func
.balign 4
kindling_vector_dense_twice_long:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #20
  .cfi_adjust_cfa_offset 20
  ldr r9, [r0], #4
  ldr r11, [r0], #4
  ldr r10, [r0], #4
  ldr r12, [r0], #4
  ldmia r0, {r1-r4}
  stmia sp, {r1-r4}
  lsr r8, r10, #5
  subs r8, r8, #1
1:                            @ four units
  mov r3, r9
  mov r1, r11
  add r5, r3, r10
  add r7, r5, r10
  add r9, r7, r10
  KINDLING_DENSE_TWICE_CHUNK vmladav.s8
  KINDLING_DENSE_TWICE_CHUNK vmladava.s8
  wls lr, r8, 3f
2:
  KINDLING_DENSE_TWICE_CHUNK vmladava.s8
  KINDLING_DENSE_TWICE_CHUNK vmladava.s8
  le lr, 2b
3:
  vmov q0[2], q0[0], r0, r4
  vmov q0[3], q0[1], r2, r6
  vld20.32 {q1, q2}, [r12]
  vld21.32 {q1, q2}, [r12]!   @ biases, multipliers
  vadd.i32 q0, q0, q1
  KINDLING_DENSE_TWICE_OUTPUTS
  bne 1b
  .cfi_remember_state
  add sp, sp, #20
  .cfi_adjust_cfa_offset -20
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_vector_dense_twice_long, . - kindling_vector_dense_twice_long

@ All units with one multiplier and shift, of 1 to 31 bits to the right: sums begin with the biases.
@
@ r0 = {multiplier, shift, zero point, end of the biases, inputs, output, weights, number of inputs,
@ biases}. Registers: r0, r2, r4 and r6 sums, then the first four of these; r1 inputs, r3, r5, r11
@ and r9 weights, r7 output, r12 biases, lr inputs left; with any number of inputs r8 these, r10
@ next weights; with a multiple of 32 r8 turns, r10 number of inputs.

.macro KINDLING_DENSE_VECTOR_BEGIN
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #20
  .cfi_adjust_cfa_offset 20
  ldmia r0!, {r1-r5}
  stmia sp, {r1-r5}
  ldmia r0, {r7, r9, r10, r12}
.endm

@ Outputs of the sums, and all that comes after them.
.macro KINDLING_DENSE_VECTOR_END
  vmov q0[2], q0[0], r0, r4
  vmov q0[3], q0[1], r2, r6
  ldmia sp, {r0, r2, r4, r6}  @ multiplier, shift, zero point, end of the biases
  vqrdmulh.s32 q0, q0, r0
  vshr.s32 q1, q0, #31
  vadd.i32 q0, q0, q1
  vrshl.s32 q0, r2
  vqmovnb.s32 q0, q0
  vqadd.s16 q0, q0, r4
  vqmovnb.s16 q0, q0
  vstrb.32 q0, [r7], #4
  cmp r12, r6
  bne 1b
  .cfi_remember_state
  add sp, sp, #20
  .cfi_adjust_cfa_offset -20
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.endm

.section .text.kindling_vector_dense_per_tensor, "ax", %progbits
.global kindling_vector_dense_per_tensor
.type kindling_vector_dense_per_tensor, %function
.thumb_func
.balign 4
kindling_vector_dense_per_tensor:
  KINDLING_DENSE_VECTOR_BEGIN
  mov r8, r10
  mov r10, r9
1:                            @ four units
  ldmia r12!, {r0, r2, r4, r6}
  ldr r1, [sp, #16]
  mov r3, r10
  add r5, r3, r8
  add r11, r5, r8
  add r9, r11, r8
  add r10, r9, r8
  dlstp.8 lr, r8
2:
  vldrb.u8 q0, [r1], #16
  KINDLING_DENSE_TWICE_UNIT r0, r3
  KINDLING_DENSE_TWICE_UNIT r2, r5
  KINDLING_DENSE_TWICE_UNIT r4, r11
  KINDLING_DENSE_TWICE_UNIT r6, r9
  letp lr, 2b
  KINDLING_DENSE_VECTOR_END
.size kindling_vector_dense_per_tensor, . - kindling_vector_dense_per_tensor

.section .text.kindling_vector_dense_per_tensor_long, "ax", %progbits
.global kindling_vector_dense_per_tensor_long
.type kindling_vector_dense_per_tensor_long, %function
.thumb_func
.balign 4
kindling_vector_dense_per_tensor_long:
  KINDLING_DENSE_VECTOR_BEGIN
  add r1, r5, r10             @ after the last input
  lsr r8, r10, #5
1:                            @ four units
  ldmia r12!, {r0, r2, r4, r6}
  sub r1, r1, r10
  mov r3, r9
  add r5, r3, r10
  add r11, r5, r10
  add r9, r11, r10
  dls lr, r8
2:
  KINDLING_DENSE_TWICE_CHUNK vmladava.s8, r11
  KINDLING_DENSE_TWICE_CHUNK vmladava.s8, r11
  le lr, 2b
  KINDLING_DENSE_VECTOR_END
.size kindling_vector_dense_per_tensor_long, . - kindling_vector_dense_per_tensor_long
