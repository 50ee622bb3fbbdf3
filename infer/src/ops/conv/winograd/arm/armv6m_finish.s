@ Winograd's output transform of F(4x4) without pooling, and requantisation with two roundings, on
@ Armv6-M.
@
@   for each slot, a tile and a channel:
@       sums = output transform of the slot's points, in both directions
@       for each of the 16 outputs: output = requantise(bias + sum / scale), see arm/armv6m.s
@
@ Additions wrap; what is shifted right at the end is exact by the proof in transform.rs. Lines are
@ divided by 1, 2, 4, 4, of rows and of columns: a sum is shifted by that much less than 6. A sum
@ with its bias is below 2^30 in size, as finish_twice.rs checks the bias and the sum is below 2^25.
@
@ r0 = sums [line][slot], r1 = slots, two or four, r2 = address after the last, r3 = bytes to the
@ output below and next to it. A slot is {address of its first output, 2^15, bias, high half of the
@ multiplier, low half, bits to the right, zero point}.
@
@ Registers of the columns: r8 sums of a column, r9 bytes from row to row of sums, r10 from line to
@ line, r11 where the column goes, r12 where the last ends. Of the rows: r4-r7 2^15, bias and halves
@ of the multiplier, r8-r11 sums, r12 bits to the right, lr zero point.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: all but outputs at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 172
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: words at whole words only

@ The frame after the four rows of six words:
.set KINDLING_F4_TWICE_ROW_BYTES, 24
.set KINDLING_F4_TWICE_OUTPUT, 96  @ the next
.set KINDLING_F4_TWICE_ROW, 100  @ first output of the row
.set KINDLING_F4_TWICE_SOURCE, 104  @ the row's words
.set KINDLING_F4_TWICE_SHIFTS, 108  @ of this row and those after it, four bits each
.set KINDLING_F4_TWICE_FACTOR, 112
.set KINDLING_F4_TWICE_SUMS, 116  @ of the slot
.set KINDLING_F4_TWICE_END, 120  @ of the slots
.set KINDLING_F4_TWICE_LINE, 124  @ bytes from line to line of sums
.set KINDLING_F4_TWICE_BELOW, 128
.set KINDLING_F4_TWICE_COLUMN, 132
.set KINDLING_F4_TWICE_FRAME, 136

.set KINDLING_F4_TWICE_SLOT_BYTES, 28
.set KINDLING_F4_TWICE_ROW_SHIFTS, 0x2234

@ Six sums in r1 to r6 become the line's first in r1, second in r4, third in r3, last in r5.
.macro KINDLING_F4_LINE
  adds r7, r2, r3
  subs r2, r2, r3
  adds r3, r4, r5
  subs r4, r4, r5
  adds r5, r6, r4
  lsls r5, r5, #1
  subs r5, r5, r2
  lsls r6, r2, #1
  subs r4, r4, r6
  lsls r1, r1, #1
  adds r1, r1, r3
  lsls r6, r7, #2
  subs r1, r1, r6
  subs r3, r3, r7
.endm

@ The output of a sum. Of a ReLU that of a negative accumulator is the zero point.
.macro KINDLING_F4_TWICE_VALUE sum
  mov r0, \sum
  adds r0, r0, r5
  bpl 97f
  mov r1, lr
  adds r1, r1, #128
  bne 97f
  movs r0, #128
  b 98f
97:
  KINDLING_TWICE r4, r12, lr
