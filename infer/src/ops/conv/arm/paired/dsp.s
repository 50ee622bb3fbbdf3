@ Direct convolution: four pixels by two output channels with int8, int16 or int4 weights.
@
@   for each step, one pair of taps:
@       sum[channel][pixel] += inputs[step][pixel] . weights[step][channel]
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ An int4 weight is used as 16 times itself, which is the high half of its byte with zeros in the
@ low one. The model proved that 16 times a partial sum stays in 32 bits; after the loop a shift to
@ the right by 4 bits makes the sum of it, exactly.
@
@ r0 = inputs [step][pixel], one int16 pair each; r1 = weights, one word per step, of int4 weights
@ one per two steps, with those of the second in the low halves: bytes 0 and 2 are the pair of the
@ first channel, bytes 1 and 3 that of the second; of int16 weights two words per step, the pair of
@ the first channel and that of the second; r2 = eight sums [channel][pixel]; r3 = steps, 1
@ or more, of int4 weights an even number. Registers: r0-r3 and r4-r7 sums, r8 and r9 inputs, r10
@ and r11 weights, r12 address of inputs, lr address of weights.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above; of the batches r0, as in batch.s
@ - alignment: inputs, weights, sums and what kindling_widen writes at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 104, and of kindling_widen 36, which the batches call
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: patches of kindling_widen are read by words at any address

.set KINDLING_PAIRED_ROUND, 8  @ steps per round of the loop
.set KINDLING_PAIRED_LONG, 16  @ the same of a batch with int16 weights
.set KINDLING_PAIRED_STEP_BYTES, 52  @ code of one step
.set KINDLING_PAIRED_WIDE_BYTES, 44  @ the same with int16 weights
.set KINDLING_PAIRED_INT4_BYTES, 58  @ the same with int4 weights, on average of two

.macro KINDLING_PAIRED_STEP
  ldr r11, [lr], #4
  ldmia.w r12!, {r8, r9}
  KINDLING_PAIRED_PRODUCTS
.endm

.macro KINDLING_PAIRED_STEP_WIDE
  ldmia.w lr!, {r10, r11}
  ldmia.w r12!, {r8, r9}
  KINDLING_PAIRED_WIDE_PRODUCTS
.endm

@ Two steps.
.macro KINDLING_PAIRED_TWO_STEPS_INT4
  ldr.w r11, [lr]
  ldmia.w r12!, {r8, r9}
  and r11, r11, #0xf0f0f0f0
  KINDLING_PAIRED_PRODUCTS
  ldr r11, [lr], #4
  ldmia.w r12!, {r8, r9}
  lsl.w r11, r11, #4
  and r11, r11, #0xf0f0f0f0
  KINDLING_PAIRED_PRODUCTS
.endm

@ Of four weights and the inputs of two pixels; loads those of the other two.
.macro KINDLING_PAIRED_PRODUCTS
  sxtb16 r10, r11
  sxtb16 r11, r11, ror #8
  KINDLING_PAIRED_WIDE_PRODUCTS
.endm

@ The first products of a batch: sums begin with the biases, in r3 and r7.
.macro KINDLING_PAIRED_FIRST_PRODUCTS
  ldmia.w r12!, {r8, r9}
  smlad r0, r8, r10, r3
  smlad r1, r9, r10, r3
  smlad r4, r8, r11, r7
  smlad r5, r9, r11, r7
  ldmia.w r12!, {r8, r9}
  smlad r2, r8, r10, r3
  smlad r3, r9, r10, r3
  smlad r6, r8, r11, r7
  smlad r7, r9, r11, r7
.endm

.macro KINDLING_PAIRED_WIDE_PRODUCTS
  smlad r0, r8, r10, r0
  smlad r1, r9, r10, r1
  smlad r4, r8, r11, r4
  smlad r5, r9, r11, r5
  ldmia.w r12!, {r8, r9}
  smlad r2, r8, r10, r2
  smlad r3, r9, r10, r3
  smlad r6, r8, r11, r6
  smlad r7, r9, r11, r7
.endm

@ The steps of a round.
.macro KINDLING_PAIRED_ROUND_INT8 steps
.rept \steps
  KINDLING_PAIRED_STEP
.endr
.endm

.macro KINDLING_PAIRED_ROUND_WIDE steps
.rept \steps
  KINDLING_PAIRED_STEP_WIDE
.endr
.endm

.macro KINDLING_PAIRED_ROUND_INT4 steps
.rept \steps / 2
  KINDLING_PAIRED_TWO_STEPS_INT4
