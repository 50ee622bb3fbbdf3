@ Depthwise convolution on Armv7-M, with the DSP extension or without: the pixels of a block, four
@ channels at once.
@
@   for each four channels:
@       list = for each tap: weights of the channels, and the place of the input after the pixel's
@       begin = starts - zero point of the input * sum(weights of the list)
@       for each pixel:
@           sums = begin
@           for each tap of the list: sums += input * weight, channel by channel
@           outputs = requantise(sums)
@
@ With the DSP extension two taps make one entry of the list, so that `smlad` multiplies both; an
@ odd one is the first. The last four channels end with the last one: where they overlap those
@ before, they make the same values again. A start is a bias as if all taps read padding. Every
@ product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all partial
@ sums, and the sums of at most 25 weights fit 16 bits. Words of input and weights may lie at any
@ address.
@
@ One rounding: requantise.s. Two roundings of common factors: twice.s. Others, with doubled = 2 *
@ multiplier - 2^32 in 32 bits:
@
@   products = round(sums * multiplier / 2^31), halves up
@            = (sums * 2^32 + sums * doubled + 2^31) >> 32
@   outputs = saturate(zero point + round(products / 2^-shift)), halves away from 0
@
@ Shifts are -31 to 0. Range: sums are below 2^30 in size, as twice.rs proves. A product is smaller
@ than its sum, so adding the zero point fits. A shift to the right leaves the last bit that goes in
@ the carry, and adding that rounds halves up. Where the product is below 0, 1 less of it moves just
@ the halves down: `adds` of its sign sets the carry then and else clears it, and that stays for a
@ shift by 0, where it makes up for the 1. A multiplier of 0 leaves the sum itself as the product:
@ a shift of 32 makes 0 of every one.
@
@ r0 = {input, output, weights, starts, parameters, shifts, channels, rows, columns, skip of the
@ input, skip of the weights, output rows, bytes of an output row's pixels, step, skip from row to
@ row of the input, of the output, zero point, that of the input negated}: see block.rs; a pixel, a
@ row and a column of taps, at most DEPTHWISE_TAPS_MAX of them, and four channels or more.
@
@ Registers while the list is written: r0 arguments, r1 first channel, r2 address of weights, r3
@ place of the input, r8 pairs or taps left, r9 and lr sums of weights, with the DSP extension, r10
@ channels, r11 columns left, r12 address of the list. For each pixel: r0-r3 sums, r4-r7 weights,
@ r8, r9 and r11 inputs, r10 address of the input, r12 of the list, lr of the output.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, starts and parameters at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 424, without the DSP extension 624
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: weights and, with the DSP extension, the input are read by words
@   at any address

.set KINDLING_DEPTHWISE_TAPS_MAX, 25

@ The arguments:
.set KINDLING_DEPTHWISE_INPUT, 0  @ then the output
.set KINDLING_DEPTHWISE_WEIGHTS, 8  @ then the starts
.set KINDLING_DEPTHWISE_STARTS, 12
.set KINDLING_DEPTHWISE_PARAMETERS, 16  @ then the shifts
.set KINDLING_DEPTHWISE_CHANNELS, 24
.set KINDLING_DEPTHWISE_ROWS, 28  @ then the columns
.set KINDLING_DEPTHWISE_COLUMNS, 32
.set KINDLING_DEPTHWISE_SKIPS, 36
.set KINDLING_DEPTHWISE_OUT_ROWS, 44  @ then the bytes of a row's pixels
.set KINDLING_DEPTHWISE_STEP, 52
.set KINDLING_DEPTHWISE_ROW_SKIPS, 56
.set KINDLING_DEPTHWISE_ZERO_POINT, 64  @ then that of the input, negated

