@ Cores with the DSP extension.

.syntax unified
.cpu cortex-m4                @ Armv8-M targets leave the DSP extension out
.thumb
.set KINDLING_DSP, 1
