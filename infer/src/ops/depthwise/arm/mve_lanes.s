@ Depthwise convolution 3x3 with two roundings, with the vector extension: eight pixels at once, all
@ of whose taps lie inside of the map, channel after channel.
@
@   for each channel:
@       for each group of eight pixels:
@           sums = start
@           for each of nine taps: sums += inputs under the tap * its weight
@           products = round(sums * 2^max(shift, 0) * multiplier / 2^31)         halves up
@           outputs = saturate(zero point + round(products / 2^max(-shift, 0)))  halves away from 0
@
@ Pixels 0, 2, 4 and 6 of a group are a vector, and the odd ones another. For the ranges, and what
@ is left out where `any` is 0, see mve_twice.s.
@
@ r0 = {input, weights, starts, parameters, shifts, output, channels, bytes from row to row, groups,
@ number of groups, zero point}; a channel and a group or more. A group is the places of eight
@ pixels after the input, those of even ones first, and of their outputs after the output, int16.
@ Registers: r0-r8 weights, r9 channels, r10 address of the input, r11 groups, r12 output, lr groups
@ left, q0 and q1 sums, q2 and q3 inputs, q4 starts, q5 multipliers, q6 and q7 places.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, starts, parameters and groups at whole words
@ - clobbers: r0-r3 and r12, q0-q3
@ - stack bytes: 160
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: input and weights are read byte by byte

.set KINDLING_LANES_ROWS, 0   @ the first tap of each kernel row
.set KINDLING_LANES_SHIFT, 12  @ to the right, 0 or less
.set KINDLING_LANES_ZERO_POINT, 16
.set KINDLING_LANES_GROUPS, 20
.set KINDLING_LANES_GROUP_COUNT, 24
.set KINDLING_LANES_OUTPUT, 28
.set KINDLING_LANES_WEIGHTS, 32
.set KINDLING_LANES_STARTS, 36
.set KINDLING_LANES_PARAMETERS, 40
.set KINDLING_LANES_SHIFTS, 44
.set KINDLING_LANES_CHANNELS_LEFT, 48
.set KINDLING_LANES_LEFT, 52  @ to the left, 0 or more
.set KINDLING_LANES_IS_RIGHT, 56  @ 1 for a shift to the right, else 0
.set KINDLING_LANES_BYTES, 60

.macro KINDLING_LANES_TAP weight
  vldrb.s32 q2, [r10, q6]
  vldrb.s32 q3, [r10, q7]
  vmla.s32 q0, q2, \weight
  vmla.s32 q1, q3, \weight
.endm

