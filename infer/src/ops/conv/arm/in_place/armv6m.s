@ Direct convolution without scratch memory on Armv6-M: four patches that lie inside of the map, one
@ output channel.
@
@   for each row of the kernel, for each tap of the row:
@       sum[patch] += input[patch] * weight
@   answer the largest sum, or write all four
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = {four patches, weights, taps of a row, from the end of a row of taps to the next in the
@ input, rows}, r1 = where the four sums go; a tap and a row or more. Registers: r0 end of a patch's
@ row of taps, r1 of the weights', r2 from there to the tap (it counts up to zero), r3-r5 and r12
@ sums, r6 weight, r7 value, r8-r11 ends of the patches' rows.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0 and, of the sums, r1, as above
@ - alignment: r0 and r1 at whole words
@ - clobbers: r0-r3 and r12; r0 is the answer of the largest
@ - stack bytes: 56
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.syntax unified
.thumb

@ The frame:
.set KINDLING_IN_PLACE_LESS, 0  @ taps of a row, negative
.set KINDLING_IN_PLACE_STEP, 4  @ from row to row of the input
.set KINDLING_IN_PLACE_TAPS, 8
.set KINDLING_IN_PLACE_ROWS, 12  @ left
.set KINDLING_IN_PLACE_FRAME, 16

.macro KINDLING_IN_PLACE_TAP patch, sum
  mov r0, \patch
  ldrsb r7, [r0, r2]
  muls r7, r6, r7
  add \sum, r7
.endm

.macro KINDLING_IN_PLACE_LARGER sum
  cmp r0, \sum
  bge 2f
  movs r0, \sum
2:
.endm

@ `sums`: whether the four sums are written; else the largest is answered.
.macro KINDLING_IN_PLACE name, sums
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r1, r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  .cfi_adjust_cfa_offset 4
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  KINDLING_SAVED 4, r8, r9, r10, r11
  sub sp, #KINDLING_IN_PLACE_FRAME
  .cfi_adjust_cfa_offset KINDLING_IN_PLACE_FRAME
  ldmia r0!, {r4-r7}
  ldmia r0, {r0-r3}           @ weights, taps, skip, rows
  adds r4, r4, r1
  adds r5, r5, r1
  adds r6, r6, r1
  adds r7, r7, r1
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  rsbs r4, r1, #0
  adds r5, r1, r2
  movs r6, r1
  movs r7, r3
  mov r2, sp
  stmia r2!, {r4-r7}
  adds r1, r0, r1
  movs r3, #0
  movs r4, #0
  movs r5, #0
  mov r12, r3
1:                            @ a row of taps
  ldr r2, [sp, #KINDLING_IN_PLACE_LESS]
3:
  ldrsb r6, [r1, r2]
  KINDLING_IN_PLACE_TAP r8, r3
  KINDLING_IN_PLACE_TAP r9, r4
  KINDLING_IN_PLACE_TAP r10, r5
  KINDLING_IN_PLACE_TAP r11, r12
  adds r2, r2, #1
  bne 3b
  ldr r6, [sp, #KINDLING_IN_PLACE_ROWS]
  subs r6, r6, #1
  beq 4f
  str r6, [sp, #KINDLING_IN_PLACE_ROWS]
  ldr r6, [sp, #KINDLING_IN_PLACE_STEP]
  add r8, r6
  add r9, r6
  add r10, r6
  add r11, r6
  ldr r6, [sp, #KINDLING_IN_PLACE_TAPS]
  adds r1, r1, r6
  b 1b
4:
  mov r6, r12
.if \sums
  ldr r0, [sp, #(KINDLING_IN_PLACE_FRAME + 16)]
  stmia r0!, {r3-r6}
.else
  movs r0, r6
  KINDLING_IN_PLACE_LARGER r3
  KINDLING_IN_PLACE_LARGER r4
  KINDLING_IN_PLACE_LARGER r5
.endif
  .cfi_remember_state
  add sp, #KINDLING_IN_PLACE_FRAME
  .cfi_adjust_cfa_offset -KINDLING_IN_PLACE_FRAME
  pop {r4-r7}
  .cfi_adjust_cfa_offset -16
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r1, r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_IN_PLACE kindling_in_place_largest, 0
KINDLING_IN_PLACE kindling_in_place_sums, 1
