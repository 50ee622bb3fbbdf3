@ Requantisation of accumulators with two roundings, for every kernel of a core:
@ docs/arithmetic.md. A channel's factor is multiplier / 2^31 * 2^shift.
@
@ With doubled = 2 * multiplier - 2^32, which is the multiplier doubled in 32 bits, right = -shift
@ and odd = 2 * zero point + 1, for values of any size:
@
@   product = value * multiplier / 2^31, halves up
@           = (value * 2^32 + value * doubled + 2^31) >> 32
@   output  = saturate(zero point + product / 2^right, halves away from zero)
@           = saturate((product + (product >> 31) + odd * 2^(right - 1)) >> right)
@
@ The sum of 64 bits is value * 2 * multiplier + 2^31, less than 2^63 in size. The product is less
@ than 2^31 in size, so what the sign adds fits too. With the zero point of a ReLU, -128, the sign
@ is left out: a negative product gives -128 with it and without it.
@
@ The last sum may leave 32 bits. With 2 <= right <= 23 both its terms are halved first: the second
@ is even and at most 2^30 + 2^22, so no bit is lost and the sum of halves is below 2^31. With
@ 24 <= right <= 31 both are divided by 2^8 likewise. With right of 0 or 1 saturating the product to
@ 16 bits first changes nothing.
@
@ With the DSP extension, where right is 1 to 31 and the multiplier 2^30 or more, the last line is
@ one instruction before it saturates: with power = -2^(32 - right),
@
@   output  = saturate((zero point * 2^32 - (product + (product >> 31)) * power + 2^31) >> 32)
@
@ Its product of 64 bits is at most 2^62 in size, so nothing overflows.
@
@ Several pieces of assembly may become one: the first defines these macros.
@
@ Macros only: the contract is that of the functions that use them.

.ifndef KINDLING_TWICE_IS_DEFINED
.set KINDLING_TWICE_IS_DEFINED, 1

@ value = product, and with `sign` what it adds; `low` is lost without the DSP extension.
.macro KINDLING_PRODUCT value, doubled, low, sign
.if KINDLING_DSP
  smmlar \value, \value, \doubled, \value
.else
  mov \low, #0x80000000
  smlal \low, \value, \value, \doubled
.endif
.if \sign
  add \value, \value, \value, asr #31
.endif
.endm

@ Makes of a channel's multiplier and shift what KINDLING_TWICE takes; goes to `rare` with the
@ multiplier doubled and the shift's complement, right - 1, unless that is 1 to 22 and the
@ multiplier 2^30 or more.
.macro KINDLING_CHANNEL multiplier, shift, constant, odd, rare
  mvn \shift, \shift
  sub \constant, \shift, #1
  lsls \multiplier, \multiplier, #1
  bpl \rare
  cmp \constant, #21
  bhi \rare
  lsl \constant, \odd, \constant
.endm

@ value = output. The last of the shifts is `shift` bits; half of the sum was shifted before.
.macro KINDLING_TWICE value, doubled, shift, constant, low, sign
  KINDLING_PRODUCT \value, \doubled, \low, \sign
  add \value, \constant, \value, asr #1
  asr \value, \value, \shift
  ssat \value, #8, \value
.endm

.if KINDLING_DSP
@ Makes of a channel's multiplier and shift what KINDLING_COMMON takes; `minimum` is -2^31.
.macro KINDLING_COMMON_CHANNEL multiplier, shift, minimum
  mvn \shift, \shift
  lsl \multiplier, \multiplier, #1
  asr \shift, \minimum, \shift
.endm

@ value = output, of a right of 1 to 31 and a multiplier of 2^30 or more.
.macro KINDLING_COMMON value, doubled, power, zero_point, sign
  KINDLING_PRODUCT \value, \doubled, \power, \sign
  smmlsr \value, \value, \power, \zero_point
  ssat \value, #8, \value
.endm
.endif

