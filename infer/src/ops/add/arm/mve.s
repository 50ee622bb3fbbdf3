@ Sum of two tensors with the vector extension, four values at once.
@
@   for each value: output = saturate((a * multiplier of a + b * multiplier of b + offset) >> shift)
@
@ Nothing leaves 32 bits: portable.rs has the proof. The loop is predicated: it neither reads nor
@ writes what is after the last value.
@
@ r0 = a, r1 = b, r2 = outputs, r3 = {count, both multipliers, offset, shift}; one value or more.
@ Registers: r3 count, r4 and r7 multipliers, r5 offset, r6 shift, q0 and q1 values, q2 and q3 ends
@ of int8.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: r3 at a whole word
@ - clobbers: r0-r3 and r12, q0-q3
@ - stack bytes: 20
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.section .text.kindling_add, "ax", %progbits
.global kindling_add
.type kindling_add, %function
.thumb_func
.balign 4
kindling_add:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  ldmia r3, {r3-r6}
  sxth r7, r4
  asrs r4, r4, #16
  rsbs r6, r6, #0             @ a shift to the left by less than 0
  vmov.i32 q2, #127
  vmvn.i32 q3, #127
  dlstp.32 lr, r3
1:
  vldrb.s32 q0, [r0], #4
  vldrb.s32 q1, [r1], #4
  vmul.i32 q0, q0, r7
  vmla.i32 q0, q1, r4
  vadd.i32 q0, q0, r5
  vshl.s32 q0, r6
  vmin.s32 q0, q0, q2
  vmax.s32 q0, q0, q3
  vstrb.32 q0, [r2], #4
  letp lr, 1b
  .cfi_remember_state
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_add, . - kindling_add
