@ Sum of two tensors on Armv6-M, value by value.
@
@   for each value: output = saturate((a * multiplier of a + b * multiplier of b + offset) >> shift)
@
@ Nothing leaves 32 bits: portable.rs has the proof.
@
@ r0 = a, r1 = b, r2 = outputs, r3 = {count, both multipliers, offset, shift}; one value or more.
@ Registers: r0-r2 ends, r3 place before the ends, r4 and r5 values, r6 and r7 multipliers, r8
@ offset, r9 shift.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: r3 at a whole word
@ - clobbers: r0-r3 and r12
@ - stack bytes: 28
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: words at whole words only, or bytes

.syntax unified
.thumb

.section .text.kindling_add, "ax", %progbits
.global kindling_add
.type kindling_add, %function
.thumb_func
.balign 4
kindling_add:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r4, r8
  mov r5, r9
  push {r4, r5}
  KINDLING_SAVED 4, r8, r9
  ldmia r3!, {r4-r7}
  mov r8, r6
  mov r9, r7
  sxth r6, r5
  asrs r7, r5, #16
  adds r0, r0, r4
  adds r1, r1, r4
  adds r2, r2, r4
  rsbs r3, r4, #0
1:
  ldrsb r4, [r0, r3]
  ldrsb r5, [r1, r3]
  muls r4, r6, r4
  muls r5, r7, r5
  adds r4, r4, r5
  add r4, r8
  mov r5, r9
  asrs r4, r4, r5
  sxtb r5, r4
  cmp r5, r4
  bne 3f
2:
  strb r4, [r2, r3]
  adds r3, r3, #1
  bne 1b
  .cfi_remember_state
  pop {r4, r5}
  .cfi_adjust_cfa_offset -8
  mov r8, r4
  mov r9, r5
  pop {r4-r7, pc}
  .cfi_restore_state
3:                            @ 127 or -128 by the sign
  asrs r4, r4, #31
  movs r5, #127
  eors r4, r4, r5
  b 2b
  .cfi_endproc
.size kindling_add, . - kindling_add
