@ Dense layer on Armv6-M: the sums of four units.
@
@   for each quad of inputs:
@       for each of the four units: sum[unit] += inputs . weights of the unit
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ Paired weights: a word is w + 2^16 * v, of weights w and v of two units. For two inputs a and b
@
@   low = a * w(a) + b * w(b)    high = a * v(a) + b * v(b)    turn = 2^15 + low + 2^16 * high
@
@ Both sums are at most 128 * 255 = 2^15 - 128 in size: the model proved that no unit has weights of
@ -128 for both. So `turn` is less than 2^31 in size, and turn >> 16 = high. With the sums of all
@ turns, in 32 bits: second = sum(turn >> 16), first = sum(turn) - 2^16 * second - turns * 2^15.
@
@ r0 = inputs, r1 = weights [quad][unit][input of the quad], of int4 weights [quad][two units][input
@ of the quad] with the second unit in the low halves, r2 = four sums (in: biases), r3 = end of the
@ inputs. Paired: [input][two units]. Registers: r0 and r1 addresses, r2 weights, r3 weight, r4-r7
@ inputs, r8-r11 sums, r12 end of the inputs; paired: r2 and r3 inputs, r4-r7 weights and turns, r8
@ and r10 sums of turns, r9 and r11 of their high halves, lr = 2^15.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above; one quad or more
@ - alignment: all at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 40
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: words at whole words only, or bytes

.syntax unified
.thumb

@ The next byte of r2 by an input.
.macro KINDLING_DENSE_PRODUCT input, sum
  sxtb r3, r2
  lsrs r2, r2, #8
  muls r3, \input, r3
  add \sum, r3
.endm

.macro KINDLING_UNIT sum
  ldmia r1!, {r2}
  KINDLING_DENSE_PRODUCT r4, \sum
  KINDLING_DENSE_PRODUCT r5, \sum
  KINDLING_DENSE_PRODUCT r6, \sum
  sxtb r3, r2
  muls r3, r7, r3
  add \sum, r3
.endm

.macro KINDLING_PRODUCT_HIGH input, sum
  sxtb r3, r2
  lsrs r2, r2, #8
  asrs r3, r3, #4
  muls r3, \input, r3
  add \sum, r3
.endm

.macro KINDLING_PRODUCT_LOW input, sum
  lsls r3, r2, #28
  lsrs r2, r2, #8
  asrs r3, r3, #28
  muls r3, \input, r3
  add \sum, r3
.endm

@ int4 weights of two units.
.macro KINDLING_TWO_UNITS_INT4 first, second
  ldr r2, [r1]
  KINDLING_PRODUCT_HIGH r4, \first
  KINDLING_PRODUCT_HIGH r5, \first
  KINDLING_PRODUCT_HIGH r6, \first
  KINDLING_PRODUCT_HIGH r7, \first
  ldmia r1!, {r2}
  KINDLING_PRODUCT_LOW r4, \second
  KINDLING_PRODUCT_LOW r5, \second
  KINDLING_PRODUCT_LOW r6, \second
  KINDLING_PRODUCT_LOW r7, \second
.endm

.macro KINDLING_FOUR_UNITS
  KINDLING_UNIT r8
  KINDLING_UNIT r9
  KINDLING_UNIT r10
  KINDLING_UNIT r11
.endm

.macro KINDLING_FOUR_UNITS_INT4
  KINDLING_TWO_UNITS_INT4 r8, r9
  KINDLING_TWO_UNITS_INT4 r10, r11
.endm

@ Two units: their weights by the two inputs in r2 and r3.
.macro KINDLING_DENSE_TURN first, second, low, high
  muls \first, r2, \first
  muls \second, r3, \second
  adds \first, \first, \second
  add \first, lr
  add \low, \first
  asrs \first, \first, #16
  add \high, \first
.endm

