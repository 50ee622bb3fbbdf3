@ Sum of two tensors on Armv7-M without DSP extension, four values at once.
@
@   for each value: output = saturate((a * multiplier of a + b * multiplier of b + offset) >> shift)
@
@ Nothing leaves 32 bits: portable.rs has the proof.
@
@ r0 = a, r1 = b, r2 = outputs, r3 = {count, both multipliers, offset, shift}; a multiple of four
@ values, four or more. Registers: r3 end of the outputs, r4 and r7 multipliers, r5 offset, r6
@ shift, r8 and r9 values.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: r3 at a whole word
@ - clobbers: r0-r3 and r12
@ - stack bytes: 28
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.macro KINDLING_ADD_VALUE
  ldrsb.w r8, [r0], #1
  ldrsb.w r9, [r1], #1
  mla r8, r8, r7, r5
  mla r8, r9, r4, r8
  asr.w r8, r8, r6
  ssat r8, #8, r8
  strb.w r8, [r2], #1
.endm

.section .text.kindling_add, "ax", %progbits
.global kindling_add
.type kindling_add, %function
.thumb_func
.balign 4
kindling_add:
  .cfi_startproc
  push {r4-r9, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, lr
  ldmia r3, {r3-r6}
  add r3, r3, r2
  sxth r7, r4
  asrs r4, r4, #16
1:
.rept 4
  KINDLING_ADD_VALUE
.endr
  cmp r2, r3
  bne 1b
  .cfi_remember_state
  pop {r4-r9, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_add, . - kindling_add
