@ Depthwise convolution of one pixel, on Armv7-M with the DSP extension or without: four channels at
@ once. All of its taps lie inside of the map, a tap's channels after those of the tap before.
@
@   for each four channels:
@       sums = biases
@       for each tap: sums += input * weight, channel by channel
@       outputs = requantised sums, see arm/requantise.s and arm/twice.s
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums, with two roundings with a channel's shift to the left. Words of input and weights
@ may lie at any address.
@
@ r0 = {input, taps, weights, output, parameters, shifts, zero point, with two roundings 2 * zero
@ point + 1, end of parameters, channels}; a tap and four channels or more, and a multiple of four
@ to compute. Answers whether all is done: with two roundings it ends at a multiplier below 2^30
@ that is not 0. Registers: r0-r3 sums, r4 and r5 addresses of input and weights, r6 = channels, r8
@ and r9 inputs and weights, r7, r10 and r11 temporary, r12 pairs of taps left. Outputs: see
@ arm/twice.s.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12; r0 is the answer
@ - stack bytes: 76
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: with the DSP extension input and weights are read by words at any
@   address

@ The frame:
.set KINDLING_DEPTHWISE_PIXEL_INPUT, 0  @ then the taps
.set KINDLING_DEPTHWISE_PIXEL_WEIGHTS, 8
.set KINDLING_DEPTHWISE_PIXEL_OUTPUT, 12  @ next
.set KINDLING_DEPTHWISE_PIXEL_PARAMETERS, 16  @ next, then the next shift
.set KINDLING_DEPTHWISE_PIXEL_ZERO_POINT, 24
.set KINDLING_DEPTHWISE_PIXEL_PARAMETERS_END, 28
.set KINDLING_DEPTHWISE_PIXEL_CHANNELS, 32
.set KINDLING_DEPTHWISE_PIXEL_FRAME, 40

.if KINDLING_DSP
.macro KINDLING_DEPTHWISE_PIXEL_PRODUCTS
  sxtb16 r10, r8
  sxtb16 r11, r9
  sxtb16 r8, r8, ror #8
  sxtb16 r9, r9, ror #8
  smlabb r0, r10, r11, r0
  smlatt r2, r10, r11, r2
  smlabb r1, r8, r9, r1
  smlatt r3, r8, r9, r3
.endm

.macro KINDLING_DEPTHWISE_PIXEL_TAP
  ldr.w r8, [r4]
  ldr.w r9, [r5]
  KINDLING_DEPTHWISE_PIXEL_PRODUCTS
.endm

.macro KINDLING_DEPTHWISE_PIXEL_TWO_TAPS
  KINDLING_DEPTHWISE_PIXEL_TAP
  ldr.w r8, [r4, r6]
  ldr.w r9, [r5, r6]
  KINDLING_DEPTHWISE_PIXEL_PRODUCTS
  add r4, r4, r6, lsl #1
  add r5, r5, r6, lsl #1
.endm
.else
.macro KINDLING_DEPTHWISE_PIXEL_TAP
.irp place, 0, 1, 2, 3
  ldrsb.w r8, [r4, #\place]
  ldrsb.w r9, [r5, #\place]
  mla r\place, r8, r9, r\place
.endr
.endm

.macro KINDLING_DEPTHWISE_PIXEL_TWO_TAPS
  KINDLING_DEPTHWISE_PIXEL_TAP
  add r4, r4, r6
  add r5, r5, r6
  KINDLING_DEPTHWISE_PIXEL_TAP
  add r4, r4, r6
  add r5, r5, r6
.endm
.endif

.macro KINDLING_DEPTHWISE_PIXEL name, rounding, other
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_DEPTHWISE_PIXEL_FRAME
  .cfi_adjust_cfa_offset KINDLING_DEPTHWISE_PIXEL_FRAME
  ldmia r0!, {r1-r8}
  stmia sp, {r1-r8}
  ldr r6, [r0]
  str r6, [sp, #KINDLING_DEPTHWISE_PIXEL_CHANNELS]
1:
  ldr r8, [sp, #KINDLING_DEPTHWISE_PIXEL_PARAMETERS]
  ldrd r4, r12, [sp, #KINDLING_DEPTHWISE_PIXEL_INPUT]
  ldr r0, [r8]
  ldr r1, [r8, #8]
  ldr r2, [r8, #16]
  ldr r3, [r8, #24]
  ldr r5, [sp, #KINDLING_DEPTHWISE_PIXEL_WEIGHTS]
  ldr r6, [sp, #KINDLING_DEPTHWISE_PIXEL_CHANNELS]
  lsrs r12, r12, #1           @ the carry is an odd tap
  bcc 2f
  KINDLING_DEPTHWISE_PIXEL_TAP
  add.w r4, r4, r6
  add.w r5, r5, r6
2:
  beq 4f
3:
  KINDLING_DEPTHWISE_PIXEL_TWO_TAPS
  subs r12, r12, #1
  bne 3b
4:
  ldr r4, [sp, #KINDLING_DEPTHWISE_PIXEL_INPUT]
  ldr r5, [sp, #KINDLING_DEPTHWISE_PIXEL_WEIGHTS]
  add r4, r4, #4
  add r5, r5, #4
  str r4, [sp, #KINDLING_DEPTHWISE_PIXEL_INPUT]
  str r5, [sp, #KINDLING_DEPTHWISE_PIXEL_WEIGHTS]
  ldrd r8, r9, [sp, #KINDLING_DEPTHWISE_PIXEL_PARAMETERS]
  ldr r5, [sp, #KINDLING_DEPTHWISE_PIXEL_OUTPUT]
  ldr r7, [sp, #KINDLING_DEPTHWISE_PIXEL_ZERO_POINT]
  KINDLING_FOUR_\rounding \name
  strd r8, r9, [sp, #KINDLING_DEPTHWISE_PIXEL_PARAMETERS]
  str r5, [sp, #KINDLING_DEPTHWISE_PIXEL_OUTPUT]
  ldr r6, [sp, #KINDLING_DEPTHWISE_PIXEL_PARAMETERS_END]
  cmp r8, r6
  bne.w 1b
  mov r0, #1
5:
  .cfi_remember_state
  add sp, sp, #KINDLING_DEPTHWISE_PIXEL_FRAME
  .cfi_adjust_cfa_offset -KINDLING_DEPTHWISE_PIXEL_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
.L\name\()_too:
  mov r0, #0
  b 5b
  KINDLING_FOUR_\rounding\()_RARE \name, \other
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_DEPTHWISE_PIXEL kindling_depthwise_pixel, ONCE
KINDLING_DEPTHWISE_PIXEL kindling_depthwise_pixel_twice, TWICE, .Lkindling_depthwise_pixel_twice_too
