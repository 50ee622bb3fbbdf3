@ Winograd's transforms of inputs and weights, two channels per word: see transform.rs for the lines
@ and their ranges.
@
@   for each quad of channels, for its pairs (0, 2) and (1, 3):
@       for each column of values: its line transform, on the stack as [column][row]
@       for each row of those: its line transform, to the row's points
@
@ |v| <= 100 * 128 and |u| <= 49 * 128 fit int16, and so does everything on the way.
@
@ r0 = {first value, bytes to the row below, bytes to the next column, first point of the first
@ pair, bytes from point to point, bytes from pair to pair, quads}. Registers: r4-r11 values of a
@ line, r12 and lr addresses, r0-r3 as stated.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above; one quad or more
@ - alignment: r0 and the points at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 208
@ - flags: N, Z, C, V and GE
@ - CCR.UNALIGN_TRP: must be 0: values are read by words at any address

@ The frame after the columns of words:
.set KINDLING_COLUMNS, 144    @ room for six columns of six rows
.set KINDLING_SOURCE, 144     @ and bytes to the row below, to the next column
.set KINDLING_POINTS, 156     @ and bytes from point to point
.set KINDLING_PAIR_BYTES, 164
.set KINDLING_QUADS, 168
.set KINDLING_TRANSFORM_FRAME, 172

@ Lines: the values in r4 and up become their transform in r4 and up, r10 and r11 lost.

.macro KINDLING_INPUT_LINE_2  @ p q r s -> p-r q+r r-q s-q
  ssub16 r7, r7, r5
  ssub16 r4, r4, r6
  sadd16 r10, r5, r6
  ssub16 r6, r6, r5
  mov r5, r10
.endm

.macro KINDLING_INPUT_LINE_4  @ p q r s t u -> six values
  ssub16 r10, r8, r6          @ t - r
  ssub16 r11, r7, r5          @ s - q
  ssub16 r4, r4, r6
  sadd16 r4, r4, r4
  sadd16 r4, r4, r4
  sadd16 r4, r4, r10          @ 4 (p - r) + t - r
  sadd16 r6, r6, r6
  sadd16 r6, r6, r6
  ssub16 r6, r8, r6           @ t - 4 r
  sadd16 r5, r5, r5
  sadd16 r5, r5, r5
  ssub16 r8, r7, r5           @ s - 4 q
  ssub16 r9, r9, r7
  sadd16 r5, r6, r8
  ssub16 r6, r6, r8
  sadd16 r11, r11, r11
  sadd16 r7, r10, r11
  ssub16 r8, r10, r11
  sadd16 r11, r11, r11
  ssub16 r9, r9, r11          @ u - s - 4 (s - q)
.endm

.macro KINDLING_WEIGHT_LINE_2  @ a b c -> 2a a+b+c a-b+c 2c
  sadd16 r10, r4, r6
  sadd16 r4, r4, r4
  sadd16 r7, r6, r6
  ssub16 r6, r10, r5
  sadd16 r5, r10, r5
.endm

.macro KINDLING_WEIGHT_LINE_4  @ a b c -> 3a a+b+c a-b+c a+2b+4c a-2b+4c 3c
  sadd16 r10, r4, r6          @ a + c
  sadd16 r8, r6, r6
  sadd16 r9, r8, r6           @ 3 c
  sadd16 r11, r8, r8
  sadd16 r11, r4, r11         @ a + 4 c
  sadd16 r7, r4, r4
  sadd16 r4, r7, r4           @ 3 a
  ssub16 r6, r10, r5
  sadd16 r10, r10, r5
  sadd16 r5, r5, r5
  sadd16 r7, r11, r5
  ssub16 r8, r11, r5
  mov r5, r10
.endm

@ Loads: a column of values at r0, r1 bytes apart, into r4 and up.