.endr
.endm

@ `weights`: INT8, WIDE or INT4; `shift`: of the number of steps, to make bytes of weights of it;
@ `sum_shift`: of the sums to the right.
.macro KINDLING_PAIRED_SUMS name, weights, shift, sum_shift, step_bytes
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
  add r4, r1, r3, lsl #\shift
  push {r4}                   @ the end of the weights
  .cfi_adjust_cfa_offset 4
  ands r8, r3, #(KINDLING_PAIRED_ROUND - 1)
  mov r0, #0
  mov r1, #0
  mov r2, #0
  mov r3, #0
  mov r4, #0
  mov r5, #0
  mov r6, #0
  mov r7, #0
  beq 1f
  adr.w r9, 2f                @ the steps that make no full round first
  mov r10, #\step_bytes
  mls r9, r8, r10, r9
  orr r9, r9, #1
  bx r9
.balign 4
1:
  KINDLING_PAIRED_ROUND_\weights KINDLING_PAIRED_ROUND
2:
  KINDLING_JUMP 1b, 2b, (KINDLING_PAIRED_ROUND * \step_bytes)
  ldr r8, [sp]
  cmp lr, r8
  bne.w 1b
  ldr r8, [sp, #4]
.if \sum_shift
.irp sum, r0, r1, r2, r3, r4, r5, r6, r7
  asr.w \sum, \sum, #\sum_shift
.endr
.endif
  stmia r8, {r0-r7}
  .cfi_remember_state
  add sp, sp, #8
  .cfi_adjust_cfa_offset -8
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_PAIRED_SUMS kindling_paired, INT8, 2, 0, KINDLING_PAIRED_STEP_BYTES
KINDLING_PAIRED_SUMS kindling_paired_wide, WIDE, 3, 0, KINDLING_PAIRED_WIDE_BYTES
KINDLING_PAIRED_SUMS kindling_paired_int4, INT4, 1, 4, KINDLING_PAIRED_INT4_BYTES

@ Writes where the loop begins: at the steps that make no full round. `end` is where all end.
.macro KINDLING_PAIRED_ENTRY steps, temporary, end, round, step_bytes
  ands \steps, \steps, #(\round - 1)
  it eq
  moveq \steps, #\round
  mov \temporary, #\step_bytes
  mul \steps, \steps, \temporary
  adr.w \temporary, \end
  sub \steps, \temporary, \steps
  orr \steps, \steps, #1      @ Thumb code
  str \steps, [sp, #KINDLING_BATCH_ENTRY]
.endm

@ The first step comes before the loop, and leaves one or more.
.macro KINDLING_PAIRED_ENTRY_INT8 steps, temporary, end
  sub \steps, \steps, #1
  KINDLING_PAIRED_ENTRY \steps, \temporary, \end, KINDLING_PAIRED_ROUND, KINDLING_PAIRED_STEP_BYTES
.endm

.macro KINDLING_PAIRED_ENTRY_WIDE steps, temporary, end
  sub \steps, \steps, #1
  KINDLING_PAIRED_ENTRY \steps, \temporary, \end, KINDLING_PAIRED_LONG, KINDLING_PAIRED_WIDE_BYTES
.endm

.macro KINDLING_PAIRED_ENTRY_INT4 steps, temporary, end
  KINDLING_PAIRED_ENTRY \steps, \temporary, \end, KINDLING_PAIRED_ROUND, KINDLING_PAIRED_INT4_BYTES
.endm

.macro KINDLING_PAIRED_STEPS weights, round, step_bytes
  ldr.w pc, [sp, #KINDLING_BATCH_ENTRY]
.balign 4
3:
  KINDLING_PAIRED_ROUND_\weights \round
2:
  KINDLING_JUMP 3b, 2b, (\round * \step_bytes)
.endm

.macro KINDLING_PAIRED_STEPS_INT8
  KINDLING_PAIRED_STEPS INT8, KINDLING_PAIRED_ROUND, KINDLING_PAIRED_STEP_BYTES
.endm

.macro KINDLING_PAIRED_STEPS_WIDE
  KINDLING_PAIRED_STEPS WIDE, KINDLING_PAIRED_LONG, KINDLING_PAIRED_WIDE_BYTES
.endm

.macro KINDLING_PAIRED_STEPS_INT4
  KINDLING_PAIRED_STEPS INT4, KINDLING_PAIRED_ROUND, KINDLING_PAIRED_INT4_BYTES
.endm

@ The biases, and the first step.
.macro KINDLING_BATCH_BEGIN_INT8
  ldr r3, [r8, #4]
  ldr r7, [r8, #12]
  ldr r11, [lr], #4
  sxtb16 r10, r11
  sxtb16 r11, r11, ror #8
  KINDLING_PAIRED_FIRST_PRODUCTS
.endm

.macro KINDLING_BATCH_END_INT8
.endm

.macro KINDLING_BATCH_BEGIN_WIDE
  ldr r3, [r8, #4]
  ldr r7, [r8, #12]
  ldmia.w lr!, {r10, r11}
  KINDLING_PAIRED_FIRST_PRODUCTS
.endm

.macro KINDLING_BATCH_END_WIDE
.endm

@ Sums of 16 times the weights begin at 0.
.macro KINDLING_BATCH_BEGIN_INT4
.irp sum, r0, r1, r2, r3, r4, r5, r6, r7
  mov \sum, #0
.endr
.endm

.macro KINDLING_BATCH_END_INT4
  ldr r8, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr r9, [r8, #4]
  ldr r10, [r8, #12]
.irp sum, r0, r1, r2, r3
  add \sum, r9, \sum, asr #4
.endr
.irp sum, r4, r5, r6, r7
  add \sum, r10, \sum, asr #4
.endr
.endm

@ Widens the patches of the next batch: r0, r1 as kindling_widen takes them; then those in r4, which
@ were copied.
.macro KINDLING_BATCH_WIDEN
  ldr r2, [sp, #KINDLING_BATCH_INPUTS]
  ldr r3, [sp, #KINDLING_BATCH_INPUTS_END]
  bl kindling_widen
.endm

.macro KINDLING_BATCH_WIDEN_PATCHES
  mov r0, r4
  KINDLING_BATCH_WIDEN
.endm

@ What a batch makes ready: r12 steps, r0 is lost.
.macro KINDLING_BATCH_PREPARE weights
  KINDLING_PAIRED_ENTRY_\weights r12, r0, 2f
.endm

@ The sums of a pair of channels.
.macro KINDLING_BATCH_SUMS weights
  ldrd r12, lr, [sp, #KINDLING_BATCH_INPUTS]
  KINDLING_BATCH_BEGIN_\weights
  KINDLING_PAIRED_STEPS_\weights
  ldr r8, [sp, #KINDLING_BATCH_INPUTS_END]
  cmp r12, r8
  bne.w 3b
  str lr, [sp, #KINDLING_BATCH_WEIGHTS]
  KINDLING_BATCH_END_\weights
.endm

KINDLING_PAIRED_BATCH kindling_paired_once, ONCE, 0, INT8
KINDLING_PAIRED_BATCH kindling_paired_once_wide, ONCE, 0, WIDE
KINDLING_PAIRED_BATCH kindling_paired_once_int4, ONCE, 0, INT4
KINDLING_PAIRED_BATCH kindling_paired_twice, TWICE, 1, INT8
KINDLING_PAIRED_BATCH kindling_paired_common, COMMON, 1, INT8
KINDLING_PAIRED_BATCH kindling_paired_common_relu, COMMON, 0, INT8
KINDLING_PAIRED_BATCH kindling_paired_twice_wide, TWICE, 1, WIDE
KINDLING_PAIRED_BATCH kindling_paired_common_wide, COMMON, 1, WIDE
KINDLING_PAIRED_BATCH kindling_paired_common_relu_wide, COMMON, 0, WIDE

@ Four int8 patches as pairs [step][pixel]; taps 0 and 2 of a quad are a pair, and 1 and 3.
@
@ r0 = patches, r1 = bytes from patch to patch, r2 = pairs, r3 = end of pairs; one quad or more.

.section .text.kindling_widen, "ax", %progbits
.global kindling_widen
.type kindling_widen, %function
.thumb_func
.balign 4
kindling_widen:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  add r12, r0, r1, lsl #1
1:
  ldr r5, [r0, r1]
  ldr r7, [r12, r1]
  ldr r4, [r0], #4
  ldr r6, [r12], #4
  sxtb16 r9, r5
  sxtb16 r8, r4
  sxtb16 r10, r6
  sxtb16 r11, r7
  stmia r2!, {r8-r11}
  sxtb16 r8, r4, ror #8
  sxtb16 r9, r5, ror #8
  sxtb16 r10, r6, ror #8
  sxtb16 r11, r7, ror #8
  stmia r2!, {r8-r11}
  cmp r2, r3
  bne 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_widen, . - kindling_widen
