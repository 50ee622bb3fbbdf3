@ Direct convolution without scratch memory, with the DSP extension: four patches that lie inside of
@ the map, one output channel.
@
@   for each row of the kernel, for each tap of the row:
@       sum[patch] += input[patch] * weight
@   answer the largest sum, without a branch that depends on the sums, or write all four
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums. Words of input and weights may lie at any address.
@
@ r0 = {four patches, weights, taps of a row, from the end of a row of taps to the next in the
@ input, rows}, r1 = where the four sums go; a tap and a row or more. Registers: r0 and r1 weights,
@ r2 and r3 inputs, r4-r7 addresses of the patches, r8 of the weights, r9-r12 sums, lr taps left; on
@ the stack the arguments and rows left.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0 and, of the sums, r1, as above
@ - alignment: r0 and r1 at whole words
@ - clobbers: r0-r3 and r12; r0 is the answer of the largest
@ - stack bytes: 48
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: input and weights are read by words at any address

.set KINDLING_IN_PLACE_WEIGHTS, 16
.set KINDLING_IN_PLACE_TAPS, 20
.set KINDLING_IN_PLACE_SKIP, 24
.set KINDLING_IN_PLACE_ROWS, 28

.macro KINDLING_IN_PLACE_FOUR_TAPS patch, sum
  ldr r2, [\patch], #4
  sxtb16 r3, r2
  sxtb16 r2, r2, ror #8
  smlad \sum, r3, r1, \sum
  smlad \sum, r2, r0, \sum
.endm

.macro KINDLING_IN_PLACE_TAP patch, sum
  ldrsb r2, [\patch], #1
  smlabb \sum, r2, r0, \sum
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
.if \sums
  push {r1, r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  .cfi_adjust_cfa_offset 4
.else
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
.endif
  ldr r1, [r0, #KINDLING_IN_PLACE_ROWS]
  ldm r0, {r4-r8}
  push {r0, r1}
  .cfi_adjust_cfa_offset 8
  mov r9, #0
  mov r10, #0
  mov r11, #0
  mov r12, #0
1:                            @ a row of taps
  ldr r0, [sp]
  ldr lr, [r0, #KINDLING_IN_PLACE_TAPS]
  subs lr, lr, #4
  blo 3f
2:
  ldr r0, [r8], #4
  sxtb16 r1, r0
  sxtb16 r0, r0, ror #8
  KINDLING_IN_PLACE_FOUR_TAPS r4, r9
  KINDLING_IN_PLACE_FOUR_TAPS r5, r10
  KINDLING_IN_PLACE_FOUR_TAPS r6, r11
  KINDLING_IN_PLACE_FOUR_TAPS r7, r12
  subs lr, lr, #4
  bhs 2b
3:
  adds lr, lr, #4
  beq 5f
4:
  ldrsb r0, [r8], #1
  KINDLING_IN_PLACE_TAP r4, r9
  KINDLING_IN_PLACE_TAP r5, r10
  KINDLING_IN_PLACE_TAP r6, r11
  KINDLING_IN_PLACE_TAP r7, r12
  subs lr, lr, #1
  bne 4b
5:
  ldrd r0, r1, [sp]
  ldr r2, [r0, #KINDLING_IN_PLACE_SKIP]
  add r4, r4, r2
  add r5, r5, r2
  add r6, r6, r2
  add r7, r7, r2
  subs r1, r1, #1
  str r1, [sp, #4]
  bne 1b
  .cfi_remember_state
  add sp, sp, #8
  .cfi_adjust_cfa_offset -8
.if \sums
  pop {r0}
  .cfi_adjust_cfa_offset -4
  stmia r0, {r9-r12}
.else
  cmp r10, r9
  it gt
  movgt r9, r10
  cmp r12, r11
  it gt
  movgt r11, r12
  cmp r11, r9
  it gt
  movgt r9, r11
  mov r0, r9
.endif
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_IN_PLACE kindling_in_place_largest, 0
KINDLING_IN_PLACE kindling_in_place_sums, 1