98:
  ldr r1, [sp, #KINDLING_F4_TWICE_OUTPUT]
  ldr r2, [sp, #KINDLING_F4_TWICE_COLUMN]
  strb r0, [r1]
  adds r1, r1, r2
  str r1, [sp, #KINDLING_F4_TWICE_OUTPUT]
.endm

.section .text.kindling_f4_finish_twice, "ax", %progbits
.global kindling_f4_finish_twice
.type kindling_f4_finish_twice, %function
.thumb_func
.balign 4
kindling_f4_finish_twice:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  KINDLING_SAVED 4, r8, r9, r10, r11
  sub sp, #KINDLING_F4_TWICE_FRAME
  .cfi_adjust_cfa_offset KINDLING_F4_TWICE_FRAME
  str r0, [sp, #KINDLING_F4_TWICE_SUMS]
  str r2, [sp, #KINDLING_F4_TWICE_END]
  subs r2, r2, r1
  movs r4, #8
  cmp r2, #(2 * KINDLING_F4_TWICE_SLOT_BYTES)
  beq 1f
  movs r4, #16
1:
  str r4, [sp, #KINDLING_F4_TWICE_LINE]
  ldmia r3!, {r5, r6}
  str r5, [sp, #KINDLING_F4_TWICE_BELOW]
  str r6, [sp, #KINDLING_F4_TWICE_COLUMN]
2:                            @ a slot, r1
  ldmia r1!, {r0}
  str r0, [sp, #KINDLING_F4_TWICE_OUTPUT]
  str r0, [sp, #KINDLING_F4_TWICE_ROW]
  str r1, [sp, #KINDLING_F4_TWICE_FACTOR]
  ldr r0, [sp, #KINDLING_F4_TWICE_SUMS]
  mov r8, r0
  ldr r1, [sp, #KINDLING_F4_TWICE_LINE]
  mov r10, r1
  lsls r2, r1, #2
  lsls r1, r1, #1
  adds r2, r2, r1
  mov r9, r2
  mov r0, sp
  mov r11, r0
  str r0, [sp, #KINDLING_F4_TWICE_SOURCE]
  adds r0, r0, #KINDLING_F4_TWICE_ROW_BYTES
  mov r12, r0
3:                            @ a column
  mov r0, r8
  mov r7, r9
  ldr r1, [r0]
  ldr r2, [r0, r7]
  adds r0, r0, r7
  adds r0, r0, r7
  ldr r3, [r0]
  ldr r4, [r0, r7]
  adds r0, r0, r7
  adds r0, r0, r7
  ldr r5, [r0]
  ldr r6, [r0, r7]
  add r8, r10
  KINDLING_F4_LINE
  mov r0, r11
  str r1, [r0, #(0 * KINDLING_F4_TWICE_ROW_BYTES)]
  str r4, [r0, #(1 * KINDLING_F4_TWICE_ROW_BYTES)]
  str r3, [r0, #(2 * KINDLING_F4_TWICE_ROW_BYTES)]
  str r5, [r0, #(3 * KINDLING_F4_TWICE_ROW_BYTES)]
  adds r0, r0, #4
  mov r11, r0
  cmp r0, r12
  bne 3b
  ldr r0, [sp, #KINDLING_F4_TWICE_FACTOR]
  ldr r1, [r0, #16]
  mov r12, r1
  ldr r1, [r0, #20]
  mov lr, r1
  ldr r1, =KINDLING_F4_TWICE_ROW_SHIFTS
4:                            @ a row, r1 = its shift and those after it
  lsrs r0, r1, #4
  str r0, [sp, #KINDLING_F4_TWICE_SHIFTS]
  movs r0, #15
  ands r0, r1
  ldr r7, [sp, #KINDLING_F4_TWICE_SOURCE]
  ldmia r7!, {r1-r6}
  str r7, [sp, #KINDLING_F4_TWICE_SOURCE]
  KINDLING_F4_LINE
  ldr r7, =0x38e38e39         @ the inverse of 9
  muls r1, r7, r1
  muls r4, r7, r4
  muls r3, r7, r3
  muls r5, r7, r5
  asrs r1, r1, #2
  asrs r4, r4, #1
  asrs r1, r1, r0
  asrs r4, r4, r0
  asrs r3, r3, r0
  asrs r5, r5, r0
  mov r8, r1
  mov r9, r4
  mov r10, r3
  mov r11, r5
  ldr r0, [sp, #KINDLING_F4_TWICE_FACTOR]
  ldmia r0!, {r4-r7}
  KINDLING_F4_TWICE_VALUE r8
  KINDLING_F4_TWICE_VALUE r9
  KINDLING_F4_TWICE_VALUE r10
  KINDLING_F4_TWICE_VALUE r11
  ldr r0, [sp, #KINDLING_F4_TWICE_ROW]
  ldr r1, [sp, #KINDLING_F4_TWICE_BELOW]
  adds r0, r0, r1
  str r0, [sp, #KINDLING_F4_TWICE_ROW]
  str r0, [sp, #KINDLING_F4_TWICE_OUTPUT]
  ldr r1, [sp, #KINDLING_F4_TWICE_SHIFTS]
  cmp r1, #0
  beq 5f
  b 4b
5:
  ldr r0, [sp, #KINDLING_F4_TWICE_SUMS]
  adds r0, r0, #4
  str r0, [sp, #KINDLING_F4_TWICE_SUMS]
  ldr r1, [sp, #KINDLING_F4_TWICE_FACTOR]
  adds r1, r1, #(KINDLING_F4_TWICE_SLOT_BYTES - 4)
  ldr r2, [sp, #KINDLING_F4_TWICE_END]
  cmp r1, r2
  beq 6f
  b 2b
6:
  .cfi_remember_state
  add sp, #KINDLING_F4_TWICE_FRAME
  .cfi_adjust_cfa_offset -KINDLING_F4_TWICE_FRAME
  pop {r4-r7}
  .cfi_adjust_cfa_offset -16
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}
  .cfi_restore_state
.balign 4
.pool
  .cfi_endproc
.size kindling_f4_finish_twice, . - kindling_f4_finish_twice
