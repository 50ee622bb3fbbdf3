@ Depthwise convolution 3x3 with the vector extension: eight pixels at once, the same taps of which
@ lie inside of the map, channel after channel.
@
@   for each channel:
@       for each group of eight pixels:
@           sums = start
@           for each tap inside of the map: sums += inputs under the tap * its weight
@           once:  outputs = saturate(zero point + round(sums * multiplier / 2^32))
@           twice: products = round(sums * 2^max(shift, 0) * multiplier / 2^31)         halves up
@                  outputs = saturate(zero point + round(products / 2^max(-shift, 0)))  halves away
@                                                                                       from 0
@
@ Pixels 0, 2, 4 and 6 of a group are a vector, and the odd ones another. For the ranges, and what
@ `relu` leaves out, see mve_twice.s. `vrmulh` is (sum * multiplier + 2^31) >> 32.
@
@ r0 = {input, weights, starts, parameters, shifts, output, channels, bytes from row to row, groups,
@ number of groups, zero point, sides}; a channel and a group or more. Input and weights begin with
@ the first tap inside. Sides: bit 31 is 1 for three rows inside, 0 for two, bit 30 for columns;
@ what computes a `whole` block takes all nine taps. A group is the places of eight pixels after the
@ input, those of even ones first, and of their outputs after the output, int16.
@ Registers: r0-r8 weights, r9 channels, r10 address of the input, r11 groups, r12 output, lr groups
@ left, q0 and q1 sums, q2 and q3 inputs, q4 starts, q5 multipliers, q6 and q7 places; where taps
@ lie outside, N and C are the sides of a block.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, starts, parameters and groups at whole words
@ - clobbers: r0-r3 and r12, q0-q3
@ - stack bytes: 164
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
.set KINDLING_LANES_SIDES, 60
.set KINDLING_LANES_BYTES, 64

.macro KINDLING_LANES_TAP weight
  vldrb.s32 q2, [r10, q6]
  vldrb.s32 q3, [r10, q7]
  vmla.s32 q0, q2, \weight
  vmla.s32 q1, q3, \weight
.endm

.macro KINDLING_LANES_ROW row, first, second, third, taps
  ldr r10, [sp, #(KINDLING_LANES_ROWS + 4 * \row)]
  KINDLING_LANES_TAP \first
  add r10, r10, r9
  KINDLING_LANES_TAP \second
.ifc \taps, part
  bpl 7f
.endif
  add r10, r10, r9
  KINDLING_LANES_TAP \third
7:
.endm

@ The weights of a row; goes on to the next.
.macro KINDLING_LANES_WEIGHTS_OF_ROW first, second, third, taps
  ldrsb \first, [r10]
  ldrsb \second, [r10, r9]
.ifc \taps, part
  bpl 7f
.endif
  ldrsb \third, [r10, r9, lsl #1]
7:
  add r10, r10, r9
  add r10, r10, r9, lsl #1
.endm

@ q0 and q1 = sums as they are before the zero point.
.macro KINDLING_LANES_PRODUCTS rounding
.ifc \rounding, once
  vrmulh.s32 q0, q0, q5
  vrmulh.s32 q1, q1, q5
.else
.ifc \rounding, any
  ldr r10, [sp, #KINDLING_LANES_LEFT]
  vshl.s32 q0, r10
  vshl.s32 q1, r10
.endif
  vqrdmulh.s32 q0, q0, q5
  vqrdmulh.s32 q1, q1, q5
.ifc \rounding, any
  ldr r10, [sp, #KINDLING_LANES_IS_RIGHT]
  vshr.s32 q2, q0, #31
  vshr.s32 q3, q1, #31
  vmla.s32 q0, q2, r10
  vmla.s32 q1, q3, r10
.endif
  ldr r10, [sp, #KINDLING_LANES_SHIFT]
  vrshl.s32 q0, r10
  vrshl.s32 q1, r10
.endif
.endm

@ q4 = starts, q5 = multipliers of the channel, and its shifts; goes on to the next channel's.
.macro KINDLING_LANES_CHANNEL rounding
  ldrd r10, r11, [sp, #KINDLING_LANES_STARTS]
  ldr r0, [r10], #4
  ldr r1, [r11, #4]
  add r11, r11, #8
  strd r10, r11, [sp, #KINDLING_LANES_STARTS]
  vdup.32 q4, r0
  vdup.32 q5, r1
.ifnc \rounding, once
  ldr r10, [sp, #KINDLING_LANES_SHIFTS]
  ldrsb r0, [r10], #1
  str r10, [sp, #KINDLING_LANES_SHIFTS]
.ifc \rounding, any
  bic r1, r0, r0, asr #31
  lsr r2, r0, #31
  and r0, r0, r0, asr #31
  strd r1, r2, [sp, #KINDLING_LANES_LEFT]
.endif
  str r0, [sp, #KINDLING_LANES_SHIFT]
.endif
.endm

.macro KINDLING_LANES name, rounding, taps
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  vpush {d8-d15}
  KINDLING_SAVED 8, d8, d9, d10, d11, d12, d13, d14, d15
  sub sp, sp, #KINDLING_LANES_BYTES
  .cfi_adjust_cfa_offset KINDLING_LANES_BYTES
  ldmia r0!, {r1-r7}          @ input, weights, starts, parameters, shifts, output, channels
  ldmia r0!, {r8-r11}         @ bytes from row to row, groups, their number, zero point
  ldr r0, [r0]
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
  str r0, [sp, #KINDLING_LANES_SIDES]
  mov r9, r7
1:                            @ a channel
  KINDLING_LANES_CHANNEL \rounding
  ldr r10, [sp, #KINDLING_LANES_WEIGHTS]
  add r11, r10, #1
  str r11, [sp, #KINDLING_LANES_WEIGHTS]
.ifc \taps, part
  ldr r0, [sp, #KINDLING_LANES_SIDES]
  lsls r0, r0, #1             @ C: three rows, N: three columns; nothing below changes them
.endif
  KINDLING_LANES_WEIGHTS_OF_ROW r0, r1, r2, \taps
  KINDLING_LANES_WEIGHTS_OF_ROW r3, r4, r5, \taps
.ifc \taps, part
  bcc 8f
.endif
  KINDLING_LANES_WEIGHTS_OF_ROW r6, r7, r8, \taps
8:
  ldrd r11, lr, [sp, #KINDLING_LANES_GROUPS]
  ldr r12, [sp, #KINDLING_LANES_OUTPUT]
2:                            @ a group
  vldrw.u32 q6, [r11], #16
  vldrw.u32 q7, [r11], #16
  vmov q0, q4
  vmov q1, q4
  KINDLING_LANES_ROW 0, r0, r1, r2, \taps
  KINDLING_LANES_ROW 1, r3, r4, r5, \taps
.ifc \taps, part
  bcc 8f
.endif
  KINDLING_LANES_ROW 2, r6, r7, r8, \taps
8:
  KINDLING_LANES_PRODUCTS \rounding
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
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_LANES kindling_depthwise_lanes_once, once, whole
KINDLING_LANES kindling_depthwise_lanes_relu, relu, whole
KINDLING_LANES kindling_depthwise_lanes_any, any, whole
KINDLING_LANES kindling_depthwise_lanes_once_part, once, part
KINDLING_LANES kindling_depthwise_lanes_relu_part, relu, part
KINDLING_LANES kindling_depthwise_lanes_any_part, any, part
