@ Dense layer on Armv7-M without DSP extension, four units at once.
@
@   for each block of four units:
@       for each quad of inputs:
@           for each of the four units: sum[unit] += inputs . weights of the unit
@       outputs = requantise(bias + sum)
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = {inputs, end of inputs, parameters, end of parameters, output, zero point, quads, weights},
@ with two roundings 2 * zero point + 1 for the zero point, and shifts at the end; one quad or more,
@ whole blocks. Registers: r0-r3 sums, r4 input, r5-r8 weights, r10 end of inputs, r12 address of
@ inputs, lr of weights.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, parameters and weights at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 60, with two roundings 76
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: values are read at their own alignment

@ The frame:
.set KINDLING_DENSE_INPUTS, 0  @ first, after the last
.set KINDLING_DENSE_PARAMETERS, 8  @ next, after the last
.set KINDLING_DENSE_OUTPUT, 16  @ next, and zero point
.set KINDLING_DENSE_FRAME, 24

@ Input `input` with int8 weights at `weights` bytes, `step` bytes from unit to unit.
.macro KINDLING_DENSE_INPUT load, input, weights, step
  ldrsb.w r4, [r12, #\input]
  \load r5, [lr, #\weights]
  \load r6, [lr, #(\weights + \step)]
  \load r7, [lr, #(\weights + 2 * \step)]
  \load r8, [lr, #(\weights + 3 * \step)]
  mla r0, r4, r5, r0
  mla r1, r4, r6, r1
  mla r2, r4, r7, r2
  mla r3, r4, r8, r3
.endm

.macro KINDLING_QUAD
  KINDLING_DENSE_INPUT ldrsb.w, 0, 0, 4
  KINDLING_DENSE_INPUT ldrsb.w, 1, 1, 4
  KINDLING_DENSE_INPUT ldrsb.w, 2, 2, 4
  KINDLING_DENSE_INPUT ldrsb.w, 3, 3, 4
  add lr, lr, #16
.endm

@ Input `input` with int4 weights: a byte for two units, the second in the low half.
.macro KINDLING_DENSE_INPUT_INT4 input
  ldrsb.w r4, [r12, #\input]
  ldrsb.w r5, [lr, #\input]
  ldrsb.w r7, [lr, #(\input + 4)]
  sbfx r6, r5, #0, #4
  asr r5, r5, #4
  sbfx r8, r7, #0, #4
  asr r7, r7, #4
  mla r0, r4, r5, r0
  mla r1, r4, r6, r1
  mla r2, r4, r7, r2
  mla r3, r4, r8, r3
.endm

.macro KINDLING_QUAD_INT4
  KINDLING_DENSE_INPUT_INT4 0
  KINDLING_DENSE_INPUT_INT4 1
  KINDLING_DENSE_INPUT_INT4 2
  KINDLING_DENSE_INPUT_INT4 3
  add lr, lr, #8
.endm

@ int16 weights: inputs 0 and 2 in the first four words, 1 and 3 in the next.
.macro KINDLING_QUAD_WIDE
  KINDLING_DENSE_INPUT ldrsh.w, 0, 0, 4
  KINDLING_DENSE_INPUT ldrsh.w, 2, 2, 4
  KINDLING_DENSE_INPUT ldrsh.w, 1, 16, 4
  KINDLING_DENSE_INPUT ldrsh.w, 3, 18, 4
  add lr, lr, #32
.endm

@ The next unit's parameters are at r4, its output at r5, the zero point in r6.
.macro KINDLING_DENSE_OUTPUT_OF sum
  ldrd r7, r8, [r4], #8
  add \sum, \sum, r7
  KINDLING_REQUANTISE \sum, r8, r6, r7
  strb \sum, [r5], #1
.endm

.macro KINDLING_DENSE name, quad, twice
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
.if \twice
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
1:
  mov r0, #0
  mov r1, #0
  mov r2, #0
  mov r3, #0
  ldrd r12, r10, [sp, #KINDLING_DENSE_INPUTS]
2:
  \quad
  add r12, r12, #4
  cmp r12, r10
  bne.w 2b
.if \twice
  KINDLING_DENSE_TWICE_END \name
.else
  ldr r4, [sp, #KINDLING_DENSE_PARAMETERS]
  ldrd r5, r6, [sp, #KINDLING_DENSE_OUTPUT]
  KINDLING_DENSE_OUTPUT_OF r0
  KINDLING_DENSE_OUTPUT_OF r1
  KINDLING_DENSE_OUTPUT_OF r2
  KINDLING_DENSE_OUTPUT_OF r3
  str r4, [sp, #KINDLING_DENSE_PARAMETERS]
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

KINDLING_DENSE kindling_dense, KINDLING_QUAD, 0
KINDLING_DENSE kindling_dense_int4, KINDLING_QUAD_INT4, 0
KINDLING_DENSE kindling_dense_wide, KINDLING_QUAD_WIDE, 0
KINDLING_DENSE kindling_dense_twice, KINDLING_QUAD, 1
KINDLING_DENSE kindling_dense_wide_twice, KINDLING_QUAD_WIDE, 1
