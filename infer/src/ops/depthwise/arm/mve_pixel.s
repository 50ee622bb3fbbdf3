@ Depthwise convolution of one pixel with two roundings, with the vector extension: eight channels
@ at once. All of its taps lie inside of the map, a tap's channels after those of the tap before.
@
@   for each eight channels:
@       sums = biases
@       for each tap: sums += input * weight, channel by channel
@       outputs as in mve_twice.s, where their ranges are proved
@
@ r0 = {input, taps, weights, output, parameters, shifts, zero point, end of parameters, channels};
@ a tap and eight channels or more, and a multiple of eight to compute. Answers 1. Registers: r1
@ input, r3 weights, r2 and r7 addresses of a tap's, r4 output, r5 and r8 parameters and their end,
@ r6 shifts, r9 channels, r10 taps, r11 zero point, lr taps left; q0 and q2 sums of even and of odd
@ channels, q1 and q3 their multipliers, q4 inputs, q5 weights, q6 and q7 products.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12, q0-q3; r0 is the answer
@ - stack bytes: 100
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: input and weights are read byte by byte

.section .text.kindling_depthwise_pixel_twice, "ax", %progbits
.global kindling_depthwise_pixel_twice
.type kindling_depthwise_pixel_twice, %function
.thumb_func
.balign 4
kindling_depthwise_pixel_twice:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  vpush {d8-d15}
  KINDLING_SAVED 8, d8, d9, d10, d11, d12, d13, d14, d15
  ldmia r0, {r1-r9}
  mov r10, r2
  mov r11, r7
1:
  vld40.32 {q0, q1, q2, q3}, [r5]
  vld41.32 {q0, q1, q2, q3}, [r5]
  vld42.32 {q0, q1, q2, q3}, [r5]
  vld43.32 {q0, q1, q2, q3}, [r5]!
  mov r2, r1
  mov r7, r3
  dls lr, r10
2:
  vldrb.s16 q4, [r2]
  vldrb.s16 q5, [r7]
  add r2, r2, r9
  vmullb.s16 q6, q4, q5
  add r7, r7, r9
  vmullt.s16 q7, q4, q5
  vadd.i32 q0, q0, q6
  vadd.i32 q2, q2, q7
  le lr, 2b
  vldrb.s16 q4, [r6], #8
  vmovlb.s16 q5, q4
  vmovlt.s16 q4, q4
  KINDLING_DEPTHWISE_TWICE_PRODUCTS q0, q1, q5, 1
  KINDLING_DEPTHWISE_TWICE_PRODUCTS q2, q3, q4, 1
  vqmovnb.s32 q0, q0
  vqmovnt.s32 q0, q2
  add r1, r1, #8
  vqadd.s16 q0, q0, r11
  add r3, r3, #8
  vqmovnb.s16 q0, q0
  vstrb.16 q0, [r4], #8
  cmp r5, r8
  bne 1b
  movs r0, #1
  .cfi_remember_state
  vpop {d8-d15}
  .cfi_adjust_cfa_offset -64
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_depthwise_pixel_twice, . - kindling_depthwise_pixel_twice
