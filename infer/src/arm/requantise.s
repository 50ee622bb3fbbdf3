@ Requantisation of an accumulator, for every kernel of a core: docs/arithmetic.md.
@
@ value = saturate(round(value * multiplier / 2^32) + zero point). Without the DSP extension,
@ rounding adds the product's bit 31, which doubling the low word moves to the carry; `low` is lost.
@
@ Several pieces of assembly may become one: the first defines it.
@
@ Macros only: the contract is that of the functions that use them.

.ifndef KINDLING_REQUANTISE_IS_DEFINED
.set KINDLING_REQUANTISE_IS_DEFINED, 1
.macro KINDLING_REQUANTISE value, multiplier, zero_point, low
.if KINDLING_DSP
  smmlar \value, \value, \multiplier, \zero_point
.else
  smull \low, \value, \value, \multiplier
  adds \low, \low, \low
  adc \value, \value, \zero_point
.endif
  ssat \value, #8, \value
.endm
.endif
