@ Direct convolution: four pixels by two output channels with int8 weights.
@
@   for each step, one pair of taps:
@       sum[channel][pixel] += inputs[step][pixel] . weights[step][channel]
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ r0 = inputs [step][pixel], one int16 pair each; r1 = weights, one word per step: bytes 0 and 2 are
@ the pair of the first channel, bytes 1 and 3 that of the second; r2 = eight sums [channel][pixel];
@ r3 = steps, 1 or more. Registers: r0-r3 and r4-r7 sums, r8 and r9 inputs, r10 and r11 weights, r12
@ address of inputs, lr address of weights.

.set PAIRED_ROUND, 8          @ steps per round of the loop
.set PAIRED_STEP_BYTES, 52    @ code of one step

.macro PAIRED_STEP
  ldr r11, [lr], #4
  ldmia.w r12!, {r8, r9}
  sxtb16 r10, r11
  sxtb16 r11, r11, ror #8
  smlad r0, r8, r10, r0
  smlad r1, r9, r10, r1
  smlad r4, r8, r11, r4
  smlad r5, r9, r11, r5
  ldmia.w r12!, {r8, r9}
  smlad r2, r8, r10, r2
  smlad r3, r9, r10, r3
  smlad r6, r8, r11, r6
  smlad r7, r9, r11, r7
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
  ands r8, r3, #(PAIRED_ROUND - 1)
  mov r0, #0
  mov r1, #0
  mov r2, #0
  mov r3, #0
  mov r4, #0
  mov r5, #0
  mov r6, #0
  mov r7, #0
  beq 1f
  adr.w r9, 2f                @ the steps that make no full round first
  mov r10, #PAIRED_STEP_BYTES
  mls r9, r8, r10, r9
  orr r9, r9, #1
  bx r9
.balign 4
1:
.rept PAIRED_ROUND
  PAIRED_STEP
.endr
2:
  ldr r8, [sp]
  cmp lr, r8
  bne.w 1b
  ldr r8, [sp, #4]
  stmia r8, {r0-r7}
  add sp, sp, #8
  pop {r4-r11, pc}

@ Makes of the number of steps where the loop begins: at those that make no full round. `rounds`
@ and `end` are where all begin and where they end.
.macro PAIRED_ENTRY steps, temporary, rounds, end
  ands \steps, \steps, #(PAIRED_ROUND - 1)
  it eq
  moveq \steps, #PAIRED_ROUND
  mov \temporary, #PAIRED_STEP_BYTES
  mul \steps, \steps, \temporary
  adr.w \temporary, \end
  sub \steps, \temporary, \steps
  orr \steps, \steps, #1      @ Thumb code
.endm

.macro PAIRED_STEPS
  ldr.w pc, [sp, #BATCH_ENTRY]
.balign 4
3:
.rept PAIRED_ROUND
  PAIRED_STEP
.endr
2:
.endm

PAIRED_BATCH kindling_paired_once, ONCE, 0
PAIRED_BATCH kindling_paired_twice, TWICE, 1
PAIRED_BATCH kindling_paired_twice_relu, TWICE, 0

@ Four int8 patches as pairs [step][pixel]; taps 0 and 2 of a quad are a pair, and 1 and 3.
@
@ r0 = patches, r1 = bytes from patch to patch, r2 = pairs, r3 = end of pairs; one quad or more.

.section .text.kindling_widen, "ax", %progbits
.global kindling_widen
.type kindling_widen, %function
.thumb_func
.balign 4
kindling_widen:
  push {r4-r11, lr}
1:
  add r12, r0, r1, lsl #1
  ldr r5, [r0, r1]
  ldr r6, [r12]
  ldr r7, [r12, r1]
  ldr r4, [r0], #4
  sxtb16 r9, r5
  sxtb16 r8, r4
  sxtb16 r10, r6
  sxtb16 r11, r7
  stmia r2!, {r8-r11}
  sxtb16 r8, r4, ror #8
  sxtb16 r9, r5, ror #8
  sxtb16 r10, r6, ror #8
  sxtb16 r11, r7, ror #8
  stmia r2!, {r8-r11}
  cmp r2, r3
  bne 1b
  pop {r4-r11, pc}
