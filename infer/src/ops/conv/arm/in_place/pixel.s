@ Direct convolution of one pixel without pooling, on Armv7-M with the DSP extension or without:
@ four output channels at once. Its patch lies in one piece.
@
@   for each four channels:
@       sum[channel] = bias of the channel + patch . weights of the channel
@       outputs = requantised sums, see arm/requantise.s and arm/twice.s
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums, the bias among them, and with two roundings with a channel's shift to the left.
@ Words of patch and weights may lie at any address.
@
@ r0 = {patch, taps, weights, output, parameters, shifts, zero point, with two roundings 2 * zero
@ point + 1, end of parameters}; a tap and four channels or more, a multiple of four. Registers:
@ r0-r3 sums, r4 and r5 addresses of the weights of the first and the third channel, r6 = taps, r7
@ address of the patch, r8 and r9 inputs, r10 and r11 weights, r12 end of the loop over the patch.
@ Outputs: see arm/twice.s.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 76
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: with the DSP extension patch and weights are read by words at any
@   address

@ The frame:
.set KINDLING_IN_PLACE_PIXEL_PATCH, 0  @ then the taps
.set KINDLING_IN_PLACE_PIXEL_WEIGHTS, 8  @ next
.set KINDLING_IN_PLACE_PIXEL_OUTPUT, 12  @ next
.set KINDLING_IN_PLACE_PIXEL_PARAMETERS, 16  @ next, then the next shift
.set KINDLING_IN_PLACE_PIXEL_ZERO_POINT, 24
.set KINDLING_IN_PLACE_PIXEL_PARAMETERS_END, 28
.set KINDLING_IN_PLACE_PIXEL_ENTRY, 32  @ where the loop begins, then where it ends
.set KINDLING_IN_PLACE_PIXEL_FRAME, 40

.if KINDLING_DSP
.set KINDLING_IN_PLACE_PIXEL_ROUND, 4  @ quads of taps per round of the loop
.set KINDLING_IN_PLACE_PIXEL_STEP_BYTES, 92  @ code of one quad
.else
.set KINDLING_IN_PLACE_PIXEL_ROUND, 4  @ taps per round
.set KINDLING_IN_PLACE_PIXEL_STEP_BYTES, 36
.endif

.macro KINDLING_IN_PLACE_PIXEL_TAP
  ldrsb r8, [r7], #1
  ldrsb.w r10, [r4, r6]
  ldrsb r11, [r4], #1
  mla r1, r8, r10, r1
  mla r0, r8, r11, r0
  ldrsb.w r10, [r5, r6]
  ldrsb r11, [r5], #1
  mla r3, r8, r10, r3
  mla r2, r8, r11, r2
.endm

.if KINDLING_DSP
.macro KINDLING_IN_PLACE_PIXEL_CHANNEL sum
  sxtb16 r10, r11
  sxtb16 r11, r11, ror #8
  smlad \sum, r8, r10, \sum
  smlad \sum, r9, r11, \sum
.endm

@ Four taps; 0 and 2 are a pair, and 1 and 3.
.macro KINDLING_IN_PLACE_PIXEL_STEP
  ldr r9, [r7], #4
  sxtb16 r8, r9
  sxtb16 r9, r9, ror #8
  ldr.w r11, [r4, r6]
  KINDLING_IN_PLACE_PIXEL_CHANNEL r1
  ldr r11, [r4], #4
  KINDLING_IN_PLACE_PIXEL_CHANNEL r0
  ldr.w r11, [r5, r6]
  KINDLING_IN_PLACE_PIXEL_CHANNEL r3
  ldr r11, [r5], #4
  KINDLING_IN_PLACE_PIXEL_CHANNEL r2
.endm

@ Those that make no quad.
.macro KINDLING_IN_PLACE_PIXEL_REST
  ands r12, r6, #3
  beq 5f
