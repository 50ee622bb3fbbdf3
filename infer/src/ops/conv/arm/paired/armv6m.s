@ Direct convolution on Armv6-M: four pixels by output channels with int8 or int4 weights, one
@ channel after the other. Two pixels share a multiplication:
@
@   inputs = -(first pixel + second pixel * 2^16)
@   for each channel:
@       less[pixel] = 0
@       for each step, one pair of taps:
@           both = inputs[tap 0] * weight[tap 0] + inputs[tap 1] * weight[tap 1]
@           low = both mod 2^16, as a signed number
@           less[first] += low
@           less[second] += (both - low) / 2^16
@       sum[pixel] = -less[pixel]
@
@ Range: a negated input is -127 to 128 and a weight -128 to 127, so a product is -2^14 to 128 *
@ 127, and two are -2^15 to 2 * 128 * 127 < 2^15: they fit the 16 bits of a half, and what a half
@ borrows is given back. The 32 bits hold both = first + second * 2^16 exactly, as a number modulo
@ 2^32. Sums stay in 32 bits because the model proved it for all partial sums.
@
@ Registers of the loop: r0 and r1 addresses of inputs and weights, r2-r5 inputs, r6 weight, r7 = 2,
@ r8-r11 sums, negated, r12 end of the weights.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3 or r0, above each function
@ - alignment: r0, inputs, parameters, sums and what kindling_widen writes at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 92
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: words at whole words only, or bytes

.macro KINDLING_PAIRED_UNPACK both, temporary, first, second
  sxth \temporary, \both
  add \first, \temporary
  subs \both, \both, \temporary
  asrs \both, \both, #16
  add \second, \both
.endm

@ `half` makes a weight, in r6, of its byte.
.macro KINDLING_PAIRED_STEP half
  ldmia r0!, {r2-r5}
  movs r6, #0
  ldrsb r6, [r1, r6]
  \half
  muls r2, r6, r2
  muls r3, r6, r3
  ldrsb r6, [r1, r7]
  \half
  muls r4, r6, r4
  muls r5, r6, r5
  adds r2, r2, r4
  adds r3, r3, r5
  KINDLING_PAIRED_UNPACK r2, r4, r8, r9
  KINDLING_PAIRED_UNPACK r3, r5, r10, r11
.endm

.macro KINDLING_PAIRED_WHOLE
.endm

.macro KINDLING_PAIRED_HIGH
  asrs r6, r6, #4
.endm

.macro KINDLING_PAIRED_LOW
  lsls r6, r6, #28
  asrs r6, r6, #28
.endm

@ All steps of a channel, an even number of them. `is_int4`, here and below: 0 or 1.
.macro KINDLING_PAIRED_SUMS is_int4
  movs r7, #0
  mov r8, r7
  mov r9, r7
  mov r10, r7
  mov r11, r7
  movs r7, #2
1:
.if \is_int4
  KINDLING_PAIRED_STEP KINDLING_PAIRED_HIGH
  KINDLING_PAIRED_STEP KINDLING_PAIRED_LOW
.else
  KINDLING_PAIRED_STEP KINDLING_PAIRED_WHOLE
  adds r1, r1, #4
  KINDLING_PAIRED_STEP KINDLING_PAIRED_WHOLE
.endif
  adds r1, r1, #4
  cmp r1, r12
  bne 1b
.endm

.macro KINDLING_PAIRED_SAVE
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  KINDLING_SAVED 4, r8, r9, r10, r11
.endm

.macro KINDLING_PAIRED_RESTORE
  pop {r4-r7}
  .cfi_adjust_cfa_offset -16
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}
  .cfi_restore_state
.endm

@ Sums of two channels.
@
@ r0 = inputs [step][tap][two pixels], r1 = weights, four bytes per step, of int4 weights four per
@ two steps, with those of the second in the low halves: first tap of both channels, second tap of
@ both; r2 = eight sums [channel][pixel]; r3 = steps, an even number of
@ them, two or more.

.set KINDLING_PAIRED_INPUTS, 0
.set KINDLING_PAIRED_WEIGHTS, 4
.set KINDLING_PAIRED_TO, 8
.set KINDLING_PAIRED_END, 12
.set KINDLING_PAIRED_FRAME, 16

