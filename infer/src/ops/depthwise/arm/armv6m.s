@ Depthwise convolution on Armv6-M: the pixels of a block, two channels at once.
@
@   for each two channels:
@       list = for each tap: the place of the input after the pixel's, weights of the channels
@       for each pixel:
@           sums = starts
@           for each tap of the list: sums += input * weight, channel by channel
@           outputs = requantise(sums), see arm/armv6m.s
@
@ The last two channels end with the last one: where they overlap those before, they make the same
@ values again. Every product is at most 2^14 in size; sums stay in 32 bits because the model proved
@ it for all partial sums. With two roundings they are below 2^30 in size, as twice.rs proves.
@
@ r0 = {input, output, weights, starts, parameters, shifts, channels, rows, columns, skip of the
@ input, skip of the weights, output rows, bytes of an output row's pixels, step, skip from row to
@ row of the input, of the output, zero point}: see block.rs; a pixel, a row and a column of taps,
@ at most DEPTHWISE_TAPS_MAX of them, and two channels or more.
@
@ Registers for each pixel: r0-r3 place, weights and input, r4 and r5 addresses of the input of both
@ channels, r7 of the list, r8 and r9 sums, r10 zero point, r12 end of the list, lr least sum that
@ needs its factors; for the outputs r4 right, r5 = 2^15, r6 and r7 halves of the multiplier, r11
@ address of the factors.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, starts and parameters at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 404
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: input and weights are read byte by byte

.syntax unified
.thumb
.set KINDLING_DEPTHWISE_TAPS_MAX, 25

@ The arguments:
.set KINDLING_DEPTHWISE_INPUT, 0
.set KINDLING_DEPTHWISE_OUTPUT, 4
.set KINDLING_DEPTHWISE_WEIGHTS, 8
.set KINDLING_DEPTHWISE_STARTS, 12
.set KINDLING_DEPTHWISE_PARAMETERS, 16
.set KINDLING_DEPTHWISE_SHIFTS, 20
.set KINDLING_DEPTHWISE_CHANNELS, 24
.set KINDLING_DEPTHWISE_ROWS, 28
.set KINDLING_DEPTHWISE_COLUMNS, 32
.set KINDLING_DEPTHWISE_SKIPS, 36
.set KINDLING_DEPTHWISE_OUT_ROWS, 44
.set KINDLING_DEPTHWISE_OUT_BYTES, 48
.set KINDLING_DEPTHWISE_STEP, 52
.set KINDLING_DEPTHWISE_ROW_SKIPS, 56
.set KINDLING_DEPTHWISE_ZERO_POINT, 64

@ The frame:
.set KINDLING_DEPTHWISE_FRAME_ENTRY, 0  @ where a pixel's taps begin
.set KINDLING_DEPTHWISE_FRAME_INPUT, 4  @ of the pixel
.set KINDLING_DEPTHWISE_FRAME_OUTPUT, 8
.set KINDLING_DEPTHWISE_FRAME_STEP, 12
.set KINDLING_DEPTHWISE_FRAME_CHANNELS, 16
.set KINDLING_DEPTHWISE_FRAME_ROW_END, 20  @ address after the outputs of this row
.set KINDLING_DEPTHWISE_FRAME_ROWS_LEFT, 24
.set KINDLING_DEPTHWISE_FRAME_ARGUMENTS, 28
.set KINDLING_DEPTHWISE_FRAME_CHANNEL, 32  @ first of the two
.set KINDLING_DEPTHWISE_FRAME_STARTS, 36  @ two, then the list, then the factors
.set KINDLING_DEPTHWISE_REST, 8 + 12 * KINDLING_DEPTHWISE_TAPS_MAX + 24
.set KINDLING_DEPTHWISE_FRAME_BYTES, KINDLING_DEPTHWISE_FRAME_STARTS + KINDLING_DEPTHWISE_REST

.set KINDLING_DEPTHWISE_ROUND, 3  @ taps per round of the loop
.set KINDLING_DEPTHWISE_TAP_BYTES, 14  @ code of one tap

