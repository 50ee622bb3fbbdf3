@ Depthwise convolution on Armv7-M, with the DSP extension or without: the pixels of a run, four
@ channels at once.
@
@   for each pixel, for each block of four channels:
@       sums = starts
@       for each row and column of taps: sums += input * weight, channel by channel
@       outputs = requantise(sums)
@
@ The last block ends with the last channel. Every product is at most 2^14 in size; sums stay in 32
@ bits because the model proved it for all partial sums. With the DSP extension words of input and
@ weights may lie at any address.
@
@ r0 = {input, weights, starts, parameters, output, channels, rows, columns, skip of the input, skip
@ of the weights, pixels, step, zero point, channel}; a pixel, a row, a column and four channels or
@ more. Registers: r0-r3 sums, r4-r7 input and weights, r8 address of the input, r9 of the weights,
@ r10 channels, r11 columns left, r12 rows left, lr arguments.

.set DEPTHWISE_INPUT, 0
.set DEPTHWISE_WEIGHTS, 4
.set DEPTHWISE_STARTS, 8
.set DEPTHWISE_PARAMETERS, 12
.set DEPTHWISE_OUTPUT, 16
.set DEPTHWISE_CHANNELS, 20
.set DEPTHWISE_ROWS, 24
.set DEPTHWISE_COLUMNS, 28
.set DEPTHWISE_SKIPS, 32
.set DEPTHWISE_PIXELS, 40
.set DEPTHWISE_STEP, 44
.set DEPTHWISE_ZERO_POINT, 48
.set DEPTHWISE_CHANNEL, 52

.if KINDLING_DSP
.macro DEPTHWISE_PRODUCTS
  ldr r4, [r8]
  ldr r6, [r9]
  sxtb16 r5, r4
  sxtb16 r7, r6
  sxtb16 r4, r4, ror #8
  sxtb16 r6, r6, ror #8
  smlabb r0, r5, r7, r0
  smlatt r2, r5, r7, r2
  smlabb r1, r4, r6, r1
  smlatt r3, r4, r6, r3
.endm
.else
.macro DEPTHWISE_PRODUCT sum, place
  ldrsb.w r4, [r8, #\place]
  ldrsb.w r5, [r9, #\place]
  mla \sum, r4, r5, \sum
.endm

.macro DEPTHWISE_PRODUCTS
  DEPTHWISE_PRODUCT r0, 0
  DEPTHWISE_PRODUCT r1, 1
  DEPTHWISE_PRODUCT r2, 2
  DEPTHWISE_PRODUCT r3, 3
.endm
.endif

.macro DEPTHWISE_OUTPUT_OF sum, place
  ldr r8, [r5, #(8 * \place + 4)]
  KINDLING_REQUANTISE \sum, r8, r7, r9
  strb \sum, [r6, #\place]
.endm

.section .text.kindling_depthwise, "ax", %progbits
.global kindling_depthwise
.type kindling_depthwise, %function
.thumb_func
.balign 4
kindling_depthwise:
  push {r4-r11, lr}
  mov lr, r0
  ldr r10, [lr, #DEPTHWISE_CHANNELS]
1:                            @ a pixel
  mov r4, #0
2:                            @ a block from channel r4 on
  str r4, [lr, #DEPTHWISE_CHANNEL]
  ldrd r8, r9, [lr, #DEPTHWISE_INPUT]
  ldr r5, [lr, #DEPTHWISE_STARTS]
  add r8, r8, r4
  add r9, r9, r4
  add r5, r5, r4, lsl #2
  ldr r12, [lr, #DEPTHWISE_ROWS]
  ldmia r5, {r0-r3}
3:                            @ a row of taps
  ldr r11, [lr, #DEPTHWISE_COLUMNS]
4:
  DEPTHWISE_PRODUCTS
  add r8, r8, r10
  subs r11, r11, #1
  add r9, r9, r10
  bne 4b
  ldrd r4, r5, [lr, #DEPTHWISE_SKIPS]
  subs r12, r12, #1
  add r8, r8, r4
  add r9, r9, r5
  bne 3b
  ldr r4, [lr, #DEPTHWISE_CHANNEL]
  ldrd r5, r6, [lr, #DEPTHWISE_PARAMETERS]
  ldr r7, [lr, #DEPTHWISE_ZERO_POINT]
  add r5, r5, r4, lsl #3
  add r6, r6, r4
  DEPTHWISE_OUTPUT_OF r0, 0
  DEPTHWISE_OUTPUT_OF r1, 1
  DEPTHWISE_OUTPUT_OF r2, 2
  DEPTHWISE_OUTPUT_OF r3, 3
  add r4, r4, #4
  sub r5, r10, #4
  cmp r4, r5
  bls 2b
  cmp r4, r10
  beq 5f
  mov r4, r5                  @ the last block
  b 2b
5:
  ldr r4, [lr, #DEPTHWISE_INPUT]
  ldr r5, [lr, #DEPTHWISE_OUTPUT]
  ldrd r6, r7, [lr, #DEPTHWISE_PIXELS]
  add r4, r4, r7
  add r5, r5, r10
  subs r6, r6, #1
  str r4, [lr, #DEPTHWISE_INPUT]
  str r5, [lr, #DEPTHWISE_OUTPUT]
  str r6, [lr, #DEPTHWISE_PIXELS]
  bne 1b
  pop {r4-r11, pc}