@ All of a channel's values where KINDLING_CHANNEL went to `rare`.
.macro KINDLING_RARE doubled, shift, constant, odd, low, values:vararg
  cmp \doubled, #0
  it eq
  mvneq \shift, #32           @ multiplier 0: shifted to the left by 32
  cmp \shift, #0
  beq 92f
  blt 93f
  sub \shift, \shift, #8
  lsl \constant, \odd, \shift
.irp value, \values           @ right of 24 to 31
  KINDLING_PRODUCT \value, \doubled, \low, 1
  add \value, \constant, \value, asr #8
  asr \value, \value, \shift
  ssat \value, #8, \value, asr #1
.endr
  b 94f
92:
.irp value, \values           @ right of 1
  KINDLING_PRODUCT \value, \doubled, \low, 1
  ssat \value, #16, \value
  add \value, \value, \odd
  ssat \value, #8, \value, asr #1
.endr
  b 94f
93:
  mvn \shift, \shift
.irp value, \values           @ no right, maybe left
  lsl \value, \value, \shift
  KINDLING_PRODUCT \value, \doubled, \low, 0
  ssat \value, #16, \value
  add \value, \value, \odd, asr #1
  ssat \value, #8, \value
.endr
94:
.endm

@ Outputs of four channels, one value each; of any with one rounding, of any multiplier that is 0 or
@ 2^30 or more with two. r0-r3 sums, r8 parameters, r9 shifts, r5 output, r7 = zero point, with two
@ roundings 2 * zero point + 1; r5, r8 and r9 go on to the next four, r4, r6, r10-r12 and lr are
@ lost. The code after the function, `_RARE`, goes with it: where a channel has another multiplier
@ it goes to `other`, if that is given.
.macro KINDLING_ONE_TWICE name, number, sum
  ldr r10, [r8, #(8 * \number + 4)]
  ldrsb r11, [r9, #\number]
  KINDLING_CHANNEL r10, r11, r12, r7, .L\name\()_rare_\number
  KINDLING_TWICE \sum, r10, r11, r12, r6, 1
.L\name\()_done_\number:
  strb \sum, [r5, #\number]
.endm

.macro KINDLING_FOUR_TWICE name
  KINDLING_ONE_TWICE \name, 0, r0
  KINDLING_ONE_TWICE \name, 1, r1
  KINDLING_ONE_TWICE \name, 2, r2
  KINDLING_ONE_TWICE \name, 3, r3
  add r5, r5, #4
  add r8, r8, #32
  add r9, r9, #4
.endm

.macro KINDLING_ONE_TWICE_RARE name, number, sum
.L\name\()_rare_\number:
  mov r4, \sum
  bl 96f
  mov \sum, r4
  b.w .L\name\()_done_\number
.endm

.macro KINDLING_FOUR_TWICE_RARE name, other
  KINDLING_ONE_TWICE_RARE \name, 0, r0
  KINDLING_ONE_TWICE_RARE \name, 1, r1
  KINDLING_ONE_TWICE_RARE \name, 2, r2
  KINDLING_ONE_TWICE_RARE \name, 3, r3
96:
.ifnb \other
  cmp r10, #0
  bgt \other
.endif
  KINDLING_RARE r10, r11, r12, r7, r6, r4
  bx lr
.endm

.macro KINDLING_ONE_ONCE number, sum
  ldr r10, [r8, #(8 * \number + 4)]
  KINDLING_REQUANTISE \sum, r10, r7, r6
  strb \sum, [r5, #\number]
.endm

.macro KINDLING_FOUR_ONCE name
  KINDLING_ONE_ONCE 0, r0
  KINDLING_ONE_ONCE 1, r1
  KINDLING_ONE_ONCE 2, r2
  KINDLING_ONE_ONCE 3, r3
  add r5, r5, #4
  add r8, r8, #32
.endm

.macro KINDLING_FOUR_ONCE_RARE name, other
.endm
.endif
