@ Dense layer, four units at once.
@
@   for each block of four units:
@       for each quad of inputs, widened to two pairs:
@           for each of the four units: sum[unit] += inputs . weights of the unit
@       outputs = requantise(bias + sum)
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums. An int4 weight is used as 16 times itself, the high half of a byte: the model proved
@ that 16 times a partial sum stays in 32 bits, and after the loop a shift by 4 bits is exact.
@
@ r0 = {inputs, end of inputs, parameters, end of parameters, output, zero point, quads, weights},
@ with two roundings 2 * zero point + 1 for the zero point, and shifts at the end; with one
@ multiplier and shift for all units biases, a constant, and both at the end, see twice.s; one quad
@ or more, whole blocks. Registers: r0-r3 sums, r4-r7 weights, r8 and r9 inputs, r11 mask of int4
@ weights, r12 address of inputs, lr address of weights.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, inputs, parameters and weights at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 68, with two roundings 76
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: words at whole words only

.set KINDLING_DENSE_ROUND, 4  @ quads per round of the loop
@ The frame:
.set KINDLING_DENSE_INPUTS, 0  @ first, after the last
.set KINDLING_DENSE_PARAMETERS, 8  @ next, after the last
.set KINDLING_DENSE_OUTPUT, 16  @ next, and zero point
.set KINDLING_DENSE_ENTRY, 24  @ where the quads that make no full round begin
.set KINDLING_DENSE_FRAME, 32

@ The next four inputs as pairs (0, 2) and (1, 3).
.macro KINDLING_DENSE_INPUTS_OF_QUAD
  ldr r9, [r12], #4
  sxtb16 r8, r9
  sxtb16 r9, r9, ror #8
.endm

.macro KINDLING_UNIT sum, weights
  sxtb16 r10, \weights
  sxtb16 \weights, \weights, ror #8
  smlad \sum, r8, r10, \sum
  smlad \sum, r9, \weights, \sum
.endm

@ int8 weights: a word per unit.
.macro KINDLING_QUAD
  ldmia.w lr!, {r4-r7}
  KINDLING_DENSE_INPUTS_OF_QUAD
  KINDLING_UNIT r0, r4
  KINDLING_UNIT r1, r5
  KINDLING_UNIT r2, r6
  KINDLING_UNIT r3, r7
.endm

@ int4 weights: a word for two units, the second in the low halves.
.macro KINDLING_QUAD_INT4
  ldmia.w lr!, {r5, r7}
  KINDLING_DENSE_INPUTS_OF_QUAD
  and.w r4, r11, r5
  and.w r5, r11, r5, lsl #4
  and.w r6, r11, r7
  and.w r7, r11, r7, lsl #4
  KINDLING_UNIT r0, r4
  KINDLING_UNIT r1, r5
  KINDLING_UNIT r2, r6
  KINDLING_UNIT r3, r7
.endm

.macro KINDLING_FOUR_UNITS inputs
  ldmia.w lr!, {r4-r7}
  smlad r0, \inputs, r4, r0
  smlad r1, \inputs, r5, r1
  smlad r2, \inputs, r6, r2
  smlad r3, \inputs, r7, r3
.endm

@ int16 weights: a pair per unit, for each of two pairs of inputs.
.macro KINDLING_QUAD_WIDE
  KINDLING_DENSE_INPUTS_OF_QUAD
  KINDLING_FOUR_UNITS r8
  KINDLING_FOUR_UNITS r9
.endm

.macro KINDLING_DENSE_OUTPUT_OF sum, multiplier
  KINDLING_REQUANTISE \sum, \multiplier, r7
  strb \sum, [r5], #1
.endm

