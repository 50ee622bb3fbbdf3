@ Sum of two tensors with two roundings on Armv7-M, with the DSP extension or without, four values
@ at once.
@
@   for each value:
@       d = (scaled - its zero point) * 2^20
@       d = d * its multiplier / 2^31 / 2^its right
@       d = d + (halved - its zero point) * 2^19
@       output = saturate(zero point + d * multiplier of the sum / 2^31 / 2^right of the sum)
@
@ The first division rounds halves up, the second halves away from 0: as in depthwise/arm/armv7.s,
@ which has the proof, also of a multiplier of 0. Range: see portable.rs; d stays below 2^28 + 2 in
@ size.
@
@ r0 = scaled, r1 = halved, r2 = outputs, r3 = {count, zero point of scaled * -2^20, twice its
@ multiplier, its right, zero point of halved * -2^19, twice the multiplier of the sum, its right,
@ zero point}; a multiple of four values, four or more. Registers: r3 end of the outputs, r4-r10
@ these numbers, r11 and r12 values, lr a low word.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: r3 at a whole word
@ - clobbers: r0-r3 and r12
@ - stack bytes: 36
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.macro KINDLING_ADD_TWICE_SCALE value, doubled, right, more
  KINDLING_PRODUCT \value, \doubled, lr, 0
  adds \value, \value, \value, asr #31
  asrs \value, \value, \right
  adc \value, \value, \more
.endm

.macro KINDLING_ADD_TWICE_VALUE
  ldrsb r11, [r0], #1
  ldrsb r12, [r1], #1
  add r11, r4, r11, lsl #20
  KINDLING_ADD_TWICE_SCALE r11, r5, r6, r7
  add r11, r11, r12, lsl #19
  KINDLING_ADD_TWICE_SCALE r11, r8, r9, r10
  ssat r11, #8, r11
  strb r11, [r2], #1
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
  ldmia r3, {r3-r10}
  add r3, r3, r2
1:
.rept 4
  KINDLING_ADD_TWICE_VALUE
.endr
  cmp r2, r3
  bne 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_add_twice, . - kindling_add_twice
