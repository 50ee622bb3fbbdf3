@ Requantisation on Armv7-M: rounding adds the product's bit 31, which doubling the low word moves
@ to the carry.

.syntax unified
.thumb

@ value = saturate(round(bias r10 + value >> shift, times multiplier r11) + zero point r9); r5 is
@ lost to the low word.
.macro REQUANTISE value, shift
  add \value, r10, \value, asr #\shift
  smull r5, \value, \value, r11
  adds r5, r5, r5
  adc \value, \value, r9
  ssat \value, #8, \value
.endm
