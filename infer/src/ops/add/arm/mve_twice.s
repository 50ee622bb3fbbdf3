@ Sum of two tensors with two roundings, with the vector extension, four values at once.
@
@   for each value:
@       scaled = round(((scaled - its zero point) << 20) * multiplier / 2^31)     halves up
@       scaled = round(scaled / 2^shift)                                          away from 0
@       sum = (scaled + ((halved - its zero point) << 19)) << left
@       sum = round(round(sum * multiplier of the sum / 2^31) / 2^right)          the same
@       output = saturate(zero point + sum)
@
@ Nothing leaves 32 bits: portable.rs has the proof. `vqrdmulh` is (2 * value * multiplier + 2^31)
@ >> 32. `vrshl` rounds halves up: where a product is below 0 and is shifted, 1 less of it moves
@ just the halves down. A value less its zero point is shifted as `value << 20` is with the shifted
@ zero point taken off: both are below 2^28 in size. The last saturation takes what 16 bits hold of
@ a sum: the zero point leaves it beyond 8 bits. The loop is predicated: it neither reads nor writes
@ what is after the last value.
@
@ r0 = scaled, r1 = halved, r2 = outputs, r3 = {count, zero point of the scaled << 20, that of the
@ halved << 19, multiplier, -shift, 1 where that is not 0, left, multiplier of the sum, -right, 1
@ where that is not 0, zero point}; one value or more. Registers: r3-r12 as in r3, lr values left,
@ q0 and q1 values, q2 signs.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: r3 at a whole word
@ - clobbers: r0-r3 and r12, q0-q2
@ - stack bytes: 36
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

@ A product, with 1 less where it is below 0, to the right; `is_shifted` is 1 or 0.
.macro KINDLING_ADD_TWICE_SCALE values, multiplier, shift, is_shifted
  vqrdmulh.s32 \values, \values, \multiplier
  vshr.s32 q2, \values, #31
  vmla.s32 \values, q2, \is_shifted
  vrshl.s32 \values, \shift
.endm

.section .text.kindling_add_twice, "ax", %progbits
.global kindling_add_twice
.type kindling_add_twice, %function
.thumb_func
.balign 4
kindling_add_twice:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  ldr lr, [r3], #4
  ldmia r3!, {r4-r12}
  ldr r3, [r3]
  dlstp.32 lr, lr
1:
  vldrb.s32 q0, [r0], #4
  vldrb.s32 q1, [r1], #4
  vshl.i32 q0, q0, #20
  vshl.i32 q1, q1, #19
  vsub.i32 q0, q0, r4
  vsub.i32 q1, q1, r5
  KINDLING_ADD_TWICE_SCALE q0, r6, r7, r8
  vadd.i32 q0, q0, q1
  vshl.s32 q0, r9
  KINDLING_ADD_TWICE_SCALE q0, r10, r11, r12
  vqmovnb.s32 q0, q0
  vqadd.s16 q0, q0, r3
  vqmovnb.s16 q0, q0
  vstrb.32 q0, [r2], #4
  letp lr, 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_add_twice, . - kindling_add_twice
