@ Direct convolution on Armv6-M: four patches that lie one after the other, one output channel.
@
@   for each tap:
@       sum[patch] += patch[tap] * weight[tap]
@   answer max over the patches of sum
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = patches, r1 = weights, r2 = taps, at least one.
@ Registers: r0 the end of a patch, r1 of the weights, r2 from there to the tap (it counts up to
@ zero), r3-r5 and r12 sums, r6 weight, r7 value, r8 the end of the first patch, lr bytes of a
@ patch.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r2, as above
@ - alignment: none
@ - clobbers: r0-r3 and r12; r0 is the answer
@ - stack bytes: 24
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: bytes only

.syntax unified
.thumb

.macro KINDLING_DIRECT_TAP sum
  ldrsb r7, [r0, r2]
  muls r7, r6, r7
  add \sum, r7
.endm

.macro KINDLING_DIRECT_LARGER sum
  cmp r0, \sum
  bge 2f
  mov r0, \sum
2:
.endm

.section .text.kindling_direct_four, "ax", %progbits
.global kindling_direct_four
.type kindling_direct_four, %function
.thumb_func
.balign 4
kindling_direct_four:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r7, r8
  push {r7}
  KINDLING_SAVED 4, r8
  mov lr, r2
  adds r1, r1, r2
  adds r0, r0, r2
  mov r8, r0
  rsbs r2, r2, #0
  movs r3, #0
  movs r4, #0
  movs r5, #0
  mov r12, r3
1:
  ldrsb r6, [r1, r2]
  KINDLING_DIRECT_TAP r3
  add r0, lr
  KINDLING_DIRECT_TAP r4
  add r0, lr
  KINDLING_DIRECT_TAP r5
  add r0, lr
  KINDLING_DIRECT_TAP r12
  mov r0, r8
  adds r2, r2, #1
  bne 1b
  mov r0, r12
  KINDLING_DIRECT_LARGER r3
  KINDLING_DIRECT_LARGER r4
  KINDLING_DIRECT_LARGER r5
  .cfi_remember_state
  pop {r7}
  .cfi_adjust_cfa_offset -4
  mov r8, r7
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_direct_four, . - kindling_direct_four
