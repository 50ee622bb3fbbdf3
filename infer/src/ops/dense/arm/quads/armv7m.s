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
@ Paired weights: a word is w + 2^16 * v, of weights w and v of two units. For two inputs a and b
@
@   low = a * w(a) + b * w(b)    high = a * v(a) + b * v(b)    turn = 2^15 + low + 2^16 * high
@
@ Both sums are at most 128 * 255 = 2^15 - 128 in size: the model proved that no unit has weights of
@ -128 for both. So `turn` is less than 2^31 in size, and turn >> 16 = high. With the sums of all
@ turns, in 32 bits: second = sum(turn >> 16), first = sum(turn) - 2^16 * second - turns * 2^15. A
@ quad has two turns, so the sum begins with -quads * 2^16.
@
@ r0 = {inputs, end of inputs, parameters, end of parameters, output, zero point, quads, weights},
@ with two roundings 2 * zero point + 1 for the zero point, and shifts at the end; with one
@ multiplier and shift for all units biases, a constant, and both at the end, see twice.s; one quad
@ or more, whole blocks. Registers: r0-r3 sums, r4 input, r5-r8 weights, r10 end of inputs, r12
@ address of inputs, lr of weights. Paired: r0 and r2 sums of turns, r1 and r3 of their high halves,
@ r4-r7 weights and turns, r8 and r9 inputs, r11 = 2^15.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, parameters and weights at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 68, with two roundings 76
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: values are read at their own alignment

@ The frame:
.set KINDLING_DENSE_INPUTS, 0  @ first, after the last
.set KINDLING_DENSE_PARAMETERS, 8  @ next, after the last
.set KINDLING_DENSE_OUTPUT, 16  @ next, and zero point
.set KINDLING_DENSE_START, 24  @ where the sums of turns begin
.set KINDLING_DENSE_FRAME, 32

@ Input `input` of the quad with int8 weights.
.macro KINDLING_DENSE_INPUT input
  ldrsb.w r4, [r12, #\input]
  ldrsb.w r5, [lr, #\input]
  ldrsb.w r6, [lr, #(\input + 4)]
  ldrsb.w r7, [lr, #(\input + 8)]
  ldrsb.w r8, [lr, #(\input + 12)]
  mla r0, r4, r5, r0
  mla r1, r4, r6, r1
  mla r2, r4, r7, r2
  mla r3, r4, r8, r3
.endm

.macro KINDLING_QUAD
  KINDLING_DENSE_INPUT 0
  KINDLING_DENSE_INPUT 1
  KINDLING_DENSE_INPUT 2
  KINDLING_DENSE_INPUT 3
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

@ Two inputs with paired weights.
.macro KINDLING_DENSE_TURN
  ldmia.w lr!, {r4-r7}
  ldrsb.w r8, [r12], #1
  ldrsb.w r9, [r12], #1
  mla r4, r8, r4, r11
  mla r5, r8, r5, r11
  mla r4, r9, r6, r4
  mla r5, r9, r7, r5
  add r0, r0, r4
  add r1, r1, r4, asr #16
  add r2, r2, r5
  add r3, r3, r5, asr #16
.endm

@ The sums of four units with paired weights, two quads at a time; of an odd number the first one
@ alone.
.macro KINDLING_DENSE_PAIRED_SUMS
  ldr r0, [sp, #KINDLING_DENSE_START]
  mov r1, #0
  mov r2, r0
  mov r3, #0
  mov r11, #0x8000
  lsls r4, r0, #15            @ negative, if the number of quads is odd
  bmi.w 3f
2:
  KINDLING_DENSE_TURN
  KINDLING_DENSE_TURN
3:
  KINDLING_DENSE_TURN
  KINDLING_DENSE_TURN
  cmp r12, r10
  bne.w 2b
  sub r0, r0, r1, lsl #16
  sub r2, r2, r3, lsl #16
.endm

@ The sums of four units, quad by quad.
.macro KINDLING_DENSE_SINGLE_SUMS quad
  mov r0, #0
  mov r1, #0
  mov r2, #0
  mov r3, #0
2:
  \quad
  add r12, r12, #4
  cmp r12, r10
  bne.w 2b
.endm

@ The next unit's parameters are at r4, its output at r5, the zero point in r6.
.macro KINDLING_DENSE_OUTPUT_OF sum
  ldrd r7, r8, [r4], #8
  add \sum, \sum, r7
  KINDLING_REQUANTISE \sum, r8, r6, r7
  strb \sum, [r5], #1
.endm

.macro KINDLING_DENSE name, twice, per_tensor, sums:vararg
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
  lsl r7, r7, #16
  rsb r7, r7, #0
  str r7, [sp, #KINDLING_DENSE_START]
1:
  ldrd r12, r10, [sp, #KINDLING_DENSE_INPUTS]
  \sums
.if \per_tensor
  KINDLING_DENSE_PER_TENSOR_END
.elseif \twice
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

KINDLING_DENSE kindling_dense, 0, 0, KINDLING_DENSE_SINGLE_SUMS KINDLING_QUAD
KINDLING_DENSE kindling_dense_int4, 0, 0, KINDLING_DENSE_SINGLE_SUMS KINDLING_QUAD_INT4
KINDLING_DENSE kindling_dense_paired, 0, 0, KINDLING_DENSE_PAIRED_SUMS
KINDLING_DENSE kindling_dense_twice, 1, 0, KINDLING_DENSE_SINGLE_SUMS KINDLING_QUAD
KINDLING_DENSE kindling_dense_paired_twice, 1, 0, KINDLING_DENSE_PAIRED_SUMS
KINDLING_DENSE kindling_dense_per_tensor, 1, 1, KINDLING_DENSE_SINGLE_SUMS KINDLING_QUAD
KINDLING_DENSE kindling_dense_paired_per_tensor, 1, 1, KINDLING_DENSE_PAIRED_SUMS
