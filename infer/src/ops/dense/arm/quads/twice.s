@ The end of a block of a dense layer with two roundings: requantise the four sums, see
@ arm/twice.s, and go to the next block, where one is left.
@
@ r0-r3 sums; r4 parameters, r5 output, r6 2 * zero point + 1, r7 and r8 shift and multiplier, r9
@ shifts, r10 constant, r12 low word of a product; lr is left alone. With one multiplier and shift
@ for all units: r4 biases, r6 constant, r7 and r8 multiplier and shift as KINDLING_TWICE takes
@ them, r9-r12 biases of the block.
@
@ Macros only: the contract is that of the functions that use them.

.set KINDLING_DENSE_SHIFTS, 32  @ of the frame: next
.set KINDLING_DENSE_TWICE_FRAME, 40

.macro KINDLING_DENSE_TWICE_OUTPUT name, number, sum
  ldrd r7, r8, [r4], #8
  add \sum, \sum, r7
  ldrsb r7, [r9], #1
  KINDLING_CHANNEL r8, r7, r10, r6, .L\name\()_rare_\number
  KINDLING_TWICE \sum, r8, r7, r10, r12, 1
.L\name\()_done_\number:
  strb \sum, [r5], #1
.endm

.macro KINDLING_DENSE_TWICE_RARE name, number, sum
.L\name\()_rare_\number:
  KINDLING_RARE r8, r7, r10, r6, r12, \sum
  b.w .L\name\()_done_\number
.endm

.macro KINDLING_DENSE_TWICE_END name
  ldr r4, [sp, #KINDLING_DENSE_PARAMETERS]
  ldrd r5, r6, [sp, #KINDLING_DENSE_OUTPUT]
  ldr r9, [sp, #KINDLING_DENSE_SHIFTS]
  KINDLING_DENSE_TWICE_OUTPUT \name, 0, r0
  KINDLING_DENSE_TWICE_OUTPUT \name, 1, r1
  KINDLING_DENSE_TWICE_OUTPUT \name, 2, r2
  KINDLING_DENSE_TWICE_OUTPUT \name, 3, r3
  str r4, [sp, #KINDLING_DENSE_PARAMETERS]
  str r5, [sp, #KINDLING_DENSE_OUTPUT]
  str r9, [sp, #KINDLING_DENSE_SHIFTS]
  ldr r5, [sp, #(KINDLING_DENSE_PARAMETERS + 4)]
  cmp r4, r5
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_DENSE_TWICE_FRAME
  .cfi_adjust_cfa_offset -KINDLING_DENSE_TWICE_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  KINDLING_DENSE_TWICE_RARE \name, 0, r0
  KINDLING_DENSE_TWICE_RARE \name, 1, r1
  KINDLING_DENSE_TWICE_RARE \name, 2, r2
  KINDLING_DENSE_TWICE_RARE \name, 3, r3
.endm

.set KINDLING_DENSE_FACTOR, 32  @ of the frame: multiplier and shift
.set KINDLING_DENSE_PER_TENSOR_FRAME, 40

.macro KINDLING_DENSE_PER_TENSOR_OUTPUT sum
  KINDLING_TWICE \sum, r7, r8, r6, r10, 1
  strb \sum, [r5], #1
.endm

.macro KINDLING_DENSE_PER_TENSOR_END
  ldr r4, [sp, #KINDLING_DENSE_PARAMETERS]
  ldrd r5, r6, [sp, #KINDLING_DENSE_OUTPUT]
  ldrd r7, r8, [sp, #KINDLING_DENSE_FACTOR]
  ldmia r4!, {r9-r12}
  add r0, r0, r9
  add r1, r1, r10
  add r2, r2, r11
  add r3, r3, r12
  KINDLING_DENSE_PER_TENSOR_OUTPUT r0
  KINDLING_DENSE_PER_TENSOR_OUTPUT r1
  KINDLING_DENSE_PER_TENSOR_OUTPUT r2
  KINDLING_DENSE_PER_TENSOR_OUTPUT r3
  str r4, [sp, #KINDLING_DENSE_PARAMETERS]
  str r5, [sp, #KINDLING_DENSE_OUTPUT]
  ldr r5, [sp, #(KINDLING_DENSE_PARAMETERS + 4)]
  cmp r4, r5
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #KINDLING_DENSE_PER_TENSOR_FRAME
  .cfi_adjust_cfa_offset -KINDLING_DENSE_PER_TENSOR_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
.endm