@ Two inputs with paired weights.
.macro KINDLING_DENSE_TWO_INPUTS input
  ldrb r2, [r0, #\input]
  ldrb r3, [r0, #(\input + 1)]
  sxtb r2, r2
  sxtb r3, r3
  ldmia r1!, {r4-r7}
  KINDLING_DENSE_TURN r4, r6, r8, r9
  KINDLING_DENSE_TURN r5, r7, r10, r11
.endm

@ Sums of turns, with what they are to begin with and of all turns that is too much, r3, taken off.
.macro KINDLING_DENSE_TURNS_BEGIN first, second
  lsls \second, \second, #16
  adds \first, \first, \second
  subs \first, \first, r3
.endm

@ The loop of paired weights, two quads at a time; of an odd number the first one alone.
.macro KINDLING_DENSE_PAIRED_LOOP
  subs r3, r3, r0
  lsls r3, r3, #14            @ 2^15 for every two inputs
  KINDLING_DENSE_TURNS_BEGIN r4, r5
  KINDLING_DENSE_TURNS_BEGIN r6, r7
  mov r8, r4
  mov r10, r6
  movs r4, #1
  lsls r4, r4, #15
  mov lr, r4
  lsls r3, r3, #15
  bpl 1f
  subs r0, r0, #4
  b 2f
1:
  KINDLING_DENSE_TWO_INPUTS 0
  KINDLING_DENSE_TWO_INPUTS 2
2:
  KINDLING_DENSE_TWO_INPUTS 4
  KINDLING_DENSE_TWO_INPUTS 6
  adds r0, r0, #8
  cmp r0, r12
  bne 1b
  mov r4, r9
  lsls r4, r4, #16
  mov r3, r8
  subs r3, r3, r4
  mov r8, r3
  mov r4, r11
  lsls r4, r4, #16
  mov r3, r10
  subs r3, r3, r4
  mov r10, r3
.endm

@ The loop quad by quad.
.macro KINDLING_DENSE_QUADS_LOOP four_units
1:
  ldmia r0!, {r3}
  sxtb r4, r3
  lsrs r5, r3, #8
  sxtb r5, r5
  lsls r6, r3, #8
  asrs r6, r6, #24
  asrs r7, r3, #24
  \four_units
  cmp r0, r12
  bne 1b
.endm

.macro KINDLING_DENSE_SUMS name, loop:vararg
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r2, r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  .cfi_adjust_cfa_offset 4
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  KINDLING_SAVED 4, r8, r9, r10, r11
  mov r12, r3
  ldmia r2!, {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  \loop
  ldr r2, [sp, #16]
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  stmia r2!, {r4-r7}
  .cfi_remember_state
  pop {r4-r7}
  .cfi_adjust_cfa_offset -16
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r2, r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_DENSE_SUMS kindling_dense_sums, KINDLING_DENSE_QUADS_LOOP KINDLING_FOUR_UNITS
KINDLING_DENSE_SUMS kindling_dense_sums_int4, KINDLING_DENSE_QUADS_LOOP KINDLING_FOUR_UNITS_INT4
KINDLING_DENSE_SUMS kindling_dense_sums_paired, KINDLING_DENSE_PAIRED_LOOP

@ The outputs of four sums with two roundings, by one multiplier and shift: see arm/armv6m.s. Here
@ the sums are not doubled, which might leave 32 bits, but the product is, before it is rounded. So
@ its last part is a multiple of 2^-15, and at most (2^16 - 1) * 2^15 + 2^16 - 1 before 2^14 is
@ added to that, less than 2^32. The shift is 2 to 23 bits to the right, so the zero point fits too.
@
@ r0 = four sums, r1 = four outputs, r2 = {shift to the right, zero point, 2^14, high and low half
@ of the multiplier}; clobbers, stack and the rest as above. Registers: r0-r3 products, r4 output,
@ r5 sums, r6 and r7 multiplier, r8 = 2^14, r9 shift, r10 zero point.
.macro KINDLING_DENSE_TWICE_OUTPUT number
  ldmia r5!, {r0}
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
  add r0, r8
  lsrs r0, r0, #15
  asrs r3, r3, #16
  adds r1, r1, r3
  lsls r1, r1, #1
  adds r1, r1, r0             @ product
  asrs r0, r1, #31
  adds r1, r1, r0
  mov r0, r9
  asrs r1, r1, r0
  mov r0, r10
  adcs r1, r1, r0
  KINDLING_SATURATE
  strb r0, [r4, #\number]
.endm

.section .text.kindling_dense_outputs, "ax", %progbits
.global kindling_dense_outputs
.type kindling_dense_outputs, %function
.thumb_func
.balign 4
kindling_dense_outputs:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r4, r8
  mov r5, r9
  mov r6, r10
  push {r4-r6}
  KINDLING_SAVED 4, r8, r9, r10
  movs r5, r0
  movs r4, r1
  ldmia r2!, {r0, r1, r3, r6, r7}
  mov r9, r0
  mov r10, r1
  mov r8, r3
  KINDLING_DENSE_TWICE_OUTPUT 0
  KINDLING_DENSE_TWICE_OUTPUT 1
  KINDLING_DENSE_TWICE_OUTPUT 2
  KINDLING_DENSE_TWICE_OUTPUT 3
  .cfi_remember_state
  pop {r4-r6}
  .cfi_adjust_cfa_offset -12
  mov r8, r4
  mov r9, r5
  mov r10, r6
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_dense_outputs, . - kindling_dense_outputs
