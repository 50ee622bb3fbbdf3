@ Direct convolution on Armv7-M without DSP extension: four pixels by all pairs of output channels,
@ with int8 or int4 weights. Three multiplications make four products:
@
@   inputs[tap] = {a + b * 2^21, c + d * 2^21, b + d * 2^10}, of pixels a to d
@   for each pair of channels:
@       for each block of at most 64 taps:
@           words = {offset, offset, offset + offset * 2^10}, for each channel
@           for each tap: words[channel] += inputs[tap] * weight[tap][channel]
@           sums[channel][pixel] += what the words hold - offset
@       outputs = requantise(bias + sums), see batch.s
@
@ Range: a product is -127 * 128 to 128 * 128. With offset = 64 * 127 * 128 the sum A of pixel a of
@ a block is 0 to 64 * (127 + 128) * 128 < 2^21, and so are those of the other pixels. Modulo 2^32
@ the words are
@
@   first  = A + B * 2^21           as offset * 2^21 is a multiple of 2^32
@   second = C + D * 2^21
@   third  = B + D * 2^10           less than 2^32
@
@ so A and C are the low 21 bits of the first two, and what is above these is the low 11 bits of B
@ and D. The third without these is high(B) * 2^11 + high(D) * 2^21, where both are below 2^10: they
@ do not meet. Sums of all blocks stay in 32 bits because the model proved it for all partial sums;
@ with the offsets they are exact modulo 2^32.
@
@ Registers of the loop: r0-r2 and r3-r5 words of both channels, r6-r8 inputs, r9 and r10 weights,
@ r11 end of the block's inputs, r12 address of inputs, lr address of weights.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as in batch.s; r0-r3 of the others, above them
@ - alignment: as in batch.s; what the others write at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 144, and of those that widen 36, which the batches call
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: patches are read by words at any address

.set KINDLING_TRIPLE_BYTES, 12
.set KINDLING_TRIPLE_BLOCK, 64  @ taps
.set KINDLING_TRIPLE_OFFSET, KINDLING_TRIPLE_BLOCK * 127 * 128

@ Weights of the tap `number` of a quad.
.macro KINDLING_TRIPLE_WEIGHTS_INT8 number
  ldrsb.w r9, [lr], #1
  ldrsb.w r10, [lr], #1
.endm

