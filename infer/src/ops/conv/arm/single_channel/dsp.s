@ 3x3 convolution of one input channel with 2x2 pooling: some rows of outputs in all channels.
@
@   for each output channel:
@       A0 A1 A2 C D = its weights, held in registers
@       for each window of the rows, 4x4 pixels p:
@           a = E0.A0 + E1.A1 + E2.A2 + p02 w02 + V2.D       the four convolved pixels
@           b = O0.A0 + O1.A1 + O2.A2 + p03 w02 + V3.D
@           c = E1.A0 + E2.A1 + E3.A2 + V2.C + p32 w22
@           d = O1.A0 + O2.A1 + O3.A2 + V3.C + p33 w22
@           output = requantise(bias + max(a, b, c, d))
@
@ Ak = (wk0, wk1), C = (w02, w12), D = (w12, w22); Er = (pr0, pr1), Or = (pr1, pr2), V2 = (p12,
@ p22), V3 = (p13, p23). A window is twelve pairs, in the order of use: E0 O0 (p02, p03), E1 O1 V2,
@ E2 O2 V3, E3 O3 (p32, p33). Sums of nine products of at most 2^14 fit 32 bits, with the bias
@ because the model proved it.
@
@ r0 = {windows, end of windows, weights, end of weights, parameters, output, bytes between outputs,
@ zero point} Registers: r0-r4 A0 A1 A2 C D, r5-r8 a b c d, r9-r11 pairs, r12 address of windows, lr
@ address of outputs.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above; of kindling_windows, above it
@ - alignment: r0, windows, weights and parameters at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 80
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: must be 0: pixels of kindling_windows are read by words at any address

@ The frame: bias, multiplier, zero point, end of windows, bytes between outputs; then what changes
@ by channel.
.set KINDLING_WINDOWS, 20
.set KINDLING_WEIGHTS, 24
.set KINDLING_WEIGHTS_END, 28
.set KINDLING_PARAMETERS, 32
.set KINDLING_OUTPUT, 36
.set KINDLING_WINDOW_BYTES, 40  @ bytes of all windows
.set KINDLING_SINGLE_FRAME, 44

.macro KINDLING_SC_LARGER a, b
  cmp \a, \b
  it lt
  movlt \a, \b
.endm

@ The next window's output.
.macro KINDLING_WINDOW
  ldmia.w r12!, {r9, r10, r11}
  smuad r5, r9, r0
  smuad r6, r10, r0
  smlabb r5, r11, r3, r5
  smlatb r6, r11, r3, r6
  ldmia.w r12!, {r9, r10, r11}
  smlad r5, r9, r1, r5
  smuad r7, r9, r0
  smlad r6, r10, r1, r6
  smuad r8, r10, r0
  smlad r5, r11, r4, r5
  smlad r7, r11, r3, r7
  ldmia.w r12!, {r9, r10, r11}
  smlad r5, r9, r2, r5
  smlad r7, r9, r1, r7
  smlad r6, r10, r2, r6
  smlad r8, r10, r1, r8
  smlad r6, r11, r4, r6
  smlad r8, r11, r3, r8
  ldmia.w r12!, {r9, r10, r11}
  smlad r7, r9, r2, r7
  smlad r8, r10, r2, r8
  smlabt r7, r11, r4, r7
  smlatt r8, r11, r4, r8
  KINDLING_SC_LARGER r5, r6
  KINDLING_SC_LARGER r7, r8
  KINDLING_SC_LARGER r5, r7
  ldmia.w sp, {r6-r10}
  add r5, r5, r6
  KINDLING_REQUANTISE r5, r7, r8
  strb r5, [lr]
  add lr, lr, r10
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
  sub r1, r2, r1
  str r1, [sp, #KINDLING_WINDOW_BYTES]
  strd r8, r2, [sp, #8]
  str r7, [sp, #16]
  strd r3, r4, [sp, #KINDLING_WEIGHTS]
  strd r5, r6, [sp, #KINDLING_PARAMETERS]
1:                            @ a channel
  ldrd r5, r6, [sp, #KINDLING_WEIGHTS]
  cmp r5, r6
  beq.w 3f
  ldmia r5!, {r7, r8, r9}
  str r5, [sp, #KINDLING_WEIGHTS]
  sxtb16 r0, r7
  sxtb16 r1, r7, ror #8
  sxtb16 r2, r8
  sxtb16 r3, r8, ror #8
  sxtb16 r4, r9
  ldrd r5, lr, [sp, #KINDLING_PARAMETERS]
  ldrd r6, r7, [r5], #8
  strd r6, r7, [sp]
  add r6, lr, #1
  strd r5, r6, [sp, #KINDLING_PARAMETERS]
  ldr r12, [sp, #KINDLING_WINDOWS]
  ldr r11, [sp, #KINDLING_WINDOW_BYTES]
  @ An odd number of windows, 48 bytes each: begin with the second of two.
  lsls r11, r11, #27
  bmi.w 4f
2:
  KINDLING_WINDOW
4:
  KINDLING_WINDOW
  cmp r12, r9
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

@ The windows of a row of outputs whose pixels all lie inside of the map.
@
@ r0 = first pixel, r1 = bytes to the row below, r2 = windows, r3 = end of windows. Registers: r4-r7
@ the window's rows of pixels, r10 and r11 (r4 and r5 for row 2) their pairs (0, 2) and (1, 3).

.macro KINDLING_ENDS_OF_ROW pixels
  sxtb16 r10, \pixels
  sxtb16 r11, \pixels, ror #8
  pkhbt r8, r10, r11, lsl #16     @ (0, 1)
  pkhbt r9, r11, r10              @ (1, 2)
  pkhtb r10, r11, r10, asr #16    @ (2, 3)
  stmia r2!, {r8, r9, r10}
.endm

.section .text.kindling_windows, "ax", %progbits
.global kindling_windows
.type kindling_windows, %function
.thumb_func
.balign 4
kindling_windows:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
1:
  add r12, r0, r1, lsl #1
  ldr r4, [r0]
  ldr r5, [r0, r1]
  ldr r6, [r12]
  ldr r7, [r12, r1]
  add r0, r0, #2
  KINDLING_ENDS_OF_ROW r4
  sxtb16 r10, r5
  sxtb16 r11, r5, ror #8
  sxtb16 r4, r6
  sxtb16 r5, r6, ror #8
  pkhbt r8, r10, r11, lsl #16
  pkhbt r9, r11, r10
  pkhtb r10, r4, r10, asr #16     @ column 2 of rows 1 and 2
  stmia r2!, {r8, r9, r10}
  pkhbt r8, r4, r5, lsl #16
  pkhbt r9, r5, r4
  pkhtb r10, r5, r11, asr #16     @ column 3 of rows 1 and 2
  stmia r2!, {r8, r9, r10}
  KINDLING_ENDS_OF_ROW r7
  cmp r2, r3
  bne 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_windows, . - kindling_windows