4:
  KINDLING_IN_PLACE_PIXEL_TAP
  subs r12, r12, #1
  bne 4b
5:
.endm
.else
.macro KINDLING_IN_PLACE_PIXEL_STEP
  KINDLING_IN_PLACE_PIXEL_TAP
.endm

.macro KINDLING_IN_PLACE_PIXEL_REST
.endm
.endif

.macro KINDLING_IN_PLACE_PIXEL name, rounding
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_IN_PLACE_PIXEL_FRAME
  .cfi_adjust_cfa_offset KINDLING_IN_PLACE_PIXEL_FRAME
  ldmia r0, {r1-r8}
  stmia sp, {r1-r8}
.if KINDLING_DSP
  lsr r5, r2, #2
  add r1, r1, r5, lsl #2
.else
  mov r5, r2
  add r1, r1, r5
.endif
  ands r6, r5, #(KINDLING_IN_PLACE_PIXEL_ROUND - 1)  @ steps of the first round
  it eq
  moveq r6, r5
  cmp r6, #KINDLING_IN_PLACE_PIXEL_ROUND
  it hs
  movhs r6, #KINDLING_IN_PLACE_PIXEL_ROUND
  mov r5, #KINDLING_IN_PLACE_PIXEL_STEP_BYTES
  adr.w r4, 2f
  mls r4, r6, r5, r4
  orr r0, r4, #1              @ Thumb code
  strd r0, r1, [sp, #KINDLING_IN_PLACE_PIXEL_ENTRY]
1:
  ldr r8, [sp, #KINDLING_IN_PLACE_PIXEL_PARAMETERS]
  ldr r0, [r8]
  ldr r1, [r8, #8]
  ldr r2, [r8, #16]
  ldr r3, [r8, #24]
  ldrd r7, r6, [sp, #KINDLING_IN_PLACE_PIXEL_PATCH]
  ldr r4, [sp, #KINDLING_IN_PLACE_PIXEL_WEIGHTS]
  ldr r12, [sp, #(KINDLING_IN_PLACE_PIXEL_ENTRY + 4)]
  add r5, r4, r6, lsl #1
  ldr.w pc, [sp, #KINDLING_IN_PLACE_PIXEL_ENTRY]
.balign 4
3:
.rept KINDLING_IN_PLACE_PIXEL_ROUND
  KINDLING_IN_PLACE_PIXEL_STEP
.endr
2:
  KINDLING_JUMP 3b, 2b, (KINDLING_IN_PLACE_PIXEL_ROUND * KINDLING_IN_PLACE_PIXEL_STEP_BYTES)
  cmp r7, r12
  bne.w 3b
  KINDLING_IN_PLACE_PIXEL_REST
  add r5, r5, r6              @ after the weights of the fourth channel
  str r5, [sp, #KINDLING_IN_PLACE_PIXEL_WEIGHTS]
  ldrd r8, r9, [sp, #KINDLING_IN_PLACE_PIXEL_PARAMETERS]
  ldr r5, [sp, #KINDLING_IN_PLACE_PIXEL_OUTPUT]
  ldr r7, [sp, #KINDLING_IN_PLACE_PIXEL_ZERO_POINT]
  KINDLING_FOUR_\rounding \name
  strd r8, r9, [sp, #KINDLING_IN_PLACE_PIXEL_PARAMETERS]
  str r5, [sp, #KINDLING_IN_PLACE_PIXEL_OUTPUT]
  ldr r6, [sp, #KINDLING_IN_PLACE_PIXEL_PARAMETERS_END]
  cmp r8, r6
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_IN_PLACE_PIXEL_FRAME
  .cfi_adjust_cfa_offset -KINDLING_IN_PLACE_PIXEL_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  KINDLING_FOUR_\rounding\()_RARE \name
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_IN_PLACE_PIXEL kindling_in_place_pixel, ONCE
KINDLING_IN_PLACE_PIXEL kindling_in_place_pixel_twice, TWICE
