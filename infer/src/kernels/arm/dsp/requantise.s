@ Requantisation with the DSP extension.

.syntax unified
.cpu cortex-m4              @ Armv8-M targets leave the DSP extension out
.thumb

@ value = saturate(round(bias r10 + value >> shift, times multiplier r11) + zero point r9)
.macro REQUANTISE value, shift
  add \value, r10, \value, asr #\shift
  smmlar \value, \value, r11, r9
  ssat \value, #8, \value
.endm
