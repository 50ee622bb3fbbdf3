@ Direct convolution: four pixels by all pairs of output channels; the loop over the taps is that of
@ the core.
@
@   for each pair of channels:
@       sum[channel][pixel] = bias of the channel, which some cores add after the loop
@       for each step, one pair of taps:
@           sum[channel][pixel] += inputs[step][pixel] . weights[step][channel]
@       outputs = requantised sums, see arm/requantise.s and arm/twice.s
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums, the bias among them, and with two roundings with a channel's shift to the left.
@
@ r0 = {four addresses of outputs, inputs, end of inputs, parameters, shifts, end of parameters,
@ zero point, with two roundings 2 * zero point + 1, steps, weights}; a pair or more. Registers:
@ r0-r3 and r4-r7 sums; in the loop r12 address of inputs, lr address of weights; after it r8 and r9
@ parameters and shifts, r10 and r11 multiplier and shift, r12 constant, lr what the zero point
@ became.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above; of kindling_paired_gather, above it
@ - alignment: r0, inputs and parameters at whole words, and weights with the DSP extension
@ - clobbers: r0-r3 and r12
@ - stack bytes: 84, and of kindling_paired_gather 20
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: kindling_paired_gather copies words at any address

@ The frame:
.set KINDLING_BATCH_OUTPUTS, 0  @ next, of four pixels
.set KINDLING_BATCH_INPUTS, 16  @ first, after the last
.set KINDLING_BATCH_PARAMETERS, 24  @ next, and next shift
.set KINDLING_BATCH_END, 32   @ of the parameters
.set KINDLING_BATCH_ZERO_POINT, 36  @ or 2 * zero point + 1
.set KINDLING_BATCH_ENTRY, 40  @ where the loop begins
.set KINDLING_BATCH_WEIGHTS, 44  @ next
.set KINDLING_BATCH_FRAME, 48

@ Four outputs of channel `number` of the pair.
.macro KINDLING_BATCH_FOUR_TWICE name, number, sign, a, b, c, d
  ldrd r8, r9, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr r10, [r8, #(8 * \number + 4)]
  ldrsb r11, [r9, #\number]
.if \number
  add r8, r8, #16
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

.macro KINDLING_BATCH_STORE first, second, output
  bfi \first, \second, #8, #24
  strh \first, [\output], #2
.endm

@ The same with one rounding.
.macro KINDLING_BATCH_FOUR_ONCE name, number, sign, a, b, c, d
  ldr r8, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr r10, [r8, #(8 * \number + 4)]
.if \number
  add r8, r8, #16
  str r8, [sp, #KINDLING_BATCH_PARAMETERS]
.endif
.irp sum, \a, \b, \c, \d
  KINDLING_REQUANTISE \sum, r10, lr, r9
.endr
.endm

.macro KINDLING_BATCH_ONCE_RARE name, number, a, b, c, d
.endm

@ The sums begin with the biases.
.macro KINDLING_BATCH_BEGIN_BIASES
  ldr r8, [sp, #KINDLING_BATCH_PARAMETERS]
  ldr r0, [r8]
  ldr r4, [r8, #8]
  mov r1, r0
  mov r2, r0
  mov r3, r0
  mov r5, r4
  mov r6, r4
  mov r7, r4
.endm

@ `sign`: with two roundings, whether the zero point is another than -128. `weights`: INT8, INT4 or,
@ on cores with the DSP extension, WIDE; their macros are the core's.
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
  ldmia r0!, {r1-r8}
  stmia sp, {r1-r8}
  ldmia r0, {r1-r3, lr}
  KINDLING_PAIRED_ENTRY_\weights r3, r4, 2f
  add r4, sp, #KINDLING_BATCH_END
  stmia r4, {r1-r3}
1:
  KINDLING_BATCH_BEGIN_\weights
  ldr r12, [sp, #KINDLING_BATCH_INPUTS]
  KINDLING_PAIRED_STEPS_\weights
  ldr r8, [sp, #(KINDLING_BATCH_INPUTS + 4)]
  cmp r12, r8
  bne.w 3b
  str lr, [sp, #KINDLING_BATCH_WEIGHTS]
  KINDLING_BATCH_END_\weights
  ldr lr, [sp, #KINDLING_BATCH_ZERO_POINT]
  KINDLING_BATCH_FOUR_\rounding \name, 0, \sign, r0, r1, r2, r3
  KINDLING_BATCH_FOUR_\rounding \name, 1, \sign, r4, r5, r6, r7
  ldr lr, [sp, #KINDLING_BATCH_END]
  cmp r8, lr
  ldr lr, [sp, #KINDLING_BATCH_WEIGHTS]
  ldmia.w sp, {r8-r11}
  KINDLING_BATCH_STORE r0, r4, r8
  KINDLING_BATCH_STORE r1, r5, r9
  KINDLING_BATCH_STORE r2, r6, r10
  KINDLING_BATCH_STORE r3, r7, r11
  stmia.w sp, {r8-r11}
  bne.w 1b
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

@ Copies a patch that lies inside of the map, kernel row by kernel row.
@
@ r0 = its first value, r1 = bytes from a row of the map to the next, r2 = where to, r3 = bytes of a
@ kernel row, on the stack kernel rows; a byte and a row or more. Unaligned words are fine on these
@ cores.
.section .text.kindling_paired_gather, "ax", %progbits
.global kindling_paired_gather
.type kindling_paired_gather, %function
.thumb_func
.balign 4
kindling_paired_gather:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  ldr r4, [sp, #20]
1:
  mov r5, r0
  subs r6, r3, #4
  blo 3f
2:
  ldr r7, [r5], #4
  str r7, [r2], #4
  subs r6, r6, #4
  bhs 2b
3:
  adds r6, r6, #4
  beq 5f
4:
  ldrb r7, [r5], #1
  strb r7, [r2], #1
  subs r6, r6, #1
  bne 4b
5:
  add r0, r0, r1
  subs r4, r4, #1
  bne 1b
  .cfi_remember_state
  pop {r4-r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_paired_gather, . - kindling_paired_gather