@ The frame:
.set KINDLING_DEPTHWISE_FRAME_PAIRS, 0  @ where a pixel's pairs begin
.set KINDLING_DEPTHWISE_FRAME_END, 4    @ of the list
.set KINDLING_DEPTHWISE_FRAME_ROWS, 8   @ rows left
.set KINDLING_DEPTHWISE_FRAME_ARGUMENTS, 12  @ then the first channel
.set KINDLING_DEPTHWISE_FRAME_BEGIN, 20  @ four sums, and where a pixel's taps begin; then the list
.set KINDLING_DEPTHWISE_FRAME_LIST, 40
.if KINDLING_DSP
.set KINDLING_DEPTHWISE_ROUND, 4  @ pairs per round of the loop
.set KINDLING_DEPTHWISE_ALL, KINDLING_DEPTHWISE_TAPS_MAX / 2  @ in a single round
.set KINDLING_DEPTHWISE_ENTRY_BYTES, 52  @ code of one pair
.set KINDLING_DEPTHWISE_LIST_BYTES, 12 + 24 * (KINDLING_DEPTHWISE_TAPS_MAX / 2)
.else
.set KINDLING_DEPTHWISE_ROUND, 9  @ taps per round
.set KINDLING_DEPTHWISE_ENTRY_BYTES, 40
.set KINDLING_DEPTHWISE_LIST_BYTES, 20 * KINDLING_DEPTHWISE_TAPS_MAX
.endif
.set KINDLING_DEPTHWISE_REST, KINDLING_DEPTHWISE_LIST_BYTES + 48
.set KINDLING_DEPTHWISE_FRAME_BYTES, KINDLING_DEPTHWISE_FRAME_LIST + KINDLING_DEPTHWISE_REST

@ After the list: the factors of two channels with two roundings, else of all; the zero point; the
@ other factors; step, channels, address after the outputs of this row.

