@ Sum of two tensors, four values at once.
@
@   for each value: output = saturate((a * multiplier of a + b * multiplier of b + offset) >> shift)
@
@ A value of each input makes a pair, so one instruction multiplies both and adds the offset.
@ Nothing leaves 32 bits: portable.rs has the proof. Words may lie at any address.
@
@ r0 = a, r1 = b, r2 = outputs, r3 = {count, both multipliers, offset, shift}; a multiple of four
@ values, four or more. Registers: r3 end of the outputs, r4 multipliers, r5 offset, r6 shift,
@ r7-r11 values.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: r3 at a whole word
@ - clobbers: r0-r3 and r12
@ - stack bytes: 36
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: both inputs are read by words at any address

.macro KINDLING_ADD_OUTPUT sum
  asr \sum, \sum, r6
  ssat \sum, #8, \sum
  strb \sum, [r2], #1
.endm

.section .text.kindling_add, "ax", %progbits
.global kindling_add
.type kindling_add, %function
.thumb_func
.balign 4
kindling_add:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  ldmia r3, {r3-r6}
  add r3, r3, r2
1:
  ldr r7, [r0], #4
  ldr r8, [r1], #4
  sxtb16 r9, r7               @ a0, a2
  sxtb16 r10, r8              @ b0, b2
  sxtb16 r7, r7, ror #8       @ a1, a3
  sxtb16 r8, r8, ror #8       @ b1, b3
  pkhbt r11, r9, r10, lsl #16 @ a0, b0
  pkhtb r10, r10, r9, asr #16 @ a2, b2
  pkhbt r9, r7, r8, lsl #16   @ a1, b1
  pkhtb r8, r8, r7, asr #16   @ a3, b3
  smlad r11, r11, r4, r5
  smlad r9, r9, r4, r5
  smlad r10, r10, r4, r5
  smlad r8, r8, r4, r5
  KINDLING_ADD_OUTPUT r11
  KINDLING_ADD_OUTPUT r9
  KINDLING_ADD_OUTPUT r10
  KINDLING_ADD_OUTPUT r8
  cmp r2, r3
  bne 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_add, . - kindling_add
