@ Depthwise convolution with two roundings, with the vector extension: the pixels of a run, eight
@ channels at once.
@
@   for each pixel, for each block of eight channels:
@       sums = starts
@       for each row and column of taps: sums += input * weight, channel by channel
@       products = round(sums * 2^max(shift, 0) * multiplier / 2^31)             halves up
@       outputs = saturate(zero point + round(products / 2^max(-shift, 0)))      halves away from 0
@
@ The sums of even channels and of odd ones are a vector each. The last block ends with the last
@ channel. Every product of a tap is at most 2^14 in size; sums stay in 32 bits, also shifted to the
@ left, because the model proved it for all partial sums. `vqrdmulh` is
@ (2 * sum * multiplier + 2^31) >> 32 and saturates for -2^31 * -2^31 only, which no multiplier is.
@ `vrshl` rounds halves up: where a product is below 0 and the shift too, 1 less of it moves just
@ the halves down. A product is more than -2^31 + 1, so that fits. Where the zero point is -128 and
@ no shift is above 0 none of that is needed: what is below 0 becomes -128, rounded either way.
@ Outputs saturate to 16 bits before the zero point is added, to 8 after it: 2^15 - 1 and a zero
@ point are still beyond 8 bits.
@
@ r0 = {input, weights, starts, parameters, output, channels, rows, columns, skip of the input, skip
@ of the weights, pixels, step, zero point, channel, shifts}; a pixel, a row, a column and eight
@ channels or more. Registers: r1 first channel, r2 address of the input, r3 of the weights, r4-r8
@ others, r10 channels, r12 rows left, lr columns left, q0 even sums, q1 odd sums, q2 input, q3
@ weights, q4 and q5 products.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above; its input, output and pixels are changed
@ - alignment: r0, starts and parameters at whole words
@ - clobbers: r0-r3 and r12, q0-q3
@ - stack bytes: 68
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: input and weights are read byte by byte

.set KINDLING_DEPTHWISE_TWICE_INPUT, 0
.set KINDLING_DEPTHWISE_TWICE_STARTS, 8
.set KINDLING_DEPTHWISE_TWICE_PARAMETERS, 12
.set KINDLING_DEPTHWISE_TWICE_CHANNELS, 20
.set KINDLING_DEPTHWISE_TWICE_ROWS, 24
.set KINDLING_DEPTHWISE_TWICE_SKIPS, 32
.set KINDLING_DEPTHWISE_TWICE_OUTPUT, 16
.set KINDLING_DEPTHWISE_TWICE_PIXELS, 40
.set KINDLING_DEPTHWISE_TWICE_ZERO_POINT, 48
.set KINDLING_DEPTHWISE_TWICE_SHIFTS, 56

@ Outputs of four sums before the zero point; the shifts are lost where some may be above 0.
.macro KINDLING_DEPTHWISE_TWICE_PRODUCTS sums, multipliers, shifts, any
.if \any
  vptt.s32 gt, \shifts, zr
  vshlt.s32 \sums, \sums, \shifts
  veort \shifts, \shifts, \shifts
.endif
  vqrdmulh.s32 \sums, \sums, \multipliers
.if \any
  vand \multipliers, \sums, \shifts
  vshr.s32 \multipliers, \multipliers, #31
  vadd.i32 \sums, \sums, \multipliers
.endif
  vrshl.s32 \sums, \sums, \shifts
.endm

