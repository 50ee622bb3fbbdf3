@ Direct convolution on Armv7-M without DSP extension: four pixels by two output channels with int8
@ or int4 weights.
@
@   for each step, one pair of taps:
@       sum[channel][pixel] += inputs[step][pixel] . weights[step][channel]
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = inputs [step][pixel], one int16 pair each; r1 = weights, four bytes per step, of int4 weights
@ four per two steps, with those of the second in the low halves: first tap of both channels, second
@ tap of both; r2 = eight sums [channel][pixel]; r3 = steps, an even number.
@ Registers: r0-r3 and r4-r7 sums, r8 and r9 inputs, r10 and r11 weights, r12 address of inputs, lr
@ address of weights.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above; of the batches r0, as in batch.s
@ - alignment: inputs and sums at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 88
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: weights are read byte by byte

.macro KINDLING_PAIRED_TAP inputs, weights
  ldrsb.w r10, [lr, #\weights]
  ldrsb.w r11, [lr, #(\weights + 1)]
  KINDLING_PAIRED_PRODUCTS \inputs
.endm

.macro KINDLING_PAIRED_TAP_HIGH inputs, weights
  ldrsb.w r10, [lr, #\weights]
  ldrsb.w r11, [lr, #(\weights + 1)]
  asr r10, r10, #4
  asr r11, r11, #4
  KINDLING_PAIRED_PRODUCTS \inputs
.endm

.macro KINDLING_PAIRED_TAP_LOW inputs, weights
  ldrb.w r10, [lr, #\weights]
  ldrb.w r11, [lr, #(\weights + 1)]
  sbfx r10, r10, #0, #4
  sbfx r11, r11, #0, #4
  KINDLING_PAIRED_PRODUCTS \inputs
.endm

@ Two weights, of one tap, by the inputs of four pixels.
.macro KINDLING_PAIRED_PRODUCTS inputs
  ldrsh.w r8, [r12, #\inputs]
  ldrsh.w r9, [r12, #(\inputs + 4)]
  mla r0, r8, r10, r0
  mla r1, r9, r10, r1
  mla r4, r8, r11, r4
  mla r5, r9, r11, r5
  ldrsh.w r8, [r12, #(\inputs + 8)]
  ldrsh.w r9, [r12, #(\inputs + 12)]
  mla r2, r8, r10, r2
  mla r3, r9, r10, r3
  mla r6, r8, r11, r6
  mla r7, r9, r11, r7
.endm

@ Two steps.
.macro KINDLING_PAIRED_ROUND_INT8
  KINDLING_PAIRED_TAP 0, 0
  KINDLING_PAIRED_REST_INT8
.endm

.macro KINDLING_PAIRED_REST_INT8
  KINDLING_PAIRED_TAP 2, 2
  KINDLING_PAIRED_TAP 16, 4
  KINDLING_PAIRED_TAP 18, 6
  add r12, r12, #32
  add lr, lr, #8
.endm

.macro KINDLING_PAIRED_ROUND_INT4
  KINDLING_PAIRED_TAP_HIGH 0, 0
  KINDLING_PAIRED_REST_INT4
.endm

.macro KINDLING_PAIRED_REST_INT4
  KINDLING_PAIRED_TAP_HIGH 2, 2
  KINDLING_PAIRED_TAP_LOW 16, 0
  KINDLING_PAIRED_TAP_LOW 18, 2
  add r12, r12, #32
  add lr, lr, #4
.endm

@ `step_shift`: bytes of a step's weights, as a power of 2.
.macro KINDLING_PAIRED_SUMS name, weights, step_shift
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r2, r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  .cfi_adjust_cfa_offset 4
  mov r12, r0
  mov lr, r1
  add r4, r1, r3, lsl #\step_shift
  push {r4}                   @ the end of the weights
  .cfi_adjust_cfa_offset 4
  mov r0, #0
  mov r1, #0
  mov r2, #0
  mov r3, #0
  mov r4, #0
  mov r5, #0
  mov r6, #0
  mov r7, #0
1:
  KINDLING_PAIRED_ROUND_\weights
  ldr r8, [sp]
  cmp lr, r8
  bne.w 1b
  ldr r8, [sp, #4]
  stmia r8, {r0-r7}
  .cfi_remember_state
  add sp, sp, #8
  .cfi_adjust_cfa_offset -8
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_PAIRED_SUMS kindling_paired, INT8, 2
KINDLING_PAIRED_SUMS kindling_paired_int4, INT4, 1

@ Rounds of two steps are always whole.
.macro KINDLING_PAIRED_ENTRY_INT8 steps, temporary, end
.endm

.macro KINDLING_PAIRED_ENTRY_INT4 steps, temporary, end
.endm

.macro KINDLING_PAIRED_STEPS_INT8
3:
  KINDLING_PAIRED_TAP 0, 0
4:
  KINDLING_PAIRED_REST_INT8
.endm

.macro KINDLING_PAIRED_STEPS_INT4
3:
  KINDLING_PAIRED_TAP_HIGH 0, 0
4:
  KINDLING_PAIRED_REST_INT4
.endm

@ The biases, and the products of the first tap, by the weights in r10 and r11.
.macro KINDLING_BATCH_BEGIN
  ldr r3, [r8, #4]
  ldr r7, [r8, #12]
  ldrsh.w r8, [r12]
  ldrsh.w r9, [r12, #4]
  mla r0, r8, r10, r3
  mla r1, r9, r10, r3
  mla r4, r8, r11, r7
  mla r5, r9, r11, r7
  ldrsh.w r8, [r12, #8]
  ldrsh.w r9, [r12, #12]
  mla r2, r8, r10, r3
  mla r3, r9, r10, r3
  mla r6, r8, r11, r7
  mla r7, r9, r11, r7
  b.w 4f
.endm

.macro KINDLING_BATCH_BEGIN_INT8
  ldrsb.w r10, [lr]
  ldrsb.w r11, [lr, #1]
  KINDLING_BATCH_BEGIN
.endm

.macro KINDLING_BATCH_BEGIN_INT4
  ldrsb.w r10, [lr]
  ldrsb.w r11, [lr, #1]
  asr r10, r10, #4
  asr r11, r11, #4
  KINDLING_BATCH_BEGIN
.endm

.macro KINDLING_BATCH_END_INT8
.endm

.macro KINDLING_BATCH_END_INT4
.endm

KINDLING_PAIRED_BATCH kindling_paired_once, ONCE, 0, INT8
KINDLING_PAIRED_BATCH kindling_paired_once_int4, ONCE, 0, INT4
KINDLING_PAIRED_BATCH kindling_paired_twice, TWICE, 1, INT8
KINDLING_PAIRED_BATCH kindling_paired_twice_relu, TWICE, 0, INT8