.macro KINDLING_DENSE name, quad, quad_bytes, twice, is_int4, per_tensor=0
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
.if \per_tensor
  sub sp, sp, #KINDLING_DENSE_PER_TENSOR_FRAME
  .cfi_adjust_cfa_offset KINDLING_DENSE_PER_TENSOR_FRAME
  ldrd r1, r2, [r0, #KINDLING_DENSE_FACTOR]
  strd r1, r2, [sp, #KINDLING_DENSE_FACTOR]
.elseif \twice
  sub sp, sp, #KINDLING_DENSE_TWICE_FRAME
  .cfi_adjust_cfa_offset KINDLING_DENSE_TWICE_FRAME
  ldr r1, [r0, #KINDLING_DENSE_SHIFTS]
  str r1, [sp, #KINDLING_DENSE_SHIFTS]
.else
  sub sp, sp, #KINDLING_DENSE_FRAME
  .cfi_adjust_cfa_offset KINDLING_DENSE_FRAME
.endif
  ldmia r0, {r1-r7, lr}
  stmia sp, {r1-r6}
  adr.w r0, 2f
  ands r7, r7, #(KINDLING_DENSE_ROUND - 1)
  it eq
  moveq r7, #KINDLING_DENSE_ROUND
  mov r1, #\quad_bytes
  mls r0, r7, r1, r0
  orr r0, r0, #1              @ Thumb code
  str r0, [sp, #KINDLING_DENSE_ENTRY]
1:
  mov r0, #0
  mov r1, #0
  mov r2, #0
  mov r3, #0
.if \is_int4
  mov r11, #0xf0f0f0f0
.endif
  ldr r12, [sp, #KINDLING_DENSE_INPUTS]
  ldr.w pc, [sp, #KINDLING_DENSE_ENTRY]
.balign 4
3:
.rept KINDLING_DENSE_ROUND
  \quad
.endr
2:
  KINDLING_JUMP 3b, 2b, (KINDLING_DENSE_ROUND * \quad_bytes)
  ldr r4, [sp, #(KINDLING_DENSE_INPUTS + 4)]
  cmp r12, r4
  bne.w 3b
.if \per_tensor
  KINDLING_DENSE_PER_TENSOR_END
.elseif \twice
  KINDLING_DENSE_TWICE_END \name
.else
  ldr r4, [sp, #KINDLING_DENSE_PARAMETERS]
  ldmia r4!, {r5-r12}         @ four times bias, multiplier
  str r4, [sp, #KINDLING_DENSE_PARAMETERS]
.if \is_int4
  add r0, r5, r0, asr #4
  add r1, r7, r1, asr #4
  add r2, r9, r2, asr #4
  add r3, r11, r3, asr #4
.else
  add r0, r0, r5
  add r1, r1, r7
  add r2, r2, r9
  add r3, r3, r11
.endif
  ldrd r5, r7, [sp, #KINDLING_DENSE_OUTPUT]
  KINDLING_DENSE_OUTPUT_OF r0, r6
  KINDLING_DENSE_OUTPUT_OF r1, r8
  KINDLING_DENSE_OUTPUT_OF r2, r10
  KINDLING_DENSE_OUTPUT_OF r3, r12
  str r5, [sp, #KINDLING_DENSE_OUTPUT]
  ldr r5, [sp, #(KINDLING_DENSE_PARAMETERS + 4)]
  cmp r4, r5
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_DENSE_FRAME
  .cfi_adjust_cfa_offset -KINDLING_DENSE_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
.endif
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_DENSE kindling_dense, KINDLING_QUAD, 80, 0, 0
KINDLING_DENSE kindling_dense_int4, KINDLING_QUAD_INT4, 96, 0, 1
KINDLING_DENSE kindling_dense_wide, KINDLING_QUAD_WIDE, 52, 0, 0
KINDLING_DENSE kindling_dense_twice, KINDLING_QUAD, 80, 1, 0
KINDLING_DENSE kindling_dense_wide_twice, KINDLING_QUAD_WIDE, 52, 1, 0
KINDLING_DENSE kindling_dense_per_tensor, KINDLING_QUAD, 80, 1, 0, 1
KINDLING_DENSE kindling_dense_wide_per_tensor, KINDLING_QUAD_WIDE, 52, 1, 0, 1
