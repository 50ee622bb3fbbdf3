@ Winograd's output transform with 2x2 pooling and requantisation.
@
@   for each slot, a tile and a channel:
@       sums = output transform of the slot's points, in both directions
@       for each pooling window: output = requantise(bias + max(sums) / scale)
@
@ Additions wrap; what is shifted right at the end is exact by the proof in transform.rs.
@
@ r0 = sums [line][slot], r1 = slots, r2 = address
@ after the last slot, r3 = bytes to the output below, next to it, and zero point. A slot is
@ {address of its first output, bias, multiplier}.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above; one slot or more
@ - alignment: all but outputs at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 168
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: words at whole words only

@ value = requantise(bias r10 + value >> shift, with multiplier r11 and zero point r9); r5 is lost.
.macro KINDLING_FINISH_OUTPUT value, shift
  add \value, r10, \value, asr #\shift
  KINDLING_REQUANTISE \value, r11, r9, r5
.endm

@ a = max(a, b << shift)
.macro KINDLING_LARGER a, b, shift=0
.if \shift
  cmp \a, \b, lsl #\shift
  it lt
  lsllt \a, \b, #\shift
.else
  cmp \a, \b
  it lt
  movlt \a, \b
.endif
.endm

.macro KINDLING_FINISH name
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
.endm

@ F(2x2): larger of the two outputs of a column from the folded rows m0 to m3 into `out`.
.macro KINDLING_F2_COLUMN out, column, line_bytes
  ldr r4, [r0, #(\column * \line_bytes)]
  ldr r5, [r0, #((2 + \column) * \line_bytes)]
  ldr r6, [r0, #((4 + \column) * \line_bytes)]
  ldr r7, [r0, #((6 + \column) * \line_bytes)]
  add \out, r5, r6
  sub r5, r5, r6
  add \out, \out, r4
  add r5, r5, r7
  KINDLING_LARGER \out, r5
.endm

.macro KINDLING_F2_FINISH name, line_bytes
KINDLING_FINISH \name
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  ldr r9, [r3, #8]
1:
  ldmia r1!, {r3, r10, r11}
  KINDLING_F2_COLUMN r8, 0, \line_bytes
  KINDLING_F2_COLUMN r12, 1, \line_bytes
  add r0, r0, #4
  KINDLING_LARGER r8, r12
  KINDLING_FINISH_OUTPUT r8, 2
  cmp r1, r2
  strb r8, [r3]
  bne 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_F2_FINISH kindling_f2_finish_two, 16
KINDLING_F2_FINISH kindling_f2_finish_one, 8

@ F(4x4): a line m0 to m5 in r2 to r7 becomes its four outputs, times 24 and divided by 1, 2, 4, 4,
@ in r2 to r5.
.macro KINDLING_F4_LINE
  add r8, r3, r4              @ m1 + m2
  sub r9, r3, r4
  add r10, r5, r6             @ m3 + m4
  sub r11, r5, r6
  add r2, r10, r2, lsl #1
  sub r3, r11, r9, lsl #1
  sub r2, r2, r8, lsl #2
  sub r4, r10, r8
  add r7, r7, r11
  rsb r5, r9, r7, lsl #1
.endm

@ The column transform of one column, to the stack: [row][column].
.macro KINDLING_F4_COLUMN column, line_bytes
  ldr r2, [r0, #((0 + \column) * \line_bytes)]
  ldr r3, [r0, #((6 + \column) * \line_bytes)]
  ldr r4, [r0, #((12 + \column) * \line_bytes)]
  ldr r5, [r0, #((18 + \column) * \line_bytes)]
  ldr r6, [r0, #((24 + \column) * \line_bytes)]
  ldr r7, [r0, #((30 + \column) * \line_bytes)]
  KINDLING_F4_LINE
  str r2, [sp, #(4 * \column)]
  str r3, [sp, #(24 + 4 * \column)]
  str r4, [sp, #(48 + 4 * \column)]
  str r5, [sp, #(72 + 4 * \column)]
.endm

@ The row transform of the next row, and the larger values of its two windows into `left` and
@ `right`; lr is the inverse of 9, which turns 576 * sum into 64 * sum.
.macro KINDLING_F4_ROW left, right
  ldmia r12!, {r2-r7}
  KINDLING_F4_LINE
  mul \left, r2, lr
  mul r3, r3, lr
  mul \right, r4, lr
  mul r5, r5, lr
  KINDLING_LARGER \left, r3, 1
  KINDLING_LARGER \right, r5
.endm

@ The frame after the four rows of six words:
@ The slot's output, bytes to the output below, next to it, zero point, bias, multiplier:
.set KINDLING_F4_OUTPUT, 96
.set KINDLING_F4_STEPS, 100
.set KINDLING_F4_BIAS, 112
.set KINDLING_F4_SUMS, 120
.set KINDLING_F4_SLOTS, 124   @ next slot, end of slots
.set KINDLING_F4_FRAME, 132

.macro KINDLING_F4_FINISH name, line_bytes
KINDLING_FINISH \name
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_F4_FRAME
  .cfi_adjust_cfa_offset KINDLING_F4_FRAME
  str r2, [sp, #(KINDLING_F4_SLOTS + 4)]
  ldmia r3, {r4-r6}
  add r7, sp, #KINDLING_F4_STEPS
  stmia r7, {r4-r6}
  movw lr, #0x8e39            @ the inverse of 9
  movt lr, #0x38e3
1:
  ldmia r1!, {r4-r6}
  str r4, [sp, #KINDLING_F4_OUTPUT]
  strd r5, r6, [sp, #KINDLING_F4_BIAS]
  KINDLING_F4_COLUMN 0, \line_bytes
  KINDLING_F4_COLUMN 1, \line_bytes
  KINDLING_F4_COLUMN 2, \line_bytes
  KINDLING_F4_COLUMN 3, \line_bytes
  KINDLING_F4_COLUMN 4, \line_bytes
  KINDLING_F4_COLUMN 5, \line_bytes
  add r0, r0, #4
  strd r0, r1, [sp, #KINDLING_F4_SUMS]
  mov r12, sp
  KINDLING_F4_ROW r0, r1
  KINDLING_F4_ROW r2, r4
  KINDLING_LARGER r0, r2, 1   @ row 1 is divided by 2
  KINDLING_LARGER r1, r4, 1
  add r5, sp, #KINDLING_F4_OUTPUT
  ldmia r5, {r6-r11}
  KINDLING_FINISH_OUTPUT r0, 6   @ columns 0 and 1 by 1
  KINDLING_FINISH_OUTPUT r1, 4   @ columns 2 and 3 by 4
  strb r0, [r6]
  strb r1, [r6, r8]
  KINDLING_F4_ROW r0, r1
  KINDLING_F4_ROW r2, r4
  KINDLING_LARGER r0, r2      @ rows 2 and 3 by 4
  KINDLING_LARGER r1, r4
  ldmia r12, {r6-r11}         @ the frame after the rows
  KINDLING_FINISH_OUTPUT r0, 4
  KINDLING_FINISH_OUTPUT r1, 2
  add r6, r6, r7
  strb r0, [r6]
  strb r1, [r6, r8]
  ldrd r0, r1, [sp, #KINDLING_F4_SUMS]
  ldr r2, [sp, #(KINDLING_F4_SLOTS + 4)]
  cmp r1, r2
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_F4_FRAME
  .cfi_adjust_cfa_offset -KINDLING_F4_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_F4_FINISH kindling_f4_finish_two, 16
KINDLING_F4_FINISH kindling_f4_finish_one, 8
