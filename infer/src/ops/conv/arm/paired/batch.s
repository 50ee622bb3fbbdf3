@ Direct convolution: four pixels by all pairs of output channels, then the four after these, as
@ often as it is told; the loop over the taps is that of the core.
@
@   for each batch of four pixels:
@       inputs = widened patches, of the map or of copies; those of the first are there already
@       for each pair of channels:
@           sum[channel][pixel] = bias of the channel, which some cores add after the loop
@           for each step, one pair of taps:
@               sum[channel][pixel] += inputs[step][pixel] . weights[step][channel]
@           outputs = requantised sums, see arm/requantise.s and arm/twice.s
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums, the bias among them, and with two roundings with a channel's shift to the left.
@
@ r0 = {four addresses of outputs, inputs, end of inputs, parameters, shifts, end of parameters,
@ zero point, or for KINDLING_CHANNEL 2 * zero point + 1, steps, weights, batches that follow,
@ patches of the second batch, or where patches are copied to, bytes from patch to patch, from batch
@ to batch of the patches, from the end of a pixel's outputs to those of the next batch, arguments
@ of kindling_paired_gather or 0, from batch to batch in the map}; a pair or more, an even number of
@ steps, two or more. Registers: r0-r3 and r4-r7 sums; in the loop r12 address of inputs,
@ lr address of weights; after it r8 and r9 places of parameters and shifts, r10 and r11 multiplier
@ and shift, r12 constant, lr what the zero point became. The place of parameters is 4 before those
@ of the next channel, so that each load of a multiplier moves it on.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above; of kindling_paired_gather, above it
@ - alignment: r0, inputs and parameters at whole words, and weights with the DSP extension
@ - clobbers: r0-r3 and r12
@ - stack bytes: 104, without the DSP extension 144, and of kindling_paired_gather 36, which the
@   others call, as they call what widens patches
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: kindling_paired_gather copies words at any address

@ The frame:
.set KINDLING_BATCH_OUTPUTS, 0  @ next, of four pixels
.set KINDLING_BATCH_INPUTS, 16  @ first, then the next weights
.set KINDLING_BATCH_WEIGHTS, 20
.set KINDLING_BATCH_INPUTS_END, 24  @ after the last
.set KINDLING_BATCH_PARAMETERS, 28  @ next, then next shift
.set KINDLING_BATCH_SHIFTS, 32
.set KINDLING_BATCH_END, 36   @ of the parameters
.set KINDLING_BATCH_MINIMUM, 40  @ -2^31, then what stands for the zero point
.set KINDLING_BATCH_ZERO_POINT, 44
.set KINDLING_BATCH_ENTRY, 48  @ where the loop begins
.set KINDLING_BATCH_LEFT, 52  @ batches that follow, then the patches of the next
.set KINDLING_BATCH_ARGUMENTS, 60  @ after the weights
.if KINDLING_DSP
.set KINDLING_BATCH_FRAME, 68
.else
.set KINDLING_BATCH_BLOCK_END, 64  @ of the first block's inputs
.set KINDLING_BATCH_OFFSETS, 68  @ of all blocks
.set KINDLING_BATCH_BLOCKS, 72  @ eight sums of all blocks before
.set KINDLING_BATCH_FRAME, 108
.endif

@ The arguments, from their end on:
.set KINDLING_BATCH_FIRST_PARAMETERS, -24  @ then the shifts
.set KINDLING_BATCH_FIRST_WEIGHTS, -4
.set KINDLING_BATCH_COUNT, 0  @ then the patches of the second batch
.set KINDLING_BATCH_PATCH, 8
.set KINDLING_BATCH_PATCHES_STEP, 12  @ then the skip of the outputs
.set KINDLING_BATCH_GATHER, 20  @ then its step

