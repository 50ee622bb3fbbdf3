@ Direct convolution on Armv6-M: four pixels by output channels with int8 or int4 weights, one
@ channel after the other. Two pixels share a multiplication:
@
@   inputs = -(first pixel + second pixel * 2^16)
@   for each channel:
@       all[pair of pixels] = less[second of the pair] = 0
@       for each step, one pair of taps, and for each pair of pixels:
@           both = inputs[tap 0] * weight[tap 0] + inputs[tap 1] * weight[tap 1]
@           all[pair] += both
@           less[second] += both / 2^16, rounded to nearest
@       less[first] = all[pair] - less[second] * 2^16
@       sum[pixel] = -less[pixel]
@
@ Range: a negated input is -127 to 128 and a weight -127 to 127, so two products, first and second,
@ are within 2 * 128 * 127 < 2^15 in size. So both = first + second * 2^16 fits 32 bits and, to
@ nearest, both / 2^16 is second: a shift leaves it, or one less where first is negative, as the bit
@ that is shifted out last then says. Sums stay in 32 bits because the model proved it for all
@ partial sums; all[pair] wraps, and less[first] comes out right modulo 2^32.
@
@ Where there is a weight of -128, two products may be -2^15. They fit the 16 bits of a half, but
@ one less does not. The `exact` loop is for that: it takes the half of the first away before it
@ shifts.
@
@ Registers of the loops: r0 and r1 addresses of inputs and weights, r2 and r3 inputs, r4 and r5
@ weights, r6 and r7 less[second], r8 and r9 all[pair], r12 end of the weights.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3 or r0, above each function
@ - alignment: r0, inputs, parameters, sums and what kindling_widen writes at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 92
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: words at whole words only, or bytes

.set KINDLING_PAIRED_ROUND, 4  @ steps per round of the loop of int8 weights
.set KINDLING_PAIRED_STEP_BYTES, 36  @ code of one step

.macro KINDLING_PAIRED_NEAREST all, second
  add \all, r2
  asrs r2, r2, #16
  adcs \second, r2
.endm

.macro KINDLING_PAIRED_EXACT all, second
  add \all, r2
  sxth r3, r2
  subs r2, r2, r3
  asrs r2, r2, #16
  adds \second, r2
.endm

@ `half` makes weights of the bytes at `place` and two after it.
.macro KINDLING_PAIRED_STEP place, half, unpack
  ldmia r0!, {r2, r3}
  movs r4, #\place
  ldrsb r4, [r1, r4]
  \half r4
  movs r5, #(\place + 2)
  ldrsb r5, [r1, r5]
  \half r5
  muls r2, r4, r2
  muls r3, r5, r3
  adds r2, r2, r3
  \unpack r8, r6
  ldmia r0!, {r2, r3}
  muls r2, r4, r2
  muls r3, r5, r3
  adds r2, r2, r3
  \unpack r9, r7
.endm

.macro KINDLING_PAIRED_WHOLE weight
.endm

.macro KINDLING_PAIRED_HIGH weight
  asrs \weight, \weight, #4
.endm

.macro KINDLING_PAIRED_LOW weight
  lsls \weight, \weight, #28
  asrs \weight, \weight, #28
.endm

@ Subroutines: all steps of a channel. They leave less[pixel] in r8 to r11.

.macro KINDLING_PAIRED_SUMS name
.section .text.\name, "ax", %progbits
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  movs r6, #0
  movs r7, #0
  mov r8, r6
  mov r9, r6
.endm

.macro KINDLING_PAIRED_LESS name, round
  cmp r1, r12
  bne \round
  lsls r0, r6, #16
  mov r1, r8
  subs r0, r1, r0
  mov r8, r0
  lsls r0, r7, #16
  mov r1, r9
  subs r0, r1, r0
  mov r10, r0
  mov r9, r6
  mov r11, r7
  bx lr
  .cfi_endproc
.size \name, . - \name
.endm

@ r2 = where the first round begins, with r1 as if it were a whole one.
KINDLING_PAIRED_SUMS kindling_paired_sums
  mov pc, r2
.balign 4
1:
  KINDLING_PAIRED_STEP 0, KINDLING_PAIRED_WHOLE, KINDLING_PAIRED_NEAREST
  KINDLING_PAIRED_STEP 4, KINDLING_PAIRED_WHOLE, KINDLING_PAIRED_NEAREST
  KINDLING_PAIRED_STEP 8, KINDLING_PAIRED_WHOLE, KINDLING_PAIRED_NEAREST
  KINDLING_PAIRED_STEP 12, KINDLING_PAIRED_WHOLE, KINDLING_PAIRED_NEAREST
.Lkindling_paired_sums_end:
  KINDLING_JUMP 1b, .Lkindling_paired_sums_end, (KINDLING_PAIRED_ROUND * KINDLING_PAIRED_STEP_BYTES)
  adds r1, r1, #(4 * KINDLING_PAIRED_ROUND)
  KINDLING_PAIRED_LESS kindling_paired_sums, 1b