@ The weights of the next tap to `weights`, its place to `place`; r7 is lost.
.macro KINDLING_DEPTHWISE_NEXT weights, place
  ldr \weights, [r2]
  mov \place, r3
  subs r11, r11, #1
  add r2, r2, r10
  add r3, r3, r10
  bne 98f
  ldrd r11, r7, [r0, #KINDLING_DEPTHWISE_SKIPS]
  add r3, r3, r11
  add r2, r2, r7
  ldr r11, [r0, #KINDLING_DEPTHWISE_COLUMNS]
98:
.endm

.if KINDLING_DSP
@ Writes the list, the sums that a pixel begins with, and where its taps begin.
.macro KINDLING_DEPTHWISE_LIST single, end, round
  ldrd r8, r9, [r0, #KINDLING_DEPTHWISE_ROWS]
  mul r8, r8, r9
  mov r9, #0
  mov lr, #0
  lsrs r8, r8, #1             @ pairs; the carry is the odd tap
  bcc 3f
  KINDLING_DEPTHWISE_NEXT r4, r5
  sxtb16 lr, r4
  sxtb16 r9, r4, ror #8
  str lr, [r12], #4
  str r9, [r12], #4
  str r5, [r12], #4
3:
  cmp r8, #0
  beq 5f
4:
  KINDLING_DEPTHWISE_NEXT r4, r5
  str r5, [r12, #16]
  KINDLING_DEPTHWISE_NEXT r5, r6
  str r6, [r12, #20]
  sxtab16 lr, lr, r4
  sxtab16 r9, r9, r4, ror #8
  sxtab16 lr, lr, r5
  sxtab16 r9, r9, r5, ror #8
  pkhbt r6, r4, r5, lsl #16
  pkhtb r7, r5, r4, asr #16
  sxtb16 r4, r6
  sxtb16 r5, r6, ror #8
  sxtb16 r6, r7
  sxtb16 r7, r7, ror #8
  stmia.w r12, {r4-r7}
  add r12, r12, #24
  subs r8, r8, #1
  bne.w 4b
5:
  ldr r2, [r0, #KINDLING_DEPTHWISE_STARTS]
  ldr r3, [r0, #(KINDLING_DEPTHWISE_ZERO_POINT + 4)]
  add r2, r2, r1, lsl #2
  ldmia r2, {r4-r7}
  smlabb r4, lr, r3, r4
  smlabb r5, r9, r3, r5
  smlatb r6, lr, r3, r6
  smlatb r7, r9, r3, r7
  ldrd r2, r3, [r0, #KINDLING_DEPTHWISE_ROWS]
  mul r8, r2, r3
  lsrs r2, r8, #1
.if \round < KINDLING_DEPTHWISE_ALL
  ands r3, r2, #(\round - 1)
  it eq
  moveq r3, r2
  cmp r3, #\round
  it hs
  movhs r3, #\round
  mov r2, r3
.endif
  mov r3, #KINDLING_DEPTHWISE_ENTRY_BYTES
  adr.w r9, \end
  mls r9, r2, r3, r9
  orr r9, r9, #1              @ Thumb code
  str r9, [sp, #KINDLING_DEPTHWISE_FRAME_PAIRS]
  lsls r8, r8, #31
  itt ne
  adrne.w r9, \single
  orrne r9, r9, #1
  str r9, [sp, #(KINDLING_DEPTHWISE_FRAME_BEGIN + 16)]
  add r2, sp, #KINDLING_DEPTHWISE_FRAME_BEGIN
  stmia r2, {r4-r7}
.endm

@ The sums of a pixel.
.macro KINDLING_DEPTHWISE_SUMS round
  add r12, sp, #KINDLING_DEPTHWISE_FRAME_BEGIN
  ldmia.w r12!, {r0-r3, pc}
.balign 4
7:                            @ an odd tap
  ldmia.w r12!, {r4, r5, r8}
  ldr.w r8, [r10, r8]
  sxtb16 r6, r8
  sxtb16 r7, r8, ror #8
  smlabb r0, r6, r4, r0
  smlatt r2, r6, r4, r2
  smlabb r1, r7, r5, r1
  smlatt r3, r7, r5, r3
  ldr.w pc, [sp, #KINDLING_DEPTHWISE_FRAME_PAIRS]
.balign 4
8:
.rept \round
  ldmia.w r12!, {r4-r9}
  ldr.w r8, [r10, r8]
  ldr.w r9, [r10, r9]
  pkhbt r11, r8, r9, lsl #16
  pkhtb r9, r9, r8, asr #16
  sxtb16 r8, r11
  sxtb16 r11, r11, ror #8
  smlad r0, r8, r4, r0
  sxtb16 r8, r9
  smlad r1, r11, r5, r1
  sxtb16 r9, r9, ror #8
  smlad r2, r8, r6, r2
  smlad r3, r9, r7, r3
.endr
9:
  KINDLING_JUMP 8b, 9b, (\round * KINDLING_DEPTHWISE_ENTRY_BYTES)
.if \round < KINDLING_DEPTHWISE_ALL
  ldr r4, [sp, #KINDLING_DEPTHWISE_FRAME_END]
  cmp r12, r4
  bne.w 8b
.endif
.endm
.else
@ Writes the list, the sums that a pixel begins with, and where its taps begin.
.macro KINDLING_DEPTHWISE_LIST single, end, round
  ldrd r8, r9, [r0, #KINDLING_DEPTHWISE_ROWS]
  mul r8, r8, r9
  mov r9, r12
4:
  KINDLING_DEPTHWISE_NEXT r4, r5
  str r5, [r12, #16]
  sxtb r5, r4
  sbfx r6, r4, #8, #8
  sbfx r7, r4, #16, #8
  asrs r4, r4, #24
  stmia r12!, {r5-r7}
  str r4, [r12], #8
  subs r8, r8, #1
  bne 4b
  ldr r2, [r0, #KINDLING_DEPTHWISE_STARTS]
  ldr r3, [r0, #(KINDLING_DEPTHWISE_ZERO_POINT + 4)]
  add r2, r2, r1, lsl #2
  ldmia r2, {r4-r7}
5:                            @ each tap of the list
  ldmia.w r9!, {r2, r8, r10, r11, lr}
  mla r4, r2, r3, r4
  mla r5, r8, r3, r5
  mla r6, r10, r3, r6
  mla r7, r11, r3, r7
  cmp r9, r12
  bne 5b
  add r2, sp, #KINDLING_DEPTHWISE_FRAME_BEGIN
  stmia r2, {r4-r7}
  ldrd r8, r9, [r0, #KINDLING_DEPTHWISE_ROWS]
  mul r9, r8, r9
  mov r5, #\round
  udiv r6, r9, r5
  mls r6, r6, r5, r9
  cmp r6, #0
  it eq
  moveq r6, r5
  mov r5, #KINDLING_DEPTHWISE_ENTRY_BYTES
  adr.w r8, \end
  mls r8, r6, r5, r8
  orr r8, r8, #1              @ Thumb code
  str r8, [sp, #(KINDLING_DEPTHWISE_FRAME_BEGIN + 16)]
.endm

.macro KINDLING_DEPTHWISE_SUMS round
  add r12, sp, #KINDLING_DEPTHWISE_FRAME_BEGIN
  ldr r11, [sp, #KINDLING_DEPTHWISE_FRAME_END]
  ldmia.w r12!, {r0-r3, pc}
.balign 4
7:
8:
.rept \round
  ldmia.w r12!, {r4-r8}
  add.w r8, r8, r10
  ldrsb.w r9, [r8]
  mla r0, r4, r9, r0
  ldrsb.w r9, [r8, #1]
  mla r1, r5, r9, r1
  ldrsb.w r9, [r8, #2]
  mla r2, r6, r9, r2
  ldrsb.w r9, [r8, #3]
  mla r3, r7, r9, r3
.endr
9:
  KINDLING_JUMP 8b, 9b, (\round * KINDLING_DEPTHWISE_ENTRY_BYTES)
  cmp r12, r11
  bne.w 8b
.endm
.endif

@ Writes what the outputs of four channels take, from channel r1 on, to r12, which moves on.
.macro KINDLING_DEPTHWISE_FACTORS_ONCE
  ldr r2, [r0, #KINDLING_DEPTHWISE_PARAMETERS]
  add r2, r2, r1, lsl #3
  ldr r3, [r2, #4]
  ldr r4, [r2, #12]
  ldr r5, [r2, #20]
  ldr r6, [r2, #28]
  ldr r7, [r0, #KINDLING_DEPTHWISE_ZERO_POINT]
  stmia r12!, {r3-r7}
.endm

.macro KINDLING_DEPTHWISE_FACTORS_TWICE
  ldrd r2, r3, [r0, #KINDLING_DEPTHWISE_PARAMETERS]
  add r2, r2, r1, lsl #3
  add r3, r3, r1
.irp place, 0, 1, 2, 3
  ldr r4, [r2, #(8 * \place + 4)]
  ldrsb r5, [r3, #\place]
  rsb r5, r5, #0
  lsls r4, r4, #1
  it eq
  moveq r5, #32
  stmia r12!, {r4, r5}
.if \place == 1
  ldr r4, [r0, #KINDLING_DEPTHWISE_ZERO_POINT]
  str r4, [r12], #4
.endif
.endr
.endm

.macro KINDLING_DEPTHWISE_FACTORS_COMMON
  ldrd r2, r3, [r0, #KINDLING_DEPTHWISE_PARAMETERS]
  add r2, r2, r1, lsl #3
  add r3, r3, r1
  mov r6, #0x80000000
.irp place, 0, 1, 2, 3
  ldr r4, [r2, #(8 * \place + 4)]
  ldrsb r5, [r3, #\place]
  KINDLING_COMMON_CHANNEL r4, r5, r6
  stmia r12!, {r4, r5}
.if \place == 1
  ldr r4, [r0, #KINDLING_DEPTHWISE_ZERO_POINT]
  str r4, [r12], #4
.endif
.endr
.endm

@ The outputs of four sums; then r9 = step, r11 = channels, r12 = address after this row's outputs.
.macro KINDLING_DEPTHWISE_OUTPUTS_ONCE
  ldmia.w r12!, {r4-r7, r11}
  KINDLING_REQUANTISE r0, r4, r11, r8
  strb.w r0, [lr]
  KINDLING_REQUANTISE r1, r5, r11, r8
  strb.w r1, [lr, #1]
  KINDLING_REQUANTISE r2, r6, r11, r8
  strb.w r2, [lr, #2]
  KINDLING_REQUANTISE r3, r7, r11, r8
  strb.w r3, [lr, #3]
  ldmia.w r12, {r9, r11, r12}
.endm

.macro KINDLING_DEPTHWISE_OUTPUT_TWICE sum, doubled, right, place
  KINDLING_PRODUCT \sum, \doubled, r8, 0
  adds \sum, \sum, \sum, asr #31
  asrs \sum, \sum, \right
  adc \sum, \sum, r11
  ssat \sum, #8, \sum
  strb.w \sum, [lr, #\place]
.endm

.macro KINDLING_DEPTHWISE_OUTPUTS_TWICE
  ldmia.w r12!, {r4-r7, r11}
  KINDLING_DEPTHWISE_OUTPUT_TWICE r0, r4, r5, 0
  KINDLING_DEPTHWISE_OUTPUT_TWICE r1, r6, r7, 1
  ldmia r12!, {r4-r7}
  KINDLING_DEPTHWISE_OUTPUT_TWICE r2, r4, r5, 2
  KINDLING_DEPTHWISE_OUTPUT_TWICE r3, r6, r7, 3
  ldmia.w r12, {r9, r11, r12}
.endm

@ Of zero point -128.
.macro KINDLING_DEPTHWISE_OUTPUT_COMMON sum, doubled, power, place
  KINDLING_COMMON \sum, \doubled, \power, r8, 0
  strb.w \sum, [lr, #\place]
.endm

.macro KINDLING_DEPTHWISE_OUTPUTS_COMMON
  ldmia.w r12!, {r4-r8}
  KINDLING_DEPTHWISE_OUTPUT_COMMON r0, r4, r5, 0
  KINDLING_DEPTHWISE_OUTPUT_COMMON r1, r6, r7, 1
  ldmia.w r12, {r4-r7, r9, r11, r12}
  KINDLING_DEPTHWISE_OUTPUT_COMMON r2, r4, r5, 2
  KINDLING_DEPTHWISE_OUTPUT_COMMON r3, r6, r7, 3
.endm

.macro KINDLING_DEPTHWISE name, rounding, round
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_DEPTHWISE_FRAME_BYTES
  .cfi_adjust_cfa_offset KINDLING_DEPTHWISE_FRAME_BYTES
  mov r1, #0
1:                            @ four channels from r1 on
  strd r0, r1, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  ldr r10, [r0, #KINDLING_DEPTHWISE_CHANNELS]
  ldr r2, [r0, #KINDLING_DEPTHWISE_WEIGHTS]
  add r2, r2, r1
  mov r3, #0
  ldr r11, [r0, #KINDLING_DEPTHWISE_COLUMNS]
  add r12, sp, #KINDLING_DEPTHWISE_FRAME_LIST
  KINDLING_DEPTHWISE_LIST 7f, 9f, \round
  str r12, [sp, #KINDLING_DEPTHWISE_FRAME_END]
  KINDLING_DEPTHWISE_FACTORS_\rounding
  ldrd r10, lr, [r0, #KINDLING_DEPTHWISE_INPUT]
  ldrd r4, r7, [r0, #KINDLING_DEPTHWISE_OUT_ROWS]
  str r4, [sp, #KINDLING_DEPTHWISE_FRAME_ROWS]
  add r10, r10, r1
  add lr, lr, r1
  add r7, r7, lr
  ldr r5, [r0, #KINDLING_DEPTHWISE_STEP]
  ldr r6, [r0, #KINDLING_DEPTHWISE_CHANNELS]
  stmia r12!, {r5-r7}
2:                            @ a pixel
  KINDLING_DEPTHWISE_SUMS \round
  KINDLING_DEPTHWISE_OUTPUTS_\rounding
  add r10, r10, r9
  add lr, lr, r11
  cmp lr, r12
  bne.w 2b
  ldr r0, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  ldr r12, [sp, #KINDLING_DEPTHWISE_FRAME_END]
  ldrd r4, r5, [r0, #KINDLING_DEPTHWISE_ROW_SKIPS]
  ldr r6, [r0, #(KINDLING_DEPTHWISE_OUT_ROWS + 4)]
  ldr r7, [sp, #KINDLING_DEPTHWISE_FRAME_ROWS]
  add r10, r10, r4
  add lr, lr, r5
  add r6, r6, lr
  str r6, [r12, #KINDLING_DEPTHWISE_ROW_END_\rounding]
  subs r7, r7, #1
  str r7, [sp, #KINDLING_DEPTHWISE_FRAME_ROWS]
  bne.w 2b
  ldrd r0, r1, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  ldr r10, [r0, #KINDLING_DEPTHWISE_CHANNELS]
  add r1, r1, #4
  sub r2, r10, #4
  cmp r1, r2
  bls.w 1b
  cmp r1, r10
  itt ne
  movne r1, r2                @ the last four
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_DEPTHWISE_FRAME_BYTES
  .cfi_adjust_cfa_offset -KINDLING_DEPTHWISE_FRAME_BYTES
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

@ Where the address after a row's outputs lies, after the list.
.set KINDLING_DEPTHWISE_ROW_END_ONCE, 28
.set KINDLING_DEPTHWISE_ROW_END_TWICE, 44
.set KINDLING_DEPTHWISE_ROW_END_COMMON, 44

KINDLING_DEPTHWISE kindling_depthwise, ONCE, KINDLING_DEPTHWISE_ROUND
KINDLING_DEPTHWISE kindling_depthwise_twice, TWICE, KINDLING_DEPTHWISE_ROUND
.if KINDLING_DSP
KINDLING_DEPTHWISE kindling_depthwise_common, COMMON, KINDLING_DEPTHWISE_ALL
.endif
