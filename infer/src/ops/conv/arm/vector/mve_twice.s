@ Direct convolution with two roundings, with the vector extension: four pixels by all output
@ channels, two channels and 16 taps at a time.
@
@   for each pair of channels:
@       sums[channel][pixel] = patch of the pixel . weights of the channel
@       product = round((bias + sum) * 2^max(shift, 0) * multiplier / 2^31)      halves up
@       output = saturate(zero point + round(product / 2^max(-shift, 0)))        halves away from 0
@
@ Range: every product of a tap is at most 2^14 in size; sums stay in 32 bits with the bias and the
@ shift to the left, because the model proved it for all partial sums. `vqrdmulh` is
@ (2 * sum * multiplier + 2^31) >> 32 and saturates for -2^31 * -2^31 only, which no multiplier is.
@ `vrshl` rounds halves up: where a product is below 0 and the shift too, 1 less of it moves just
@ the halves down. A product is more than -2^31 + 1, so that fits. Where the zero point is -128 and
@ no shift is above 0 none of that is needed: what is below 0 becomes -128, rounded either way.
@ Outputs saturate to 16 bits before the zero point is added, to 8 after it: 2^15 - 1 and a zero
@ point are still beyond 8 bits.
@
@ Registers: the even ones r0-r6 and r8-r14 hold the sums of the first and the second channel, as
@ VMLADAV asks; r1 = address of weights, r3, r5, r7 and r9 those of the pixels' patches, r11 =
@ chunks; q0 and q1 weights, q2 inputs, q3 places of the outputs.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, above each function
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12, q0-q3
@ - stack bytes: 80
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.set KINDLING_VECTOR_TWICE_CHUNKS, 16
.set KINDLING_VECTOR_TWICE_PARAMETERS, 20
.set KINDLING_VECTOR_TWICE_SHIFTS, 24
.set KINDLING_VECTOR_TWICE_OUTPUT, 28
.set KINDLING_VECTOR_TWICE_ZERO_POINT, 32
.set KINDLING_VECTOR_TWICE_PARAMETERS_END, 36
.set KINDLING_VECTOR_TWICE_WEIGHTS, 40
.set KINDLING_VECTOR_TWICE_PLACES, 44

.macro KINDLING_VECTOR_TWICE_PIXEL multiply, patch, first, second
  vldrb.u8 q2, [\patch], #16
  \multiply \first, q0, q2
  \multiply \second, q1, q2
.endm

@ A chunk; `multiply` is vmladav.s8 to start the sums, vmladava.s8 to go on.
.macro KINDLING_VECTOR_TWICE_CHUNK multiply
  vldrb.u8 q0, [r1], #16
  vldrb.u8 q1, [r1], #16
  KINDLING_VECTOR_TWICE_PIXEL \multiply, r3, r0, r8
  KINDLING_VECTOR_TWICE_PIXEL \multiply, r5, r2, r10
  KINDLING_VECTOR_TWICE_PIXEL \multiply, r7, r4, r12
  KINDLING_VECTOR_TWICE_PIXEL \multiply, r9, r6, r14
.endm

@ Products of four sums; `shift` is lost where it may be above 0.
.macro KINDLING_VECTOR_TWICE_PRODUCTS sums, bias, multiplier, shift, temporary, any
  vadd.i32 \sums, \sums, \bias
.if \any
  bic \temporary, \shift, \shift, asr #31
  vshl.s32 \sums, \temporary
.endif
  vqrdmulh.s32 \sums, \sums, \multiplier
.if \any
  vshr.s32 q2, \sums, #31
  lsr \temporary, \shift, #31
  and \shift, \shift, \shift, asr #31
  vmla.s32 \sums, q2, \temporary
.endif
  vrshl.s32 \sums, \shift
.endm