.macro KINDLING_PAIRED_TWO_CHANNELS name, is_int4
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  KINDLING_PAIRED_SAVE
  sub sp, #KINDLING_PAIRED_FRAME
  .cfi_adjust_cfa_offset KINDLING_PAIRED_FRAME
  lsls r3, r3, #(2 - \is_int4)
  adds r3, r3, r1
  mov r12, r3
  mov r4, sp
  stmia r4!, {r0-r3}
2:                            @ a channel: r1 = its first weight
  KINDLING_PAIRED_SUMS \is_int4
  ldr r2, [sp, #KINDLING_PAIRED_TO]
  mov r3, r8
  mov r4, r9
  mov r5, r10
  mov r6, r11
  rsbs r3, r3, #0
  rsbs r4, r4, #0
  rsbs r5, r5, #0
  rsbs r6, r6, #0
  stmia r2!, {r3-r6}
  str r2, [sp, #KINDLING_PAIRED_TO]
  ldr r0, [sp, #KINDLING_PAIRED_INPUTS]
  ldr r3, [sp, #KINDLING_PAIRED_END]
  cmp r3, r12
  bne 3f                      @ the second channel ends a byte after the first
  adds r3, r3, #1
  mov r12, r3
  ldr r1, [sp, #KINDLING_PAIRED_WEIGHTS]
  adds r1, r1, #1
  b 2b
3:
  .cfi_remember_state
  add sp, #KINDLING_PAIRED_FRAME
  .cfi_adjust_cfa_offset -KINDLING_PAIRED_FRAME
  KINDLING_PAIRED_RESTORE
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_PAIRED_TWO_CHANNELS kindling_paired, 0
KINDLING_PAIRED_TWO_CHANNELS kindling_paired_int4, 1

@ Outputs of pairs of channels.
@
@ r0 = {four addresses of outputs, inputs, end of inputs, parameters, shifts, end of parameters,
@ zero point, with two roundings 2 * zero point + 1, steps, weights}; a pair or more, an even number
@ of steps, two or more. With two roundings no shift is to the left, and sums with their bias are
@ below 2^30 in size. Registers after the loop: r4 = 2^15, r5 bias, r6 and r7 halves of the
@ multiplier, r12 right, lr zero point.

.set KINDLING_BATCH_OUTPUTS, 0  @ next, of four pixels
.set KINDLING_BATCH_INPUTS, 16
.set KINDLING_BATCH_PARAMETERS, 24  @ next, and next shift
.set KINDLING_BATCH_SHIFTS, 28
.set KINDLING_BATCH_END, 32   @ of the parameters
.set KINDLING_BATCH_ZERO_POINT, 36
.set KINDLING_BATCH_STEP_BYTES, 40  @ of the weights of a pair
.set KINDLING_BATCH_WEIGHTS, 44  @ first of the channel
.set KINDLING_BATCH_NEXT, 48  @ from there to that of the next channel, then of the one after it
.set KINDLING_BATCH_FRAME, 56

.macro KINDLING_BATCH_OUTPUT_ONCE
  KINDLING_ONCE r4, lr
.endm

.macro KINDLING_BATCH_OUTPUT_TWICE
  KINDLING_TWICE r4, r12, lr
.endm

@ The output of a pixel whose sum is `sum`, negated.
.macro KINDLING_BATCH_OUTPUT rounding, sum, pixel
  mov r0, \sum
  subs r0, r5, r0
  KINDLING_BATCH_OUTPUT_\rounding
  ldr r1, [sp, #(KINDLING_BATCH_OUTPUTS + 4 * \pixel)]
  strb r0, [r1]
  adds r1, r1, #1
  str r1, [sp, #(KINDLING_BATCH_OUTPUTS + 4 * \pixel)]
.endm

.macro KINDLING_BATCH_ZERO_POINT_ONCE
.endm

.macro KINDLING_BATCH_ZERO_POINT_TWICE
  asrs r5, r5, #1
.endm

.macro KINDLING_BATCH_RIGHT_ONCE
.endm

.macro KINDLING_BATCH_RIGHT_TWICE
  ldr r0, [sp, #KINDLING_BATCH_SHIFTS]
  movs r1, #0
  ldrsb r1, [r0, r1]
  rsbs r1, r1, #0
  mov r12, r1
  adds r0, r0, #1
  str r0, [sp, #KINDLING_BATCH_SHIFTS]
.endm

.macro KINDLING_PAIRED_BATCH name, rounding, is_int4
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  KINDLING_PAIRED_SAVE
  sub sp, #KINDLING_BATCH_FRAME
  .cfi_adjust_cfa_offset KINDLING_BATCH_FRAME
  mov r1, sp
  ldmia r0!, {r2-r7}
  stmia r1!, {r2-r7}
  ldmia r0!, {r2-r7}
  KINDLING_BATCH_ZERO_POINT_\rounding
  lsls r6, r6, #(2 - \is_int4)
  stmia r1!, {r2-r7}
  movs r2, #1
  subs r3, r6, #1
  stmia r1!, {r2, r3}
4:                            @ a channel
  ldr r0, [sp, #KINDLING_BATCH_INPUTS]
  ldr r1, [sp, #KINDLING_BATCH_WEIGHTS]
  ldr r2, [sp, #KINDLING_BATCH_STEP_BYTES]
  adds r2, r2, r1
  mov r12, r2
  ldr r2, [sp, #KINDLING_BATCH_NEXT]
  ldr r3, [sp, #(KINDLING_BATCH_NEXT + 4)]
  str r3, [sp, #KINDLING_BATCH_NEXT]
  str r2, [sp, #(KINDLING_BATCH_NEXT + 4)]
  adds r2, r2, r1
  str r2, [sp, #KINDLING_BATCH_WEIGHTS]
  KINDLING_PAIRED_SUMS \is_int4
  ldr r0, [sp, #KINDLING_BATCH_PARAMETERS]
  ldmia r0!, {r5, r6}
  str r0, [sp, #KINDLING_BATCH_PARAMETERS]
  uxth r7, r6
  lsrs r6, r6, #16
  KINDLING_BATCH_RIGHT_\rounding
  ldr r0, [sp, #KINDLING_BATCH_ZERO_POINT]
  mov lr, r0
  movs r4, #1
  lsls r4, r4, #15
  KINDLING_BATCH_OUTPUT \rounding, r8, 0
  KINDLING_BATCH_OUTPUT \rounding, r9, 1
  KINDLING_BATCH_OUTPUT \rounding, r10, 2
  KINDLING_BATCH_OUTPUT \rounding, r11, 3
  ldr r0, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr r1, [sp, #KINDLING_BATCH_END]
  cmp r0, r1
  beq 5f
  b 4b
5:
  .cfi_remember_state
  add sp, #KINDLING_BATCH_FRAME
  .cfi_adjust_cfa_offset -KINDLING_BATCH_FRAME
  KINDLING_PAIRED_RESTORE
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_PAIRED_BATCH kindling_paired_once, ONCE, 0
KINDLING_PAIRED_BATCH kindling_paired_once_int4, ONCE, 1
KINDLING_PAIRED_BATCH kindling_paired_twice, TWICE, 0

@ Four int8 patches as the loop's inputs; the order of taps in a quad is 0, 2, 1, 3.
@
@ r0 = patches, r1 = bytes from patch to patch, r2 = inputs, r3 = end of inputs; one quad or more.
@ Registers: r1, r6 and r7 places of the patches after the first, r3-r5 values, r12 end.

.macro KINDLING_PAIRED_WIDEN_TAP move, bytes
  movs r4, #0
  ldrsb r4, [r0, r4]
  ldrsb r5, [r0, r1]
  lsls r5, r5, #16
  adds r4, r4, r5
  rsbs r4, r4, #0
  ldrsb r5, [r0, r6]
  ldrsb r3, [r0, r7]
  lsls r3, r3, #16
  adds r5, r5, r3
  rsbs r5, r5, #0
  stmia r2!, {r4, r5}
  \move r0, r0, #\bytes
.endm

.section .text.kindling_widen, "ax", %progbits
.global kindling_widen
.type kindling_widen, %function
.thumb_func
.balign 4
kindling_widen:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r12, r3
  lsls r6, r1, #1
  adds r7, r6, r1
1:
  KINDLING_PAIRED_WIDEN_TAP adds, 2  @ tap 0
  KINDLING_PAIRED_WIDEN_TAP subs, 1  @ tap 2
  KINDLING_PAIRED_WIDEN_TAP adds, 2  @ tap 1
  KINDLING_PAIRED_WIDEN_TAP adds, 1  @ tap 3
  cmp r2, r12
  bne 1b
  .cfi_remember_state
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_widen, . - kindling_widen
