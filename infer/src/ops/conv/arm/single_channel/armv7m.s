@ 3x3 convolution of one input channel with 2x2 pooling on Armv7-M without DSP extension: some rows
@ of outputs in all channels.
@
@   for each output channel:
@       weights = its nine, as words on the stack
@       for each window of the rows, 4x4 pixels p as words:
@           for each row k of the kernel:
@               a, b += row k of p by row k of the weights         the four convolved pixels
@               c, d += row k + 1 of p by row k of the weights
@           output = requantise(bias + max(a, b, c, d))
@
@ Sums of nine products of at most 2^14 fit 32 bits, with the bias because the model proved it.
@
@ r0 = {windows, end of windows, weights, end of weights, parameters, output, bytes between outputs,
@ zero point} Registers: r0-r3 a b c d, r4-r6 weights, r7-r10 pixels, r12 address of windows, lr
@ address of outputs.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0, windows and parameters at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 112
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: weights are read byte by byte

@ The frame: bias, multiplier, zero point, end of windows, bytes between outputs; then what changes
@ by channel.
.set KINDLING_WINDOWS, 20
.set KINDLING_WEIGHTS, 24
.set KINDLING_WEIGHTS_END, 28
.set KINDLING_PARAMETERS, 32
.set KINDLING_OUTPUT, 36
.set KINDLING_TAPS, 40        @ nine words, row by row
.set KINDLING_SINGLE_FRAME, 76

.macro KINDLING_SC_LARGER a, b
  cmp \a, \b
  it lt
  movlt \a, \b
.endm

@ Two convolved pixels side by side by a row of the kernel; the first row starts the sums.
.macro KINDLING_TWO_PIXELS first, a, b
.if \first
  mul \a, r7, r4
  mul \b, r8, r4
.else
  mla \a, r7, r4, \a
  mla \b, r8, r4, \b
.endif
  mla \a, r8, r5, \a
  mla \b, r9, r5, \b
  mla \a, r9, r6, \a
  mla \b, r10, r6, \b
.endm

.macro KINDLING_KERNEL_ROW row, first
  ldrd r4, r5, [sp, #(KINDLING_TAPS + 12 * \row)]
  ldr r6, [sp, #(KINDLING_TAPS + 12 * \row + 8)]
  ldmia r12!, {r7-r10}
  KINDLING_TWO_PIXELS \first, r0, r1
  ldmia r12, {r7-r10}
  KINDLING_TWO_PIXELS \first, r2, r3
.endm

@ Puts the tap at `byte` after r5 on the stack.
.macro KINDLING_TAP byte, index
  ldrsb r6, [r5, #\byte]
  str r6, [sp, #(KINDLING_TAPS + 4 * \index)]
.endm

.section .text.kindling_single_channel, "ax", %progbits
.global kindling_single_channel
.type kindling_single_channel, %function
.thumb_func
.balign 4
kindling_single_channel:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_SINGLE_FRAME
  .cfi_adjust_cfa_offset KINDLING_SINGLE_FRAME
  ldmia r0, {r1-r8}
  str r1, [sp, #KINDLING_WINDOWS]
  strd r8, r2, [sp, #8]
  str r7, [sp, #16]
  strd r3, r4, [sp, #KINDLING_WEIGHTS]
  strd r5, r6, [sp, #KINDLING_PARAMETERS]
1:                            @ a channel
  ldrd r5, r6, [sp, #KINDLING_WEIGHTS]
  cmp r5, r6
  beq.w 3f
  KINDLING_TAP 0, 0           @ the order of packing.rs
  KINDLING_TAP 2, 1
  KINDLING_TAP 5, 2
  KINDLING_TAP 1, 3
  KINDLING_TAP 3, 4
  KINDLING_TAP 7, 5
  KINDLING_TAP 4, 6
  KINDLING_TAP 6, 7
  KINDLING_TAP 10, 8
  add r5, r5, #12
  str r5, [sp, #KINDLING_WEIGHTS]
  ldrd r5, lr, [sp, #KINDLING_PARAMETERS]
  ldrd r6, r7, [r5], #8
  strd r6, r7, [sp]
  add r6, lr, #1
  strd r5, r6, [sp, #KINDLING_PARAMETERS]
  ldr r12, [sp, #KINDLING_WINDOWS]
2:                            @ a window
  KINDLING_KERNEL_ROW 0, 1
  KINDLING_KERNEL_ROW 1, 0
  KINDLING_KERNEL_ROW 2, 0
  add r12, r12, #16
  KINDLING_SC_LARGER r0, r1
  KINDLING_SC_LARGER r2, r3
  KINDLING_SC_LARGER r0, r2
  ldmia.w sp, {r4-r8}
  add r0, r0, r4
  KINDLING_REQUANTISE r0, r5, r6, r9
  strb r0, [lr]
  add lr, lr, r8
  cmp r12, r7
  bne.w 2b
  b.w 1b
3:
  .cfi_remember_state
  add sp, sp, #KINDLING_SINGLE_FRAME
  .cfi_adjust_cfa_offset -KINDLING_SINGLE_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_single_channel, . - kindling_single_channel
