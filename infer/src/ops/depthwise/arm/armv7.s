@ Depthwise convolution on Armv7-M, with the DSP extension or without: the pixels of a block, four
@ channels at once.
@
@   for each four channels:
@       list = for each tap: weights of the channels, and the place of the input after the pixel's
@       for each pixel:
@           sums = starts
@           for each tap of the list: sums += input * weight, channel by channel
@           outputs = requantise(sums)
@
@ With the DSP extension two taps make one entry of the list, so that `smlad` multiplies both; an
@ odd one is the first. The last four channels end with the last one: where they overlap those
@ before, they make the same values again. Every product is at most 2^14 in size; sums stay in 32
@ bits because the model proved it for all partial sums. Words of input and weights may lie at any
@ address.
@
@ One rounding: requantise.s. Two roundings, with doubled = 2 * multiplier - 2^32 in 32 bits:
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
@ row of the input, of the output, zero point}: see block.rs; a pixel, a row and a column of taps,
@ at most DEPTHWISE_TAPS_MAX of them, and four channels or more.
@
@ Registers while the list is written: r0 arguments, r1 first channel, r2 address of weights, r3
@ place of the input, r10 channels, r11 columns left, r12 address of the list. For each pixel: r0-r3
@ sums, r4-r7 weights, r8, r9 and r11 inputs, r10 address of the input, r12 of the list, lr of the
@ output.
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
.set KINDLING_DEPTHWISE_ZERO_POINT, 64

@ The frame:
.set KINDLING_DEPTHWISE_FRAME_ENTRY, 0  @ where a pixel's taps begin
.set KINDLING_DEPTHWISE_FRAME_PAIRS, 4  @ where its pairs begin
.set KINDLING_DEPTHWISE_FRAME_END, 8    @ of the list; then the zero point
.set KINDLING_DEPTHWISE_FRAME_ZERO_POINT, 12
.set KINDLING_DEPTHWISE_FRAME_STEP, 16  @ then channels
.set KINDLING_DEPTHWISE_FRAME_ROW_END, 24  @ address after the outputs of this row, then rows left
.set KINDLING_DEPTHWISE_FRAME_ARGUMENTS, 32  @ then the first channel
.set KINDLING_DEPTHWISE_FRAME_STARTS, 40  @ four, then the list, then the channels' factors
.if KINDLING_DSP
.set KINDLING_DEPTHWISE_ROUND, 4  @ pairs per round of the loop
.set KINDLING_DEPTHWISE_ENTRY_BYTES, 52  @ code of one pair
.set KINDLING_DEPTHWISE_LIST_BYTES, 12 + 24 * (KINDLING_DEPTHWISE_TAPS_MAX / 2)
.else
.set KINDLING_DEPTHWISE_ROUND, 3  @ taps per round
.set KINDLING_DEPTHWISE_ENTRY_BYTES, 40
.set KINDLING_DEPTHWISE_LIST_BYTES, 20 * KINDLING_DEPTHWISE_TAPS_MAX
.endif
.set KINDLING_DEPTHWISE_REST, 16 + KINDLING_DEPTHWISE_LIST_BYTES + 32
.set KINDLING_DEPTHWISE_FRAME_BYTES, KINDLING_DEPTHWISE_FRAME_STARTS + KINDLING_DEPTHWISE_REST