@ Four outputs of channel `number` of the pair, with two roundings of any shift.
.macro KINDLING_BATCH_FOUR_TWICE name, number, sign, a, b, c, d
  ldr r9, [sp, #KINDLING_BATCH_SHIFTS]
  ldr r10, [r8, #8]!
  ldrsb r11, [r9, #\number]
.if \number
  add r9, r9, #2
  strd r8, r9, [sp, #KINDLING_BATCH_PARAMETERS]
.endif
  KINDLING_CHANNEL r10, r11, r12, lr, .L\name\()_rare_\number
.irp sum, \a, \b, \c, \d
  KINDLING_TWICE \sum, r10, r11, r12, r9, \sign
.endr
.L\name\()_done_\number:
.endm

.macro KINDLING_BATCH_TWICE_RARE name, number, a, b, c, d
.L\name\()_rare_\number:
  KINDLING_RARE r10, r11, r12, lr, r9, \a, \b, \c, \d
  b.w .L\name\()_done_\number
.endm

.macro KINDLING_BATCH_FINISH_TWICE name, sign
  ldr r8, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr lr, [sp, #KINDLING_BATCH_ZERO_POINT]
  KINDLING_BATCH_FOUR_TWICE \name, 0, \sign, r0, r1, r2, r3
  KINDLING_BATCH_FOUR_TWICE \name, 1, \sign, r4, r5, r6, r7
.endm

@ The same of the shifts that KINDLING_COMMON takes.
.macro KINDLING_BATCH_FOUR_COMMON sign, a, b, c, d
  ldr r10, [r8, #8]!
  ldrsb r11, [r9], #1
  KINDLING_COMMON_CHANNEL r10, r11, r12
.irp sum, \a, \b, \c, \d
  KINDLING_COMMON \sum, r10, r11, lr, \sign
.endr
.endm

.macro KINDLING_BATCH_FINISH_COMMON name, sign
  ldrd r8, r9, [sp, #KINDLING_BATCH_PARAMETERS]
  ldrd r12, lr, [sp, #KINDLING_BATCH_MINIMUM]
  KINDLING_BATCH_FOUR_COMMON \sign, r0, r1, r2, r3
  KINDLING_BATCH_FOUR_COMMON \sign, r4, r5, r6, r7
  strd r8, r9, [sp, #KINDLING_BATCH_PARAMETERS]
.endm

.macro KINDLING_BATCH_COMMON_RARE name, number, a, b, c, d
.endm

@ The same with one rounding.
.macro KINDLING_BATCH_FOUR_ONCE a, b, c, d
  ldr r10, [r8, #8]!
.irp sum, \a, \b, \c, \d
  KINDLING_REQUANTISE \sum, r10, lr, r9
.endr
.endm

.macro KINDLING_BATCH_FINISH_ONCE name, sign
  ldr r8, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr lr, [sp, #KINDLING_BATCH_ZERO_POINT]
  KINDLING_BATCH_FOUR_ONCE r0, r1, r2, r3
  KINDLING_BATCH_FOUR_ONCE r4, r5, r6, r7
  str r8, [sp, #KINDLING_BATCH_PARAMETERS]
.endm

.macro KINDLING_BATCH_ONCE_RARE name, number, a, b, c, d
.endm

.macro KINDLING_BATCH_STORE first, second, output
  bfi \first, \second, #8, #24
  strh \first, [\output], #2
.endm

@ `rounding`: ONCE, TWICE or COMMON; `sign`: with two roundings, whether the zero point is another
@ than -128. `weights`: INT8, INT4 or, on cores with the DSP extension, WIDE; their macros are the
@ core's. The first products are added to the biases, which these load to r3 and r7, but for INT4 of
@ some cores, which add them after the loop.
.macro KINDLING_PAIRED_BATCH name, rounding, sign, weights
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_BATCH_FRAME
  .cfi_adjust_cfa_offset KINDLING_BATCH_FRAME
  ldmia.w r0!, {r1-r5, r7-r9}
  ldmia.w r0!, {r10-r12, lr}
  mov r6, lr
  sub r8, r8, #4
  sub r10, r10, #4
  stmia sp, {r1-r10}
  ldmia r0, {r1, r2}
  strd r1, r2, [sp, #KINDLING_BATCH_LEFT]
  str r0, [sp, #KINDLING_BATCH_ARGUMENTS]
  mov r0, #0x80000000
  strd r0, r11, [sp, #KINDLING_BATCH_MINIMUM]
  KINDLING_BATCH_PREPARE \weights
1:
  KINDLING_BATCH_SUMS \weights
  KINDLING_BATCH_FINISH_\rounding \name, \sign
  ldr lr, [sp, #KINDLING_BATCH_END]
  cmp r8, lr
  ldmia.w sp, {r9-r12}
  KINDLING_BATCH_STORE r0, r4, r9
  KINDLING_BATCH_STORE r1, r5, r10
  KINDLING_BATCH_STORE r2, r6, r11
  KINDLING_BATCH_STORE r3, r7, r12
  stmia.w sp, {r9-r12}
  bne.w 1b
  ldrd r4, r0, [sp, #KINDLING_BATCH_LEFT]
  subs r4, r4, #1
  bmi 9f
  ldr r7, [sp, #KINDLING_BATCH_ARGUMENTS]
  ldrd r5, r6, [r7, #KINDLING_BATCH_PATCHES_STEP]
  add r5, r0, r5
.irp output, r9, r10, r11, r12
  add \output, \output, r6
.endr
  stmia.w sp, {r9-r12}
  strd r4, r5, [sp, #KINDLING_BATCH_LEFT]
  ldr r4, [r7, #KINDLING_BATCH_FIRST_WEIGHTS]
  ldrd r8, r6, [r7, #KINDLING_BATCH_FIRST_PARAMETERS]
  str r4, [sp, #KINDLING_BATCH_WEIGHTS]
  sub r8, r8, #4
  strd r8, r6, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr r1, [r7, #KINDLING_BATCH_PATCH]
  ldrd r5, r6, [r7, #KINDLING_BATCH_GATHER]
  cbnz r5, 8f
  KINDLING_BATCH_WIDEN
  b.w 1b
8:                            @ patches are copied, to r0
  mov r4, r0
  mov r7, r1
  ldr r1, [r5]
  mov r0, r5
  add r1, r1, r6
  str r1, [r5]
  bl kindling_paired_gather
  mov r1, r7
  KINDLING_BATCH_WIDEN_PATCHES
  b.w 1b
9:
  .cfi_remember_state
  add sp, sp, #KINDLING_BATCH_FRAME
  .cfi_adjust_cfa_offset -KINDLING_BATCH_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  KINDLING_BATCH_\rounding\()_RARE \name, 0, r0, r1, r2, r3
  KINDLING_BATCH_\rounding\()_RARE \name, 1, r4, r5, r6, r7
  .cfi_endproc
.size \name, . - \name
.endm

@ Copies patches, or what of one lies inside of the map, row by row of the kernel. The last word of
@ a row ends with it: it may overlap the one before.
@
@ r0 = {first value, where to, from the end of a row to the next of the map, bytes of a row, rows,
@ from the end of a row to the next of the patch, patches, from after the last row to the next patch
@ in the map, and in the patches}; a byte, a row and a patch or more. Unaligned words are fine on
@ these cores. Registers: r0-r8 these, r9 rows left, r10 words or bytes left, r11 a value, lr words
@ of a row.
.section .text.kindling_paired_gather, "ax", %progbits
.global kindling_paired_gather
.type kindling_paired_gather, %function
.thumb_func
.balign 4
kindling_paired_gather:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  ldmia.w r0, {r0-r8}
  cmp r3, #4
  blo 4f
  and r12, r3, #3
  lsr lr, r3, #2
  sub r3, r12, #4
  add r2, r2, r12
  add r5, r5, r12
1:                            @ r3 = from the end of a row's whole words to its last word
  mov r9, r4
2:
  mov r10, lr
3:
  ldr r11, [r0], #4
  str r11, [r1], #4
  subs r10, r10, #1
  bne 3b
  ldr r11, [r0, r3]
  str r11, [r1, r3]
  add r0, r0, r2
  add r1, r1, r5
  subs r9, r9, #1
  bne 2b
  add r0, r0, r7
  add r1, r1, r8
  subs r6, r6, #1
  bne 1b
  b 7f
4:
  mov r9, r4
5:
  mov r10, r3
6:
  ldrb r11, [r0], #1
  strb r11, [r1], #1
  subs r10, r10, #1
  bne 6b
  add r0, r0, r2
  add r1, r1, r5
  subs r9, r9, #1
  bne 5b
  add r0, r0, r7
  add r1, r1, r8
  subs r6, r6, #1
  bne 4b
7:
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_paired_gather, . - kindling_paired_gather