@ All channels of four pixels, of which some may be the same; `any` for any zero point and shift.
@
@ r0 = {four patches, chunks of 16 taps after the first, parameters, shifts, output, zero point, end
@ of parameters, weights, places [pixel][channel of a pair] of outputs after the first, int16}; 40
@ bytes of them are on the stack.
.macro KINDLING_VECTOR_TWICE_PIXELS any
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #44
  .cfi_adjust_cfa_offset 44
  ldr r1, [r0, #KINDLING_VECTOR_TWICE_WEIGHTS]
  add r2, r0, #KINDLING_VECTOR_TWICE_PLACES
  vldrh.u16 q3, [r2]
  ldmia r0!, {r2-r6}
  stmia sp, {r2-r6}
  ldmia r0, {r2-r6}
  add r7, sp, #KINDLING_VECTOR_TWICE_PARAMETERS
  stmia r7, {r2-r6}
1:                            @ a pair of channels
  ldmia sp, {r3, r5, r7, r9, r11}
  KINDLING_VECTOR_TWICE_CHUNK vmladav.s8
  lsrs r11, r11, #1
  bcc 2f
  KINDLING_VECTOR_TWICE_CHUNK vmladava.s8
2:
  beq 4f
3:
  KINDLING_VECTOR_TWICE_CHUNK vmladava.s8
  KINDLING_VECTOR_TWICE_CHUNK vmladava.s8
  subs r11, r11, #1
  bne 3b
4:
  vmov q0[2], q0[0], r0, r4
  vmov q0[3], q0[1], r2, r6
  vmov q1[2], q1[0], r8, r12
  vmov q1[3], q1[1], r10, lr
  ldrd r0, r2, [sp, #KINDLING_VECTOR_TWICE_PARAMETERS]
  ldmia r0!, {r4-r7}          @ twice bias, multiplier
  ldrsb r8, [r2], #1
  ldrsb r9, [r2], #1
  strd r0, r2, [sp, #KINDLING_VECTOR_TWICE_PARAMETERS]
  KINDLING_VECTOR_TWICE_PRODUCTS q0, r4, r5, r8, r3, \any
  KINDLING_VECTOR_TWICE_PRODUCTS q1, r6, r7, r9, r3, \any
  ldrd r10, r11, [sp, #KINDLING_VECTOR_TWICE_OUTPUT]
  vqmovnb.s32 q0, q0
  vqmovnt.s32 q0, q1
  ldr r12, [sp, #KINDLING_VECTOR_TWICE_PARAMETERS_END]
  vqadd.s16 q0, q0, r11
  vqmovnb.s16 q0, q0
  vstrb.16 q0, [r10, q3]
  add r10, r10, #2
  cmp r0, r12
  str r10, [sp, #KINDLING_VECTOR_TWICE_OUTPUT]
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #44
  .cfi_adjust_cfa_offset -44
  pop {r4-r11, pc}
  .cfi_restore_state
.endm

.section .text.kindling_vector_twice, "ax", %progbits
.global kindling_vector_twice
.type kindling_vector_twice, %function
.thumb_func
.balign 4
kindling_vector_twice:
  .cfi_startproc
  KINDLING_VECTOR_TWICE_PIXELS 1
  .cfi_endproc
.size kindling_vector_twice, . - kindling_vector_twice

@ The same where the zero point is -128 and no shift is above 0.
.section .text.kindling_vector_twice_relu, "ax", %progbits
.global kindling_vector_twice_relu
.type kindling_vector_twice_relu, %function
.thumb_func
.balign 4
kindling_vector_twice_relu:
  .cfi_startproc
  KINDLING_VECTOR_TWICE_PIXELS 0
  .cfi_endproc
.size kindling_vector_twice_relu, . - kindling_vector_twice_relu

@ Copies the input under the kernel for one convolved pixel, kernel row after kernel row;
@ predicated, so that nothing but these bytes is read or written.
@
@ r0 = {first tap, bytes from row to row of the map, bytes of a kernel row, kernel rows, the pixel's
@ place}; a row and a byte or more. Registers: r1-r5 as in r0, r6 = source, r7 = destination.
.section .text.kindling_vector_patch, "ax", %progbits
.global kindling_vector_patch
.type kindling_vector_patch, %function
.thumb_func
.balign 4
kindling_vector_patch:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  ldmia r0, {r1-r5}
1:
  mov r6, r1
  mov r7, r5
  dlstp.8 lr, r3
2:
  vldrb.u8 q0, [r6], #16
  vstrb.8 q0, [r7], #16
  letp lr, 2b
  add r1, r1, r2
  add r5, r5, r3
  subs r4, r4, #1
  bne 1b
  .cfi_remember_state
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_vector_patch, . - kindling_vector_patch
