@ Direct convolution on Armv7-M without DSP extension: four pixels by two output channels with int8
@ weights.
@
@   for each step, one pair of taps:
@       sum[channel][pixel] += inputs[step][pixel] . weights[step][channel]
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = inputs [step][pixel], one int16 pair each; r1 = weights, four bytes per step: first tap of
@ both channels, second tap of both; r2 = eight sums [channel][pixel]; r3 = steps, an even number.
@ Registers: r0-r3 and r4-r7 sums, r8 and r9 inputs, r10 and r11 weights, r12 address of inputs, lr
@ address of weights.


.macro PAIRED_TAP inputs, weights
  ldrsb.w r10, [lr, #\weights]
  ldrsb.w r11, [lr, #(\weights + 1)]
  ldrsh.w r8, [r12, #\inputs]
  ldrsh.w r9, [r12, #(\inputs + 4)]
  mla r0, r8, r10, r0
  mla r1, r9, r10, r1
  mla r4, r8, r11, r4
  mla r5, r9, r11, r5
  ldrsh.w r8, [r12, #(\inputs + 8)]
  ldrsh.w r9, [r12, #(\inputs + 12)]
  mla r2, r8, r10, r2
  mla r3, r9, r10, r3
  mla r6, r8, r11, r6
  mla r7, r9, r11, r7
.endm

.section .text.kindling_paired, "ax", %progbits
.global kindling_paired
.type kindling_paired, %function
.thumb_func
.balign 4
kindling_paired:
  push {r2, r4-r11, lr}
  mov r12, r0
  mov lr, r1
  add r4, r1, r3, lsl #2
  push {r4}                   @ the end of the weights
  mov r0, #0
  mov r1, #0
  mov r2, #0
  mov r3, #0
  mov r4, #0
  mov r5, #0
  mov r6, #0
  mov r7, #0
1:
  PAIRED_TAP 0, 0
  PAIRED_TAP 2, 2
  PAIRED_TAP 16, 4
  PAIRED_TAP 18, 6
  add r12, r12, #32
  add lr, lr, #8
  ldr r8, [sp]
  cmp lr, r8
  bne.w 1b
  ldr r8, [sp, #4]
  stmia r8, {r0-r7}
  add sp, sp, #8
  pop {r4-r11, pc}

@ Rounds of two steps are always whole.
.macro PAIRED_ENTRY steps, temporary, rounds, end
.endm

.macro PAIRED_STEPS
3:
  PAIRED_TAP 0, 0
  PAIRED_TAP 2, 2
  PAIRED_TAP 16, 4
  PAIRED_TAP 18, 6
  add r12, r12, #32
  add lr, lr, #8
.endm

PAIRED_BATCH kindling_paired_once, ONCE, 0
PAIRED_BATCH kindling_paired_twice, TWICE, 1
PAIRED_BATCH kindling_paired_twice_relu, TWICE, 0