@ Writes starts and list to r7, and where a pixel's taps begin to r6; r0 = arguments, r1 = channel.
.macro KINDLING_DEPTHWISE_LIST end
  mov r12, r0
  ldr r2, [r0, #KINDLING_DEPTHWISE_STARTS]
  lsls r3, r1, #2
  adds r2, r2, r3
  ldmia r2!, {r3, r4}
  stmia r7!, {r3, r4}
  ldr r2, [r0, #KINDLING_DEPTHWISE_WEIGHTS]
  adds r1, r1, r2
  movs r2, #0                 @ place of the input
  ldr r5, [r0, #KINDLING_DEPTHWISE_ROWS]
3:
  ldr r6, [r0, #KINDLING_DEPTHWISE_COLUMNS]
4:
  movs r3, #0
  ldrsb r3, [r1, r3]
  movs r4, #1
  ldrsb r4, [r1, r4]
  stmia r7!, {r2-r4}
  ldr r3, [r0, #KINDLING_DEPTHWISE_CHANNELS]
  adds r1, r1, r3
  adds r2, r2, r3
  subs r6, r6, #1
  bne 4b
  ldr r3, [r0, #KINDLING_DEPTHWISE_SKIPS]
  ldr r4, [r0, #(KINDLING_DEPTHWISE_SKIPS + 4)]
  adds r2, r2, r3
  adds r1, r1, r4
  subs r5, r5, #1
  bne 3b
  ldr r5, [r0, #KINDLING_DEPTHWISE_ROWS]
  ldr r6, [r0, #KINDLING_DEPTHWISE_COLUMNS]
  muls r5, r6, r5
5:                            @ the first round has 1 to DEPTHWISE_ROUND taps
  subs r5, r5, #KINDLING_DEPTHWISE_ROUND
  bgt 5b
  adds r5, r5, #KINDLING_DEPTHWISE_ROUND
  movs r6, #KINDLING_DEPTHWISE_TAP_BYTES
  muls r5, r6, r5
  ldr r6, =\end
  subs r6, r6, r5
.endm

@ The sums of a pixel.
.macro KINDLING_DEPTHWISE_SUMS name
  add r7, sp, #KINDLING_DEPTHWISE_FRAME_STARTS
  ldmia r7!, {r0, r1}
  mov r8, r0
  mov r9, r1
  ldr r4, [sp, #KINDLING_DEPTHWISE_FRAME_INPUT]
  adds r5, r4, #1
  ldr r6, [sp, #KINDLING_DEPTHWISE_FRAME_ENTRY]
  mov pc, r6
.balign 4
6:
.rept KINDLING_DEPTHWISE_ROUND
  ldmia r7!, {r0-r2}
  ldrsb r3, [r4, r0]
  muls r3, r1, r3
  add r8, r3
  ldrsb r3, [r5, r0]
  muls r3, r2, r3
  add r9, r3
.endr
.L\name\()_end:
  KINDLING_JUMP 6b, .L\name\()_end, (KINDLING_DEPTHWISE_ROUND * KINDLING_DEPTHWISE_TAP_BYTES)
  cmp r7, r12
  bne 6b
.endm

@ Writes the factors of two channels to r7, from channel r1 on; r0 = arguments.
.macro KINDLING_DEPTHWISE_FACTORS_ONCE
  movs r5, #0
.endm

.macro KINDLING_DEPTHWISE_FACTORS_TWICE
  ldr r5, [r0, #KINDLING_DEPTHWISE_SHIFTS]
  adds r5, r5, r1
.endm

.macro KINDLING_DEPTHWISE_RIGHT_ONCE place
.endm

.macro KINDLING_DEPTHWISE_RIGHT_TWICE place
  movs r2, #\place
  ldrsb r2, [r5, r2]
  rsbs r2, r2, #0
.endm

.macro KINDLING_DEPTHWISE_FACTORS rounding
  KINDLING_DEPTHWISE_FACTORS_\rounding
  ldr r6, [r0, #KINDLING_DEPTHWISE_PARAMETERS]
  lsls r3, r1, #3
  adds r6, r6, r3
.irp place, 0, 1
  ldr r3, [r6, #(8 * \place + 4)]
  uxth r4, r3
  lsrs r3, r3, #16
  KINDLING_DEPTHWISE_RIGHT_\rounding \place
  stmia r7!, {r2-r4}
.endr
.endm

.macro KINDLING_DEPTHWISE_OUTPUT_ONCE
  KINDLING_ONCE r5, r10
.endm

.macro KINDLING_DEPTHWISE_OUTPUT_TWICE
  KINDLING_TWICE r5, r4, r10
.endm

@ The output of a sum, r11 = factors of both channels; r1 = address of the outputs. Of a ReLU that
@ of a negative sum is the zero point, -128.
.macro KINDLING_DEPTHWISE_OUTPUT_OF sum, channel, rounding
  mov r0, \sum
  cmp r0, lr
  bge 97f
  movs r0, #128
  b 98f
97:
  mov r7, r11
.if \channel
  adds r7, r7, #12
.endif
  ldmia r7, {r4, r6, r7}
  KINDLING_DEPTHWISE_OUTPUT_\rounding
98:
  ldr r1, [sp, #KINDLING_DEPTHWISE_FRAME_OUTPUT]
  strb r0, [r1, #\channel]
.endm

.macro KINDLING_DEPTHWISE_OUTPUTS rounding
  movs r5, #1
  lsls r5, r5, #15
  mov r11, r7
  KINDLING_DEPTHWISE_OUTPUT_OF r8, 0, \rounding
  KINDLING_DEPTHWISE_OUTPUT_OF r9, 1, \rounding
.endm

.macro KINDLING_DEPTHWISE name, rounding
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  KINDLING_SAVED 4, r8, r9, r10, r11
  sub sp, #KINDLING_DEPTHWISE_FRAME_BYTES
  .cfi_adjust_cfa_offset KINDLING_DEPTHWISE_FRAME_BYTES
  ldr r1, [r0, #KINDLING_DEPTHWISE_STEP]
  str r1, [sp, #KINDLING_DEPTHWISE_FRAME_STEP]
  ldr r1, [r0, #KINDLING_DEPTHWISE_CHANNELS]
  str r1, [sp, #KINDLING_DEPTHWISE_FRAME_CHANNELS]
  ldr r1, [r0, #KINDLING_DEPTHWISE_ZERO_POINT]
  mov r10, r1
  movs r2, #0
  adds r1, r1, #128           @ 0 for a ReLU
  beq 9f
  movs r2, #1
  lsls r2, r2, #31
9:
  mov lr, r2
  movs r1, #0
1:                            @ two channels from r1 on
  str r0, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  str r1, [sp, #KINDLING_DEPTHWISE_FRAME_CHANNEL]
  add r7, sp, #KINDLING_DEPTHWISE_FRAME_STARTS
  KINDLING_DEPTHWISE_LIST .L\name\()_end
  str r6, [sp, #KINDLING_DEPTHWISE_FRAME_ENTRY]
  mov r12, r7
  ldr r0, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  ldr r1, [sp, #KINDLING_DEPTHWISE_FRAME_CHANNEL]
  KINDLING_DEPTHWISE_FACTORS \rounding
  ldr r2, [r0, #KINDLING_DEPTHWISE_INPUT]
  adds r2, r2, r1
  str r2, [sp, #KINDLING_DEPTHWISE_FRAME_INPUT]
  ldr r2, [r0, #KINDLING_DEPTHWISE_OUTPUT]
  adds r2, r2, r1
  str r2, [sp, #KINDLING_DEPTHWISE_FRAME_OUTPUT]
  ldr r3, [r0, #KINDLING_DEPTHWISE_OUT_BYTES]
  adds r3, r3, r2
  str r3, [sp, #KINDLING_DEPTHWISE_FRAME_ROW_END]
  ldr r3, [r0, #KINDLING_DEPTHWISE_OUT_ROWS]
  str r3, [sp, #KINDLING_DEPTHWISE_FRAME_ROWS_LEFT]
2:                            @ a pixel
  KINDLING_DEPTHWISE_SUMS \name
  KINDLING_DEPTHWISE_OUTPUTS \rounding
  ldr r0, [sp, #KINDLING_DEPTHWISE_FRAME_INPUT]
  ldr r2, [sp, #KINDLING_DEPTHWISE_FRAME_STEP]
  ldr r3, [sp, #KINDLING_DEPTHWISE_FRAME_CHANNELS]
  ldr r4, [sp, #KINDLING_DEPTHWISE_FRAME_ROW_END]
  adds r0, r0, r2
  adds r1, r1, r3
  str r0, [sp, #KINDLING_DEPTHWISE_FRAME_INPUT]
  str r1, [sp, #KINDLING_DEPTHWISE_FRAME_OUTPUT]
  cmp r1, r4
  beq 7f
  b 2b
7:
  ldr r5, [sp, #KINDLING_DEPTHWISE_FRAME_ARGUMENTS]
  ldr r2, [r5, #KINDLING_DEPTHWISE_ROW_SKIPS]
  ldr r3, [r5, #(KINDLING_DEPTHWISE_ROW_SKIPS + 4)]
  ldr r4, [r5, #KINDLING_DEPTHWISE_OUT_BYTES]
  adds r0, r0, r2
  adds r1, r1, r3
  adds r4, r4, r1
  str r0, [sp, #KINDLING_DEPTHWISE_FRAME_INPUT]
  str r1, [sp, #KINDLING_DEPTHWISE_FRAME_OUTPUT]
  str r4, [sp, #KINDLING_DEPTHWISE_FRAME_ROW_END]
  ldr r2, [sp, #KINDLING_DEPTHWISE_FRAME_ROWS_LEFT]
  subs r2, r2, #1
  str r2, [sp, #KINDLING_DEPTHWISE_FRAME_ROWS_LEFT]
  beq 7f
  b 2b
7:
  movs r0, r5
  ldr r1, [sp, #KINDLING_DEPTHWISE_FRAME_CHANNEL]
  ldr r3, [sp, #KINDLING_DEPTHWISE_FRAME_CHANNELS]
  adds r1, r1, #2
  subs r2, r3, #2
  cmp r1, r2
  bls 8f
  cmp r1, r3
  beq 9f
  movs r1, r2                 @ the last two
8:
  b 1b
.balign 4
.pool
9:
  .cfi_remember_state
  add sp, #KINDLING_DEPTHWISE_FRAME_BYTES
  .cfi_adjust_cfa_offset -KINDLING_DEPTHWISE_FRAME_BYTES
  pop {r4-r7}
  .cfi_adjust_cfa_offset -16
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_DEPTHWISE kindling_depthwise, ONCE
KINDLING_DEPTHWISE kindling_depthwise_twice, TWICE
