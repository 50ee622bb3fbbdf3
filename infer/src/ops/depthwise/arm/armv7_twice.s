@ Depthwise convolution with two roundings on Armv7-M: as armv7.s, which this file follows, but for
@ the outputs.
@
@   products = round(2 * sums * multiplier / 2^32)                               halves up
@   outputs = saturate(zero point + round(products / 2^-shift))                  halves away from 0
@
@ Shifts are -31 to 0. Range: sums are below 2^30 in size, as twice.rs proves, so twice a sum fits.
@ A product is smaller than its sum. A shift to the right leaves the last bit that goes in the
@ carry, and adding that rounds halves up. Where the product is below 0, 1 less of it moves just the
@ halves down: `adds` of its sign sets the carry then and else clears it, and that stays for a shift
@ by 0, where it makes up for the 1.
@
@ r0 = as there, and {shifts} after them. Registers: r11 shifts while outputs are made.

.set DEPTHWISE_TWICE_SHIFTS, 56

.macro DEPTHWISE_TWICE_OUTPUT_OF sum, place
  ldr r8, [r5, #(8 * \place + 4)]
  lsl \sum, \sum, #1
.if KINDLING_DSP
  smmulr \sum, \sum, r8
.else
  smull r9, \sum, \sum, r8
  adds r9, r9, r9
  adc \sum, \sum, #0
.endif
  ldrsb r9, [r11, #\place]
  adds \sum, \sum, \sum, asr #31
  rsb r9, r9, #0
  asrs \sum, \sum, r9
  adc \sum, \sum, r7
  ssat \sum, #8, \sum
  strb \sum, [r6, #\place]
.endm

.section .text.kindling_depthwise_twice, "ax", %progbits
.global kindling_depthwise_twice
.type kindling_depthwise_twice, %function
.thumb_func
.balign 4
kindling_depthwise_twice:
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
  ldr r11, [lr, #DEPTHWISE_TWICE_SHIFTS]
  add r5, r5, r4, lsl #3
  add r6, r6, r4
  add r11, r11, r4
  DEPTHWISE_TWICE_OUTPUT_OF r0, 0
  DEPTHWISE_TWICE_OUTPUT_OF r1, 1
  DEPTHWISE_TWICE_OUTPUT_OF r2, 2
  DEPTHWISE_TWICE_OUTPUT_OF r3, 3
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
