@ Direct convolution with pooling on Armv7-M without DSP extension: four pixels by two output
@ channels with int8 or int4 weights. Without pooling: armv7m_triples.s.
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
@ - arguments: r0-r3, as above
@ - alignment: inputs, sums and what kindling_widen writes at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 44
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: must be 0: patches of kindling_widen are read by words at any address

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
  KINDLING_PAIRED_TAP 2, 2
  KINDLING_PAIRED_TAP 16, 4
  KINDLING_PAIRED_TAP 18, 6
  add r12, r12, #32
  add lr, lr, #8
.endm

.macro KINDLING_PAIRED_ROUND_INT4
  KINDLING_PAIRED_TAP_HIGH 0, 0
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

@ Bytes 0 and 2 of `word`, or 1 and 3, as an int16 pair; lr is lost.
.macro KINDLING_PAIRED_WIDEN pair, word, first
  sbfx \pair, \word, #(8 * \first), #8
  sbfx lr, \word, #(8 * \first + 16), #8
  bfi \pair, lr, #16, #16
.endm

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
1:
  add r12, r0, r1, lsl #1
  ldr r5, [r0, r1]
  ldr r6, [r12]
  ldr r7, [r12, r1]
  ldr r4, [r0], #4
.irp first, 0, 1
  KINDLING_PAIRED_WIDEN r8, r4, \first
  KINDLING_PAIRED_WIDEN r9, r5, \first
  KINDLING_PAIRED_WIDEN r10, r6, \first
  KINDLING_PAIRED_WIDEN r11, r7, \first
  stmia r2!, {r8-r11}
.endr
  cmp r2, r3
  bne 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_widen, . - kindling_widen