.macro KINDLING_TRIPLE_WEIGHTS_INT4 number
.if \number < 2
  ldrsb.w r9, [lr, #(2 * \number)]
  ldrsb.w r10, [lr, #(2 * \number + 1)]
  asr.w r9, r9, #4
  asr.w r10, r10, #4
.else
  ldrsb.w r9, [lr], #1
  ldrsb.w r10, [lr], #1
  sbfx r9, r9, #0, #4
  sbfx r10, r10, #0, #4
.endif
.endm

.macro KINDLING_TRIPLE_TAP weights, number
  KINDLING_TRIPLE_WEIGHTS_\weights \number
  ldmia.w r12!, {r6-r8}
  mla r0, r6, r9, r0
  mla r1, r7, r9, r1
  mla r2, r8, r9, r2
  mla r3, r6, r10, r3
  mla r4, r7, r10, r4
  mla r5, r8, r10, r5
.endm

@ The first tap of a block, with which its words begin.
.macro KINDLING_TRIPLE_FIRST weights
  KINDLING_TRIPLE_WEIGHTS_\weights 0
  ldmia.w r12!, {r6-r8}
  mov r4, #KINDLING_TRIPLE_OFFSET
  add r5, r4, r4, lsl #10
  mla r0, r6, r9, r4
  mla r1, r7, r9, r4
  mla r2, r8, r9, r5
  mla r3, r6, r10, r4
  mla r4, r7, r10, r4
  mla r5, r8, r10, r5
.endm

.macro KINDLING_TRIPLE_REST weights
  KINDLING_TRIPLE_TAP \weights, 1
  KINDLING_TRIPLE_TAP \weights, 2
  KINDLING_TRIPLE_TAP \weights, 3
.endm

@ The sums that three words hold, with their offsets; r8 and r9 are lost.
.macro KINDLING_TRIPLE_SUMS first, second, third, a, b, c, d
  lsr r8, \first, #21
  lsr \d, \second, #21
  sub \third, \third, r8
  sub \third, \third, \d, lsl #10
  ubfx r9, \third, #0, #21
  lsr \third, \third, #21
  add \d, \d, \third, lsl #11
  ubfx \c, \second, #0, #21
  add \b, r8, r9
  ubfx \a, \first, #0, #21
.endm

@ Sums of no block, for the next pair of channels.
.macro KINDLING_TRIPLE_CLEAR zero, zero_too
  mov \zero, #0
  mov \zero_too, #0
.irp place, 0, 8, 16, 24
  strd \zero, \zero_too, [sp, #(KINDLING_BATCH_BLOCKS + \place)]
.endr
.endm

@ Widens the patches of the next batch: r0, r1 as kindling_widen_triples takes them; then those that
@ were copied.
.macro KINDLING_BATCH_WIDEN
  ldr r2, [sp, #KINDLING_BATCH_INPUTS]
  ldr r3, [sp, #KINDLING_BATCH_INPUTS_END]
  bl kindling_widen_triples
.endm

.macro KINDLING_BATCH_WIDEN_PATCHES
  ldr r0, [sp, #KINDLING_BATCH_INPUTS]
  bl kindling_widen_in_place
.endm

@ What a batch makes ready: r5 inputs, r12 steps; r0 and r1 are lost. The first block is what makes
@ no full one, if anything; the first round of its loop may be a half.
.macro KINDLING_BATCH_PREPARE weights
  adr.w r0, 4f
  tst r12, #2
  it ne
  adrne.w r0, 5f
  orr r0, r0, #1              @ Thumb code
  str r0, [sp, #KINDLING_BATCH_ENTRY]
  sub r0, r12, #1
  lsr r0, r0, #5              @ full blocks after the first one
  sub r1, r12, r0, lsl #5
  add r1, r1, r1, lsl #1
  add r1, r5, r1, lsl #3      @ two triples for each step
  str r1, [sp, #KINDLING_BATCH_BLOCK_END]
  mov r1, #KINDLING_TRIPLE_OFFSET
  mla r0, r0, r1, r1
  str r0, [sp, #KINDLING_BATCH_OFFSETS]
  KINDLING_TRIPLE_CLEAR r0, r1
.endm

@ The sums of a pair of channels, with their biases.
.macro KINDLING_BATCH_SUMS weights
  ldrd r12, lr, [sp, #KINDLING_BATCH_INPUTS]
  ldr r11, [sp, #KINDLING_BATCH_BLOCK_END]
  KINDLING_TRIPLE_FIRST \weights
  ldr.w pc, [sp, #KINDLING_BATCH_ENTRY]
.balign 4
3:                            @ two quads of taps
  KINDLING_TRIPLE_TAP \weights, 0
4:
  KINDLING_TRIPLE_REST \weights
  KINDLING_TRIPLE_TAP \weights, 0
5:
  KINDLING_TRIPLE_REST \weights
  cmp r12, r11
  bne.w 3b
  KINDLING_TRIPLE_SUMS r3, r4, r5, r4, r5, r6, r7
  KINDLING_TRIPLE_SUMS r0, r1, r2, r0, r1, r2, r3
  ldr r9, [sp, #KINDLING_BATCH_OFFSETS]
  cmp r9, #KINDLING_TRIPLE_OFFSET
  beq 7f
  ldrd r8, r10, [sp, #KINDLING_BATCH_BLOCKS]
  add r0, r0, r8
  add r1, r1, r10
  ldrd r8, r10, [sp, #(KINDLING_BATCH_BLOCKS + 8)]
  add r2, r2, r8
  add r3, r3, r10
  ldrd r8, r10, [sp, #(KINDLING_BATCH_BLOCKS + 16)]
  add r4, r4, r8
  add r5, r5, r10
  ldrd r8, r10, [sp, #(KINDLING_BATCH_BLOCKS + 24)]
  add r6, r6, r8
  add r7, r7, r10
  ldr r8, [sp, #KINDLING_BATCH_INPUTS_END]
  cmp r12, r8
  beq 6f
  add r8, sp, #KINDLING_BATCH_BLOCKS
  stmia r8, {r0-r7}
  add r11, r12, #(KINDLING_TRIPLE_BLOCK * KINDLING_TRIPLE_BYTES)
  KINDLING_TRIPLE_FIRST \weights
  b.w 4b
6:
  KINDLING_TRIPLE_CLEAR r8, r10
7:
  str lr, [sp, #KINDLING_BATCH_WEIGHTS]
  ldr r8, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr r10, [r8, #4]
  ldr r11, [r8, #12]
  sub r10, r10, r9
  sub r11, r11, r9
.irp sum, r0, r1, r2, r3
  add \sum, \sum, r10
.endr
.irp sum, r4, r5, r6, r7
  add \sum, \sum, r11
.endr
.endm

KINDLING_PAIRED_BATCH kindling_paired_once, ONCE, 0, INT8
KINDLING_PAIRED_BATCH kindling_paired_once_int4, ONCE, 0, INT4
KINDLING_PAIRED_BATCH kindling_paired_twice, TWICE, 1, INT8
KINDLING_PAIRED_BATCH kindling_paired_twice_relu, TWICE, 0, INT8

@ The triple of byte `number` of r4-r7 to r8, r10 and r11; r9 is lost.
.macro KINDLING_TRIPLE number
  sbfx r8, r4, #(8 * \number), #8
  sbfx r9, r5, #(8 * \number), #8
  sbfx r10, r6, #(8 * \number), #8
  sbfx r11, r7, #(8 * \number), #8
  add r8, r8, r9, lsl #21
  add r10, r10, r11, lsl #21
  add r11, r9, r11, lsl #10
.endm

@ Four int8 patches as triples; the taps of a quad in the order 0, 2, 1, 3.
@
@ r0 = patches, r1 = bytes from patch to patch, r2 = triples, r3 = end of triples; one quad or more.

.section .text.kindling_widen_triples, "ax", %progbits
.global kindling_widen_triples
.type kindling_widen_triples, %function
.thumb_func
.balign 4
kindling_widen_triples:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
1:
  add r12, r0, r1, lsl #1
  ldr r5, [r0, r1]
  ldr r6, [r12]
  ldr r7, [r12, r1]
  ldr r4, [r0], #4
.irp number, 0, 2, 1, 3
  KINDLING_TRIPLE \number
  stmia r2!, {r8, r10, r11}
.endr
  cmp r2, r3
  bne.w 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_widen_triples, . - kindling_widen_triples

@ The same of patches that lie in the last third of the triples' own memory. First they are made
@ quads, [quad][pixel], in the first third; then triples, from the last one on.
@
@ r0 = memory, twelve bytes for each tap; r1 = taps of a patch, a multiple of four.

.section .text.kindling_widen_in_place, "ax", %progbits
.global kindling_widen_in_place
.type kindling_widen_in_place, %function
.thumb_func
.balign 4
kindling_widen_in_place:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  mov r2, r0
  add r3, r0, r1, lsl #3      @ the patches
  add lr, r3, r1              @ the second one
1:
  add r12, r3, r1, lsl #1
  ldr r5, [r3, r1]
  ldr r6, [r12]
  ldr r7, [r12, r1]
  ldr r4, [r3], #4
  stmia r2!, {r4-r7}
  cmp r3, lr
  bne 1b
  add r3, r2, r1, lsl #3      @ the end of the triples
2:
  ldmdb.w r2!, {r4-r7}
.irp number, 3, 1, 2, 0
  KINDLING_TRIPLE \number
  stmdb.w r3!, {r8, r10, r11}
.endr
  cmp r2, r0
  bne.w 2b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_widen_in_place, . - kindling_widen_in_place