.macro KINDLING_LANES_ROW row, first, second, third
  ldr r10, [sp, #(KINDLING_LANES_ROWS + 4 * \row)]
  KINDLING_LANES_TAP \first
  add r10, r10, r9
  KINDLING_LANES_TAP \second
  add r10, r10, r9
  KINDLING_LANES_TAP \third
.endm

.macro KINDLING_LANES_WEIGHTS_OF_ROW first, second, third
  ldrsb \first, [r10]
  ldrsb \second, [r10, r9]
  ldrsb \third, [r10, r9, lsl #1]
.endm

.macro KINDLING_LANES_BLOCK any
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  vpush {d8-d15}
  KINDLING_SAVED 8, d8, d9, d10, d11, d12, d13, d14, d15
  sub sp, sp, #KINDLING_LANES_BYTES
  .cfi_adjust_cfa_offset KINDLING_LANES_BYTES
  ldmia r0!, {r1-r7}          @ input, weights, starts, parameters, shifts, output, channels
  ldmia r0, {r8-r11}          @ bytes from row to row, groups, their number, zero point
  str r1, [sp, #KINDLING_LANES_ROWS]
  add r1, r1, r8
  str r1, [sp, #(KINDLING_LANES_ROWS + 4)]
  add r1, r1, r8
  str r1, [sp, #(KINDLING_LANES_ROWS + 8)]
  str r11, [sp, #KINDLING_LANES_ZERO_POINT]
  strd r9, r10, [sp, #KINDLING_LANES_GROUPS]
  strd r6, r2, [sp, #KINDLING_LANES_OUTPUT]
  strd r3, r4, [sp, #KINDLING_LANES_STARTS]
  strd r5, r7, [sp, #KINDLING_LANES_SHIFTS]
  mov r9, r7
1:                            @ a channel
  ldrd r10, r11, [sp, #KINDLING_LANES_STARTS]
  ldr r0, [r10], #4
  ldr r1, [r11, #4]
  add r11, r11, #8
  strd r10, r11, [sp, #KINDLING_LANES_STARTS]
  vdup.32 q4, r0
  vdup.32 q5, r1
  ldr r10, [sp, #KINDLING_LANES_SHIFTS]
  ldrsb r0, [r10], #1
  str r10, [sp, #KINDLING_LANES_SHIFTS]
.if \any
  bic r1, r0, r0, asr #31
  lsr r2, r0, #31
  and r0, r0, r0, asr #31
  strd r1, r2, [sp, #KINDLING_LANES_LEFT]
.endif
  str r0, [sp, #KINDLING_LANES_SHIFT]
  ldr r10, [sp, #KINDLING_LANES_WEIGHTS]
  add r11, r10, #1
  str r11, [sp, #KINDLING_LANES_WEIGHTS]
  KINDLING_LANES_WEIGHTS_OF_ROW r0, r1, r2
  add r10, r10, r9
  add r10, r10, r9, lsl #1
  KINDLING_LANES_WEIGHTS_OF_ROW r3, r4, r5
  add r10, r10, r9
  add r10, r10, r9, lsl #1
  KINDLING_LANES_WEIGHTS_OF_ROW r6, r7, r8
  ldrd r11, lr, [sp, #KINDLING_LANES_GROUPS]
  ldr r12, [sp, #KINDLING_LANES_OUTPUT]
2:                            @ a group
  vldrw.u32 q6, [r11], #16
  vldrw.u32 q7, [r11], #16
  vmov q0, q4
  vmov q1, q4
  KINDLING_LANES_ROW 0, r0, r1, r2
  KINDLING_LANES_ROW 1, r3, r4, r5
  KINDLING_LANES_ROW 2, r6, r7, r8
.if \any
  ldr r10, [sp, #KINDLING_LANES_LEFT]
  vshl.s32 q0, r10
  vshl.s32 q1, r10
.endif
  vqrdmulh.s32 q0, q0, q5
  vqrdmulh.s32 q1, q1, q5
.if \any
  ldr r10, [sp, #KINDLING_LANES_IS_RIGHT]
  vshr.s32 q2, q0, #31
  vshr.s32 q3, q1, #31
  vmla.s32 q0, q2, r10
  vmla.s32 q1, q3, r10
.endif
  ldr r10, [sp, #KINDLING_LANES_SHIFT]
  vrshl.s32 q0, r10
  vrshl.s32 q1, r10
  ldr r10, [sp, #KINDLING_LANES_ZERO_POINT]
  vqmovnb.s32 q0, q0
  vqmovnt.s32 q0, q1
  vldrh.u16 q2, [r11], #16
  vqadd.s16 q0, q0, r10
  vqmovnb.s16 q0, q0
  vstrb.16 q0, [r12, q2]
  le lr, 2b
  ldmia sp, {r0-r2}
  add r0, r0, #1
  add r1, r1, #1
  add r2, r2, #1
  add r12, r12, #1
  stmia sp, {r0-r2}
  str r12, [sp, #KINDLING_LANES_OUTPUT]
  ldr r0, [sp, #KINDLING_LANES_CHANNELS_LEFT]
  subs r0, r0, #1
  str r0, [sp, #KINDLING_LANES_CHANNELS_LEFT]
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_LANES_BYTES
  .cfi_adjust_cfa_offset -KINDLING_LANES_BYTES
  vpop {d8-d15}
  .cfi_adjust_cfa_offset -64
  pop {r4-r11, pc}
  .cfi_restore_state
.endm

.section .text.kindling_depthwise_lanes, "ax", %progbits
.global kindling_depthwise_lanes
.type kindling_depthwise_lanes, %function
.thumb_func
.balign 4
kindling_depthwise_lanes:
  .cfi_startproc
  KINDLING_LANES_BLOCK 0
  .cfi_endproc
.size kindling_depthwise_lanes, . - kindling_depthwise_lanes

.section .text.kindling_depthwise_lanes_any, "ax", %progbits
.global kindling_depthwise_lanes_any
.type kindling_depthwise_lanes_any, %function
.thumb_func
.balign 4
kindling_depthwise_lanes_any:
  .cfi_startproc
  KINDLING_LANES_BLOCK 1
  .cfi_endproc
.size kindling_depthwise_lanes_any, . - kindling_depthwise_lanes_any
