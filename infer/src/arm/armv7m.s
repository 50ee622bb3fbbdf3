@ Armv7-M and Armv8-M Mainline without the DSP extension.

.syntax unified
.thumb
.set KINDLING_DSP, 0