@ The weights of the next tap to r4, its place to r5; r6 is lost.
.section .text.kindling_depthwise_next, "ax", %progbits
.type kindling_depthwise_next, %function
.thumb_func
.balign 4
kindling_depthwise_next:
  .cfi_startproc
  ldr r4, [r2]
  mov r5, r3
  subs r11, r11, #1
  add r2, r2, r10
  add r3, r3, r10
  bne 1f
  ldr r11, [r0, #KINDLING_DEPTHWISE_SKIPS]
  ldr r6, [r0, #(KINDLING_DEPTHWISE_SKIPS + 4)]
  add r3, r3, r11
  add r2, r2, r6
  ldr r11, [r0, #KINDLING_DEPTHWISE_COLUMNS]
1:
  bx lr
  .cfi_endproc
.size kindling_depthwise_next, . - kindling_depthwise_next

.if KINDLING_DSP
@ Writes the list, and where a pixel's taps begin, to r8 and r9.
.macro KINDLING_DEPTHWISE_LIST single, end
  ldrd r8, r9, [r0, #KINDLING_DEPTHWISE_ROWS]
  mul r9, r8, r9
  lsrs r9, r9, #1             @ pairs; the carry is the odd tap
  bcc 3f
  bl kindling_depthwise_next
  sxtb16 r6, r4
  sxtb16 r7, r4, ror #8
  stmia r12!, {r6, r7}
  str r5, [r12], #4
3:
  movs r8, r9
  beq 5f
4:
  bl kindling_depthwise_next
  str r4, [r12]
  str r5, [r12, #16]
  bl kindling_depthwise_next
  ldr r6, [r12]
  str r5, [r12, #20]
  pkhbt r7, r6, r4, lsl #16
  pkhtb r4, r4, r6, asr #16
  sxtb16 r5, r7
  sxtb16 r6, r7, ror #8
  sxtb16 r7, r4
  sxtb16 r4, r4, ror #8
  stmia r12!, {r5-r7}
  str r4, [r12], #12
  subs r8, r8, #1
  bne 4b
5:
  ands r6, r9, #(KINDLING_DEPTHWISE_ROUND - 1)
  it eq
  moveq r6, r9
  cmp r6, #KINDLING_DEPTHWISE_ROUND
  it hs
  movhs r6, #KINDLING_DEPTHWISE_ROUND
  mov r5, #KINDLING_DEPTHWISE_ENTRY_BYTES
  adr.w r9, \end
  mls r9, r6, r5, r9
  orr r9, r9, #1              @ Thumb code
  ldrd r5, r6, [r0, #KINDLING_DEPTHWISE_ROWS]
  mul r5, r5, r6
  mov r8, r9
  lsls r5, r5, #31
  beq 6f
  adr.w r8, \single
  orr r8, r8, #1
6:
.endm

@ The sums of a pixel.
.macro KINDLING_DEPTHWISE_SUMS
  ldr.w pc, [sp, #KINDLING_DEPTHWISE_FRAME_ENTRY]
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
.rept KINDLING_DEPTHWISE_ROUND
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
  KINDLING_JUMP 8b, 9b, (KINDLING_DEPTHWISE_ROUND * KINDLING_DEPTHWISE_ENTRY_BYTES)
  ldr r4, [sp, #KINDLING_DEPTHWISE_FRAME_END]
  cmp r12, r4
  bne.w 8b
.endm
.else
@ Writes the list, and where a pixel's taps begin, to r8 and r9.
.macro KINDLING_DEPTHWISE_LIST single, end
  ldrd r8, r9, [r0, #KINDLING_DEPTHWISE_ROWS]
  mul r8, r8, r9
  mov r9, r8
4:
  bl kindling_depthwise_next
  str r5, [r12, #16]
  sxtb r5, r4
  sbfx r6, r4, #8, #8
  sbfx r7, r4, #16, #8
  asrs r4, r4, #24
  stmia r12!, {r5-r7}
  str r4, [r12], #8
  subs r8, r8, #1
  bne 4b
  mov r5, #KINDLING_DEPTHWISE_ROUND
  udiv r6, r9, r5
  mls r6, r6, r5, r9
  cmp r6, #0
  it eq
  moveq r6, r5
  mov r5, #KINDLING_DEPTHWISE_ENTRY_BYTES
  adr.w r8, \end
  mls r8, r6, r5, r8
  orr r8, r8, #1              @ Thumb code
.endm

.macro KINDLING_DEPTHWISE_SUMS
  ldr r11, [sp, #KINDLING_DEPTHWISE_FRAME_END]
  ldr.w pc, [sp, #KINDLING_DEPTHWISE_FRAME_ENTRY]
.balign 4
7:
8:
.rept KINDLING_DEPTHWISE_ROUND
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
  KINDLING_JUMP 8b, 9b, (KINDLING_DEPTHWISE_ROUND * KINDLING_DEPTHWISE_ENTRY_BYTES)
  cmp r12, r11
  bne.w 8b
.endm
.endif

@ Writes what the outputs of four channels take, from channel r1 on.
.macro KINDLING_DEPTHWISE_FACTORS_ONCE
  ldr r2, [r0, #KINDLING_DEPTHWISE_PARAMETERS]
  add r2, r2, r1, lsl #3
  ldr r3, [r2, #4]
  ldr r4, [r2, #12]
  ldr r5, [r2, #20]
  ldr r6, [r2, #28]
  stmia r12, {r3-r6}
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
.endr
.endm

@ The outputs of four sums.
.macro KINDLING_DEPTHWISE_OUTPUTS_ONCE
  ldmia r12, {r4-r7}
  ldr r11, [sp, #KINDLING_DEPTHWISE_FRAME_ZERO_POINT]
  KINDLING_REQUANTISE r0, r4, r11, r8
  strb.w r0, [lr]
  KINDLING_REQUANTISE r1, r5, r11, r8
  strb.w r1, [lr, #1]
  KINDLING_REQUANTISE r2, r6, r11, r8
  strb.w r2, [lr, #2]
  KINDLING_REQUANTISE r3, r7, r11, r8
  strb.w r3, [lr, #3]
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
  ldmia r12!, {r4-r7}
  ldr r11, [sp, #KINDLING_DEPTHWISE_FRAME_ZERO_POINT]
  KINDLING_DEPTHWISE_OUTPUT_TWICE r0, r4, r5, 0
  KINDLING_DEPTHWISE_OUTPUT_TWICE r1, r6, r7, 1
  ldmia r12, {r4-r7}
  KINDLING_DEPTHWISE_OUTPUT_TWICE r2, r4, r5, 2
  KINDLING_DEPTHWISE_OUTPUT_TWICE r3, r6, r7, 3
.endm

.macro KINDLING_DEPTHWISE name, rounding
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
  ldr r10, [r0, #KINDLING_DEPTHWISE_CHANNELS]
  ldr r4, [r0, #KINDLING_DEPTHWISE_STEP]
  ldr r5, [r0, #KINDLING_DEPTHWISE_ZERO_POINT]
  strd r4, r10, [sp, #KINDLING_DEPTHWISE_FRAME_STEP]
  str r5, [sp, #KINDLING_DEPTHWISE_FRAME_ZERO_POINT]
1:                            @ four channels from r1 on
  strd r0, r1, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  ldrd r2, r3, [r0, #KINDLING_DEPTHWISE_WEIGHTS]
  add r3, r3, r1, lsl #2
  ldmia r3, {r4-r7}
  add r12, sp, #KINDLING_DEPTHWISE_FRAME_STARTS
  stmia r12!, {r4-r7}
  add r2, r2, r1
  mov r3, #0
  ldr r11, [r0, #KINDLING_DEPTHWISE_COLUMNS]
  KINDLING_DEPTHWISE_LIST 7f, 9f
  strd r8, r9, [sp, #KINDLING_DEPTHWISE_FRAME_ENTRY]
  str r12, [sp, #KINDLING_DEPTHWISE_FRAME_END]
  KINDLING_DEPTHWISE_FACTORS_\rounding
  ldrd r10, lr, [r0, #KINDLING_DEPTHWISE_INPUT]
  ldrd r4, r5, [r0, #KINDLING_DEPTHWISE_OUT_ROWS]
  add r10, r10, r1
  add lr, lr, r1
  add r5, r5, lr
  strd r5, r4, [sp, #KINDLING_DEPTHWISE_FRAME_ROW_END]
2:                            @ a pixel
  add r12, sp, #KINDLING_DEPTHWISE_FRAME_STARTS
  ldmia r12!, {r0-r3}
  KINDLING_DEPTHWISE_SUMS
  KINDLING_DEPTHWISE_OUTPUTS_\rounding
  ldrd r4, r5, [sp, #KINDLING_DEPTHWISE_FRAME_STEP]
  ldrd r6, r7, [sp, #KINDLING_DEPTHWISE_FRAME_ROW_END]
  add r10, r10, r4
  add lr, lr, r5
  cmp lr, r6
  bne.w 2b
  ldr r0, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  ldrd r4, r5, [r0, #KINDLING_DEPTHWISE_ROW_SKIPS]
  ldr r6, [r0, #(KINDLING_DEPTHWISE_OUT_ROWS + 4)]
  add r10, r10, r4
  add lr, lr, r5
  add r6, r6, lr
  subs r7, r7, #1
  strd r6, r7, [sp, #KINDLING_DEPTHWISE_FRAME_ROW_END]
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

KINDLING_DEPTHWISE kindling_depthwise, ONCE
KINDLING_DEPTHWISE kindling_depthwise_twice, TWICE