KINDLING_PAIRED_SUMS kindling_paired_sums_exact
1:
  KINDLING_PAIRED_STEP 0, KINDLING_PAIRED_WHOLE, KINDLING_PAIRED_EXACT
  adds r1, r1, #4
  KINDLING_PAIRED_LESS kindling_paired_sums_exact, 1b

KINDLING_PAIRED_SUMS kindling_paired_sums_int4
1:
  KINDLING_PAIRED_STEP 0, KINDLING_PAIRED_HIGH, KINDLING_PAIRED_NEAREST
  KINDLING_PAIRED_STEP 0, KINDLING_PAIRED_LOW, KINDLING_PAIRED_NEAREST
  adds r1, r1, #4
  KINDLING_PAIRED_LESS kindling_paired_sums_int4, 1b

@ Makes r2 the address at which a channel's first round begins and r1, its weights, as the
@ subroutine takes it; r3 = steps. r4 is lost. The first round has 1 to KINDLING_PAIRED_ROUND.
.macro KINDLING_PAIRED_ENTRY sums
.ifc \sums, kindling_paired_sums
  subs r3, r3, #1
  movs r4, #(KINDLING_PAIRED_ROUND - 1)
  bics r4, r3                 @ steps that the first round lacks
  movs r3, #KINDLING_PAIRED_STEP_BYTES
  muls r3, r4, r3
  ldr r2, =.Lkindling_paired_sums_end - KINDLING_PAIRED_ROUND * KINDLING_PAIRED_STEP_BYTES
  adds r2, r2, r3
  lsls r4, r4, #2
  subs r1, r1, r4
.endif
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
@ r0 = inputs [step][two pixels][tap], r1 = weights, four bytes per step, of int4 weights four per
@ two steps, with those of the second in the low halves: first tap of both channels, second tap of
@ both; r2 = eight sums [channel][pixel]; r3 = steps, an even number of
@ them, two or more.

.set KINDLING_PAIRED_TO, 0
.set KINDLING_PAIRED_INPUTS, 4
.set KINDLING_PAIRED_WEIGHTS, 8
.set KINDLING_PAIRED_ENTERED, 12
.set KINDLING_PAIRED_END, 16
.set KINDLING_PAIRED_FRAME, 20