.macro KINDLING_DEPTHWISE_TWICE_RUN any
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  vpush {d8-d11}
  KINDLING_SAVED 8, d8, d9, d10, d11
  ldr r10, [r0, #KINDLING_DEPTHWISE_TWICE_CHANNELS]
1:                            @ a pixel
  movs r1, #0
2:                            @ a block from channel r1 on
  ldrd r2, r3, [r0, #KINDLING_DEPTHWISE_TWICE_INPUT]
  ldr r5, [r0, #KINDLING_DEPTHWISE_TWICE_STARTS]
  add r2, r2, r1
  add r3, r3, r1
  add r5, r5, r1, lsl #2
  ldrd r12, r8, [r0, #KINDLING_DEPTHWISE_TWICE_ROWS]
  vld20.32 {q0, q1}, [r5]
  vld21.32 {q0, q1}, [r5]
  ldrd r4, r5, [r0, #KINDLING_DEPTHWISE_TWICE_SKIPS]
3:                            @ a row of taps
  dls lr, r8
4:
  vldrb.s16 q2, [r2]
  vldrb.s16 q3, [r3]
  add r2, r2, r10
  vmullb.s16 q4, q2, q3
  add r3, r3, r10
  vmullt.s16 q5, q2, q3
  vadd.i32 q0, q0, q4
  vadd.i32 q1, q1, q5
  le lr, 4b
  subs r12, r12, #1
  add r2, r2, r4
  add r3, r3, r5
  bne 3b
  ldrd r5, r6, [r0, #KINDLING_DEPTHWISE_TWICE_PARAMETERS]
  ldr r8, [r0, #KINDLING_DEPTHWISE_TWICE_ZERO_POINT]
  ldr r7, [r0, #KINDLING_DEPTHWISE_TWICE_SHIFTS]
  add r5, r5, r1, lsl #3
  add r6, r6, r1
  add r7, r7, r1
  vld40.32 {q2, q3, q4, q5}, [r5]
  vld41.32 {q2, q3, q4, q5}, [r5]
  vld42.32 {q2, q3, q4, q5}, [r5]
  vld43.32 {q2, q3, q4, q5}, [r5] @ bias and multiplier of even channels, then of odd ones
  vldrb.s16 q2, [r7]
  vmovlb.s16 q4, q2
  vmovlt.s16 q2, q2
  KINDLING_DEPTHWISE_TWICE_PRODUCTS q0, q3, q4, \any
  KINDLING_DEPTHWISE_TWICE_PRODUCTS q1, q5, q2, \any
  vqmovnb.s32 q0, q0
  vqmovnt.s32 q0, q1
  vqadd.s16 q0, q0, r8
  vqmovnb.s16 q0, q0
  vstrb.16 q0, [r6]
  adds r1, r1, #8
  sub r5, r10, #8
  cmp r1, r5
  bls 2b
  cmp r1, r10
  beq 5f
  mov r1, r5                  @ the last block
  b 2b
5:
  ldr r4, [r0, #KINDLING_DEPTHWISE_TWICE_INPUT]
  ldr r5, [r0, #KINDLING_DEPTHWISE_TWICE_OUTPUT]
  ldrd r6, r7, [r0, #KINDLING_DEPTHWISE_TWICE_PIXELS]
  add r4, r4, r7
  add r5, r5, r10
  subs r6, r6, #1
  str r4, [r0, #KINDLING_DEPTHWISE_TWICE_INPUT]
  str r5, [r0, #KINDLING_DEPTHWISE_TWICE_OUTPUT]
  str r6, [r0, #KINDLING_DEPTHWISE_TWICE_PIXELS]
  bne 1b
  .cfi_remember_state
  vpop {d8-d11}
  .cfi_adjust_cfa_offset -32
  pop {r4-r11, pc}
  .cfi_restore_state
.endm

.section .text.kindling_depthwise_twice_any, "ax", %progbits
.global kindling_depthwise_twice_any
.type kindling_depthwise_twice_any, %function
.thumb_func
.balign 4
kindling_depthwise_twice_any:
  .cfi_startproc
  KINDLING_DEPTHWISE_TWICE_RUN 1
  .cfi_endproc
.size kindling_depthwise_twice_any, . - kindling_depthwise_twice_any

@ The same where the zero point is -128 and no shift is above 0.
.section .text.kindling_depthwise_twice, "ax", %progbits
.global kindling_depthwise_twice
.type kindling_depthwise_twice, %function
.thumb_func
.balign 4
kindling_depthwise_twice:
  .cfi_startproc
  KINDLING_DEPTHWISE_TWICE_RUN 0
  .cfi_endproc
.size kindling_depthwise_twice, . - kindling_depthwise_twice
