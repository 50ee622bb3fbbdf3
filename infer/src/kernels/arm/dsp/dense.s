@ Four outputs of a dense layer with int8 weights.
@
@   for each quad of inputs:
@       for each of four units: sum[unit] += input quad . weight quad of the unit
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all partial sums.
@
@ r0 = inputs, r1 = weights [quad][unit][input of the quad], r2 = four sums (in: biases), r3 = quads, 1 or more.
@ Registers: r0-r3 sums, r4-r7 weights, r8 and r9 inputs, r12 address of inputs, lr address of weights.

.syntax unified
.thumb
.set DENSE_ROUND, 4           @ quads per round of the loop
.set DENSE_QUAD_BYTES, 80     @ code of one quad

.macro UNIT sum, weights
  sxtb16 r10, \weights
  sxtb16 \weights, \weights, ror #8
  smlad \sum, r8, r10, \sum
  smlad \sum, r9, \weights, \sum
.endm

.macro QUAD
  ldmia.w lr!, {r4-r7}
  ldr r9, [r12], #4
  sxtb16 r8, r9
  sxtb16 r9, r9, ror #8
  UNIT r0, r4
  UNIT r1, r5
  UNIT r2, r6
  UNIT r3, r7
.endm

.section .text.kindling_dsp_dense, "ax", %progbits
.global kindling_dsp_dense
.type kindling_dsp_dense, %function
.thumb_func
.balign 4
kindling_dsp_dense:
  push {r2, r4-r11, lr}
  mov r12, r0
  mov lr, r1
  add r4, r0, r3, lsl #2
  push {r4}                   @ the end of the inputs
  ands r5, r3, #(DENSE_ROUND - 1)
  ldmia r2, {r0-r3}
  beq 1f
  adr.w r4, 2f                @ the quads that make no full round first
  mov r6, #DENSE_QUAD_BYTES
  mls r4, r5, r6, r4
  orr r4, r4, #1
  bx r4
.balign 4
1:
.rept DENSE_ROUND
  QUAD
.endr
2:
  ldr r4, [sp]
  cmp r12, r4
  bne.w 1b
  ldr r4, [sp, #4]
  stmia r4, {r0-r3}
  add sp, sp, #8
  pop {r4-r11, pc}
