@ Depthwise convolution with the vector extension: the pixels of a run, eight channels at once.
@
@   for each pixel, for each block of eight channels:
@       sums = starts
@       for each row and column of taps: sums += input * weight, channel by channel
@       outputs = requantise(sums)
@
@ The sums of even channels and of odd ones are a vector each. The last block ends with the last
@ channel. Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it
@ for all partial sums. `vrmulh` is (sum * multiplier + 2^31) >> 32.
@
@ r0 = {input, weights, starts, parameters, output, channels, rows, columns, skip of the input, skip
@ of the weights, pixels, step, zero point, channel}; a pixel, a row, a column and eight channels or
@ more. Registers: r1 first channel, r2 address of the input, r3 of the weights, r4-r8 others, r10
@ channels, r12 rows left, lr columns left, q0 even sums, q1 odd sums, q2 input, q3 weights, q4 and
@ q5 products.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above; its input, output and pixels are changed
@ - alignment: r0, starts and parameters at whole words
@ - clobbers: r0-r3 and r12, q0-q3
@ - stack bytes: 68
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: input and weights are read byte by byte

.set KINDLING_DEPTHWISE_INPUT, 0
.set KINDLING_DEPTHWISE_STARTS, 8
.set KINDLING_DEPTHWISE_PARAMETERS, 12
.set KINDLING_DEPTHWISE_OUTPUT, 16
.set KINDLING_DEPTHWISE_CHANNELS, 20
.set KINDLING_DEPTHWISE_ROWS, 24
.set KINDLING_DEPTHWISE_COLUMNS, 28
.set KINDLING_DEPTHWISE_SKIPS, 32
.set KINDLING_DEPTHWISE_PIXELS, 40
.set KINDLING_DEPTHWISE_ZERO_POINT, 48

.section .text.kindling_depthwise, "ax", %progbits
.global kindling_depthwise
.type kindling_depthwise, %function
.thumb_func
.balign 4
kindling_depthwise:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  vpush {d8-d11}
  KINDLING_SAVED 8, d8, d9, d10, d11
  ldr r10, [r0, #KINDLING_DEPTHWISE_CHANNELS]
1:                            @ a pixel
  movs r1, #0
2:                            @ a block from channel r1 on
  ldrd r2, r3, [r0, #KINDLING_DEPTHWISE_INPUT]
  ldr r5, [r0, #KINDLING_DEPTHWISE_STARTS]
  add r2, r2, r1
  add r3, r3, r1
  add r5, r5, r1, lsl #2
  ldrd r12, r8, [r0, #KINDLING_DEPTHWISE_ROWS]
  vld20.32 {q0, q1}, [r5]
  vld21.32 {q0, q1}, [r5]
  ldrd r4, r5, [r0, #KINDLING_DEPTHWISE_SKIPS]
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
  ldrd r5, r6, [r0, #KINDLING_DEPTHWISE_PARAMETERS]
  ldr r7, [r0, #KINDLING_DEPTHWISE_ZERO_POINT]
  add r5, r5, r1, lsl #3
  add r6, r6, r1
  vld40.32 {q2, q3, q4, q5}, [r5]
  vld41.32 {q2, q3, q4, q5}, [r5]
  vld42.32 {q2, q3, q4, q5}, [r5]
  vld43.32 {q2, q3, q4, q5}, [r5] @ bias and multiplier of even channels, then of odd ones
  vrmulh.s32 q0, q0, q3
  vrmulh.s32 q1, q1, q5
  vadd.i32 q0, q0, r7
  vadd.i32 q1, q1, r7
  vqmovnb.s32 q2, q0
  vqmovnt.s32 q2, q1
  vqmovnb.s16 q2, q2
  vstrb.16 q2, [r6]
  adds r1, r1, #8
  sub r5, r10, #8
  cmp r1, r5
  bls 2b
  cmp r1, r10
  beq 5f
  mov r1, r5                  @ the last block
  b 2b
5:
  ldr r4, [r0, #KINDLING_DEPTHWISE_INPUT]
  ldr r5, [r0, #KINDLING_DEPTHWISE_OUTPUT]
  ldrd r6, r7, [r0, #KINDLING_DEPTHWISE_PIXELS]
  add r4, r4, r7
  add r5, r5, r10
  subs r6, r6, #1
  str r4, [r0, #KINDLING_DEPTHWISE_INPUT]
  str r5, [r0, #KINDLING_DEPTHWISE_OUTPUT]
  str r6, [r0, #KINDLING_DEPTHWISE_PIXELS]
  bne 1b
  .cfi_remember_state
  vpop {d8-d11}
  .cfi_adjust_cfa_offset -32
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_depthwise, . - kindling_depthwise