.macro KINDLING_PAIRED_TWO_CHANNELS name, sums, step_shift
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
  str r2, [sp, #KINDLING_PAIRED_TO]
  lsls r5, r3, #\step_shift
  adds r5, r5, r1
  mov r12, r5
  KINDLING_PAIRED_ENTRY \sums
  add r4, sp, #KINDLING_PAIRED_INPUTS
  stmia r4!, {r0-r2, r5}
2:                            @ a channel: r1 = its first weight
  bl \sums
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
  add r0, sp, #KINDLING_PAIRED_INPUTS
  ldmia r0, {r0-r3}
  cmp r3, r12
  bne 3f                      @ the second channel ends a byte after the first
  adds r3, r3, #1
  mov r12, r3
  adds r1, r1, #1
  b 2b
.balign 4
.pool
3:
  .cfi_remember_state
  add sp, #KINDLING_PAIRED_FRAME
  .cfi_adjust_cfa_offset -KINDLING_PAIRED_FRAME
  KINDLING_PAIRED_RESTORE
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_PAIRED_TWO_CHANNELS kindling_paired, kindling_paired_sums, 2
KINDLING_PAIRED_TWO_CHANNELS kindling_paired_exact, kindling_paired_sums_exact, 2
KINDLING_PAIRED_TWO_CHANNELS kindling_paired_int4, kindling_paired_sums_int4, 1

@ Outputs of pairs of channels, without a weight of -128.
@
@ r0 = {four addresses of outputs, inputs, end of inputs, parameters, shifts, end of parameters,
@ zero point, with two roundings 2 * zero point + 1, steps, weights}; a pair or more, an even number
@ of steps, two or more. With two roundings no shift is to the left, and sums with their bias are
@ below 2^30 in size. Registers after the loop: r4 = 2^15, r5 bias, r6 and r7 halves of the
@ multiplier, r12 right, lr zero point.

.set KINDLING_BATCH_OUTPUTS, 0  @ next, of four pixels
.set KINDLING_BATCH_INPUTS, 16
.set KINDLING_BATCH_ENTRY, 20
.set KINDLING_BATCH_PARAMETERS, 24  @ next, and next shift
.set KINDLING_BATCH_SHIFTS, 28
.set KINDLING_BATCH_END, 32   @ of the parameters
.set KINDLING_BATCH_ZERO_POINT, 36
.set KINDLING_BATCH_STEP_BYTES, 40  @ from where a channel enters its weights to their end
.set KINDLING_BATCH_WEIGHTS, 44  @ first of the channel
.set KINDLING_BATCH_NEXT, 48  @ from there to that of the next channel, then of the one after it
.set KINDLING_BATCH_FRAME, 56

.macro KINDLING_BATCH_OUTPUT_ONCE
  KINDLING_ONCE r4, lr
.endm

.macro KINDLING_BATCH_OUTPUT_TWICE
  KINDLING_TWICE r4, r12, lr
.endm

@ The output of a pixel whose sum is `sum`, negated. Of a ReLU that of a negative accumulator is the
@ zero point.
.macro KINDLING_BATCH_OUTPUT rounding, sum, pixel
  mov r0, \sum
  subs r0, r5, r0
  bpl 97f
  mov r1, lr
  adds r1, r1, #128
  bne 97f
  movs r0, #128
  b 98f
97:
  KINDLING_BATCH_OUTPUT_\rounding
98:
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

.macro KINDLING_PAIRED_BATCH name, rounding, sums, step_shift
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
  stmia r1!, {r2-r5}
  movs r5, r1
  movs r1, r7
  movs r3, r6
  lsls r6, r6, #\step_shift
  KINDLING_PAIRED_ENTRY \sums
  str r2, [sp, #KINDLING_BATCH_ENTRY]
  subs r4, r6, #1
  movs r3, #1
  adds r6, r6, r7
  subs r6, r6, r1
  movs r7, r1
  stmia r5!, {r6, r7}
  stmia r5!, {r3, r4}
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
  ldr r2, [sp, #KINDLING_BATCH_ENTRY]
  bl \sums
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
.balign 4
.pool
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_PAIRED_BATCH kindling_paired_once, ONCE, kindling_paired_sums, 2
KINDLING_PAIRED_BATCH kindling_paired_once_int4, ONCE, kindling_paired_sums_int4, 1
KINDLING_PAIRED_BATCH kindling_paired_twice, TWICE, kindling_paired_sums, 2

@ Four int8 patches as the loop's inputs; the order of taps in a quad is 0, 2, 1, 3.
@
@ r0 = patches, r1 = bytes from patch to patch, r2 = inputs, r3 = end of inputs; one quad or more.
@ Registers: r0 place in the first patch, r1, r6 and r7 from there to the others, r3-r5 values, r12
@ end.

@ `to` = -(value of patch 0, 2^16 times that of patch 1), of the tap at r0.
.macro KINDLING_PAIRED_WIDEN_FIRST to
  movs \to, #0
  ldrsb \to, [r0, \to]
  ldrsb r3, [r0, r1]
  lsls r3, r3, #16
  adds \to, \to, r3
  rsbs \to, \to, #0
.endm

@ The same of patches 2 and 3.
.macro KINDLING_PAIRED_WIDEN_SECOND to
  ldrsb \to, [r0, r6]
  ldrsb r3, [r0, r7]
  lsls r3, r3, #16
  adds \to, \to, r3
  rsbs \to, \to, #0
.endm

@ Two taps, the one at r0 and the second after it.
.macro KINDLING_PAIRED_WIDEN_STEP
  KINDLING_PAIRED_WIDEN_FIRST r4
  adds r0, r0, #2
  KINDLING_PAIRED_WIDEN_FIRST r5
  stmia r2!, {r4, r5}
  KINDLING_PAIRED_WIDEN_SECOND r5
  subs r0, r0, #2
  KINDLING_PAIRED_WIDEN_SECOND r4
  stmia r2!, {r4, r5}
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
  KINDLING_PAIRED_WIDEN_STEP
  adds r0, r0, #1
  KINDLING_PAIRED_WIDEN_STEP
  adds r0, r0, #3
  cmp r2, r12
  bne 1b
  .cfi_remember_state
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_widen, . - kindling_widen

@ Copies a patch row by row.
@
@ r0 = {from, to, bytes of a row, rows, bytes from row to row of the map}; a byte and a row or more.
@ Registers: r0 and r1 ends of rows, r2 bytes of one, negated, r3 rows left, r4 from row to row, r5
@ place before the ends, r6 byte.

.section .text.kindling_paired_gather, "ax", %progbits
.global kindling_paired_gather
.type kindling_paired_gather, %function
.thumb_func
.balign 4
kindling_paired_gather:
  .cfi_startproc
  push {r4-r6, lr}
  KINDLING_SAVED 4, r4, r5, r6, lr
  ldmia r0!, {r1-r5}
  movs r0, r1
  movs r1, r2
  rsbs r2, r3, #0
  movs r3, r4
  movs r4, r5
  subs r0, r0, r2
  subs r1, r1, r2
1:
  movs r5, r2
2:
  ldrb r6, [r0, r5]
  strb r6, [r1, r5]
  adds r5, r5, #1
  bne 2b
  adds r0, r0, r4
  subs r1, r1, r2
  subs r3, r3, #1
  bne 1b
  .cfi_remember_state
  pop {r4-r6, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_paired_gather, . - kindling_paired_gather
