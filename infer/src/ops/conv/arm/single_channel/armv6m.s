@ 3x3 convolution of one input channel with 2x2 pooling on Armv6-M: the largest sum of each window,
@ one output channel.
@
@   for each window, 4x4 pixels p as words:
@       for each row k and column j of the kernel:
@           a, b, c, d += p at (k, j), (k, j + 1), (k + 1, j), (k + 1, j + 1) times the weight
@       sum = max(a, b, c, d)
@
@ Sums of nine products of at most 2^14 fit 32 bits.
@
@ r0 = windows, r1 = end of windows, r2 = weights, nine words, r3 = sums, one word per window.
@ Registers: r0 window, r1 weights, r2 weight, r3-r7 products, r8-r11 a b c d, r12 end of windows.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: all at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 40
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: words at whole words only, or bytes

.syntax unified
.thumb

@ sum += pixel * weight, for the two pixels of a row.
.macro KINDLING_SC_PRODUCT sum, row, column
  ldr r3, [r0, #(16 * (\row) + 4 * (\column))]
  muls r3, r2, r3
  add \sum, r3
.endm

.macro KINDLING_SC_TAP row, column
  ldr r2, [r1, #(12 * \row + 4 * \column)]
  KINDLING_SC_PRODUCT r8, \row, \column
  KINDLING_SC_PRODUCT r9, \row, (\column+1)
  KINDLING_SC_PRODUCT r10, (\row+1), \column
  KINDLING_SC_PRODUCT r11, (\row+1), (\column+1)
.endm

.macro KINDLING_SC_LARGER a, b
  cmp \a, \b
  bge 5f
  mov \a, \b
5:
.endm

.section .text.kindling_single_channel_sums, "ax", %progbits
.global kindling_single_channel_sums
.type kindling_single_channel_sums, %function
.thumb_func
.balign 4
kindling_single_channel_sums:
  .cfi_startproc
  push {r3-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  .cfi_adjust_cfa_offset 4
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  KINDLING_SAVED 4, r8, r9, r10, r11
  mov r12, r1
  mov r1, r2
1:
  movs r2, #0
  mov r8, r2
  mov r9, r2
  mov r10, r2
  mov r11, r2
  KINDLING_SC_TAP 0, 0
  KINDLING_SC_TAP 0, 1
  KINDLING_SC_TAP 0, 2
  KINDLING_SC_TAP 1, 0
  KINDLING_SC_TAP 1, 1
  KINDLING_SC_TAP 1, 2
  KINDLING_SC_TAP 2, 0
  KINDLING_SC_TAP 2, 1
  KINDLING_SC_TAP 2, 2
  KINDLING_SC_LARGER r8, r9
  KINDLING_SC_LARGER r10, r11
  KINDLING_SC_LARGER r8, r10
  ldr r3, [sp, #16]
  mov r2, r8
  stmia r3!, {r2}
  str r3, [sp, #16]
  adds r0, r0, #64
  cmp r0, r12
  beq 2f
  b 1b
2:
  .cfi_remember_state
  pop {r4-r7}
  .cfi_adjust_cfa_offset -16
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r3-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_single_channel_sums, . - kindling_single_channel_sums
