@ Requantisation of an accumulator on Armv6-M: docs/arithmetic.md. With one rounding
@
@   output  = saturate(zero point + value * multiplier / 2^32, halves up)
@
@ and with two
@
@   product = 2 * value * multiplier / 2^32, halves up
@   output  = saturate(zero point + product / 2^right, halves away from zero)
@
@ With value, or twice the value, = vh * 2^16 + vl and the multiplier = mh * 2^16 + ml, where vl, mh
@ and ml are not negative:
@
@   middle  = vh * ml + (vl * ml >> 16)
@   product = vh * mh + (middle >> 16) + ((vl * mh + middle mod 2^16 + 2^15) >> 16)
@
@ Range: |middle| <= 2^15 * (2^16 - 1) + 2^16 - 1 < 2^31, and vl * mh + 2^16 - 1 + 2^15 < 2^32,
@ which is shifted as a number without sign. With two roundings the value is below 2^30 in size, and
@ the product is no larger; with one it is below half of the value. So adding the zero point fits.
@ How the last shift rounds: see ops/depthwise/arm/armv7.s. right is 0 to 31.
@
@ Several pieces of assembly may become one: the first defines these macros.
@
@ Macros only: the contract is that of the functions that use them.

.syntax unified
.thumb
.ifndef KINDLING_OUTPUTS_ARE_DEFINED
.set KINDLING_OUTPUTS_ARE_DEFINED, 1

@ r1 = product of r0. r6 and r7 are mh and ml, `half` is 2^15; r0, r2 and r3 are lost.
.macro KINDLING_PRODUCT half
  asrs r1, r0, #16
  uxth r0, r0
  movs r2, r0
  muls r2, r7, r2
  lsrs r2, r2, #16
  movs r3, r1
  muls r3, r7, r3
  adds r3, r3, r2             @ middle
  muls r0, r6, r0
  muls r1, r6, r1
  uxth r2, r3
  adds r0, r0, r2
  adds r0, r0, \half
  lsrs r0, r0, #16
  asrs r3, r3, #16
  adds r1, r1, r3
  adds r1, r1, r0
.endm

@ r0 = r1 as int8, 127 or -128 by the sign where it is beyond; r1 is lost.
.macro KINDLING_SATURATE
  sxtb r0, r1
  cmp r0, r1
  beq 99f
  asrs r0, r1, #31
  movs r1, #127
  eors r0, r0, r1
99:
.endm

@ r0 = output of the accumulator in r0; registers as above, and the zero point in any other.
.macro KINDLING_ONCE half, zero_point
  KINDLING_PRODUCT \half
  add r1, \zero_point
  KINDLING_SATURATE
.endm

@ As above; `right` and the zero point in any registers but r0 to r3.
.macro KINDLING_TWICE half, right, zero_point
  lsls r0, r0, #1
  KINDLING_PRODUCT \half
  asrs r0, r1, #31
  adds r1, r1, r0
  mov r0, \right
  asrs r1, r1, r0
  mov r0, \zero_point
  adcs r1, r1, r0
  KINDLING_SATURATE
.endm
.endif
