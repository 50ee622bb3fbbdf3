@ Direct convolution on Armv6-M: four pixels by two output channels with int8 weights, one channel
@ after the other.
@
@   for each channel, for each step, one pair of taps:
@       sum[channel][pixel] += inputs[step][pixel] . weights[step][channel]
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = inputs [step][pixel], one int16 pair each; r1 = weights, four bytes per step: first tap of
@ both channels, second tap of both; r2 = eight sums [channel][pixel]; r3 = steps. Registers: r0 and
@ r1 addresses, r2-r5 inputs, r6 weight, r7 product, r8-r11 sums, r12 end of the weights.

.syntax unified
.thumb
.set PAIRED_INPUTS, 0
.set PAIRED_WEIGHTS, 4
.set PAIRED_SUMS, 8
.set PAIRED_FRAME, 12

.macro LOW_PRODUCT input, sum
  sxth r7, \input
  muls r7, r6, r7
  add \sum, r7
.endm

.macro HIGH_PRODUCT input, sum
  asrs \input, \input, #16
  muls \input, r6, \input
  add \sum, \input
.endm

.section .text.kindling_paired, "ax", %progbits
.global kindling_paired
.type kindling_paired, %function
.thumb_func
.balign 4
kindling_paired:
  push {r4-r7, lr}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  sub sp, #PAIRED_FRAME
  str r0, [sp, #PAIRED_INPUTS]
  str r1, [sp, #PAIRED_WEIGHTS]
  str r2, [sp, #PAIRED_SUMS]
  lsls r3, r3, #2
  adds r3, r3, r1
  mov r12, r3
1:                            @ a channel: r1 = its first weight
  movs r2, #0
  mov r8, r2
  mov r9, r2
  mov r10, r2
  mov r11, r2
2:
  ldmia r0!, {r2-r5}
  movs r6, #0
  ldrsb r6, [r1, r6]
  LOW_PRODUCT r2, r8
  LOW_PRODUCT r3, r9
  LOW_PRODUCT r4, r10
  LOW_PRODUCT r5, r11
  movs r6, #2
  ldrsb r6, [r1, r6]
  HIGH_PRODUCT r2, r8
  HIGH_PRODUCT r3, r9
  HIGH_PRODUCT r4, r10
  HIGH_PRODUCT r5, r11
  adds r1, r1, #4
  cmp r1, r12
  blo 2b
  ldr r2, [sp, #PAIRED_SUMS]
  mov r3, r8
  mov r4, r9
  mov r5, r10
  mov r6, r11
  stmia r2!, {r3-r6}
  str r2, [sp, #PAIRED_SUMS]
  ldr r0, [sp, #PAIRED_INPUTS]
  cmp r1, r12                 @ the second channel ends a byte after the end
  bhi 3f
  ldr r1, [sp, #PAIRED_WEIGHTS]
  adds r1, r1, #1
  b 1b
3:
  add sp, #PAIRED_FRAME
  pop {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}