.macro KINDLING_LOAD_3
  ldr r4, [r0]
  ldr r5, [r0, r1]
  ldr r6, [r0, r1, lsl #1]
.endm

.macro KINDLING_LOAD_4
  add r12, r0, r1, lsl #1
  ldr r4, [r0]
  ldr r5, [r0, r1]
  ldr r6, [r12]
  ldr r7, [r12, r1]
.endm

.macro KINDLING_LOAD_6
  KINDLING_LOAD_4
  add r12, r12, r1, lsl #1
  ldr r8, [r12]
  ldr r9, [r12, r1]
.endm

@ The pair of a word's bytes that `rotation` brings to 0 and 2.
.macro KINDLING_WIDEN count, rotation:vararg
  sxtb16 r4, r4 \rotation
  sxtb16 r5, r5 \rotation
  sxtb16 r6, r6 \rotation
.if \count > 3
  sxtb16 r7, r7 \rotation
.endif
.if \count > 4
  sxtb16 r8, r8 \rotation
  sxtb16 r9, r9 \rotation
.endif
.endm

@ Stores: a row of points at r3, r0 bytes apart (r1 = three times that); r3 goes on to the next row.

.macro KINDLING_STORE_4       @ columns in the order 1 2 0 3
  add r12, r3, r1
  str r5, [r3]
  str r6, [r3, r0]
  str r4, [r3, r0, lsl #1]
  str r7, [r12]
  add r3, r12, r0
.endm

.macro KINDLING_STORE_6
  add r12, r3, r1
  str r4, [r3]
  str r5, [r3, r0]
  str r6, [r3, r0, lsl #1]
  add r3, r12, r1
  str r7, [r12]
  str r8, [r12, r0]
  str r9, [r12, r0, lsl #1]
.endm

@ One pair of channels: `inputs` values on a side, `points` points on a side.
.macro KINDLING_PAIR inputs, points, line, rotation:vararg
  ldrd r0, r1, [sp, #KINDLING_SOURCE]
  ldr r2, [sp, #(KINDLING_SOURCE + 8)]
  mov lr, sp
1:
  KINDLING_LOAD_\inputs
  add r0, r0, r2
  KINDLING_WIDEN \inputs, \rotation
  \line
.if \points == 4
  stmia lr!, {r4-r7}
.else
  stmia lr!, {r4-r9}
.endif
  add r12, sp, #(4 * \inputs * \points)
  cmp lr, r12
  bne 1b
  ldrd r3, r0, [sp, #KINDLING_POINTS]
  add r1, r0, r0, lsl #1
  mov lr, sp
2:
  ldr r4, [lr]
  ldr r5, [lr, #(4 * \points)]
  ldr r6, [lr, #(8 * \points)]
.if \inputs > 3
  ldr r7, [lr, #(12 * \points)]
.endif
.if \inputs > 4
  ldr r8, [lr, #(16 * \points)]
  ldr r9, [lr, #(20 * \points)]
.endif
  add lr, lr, #4
  \line
  KINDLING_STORE_\points
  add r12, sp, #(4 * \points)
  cmp lr, r12
  bne 2b
  ldr r3, [sp, #KINDLING_POINTS]
  ldr r1, [sp, #KINDLING_PAIR_BYTES]
  add r3, r3, r1
  str r3, [sp, #KINDLING_POINTS]
.endm

.macro KINDLING_TRANSFORM name, inputs, points, line
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_TRANSFORM_FRAME
  .cfi_adjust_cfa_offset KINDLING_TRANSFORM_FRAME
  ldmia r0, {r1-r7}
  add r0, sp, #KINDLING_SOURCE
  stmia r0, {r1-r7}
3:
  KINDLING_PAIR \inputs, \points, \line
  KINDLING_PAIR \inputs, \points, \line, , ror #8
  ldr r0, [sp, #KINDLING_SOURCE]
  ldr r1, [sp, #KINDLING_QUADS]
  add r0, r0, #KINDLING_QUAD_BYTES
  str r0, [sp, #KINDLING_SOURCE]
  subs r1, r1, #1
  str r1, [sp, #KINDLING_QUADS]
  bne.w 3b
  .cfi_remember_state
  add sp, sp, #KINDLING_TRANSFORM_FRAME
  .cfi_adjust_cfa_offset -KINDLING_TRANSFORM_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

.set KINDLING_QUAD_BYTES, 4   @ from a pixel's quad to its next
KINDLING_TRANSFORM kindling_f2_inputs, 4, 4, KINDLING_INPUT_LINE_2
KINDLING_TRANSFORM kindling_f4_inputs, 6, 6, KINDLING_INPUT_LINE_4
.set KINDLING_QUAD_BYTES, 36  @ from a quad's nine taps to the next quad's
KINDLING_TRANSFORM kindling_f2_weights, 3, 4, KINDLING_WEIGHT_LINE_2
KINDLING_TRANSFORM kindling_f4_weights, 3, 6, KINDLING_WEIGHT_LINE_4
