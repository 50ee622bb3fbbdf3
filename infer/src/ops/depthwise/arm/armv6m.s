@ Depthwise convolution on Armv6-M: the sums of four channels of a pixel.
@
@   sums = starts
@   for each row and column of taps: sums += input * weight, channel by channel
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = {input, weights, starts, channels, rows, columns, skip of the input, skip of the weights}, r1
@ = first channel, r2 = sums; a row and a column or more. Registers: r0 address of the input, r1 of
@ the weights, r2 channel, r3 input, r4 weight, r5 channels, r6 columns left, r7 rows left, r8-r11
@ sums, r12 arguments.

.syntax unified
.thumb
.set DEPTHWISE_INPUT, 0
.set DEPTHWISE_WEIGHTS, 4
.set DEPTHWISE_STARTS, 8
.set DEPTHWISE_CHANNELS, 12
.set DEPTHWISE_ROWS, 16
.set DEPTHWISE_COLUMNS, 20
.set DEPTHWISE_SKIPS, 24

.macro DEPTHWISE_PRODUCT sum
  ldrsb r3, [r0, r2]
  ldrsb r4, [r1, r2]
  muls r3, r4, r3
  add \sum, r3
.endm

.section .text.kindling_depthwise_sums, "ax", %progbits
.global kindling_depthwise_sums
.type kindling_depthwise_sums, %function
.thumb_func
.balign 4
kindling_depthwise_sums:
  push {r2, r4-r7, lr}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  mov r12, r0
  ldr r3, [r0, #DEPTHWISE_STARTS]
  lsls r2, r1, #2
  adds r3, r3, r2
  ldmia r3!, {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  movs r2, r1
  ldr r1, [r0, #DEPTHWISE_WEIGHTS]
  ldr r5, [r0, #DEPTHWISE_CHANNELS]
  ldr r7, [r0, #DEPTHWISE_ROWS]
  ldr r0, [r0, #DEPTHWISE_INPUT]
1:                            @ a row of taps
  mov r3, r12
  ldr r6, [r3, #DEPTHWISE_COLUMNS]
2:
  DEPTHWISE_PRODUCT r8
  adds r2, r2, #1
  DEPTHWISE_PRODUCT r9
  adds r2, r2, #1
  DEPTHWISE_PRODUCT r10
  adds r2, r2, #1
  DEPTHWISE_PRODUCT r11
  subs r2, r2, #3
  adds r0, r0, r5
  adds r1, r1, r5
  subs r6, r6, #1
  bne 2b
  mov r3, r12
  ldr r4, [r3, #DEPTHWISE_SKIPS]
  adds r0, r0, r4
  ldr r4, [r3, #(DEPTHWISE_SKIPS + 4)]
  adds r1, r1, r4
  subs r7, r7, #1
  bne 1b
  ldr r2, [sp, #16]
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  stmia r2!, {r4-r7}
  pop {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r2, r4-r7, pc}
