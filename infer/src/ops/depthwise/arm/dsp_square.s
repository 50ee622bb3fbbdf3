@ Depthwise convolution with the DSP extension: 3x3 with steps of one, two rows of outputs and four
@ channels at once.
@
@   for each four channels, for each STRIP columns of the output, for each two rows of it:
@       columns = the four rows of the input under both, widened: of each channel the pair of the
@                 first two rows, and that of the last two; outside of the map its zero point
@       for each two of the channels, for each output of the strip:
@           sums = biases
@           for each of three columns:
@               sum[upper] += upper pair . (w0, w1) + first of the lower pair * w2
@               sum[lower] += second of the upper pair * w0 + lower pair . (w1, w2)
@           outputs = requantised sums, see arm/twice.s
@
@ The last four channels end with the last one, and the last two rows with the last row: where they
@ overlap those before, they make the same values again. Every product is at most 2^14 in size; sums
@ stay in 32 bits because the model proved it for all partial sums, with padding as any input. Words
@ of input and weights may lie at any address.
@
@ r0 = {input under the first tap of the first output, which may be outside of the map, output,
@ weights, parameters, shifts, channels, bytes of a row of the input, of the output, rows, columns,
@ rows of padding above, columns of it before, first row whose lower output reads padding, end of
@ the columns that read none after them, zero point, input's zero point in four bytes}: see
@ square.rs; three rows or more, a column and four channels or more, at most one row or column of
@ padding at each side, factors that KINDLING_COMMON takes, and a zero point of -128.
@
@ Registers of the inner loop: r0 and r1 sums of the first channel, upper and lower, r2 and r3 of
@ the second, r4-r7 inputs, r8-r11 weights, r12 address of the columns, lr of the table.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 708
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: input and weights are read by words at any address

.set KINDLING_SQUARE_STRIP, 12  @ outputs of a row at once

@ The arguments:
.set KINDLING_SQUARE_INPUT, 0  @ then the output
.set KINDLING_SQUARE_WEIGHTS, 8  @ then the parameters
.set KINDLING_SQUARE_SHIFTS, 16  @ then the channels
.set KINDLING_SQUARE_CHANNELS, 20
.set KINDLING_SQUARE_ROW_BYTES, 24  @ of the input, of the output
.set KINDLING_SQUARE_ROWS, 32  @ then the columns
.set KINDLING_SQUARE_COLUMNS, 36
.set KINDLING_SQUARE_TOP, 40  @ rows of padding above
.set KINDLING_SQUARE_LEFT, 44
.set KINDLING_SQUARE_BOTTOM, 48  @ first row whose lower output reads padding
.set KINDLING_SQUARE_RIGHT, 52  @ end of the columns that read none after them
.set KINDLING_SQUARE_ZERO_POINT, 56  @ then that of the input

@ The frame:
.set KINDLING_SQUARE_ARGUMENTS, 0  @ then the first channel
.set KINDLING_SQUARE_COLUMN, 8  @ first of the strip, and outputs of it
.set KINDLING_SQUARE_ROW, 16  @ of the upper output
.set KINDLING_SQUARE_BEGIN, 20  @ of the columns inside of the map, and their end
.set KINDLING_SQUARE_FROM, 28  @ the input under these for the first row, and its output
.set KINDLING_SQUARE_TABLE, 40  @ two tables, for two channels each
.set KINDLING_SQUARE_TABLE_BYTES, 92
.set KINDLING_SQUARE_FACTORS, 56  @ of a table: after two biases and three columns of weights
.set KINDLING_SQUARE_OUT, 76  @ where the next output goes, channels, bytes of a row, end of columns
.set KINDLING_SQUARE_BUFFER, 224  @ columns of two channels, then of the two others
.set KINDLING_SQUARE_BUFFER_BYTES, 16 * (KINDLING_SQUARE_STRIP + 2)
.set KINDLING_SQUARE_FRAME, KINDLING_SQUARE_BUFFER + 2 * KINDLING_SQUARE_BUFFER_BYTES

@ Widens the columns from r12 to lr: r0 input of the first row, r1 zero points, r2 bytes of a row,
@ r3 channels. `top` and `bottom`: whether the first or the last row lies outside of the map.
.macro KINDLING_SQUARE_WIDEN top, bottom
11:
.if \top
  mov r4, r1
.else
  ldr r4, [r0]
.endif
  ldr r5, [r0, r2]
  add r10, r0, r2, lsl #1
  ldr r6, [r10]
.if \bottom
  mov r7, r1
.else
  ldr r7, [r10, r2]
.endif
  add r0, r0, r3
  pkhtb r9, r5, r4, asr #16
  pkhbt r5, r4, r5, lsl #16
  pkhtb r11, r7, r6, asr #16
  pkhbt r7, r6, r7, lsl #16
  sxtb16 r4, r5
  sxtb16 r5, r5, ror #8
  sxtb16 r6, r7
  sxtb16 r7, r7, ror #8
  sxtb16 r8, r9
  sxtb16 r9, r9, ror #8
  sxtb16 r10, r11
  sxtb16 r11, r11, ror #8
  stmia.w r12!, {r4-r7}
  strd r8, r9, [r12, #(KINDLING_SQUARE_BUFFER_BYTES - 16)]
  strd r10, r11, [r12, #(KINDLING_SQUARE_BUFFER_BYTES - 8)]
  cmp r12, lr
  bne 11b
.endm

@ The weights of a column, from r2 on, to both tables: r3 = three times the channels.
.macro KINDLING_SQUARE_WEIGHTS_OF column
.set KINDLING_SQUARE_AT, KINDLING_SQUARE_TABLE + 8 + 16 * \column
  add r9, r2, r3
  ldr r4, [r2]
  ldr r5, [r9]
  ldr r6, [r9, r3]
  pkhbt r7, r4, r5, lsl #16
  pkhtb r9, r5, r4, asr #16
  pkhbt r8, r5, r6, lsl #16
  pkhtb r11, r6, r5, asr #16
  sxtb16 r4, r7
  sxtb16 r5, r7, ror #8
  sxtb16 r6, r8
  sxtb16 r7, r8, ror #8
  strd r4, r5, [sp, #KINDLING_SQUARE_AT]
  strd r6, r7, [sp, #(KINDLING_SQUARE_AT + 8)]
  sxtb16 r4, r9
  sxtb16 r5, r9, ror #8
  sxtb16 r6, r11
  sxtb16 r7, r11, ror #8
  strd r4, r5, [sp, #(KINDLING_SQUARE_AT + KINDLING_SQUARE_TABLE_BYTES)]
  strd r6, r7, [sp, #(KINDLING_SQUARE_AT + KINDLING_SQUARE_TABLE_BYTES + 8)]
.endm

@ Biases and factors of two channels to table `number`: r2 parameters, r3 shifts, r7 = -2^31, r8
@ channels, r9 bytes of a row of outputs, r10 zero point.
.macro KINDLING_SQUARE_NUMBERS number
.set KINDLING_SQUARE_AT, KINDLING_SQUARE_TABLE + \number * KINDLING_SQUARE_TABLE_BYTES
  ldr r4, [r2, #(16 * \number)]
  ldr r5, [r2, #(16 * \number + 8)]
  strd r4, r5, [sp, #KINDLING_SQUARE_AT]
.irp channel, 0, 1
  ldr r4, [r2, #(16 * \number + 8 * \channel + 4)]
  ldrsb r5, [r3, #(2 * \number + \channel)]
  KINDLING_COMMON_CHANNEL r4, r5, r7
  strd r4, r5, [sp, #(KINDLING_SQUARE_AT + KINDLING_SQUARE_FACTORS + 8 * \channel)]
.endr
  str r10, [sp, #(KINDLING_SQUARE_AT + KINDLING_SQUARE_FACTORS + 16)]
  strd r8, r9, [sp, #(KINDLING_SQUARE_AT + KINDLING_SQUARE_OUT + 4)]
.endm

@ The products of a column by two channels' weights; the sums begin with `a` and `b`.
.macro KINDLING_SQUARE_PRODUCTS first, second
  ldmia.w r12!, {r4-r7}
  smlad r0, r4, r8, \first
  smlabt r0, r6, r10, r0
  smlatb r1, r4, r8, r1
  smlad r1, r6, r10, r1
  smlad r2, r5, r9, \second
  smlabt r2, r7, r11, r2
  smlatb r3, r5, r9, r3
  smlad r3, r7, r11, r3
.endm

@ All outputs of the strip of two channels, with table `number`.
.macro KINDLING_SQUARE_TWO_CHANNELS number
.set KINDLING_SQUARE_AT, KINDLING_SQUARE_TABLE + \number * KINDLING_SQUARE_TABLE_BYTES
  add r12, sp, #(KINDLING_SQUARE_BUFFER + \number * KINDLING_SQUARE_BUFFER_BYTES)
12:
  add lr, sp, #KINDLING_SQUARE_AT
  ldmia.w lr!, {r1, r3, r8-r11}
  KINDLING_SQUARE_PRODUCTS r1, r3
  ldmia.w lr!, {r8-r11}
  KINDLING_SQUARE_PRODUCTS r0, r2
  ldmia.w lr!, {r8-r11}
  KINDLING_SQUARE_PRODUCTS r0, r2
  ldmia.w lr, {r4-r11, lr}
  KINDLING_COMMON r0, r4, r5, r8, 0
  KINDLING_COMMON r1, r4, r5, r8, 0
  KINDLING_COMMON r2, r6, r7, r8, 0
  KINDLING_COMMON r3, r6, r7, r8, 0
  bfi r0, r2, #8, #24
  bfi r1, r3, #8, #24
  strh.w r0, [r9]
  strh.w r1, [r9, r11]
  add r9, r9, r10
  str r9, [sp, #(KINDLING_SQUARE_AT + KINDLING_SQUARE_OUT)]
  sub r12, r12, #32
  cmp r12, lr
  bne 12b
.endm

.section .text.kindling_depthwise_square, "ax", %progbits
.global kindling_depthwise_square
.type kindling_depthwise_square, %function
.thumb_func
.balign 4
kindling_depthwise_square:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_SQUARE_FRAME
  .cfi_adjust_cfa_offset KINDLING_SQUARE_FRAME
  mov r1, #0
1:                            @ four channels from r1 on
  strd r0, r1, [sp, #KINDLING_SQUARE_ARGUMENTS]
  ldr r12, [r0, #KINDLING_SQUARE_CHANNELS]
  ldr r2, [r0, #KINDLING_SQUARE_WEIGHTS]
  add r3, r12, r12, lsl #1
  add r2, r2, r1
  KINDLING_SQUARE_WEIGHTS_OF 0
  add r2, r2, r12
  KINDLING_SQUARE_WEIGHTS_OF 1
  add r2, r2, r12
  KINDLING_SQUARE_WEIGHTS_OF 2
  ldrd r2, r3, [r0, #(KINDLING_SQUARE_WEIGHTS + 4)]
  mov r7, #0x80000000
  mov r8, r12
  ldr r9, [r0, #(KINDLING_SQUARE_ROW_BYTES + 4)]
  ldr r10, [r0, #KINDLING_SQUARE_ZERO_POINT]
  add r2, r2, r1, lsl #3
  add r3, r3, r1
  KINDLING_SQUARE_NUMBERS 0
  KINDLING_SQUARE_NUMBERS 1
  mov r2, #0
2:                            @ a strip from column r2 on, of the channels from r1 on
  ldr r3, [r0, #KINDLING_SQUARE_COLUMNS]
  sub r3, r3, r2
  cmp r3, #KINDLING_SQUARE_STRIP
  it hi
  movhi r3, #KINDLING_SQUARE_STRIP
  strd r2, r3, [sp, #KINDLING_SQUARE_COLUMN]
  add r12, sp, #KINDLING_SQUARE_BUFFER
  add r4, r12, r3, lsl #4
  str r4, [sp, #(KINDLING_SQUARE_TABLE + KINDLING_SQUARE_OUT + 12)]
  add r5, r4, #KINDLING_SQUARE_BUFFER_BYTES
  str r5, [sp, #(KINDLING_SQUARE_TABLE + KINDLING_SQUARE_TABLE_BYTES + KINDLING_SQUARE_OUT + 12)]
  add lr, r4, #32             @ after the last column
  ldrd r4, r5, [r0, #KINDLING_SQUARE_INPUT]
  ldr r6, [r0, #KINDLING_SQUARE_CHANNELS]
  mla r4, r2, r6, r4
  mla r5, r2, r6, r5
  add r4, r4, r1
  add r5, r5, r1
  ldr r7, [r0, #(KINDLING_SQUARE_ZERO_POINT + 4)]
  sxtb16 r7, r7
  mov r8, r7
  ldr r9, [r0, #KINDLING_SQUARE_LEFT]
  cmp r2, r9
  bhs 3f                      @ the strip's first column is padding
  strd r7, r8, [r12, #KINDLING_SQUARE_BUFFER_BYTES]
  strd r7, r8, [r12, #(KINDLING_SQUARE_BUFFER_BYTES + 8)]
  strd r7, r8, [r12], #8
  strd r7, r8, [r12], #8
  add r4, r4, r6
3:
  ldr r9, [r0, #KINDLING_SQUARE_RIGHT]
  add r10, r2, r3
  cmp r10, r9
  ble 4f                      @ the strip's last column is padding
  strd r7, r8, [lr, #(KINDLING_SQUARE_BUFFER_BYTES - 16)]
  strd r7, r8, [lr, #(KINDLING_SQUARE_BUFFER_BYTES - 8)]
  strd r7, r8, [lr, #-16]!
  strd r7, r8, [lr, #8]
4:
  strd r12, lr, [sp, #KINDLING_SQUARE_BEGIN]
  strd r4, r5, [sp, #KINDLING_SQUARE_FROM]
  mov r5, #0
5:                            @ two rows from r5 on
  str r5, [sp, #KINDLING_SQUARE_ROW]
  ldr r0, [sp, #KINDLING_SQUARE_ARGUMENTS]
  ldrd r4, r6, [sp, #KINDLING_SQUARE_FROM]
  ldrd r2, r3, [r0, #KINDLING_SQUARE_ROW_BYTES]
  ldrd r12, lr, [sp, #KINDLING_SQUARE_BEGIN]
  mla r6, r5, r3, r6
  str r6, [sp, #(KINDLING_SQUARE_TABLE + KINDLING_SQUARE_OUT)]
  add r6, r6, #2
  str r6, [sp, #(KINDLING_SQUARE_TABLE + KINDLING_SQUARE_TABLE_BYTES + KINDLING_SQUARE_OUT)]
  ldr r1, [r0, #(KINDLING_SQUARE_ZERO_POINT + 4)]
  ldr r3, [r0, #KINDLING_SQUARE_CHANNELS]
  ldr r6, [r0, #KINDLING_SQUARE_TOP]
  ldr r7, [r0, #KINDLING_SQUARE_BOTTOM]
  mla r0, r5, r2, r4
  cmp r5, r6
  blo 6f
  cmp r5, r7
  bge 7f
  KINDLING_SQUARE_WIDEN 0, 0
  b.w 8f
6:
  KINDLING_SQUARE_WIDEN 1, 0
  b 8f
7:
  KINDLING_SQUARE_WIDEN 0, 1
8:
  KINDLING_SQUARE_TWO_CHANNELS 0
  KINDLING_SQUARE_TWO_CHANNELS 1
  ldrd r0, r1, [sp, #KINDLING_SQUARE_ARGUMENTS]
  ldr r5, [sp, #KINDLING_SQUARE_ROW]
  ldrd r6, r7, [r0, #KINDLING_SQUARE_ROWS]
  add r5, r5, #2
  cmp r5, r6
  bhs 9f
  sub r6, r6, #2
  cmp r5, r6
  it hi
  movhi r5, r6                @ the last two
  b.w 5b
9:
  ldrd r2, r3, [sp, #KINDLING_SQUARE_COLUMN]
  add r2, r2, r3
  cmp r2, r7
  bne.w 2b
  ldr r10, [r0, #KINDLING_SQUARE_CHANNELS]
  add r1, r1, #4
  sub r2, r10, #4
  cmp r1, r2
  bls.w 1b
  cmp r1, r10
  itt ne
  movne r1, r2                @ the last four
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_SQUARE_FRAME
  .cfi_adjust_cfa_offset -KINDLING_SQUARE_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_depthwise_square, . - kindling_depthwise_square
