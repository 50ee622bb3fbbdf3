@ Winograd's output transform of F(4x4) without pooling, and requantisation with two roundings.
@
@   for each slot, a tile and a channel:
@       sums = output transform of the slot's points, in both directions
@       for each of the 16 outputs: output = requantise(bias + sum / scale), see arm/twice.s
@
@ Additions wrap; what is shifted right at the end is exact by the proof in transform.rs. Lines are
@ divided by 1, 2, 4, 4, of rows and of columns: a sum is shifted by that much less than 6.
@
@ r0 = sums [line][slot], r1 = slots, r2 = address after the last slot, r3 = bytes to the output
@ below and next to it. A slot is {address of its first output, bias, multiplier doubled, constant,
@ last shift}, as KINDLING_TWICE takes them.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above; one slot or more
@ - alignment: all but outputs at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 152
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: words at whole words only

@ The frame after the four rows of six words:
.set KINDLING_F4_TWICE_OUTPUT, 96  @ the row's first, and bytes to the row below
.set KINDLING_F4_TWICE_COLUMN, 104  @ bytes to the next output
.set KINDLING_F4_TWICE_END, 108  @ of the slots
.set KINDLING_F4_TWICE_FRAME, 116

.macro KINDLING_F4_TWICE_VALUE value, shift
  add \value, r8, \value, asr #\shift
  KINDLING_TWICE \value, r9, r11, r10, r7, 1
.endm

@ The next row: its transform, and its four outputs, shifted right by a, b, c, c.
.macro KINDLING_F4_TWICE_ROW a, b, c
  ldmia r12!, {r2-r7}
  KINDLING_F4_LINE
  mul r2, r2, lr
  mul r3, r3, lr
  mul r4, r4, lr
  mul r5, r5, lr
  ldmia.w r1, {r8-r11}
  KINDLING_F4_TWICE_VALUE r2, \a
  KINDLING_F4_TWICE_VALUE r3, \b
  KINDLING_F4_TWICE_VALUE r4, \c
  KINDLING_F4_TWICE_VALUE r5, \c
  ldrd r6, r8, [sp, #KINDLING_F4_TWICE_OUTPUT]
  ldr r7, [sp, #KINDLING_F4_TWICE_COLUMN]
  add r8, r8, r6
  strb r2, [r6]
  strb r3, [r6, r7]
  strb.w r4, [r6, r7, lsl #1]
  add r6, r6, r7
  strb.w r5, [r6, r7, lsl #1]
  str r8, [sp, #KINDLING_F4_TWICE_OUTPUT]
.endm

.macro KINDLING_F4_FINISH_TWICE name, line_bytes
KINDLING_FINISH \name
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_F4_TWICE_FRAME
  .cfi_adjust_cfa_offset KINDLING_F4_TWICE_FRAME
  str r2, [sp, #KINDLING_F4_TWICE_END]
  ldmia r3, {r4, r5}
  str r4, [sp, #(KINDLING_F4_TWICE_OUTPUT + 4)]
  str r5, [sp, #KINDLING_F4_TWICE_COLUMN]
  movw lr, #0x8e39            @ the inverse of 9
  movt lr, #0x38e3
1:
  ldr r4, [r1], #4
  str r4, [sp, #KINDLING_F4_TWICE_OUTPUT]
  KINDLING_F4_COLUMN 0, \line_bytes
  KINDLING_F4_COLUMN 1, \line_bytes
  KINDLING_F4_COLUMN 2, \line_bytes
  KINDLING_F4_COLUMN 3, \line_bytes
  KINDLING_F4_COLUMN 4, \line_bytes
  KINDLING_F4_COLUMN 5, \line_bytes
  mov r12, sp
  KINDLING_F4_TWICE_ROW 6, 5, 4
  KINDLING_F4_TWICE_ROW 5, 4, 3
  KINDLING_F4_TWICE_ROW 4, 3, 2
  KINDLING_F4_TWICE_ROW 4, 3, 2
  add r0, r0, #4
  add r1, r1, #16
  ldr r2, [sp, #KINDLING_F4_TWICE_END]
  cmp r1, r2
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_F4_TWICE_FRAME
  .cfi_adjust_cfa_offset -KINDLING_F4_TWICE_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_F4_FINISH_TWICE kindling_f4_finish_twice_two, 16
KINDLING_F4_FINISH_TWICE kindling_f4_finish_twice_one, 8
