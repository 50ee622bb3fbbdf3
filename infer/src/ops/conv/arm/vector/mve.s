@ Direct convolution with the M-profile vector extension: four pixels by two output channels, 16
@ taps per instruction.
@
@   for each chunk of 16 taps:
@       sum[channel][pixel] += inputs[chunk][pixel] . weights[chunk][channel]
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums.
@
@ int4 weights of a chunk are one vector for both channels: the first has the high halves of its
@ bytes.
@
@ Registers: the even ones r0-r6 and r8-r14 hold the sums of the first and the second channel, as
@ VMLADAV asks; r1 = address of weights, r3 = address of inputs, r5 = end of inputs; q0 and q1
@ weights, q2 inputs.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3 or r0, above each function
@ - alignment: r0, sums and parameters at whole words
@ - clobbers: r0-r3 and r12, q0-q2
@ - stack bytes: 52
@ - flags: N, Z, C, V and Q, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.macro KINDLING_PIXEL multiply, first, second
  vldrb.u8 q2, [r3], #16
  \multiply \first, q0, q2
  \multiply \second, q1, q2
.endm

.macro KINDLING_WEIGHTS_INT8
  vldrb.u8 q0, [r1], #16
  vldrb.u8 q1, [r1], #16
.endm

.macro KINDLING_WEIGHTS_INT4
  vldrb.u8 q1, [r1], #16
  vshr.s8 q0, q1, #4
  vshl.i8 q1, q1, #4
  vshr.s8 q1, q1, #4
.endm

@ A chunk; `multiply` is vmladav.s8 to start the sums, vmladava.s8 to go on. `weights`, here and
@ below: INT8 or INT4.
.macro KINDLING_CHUNK multiply, weights
  KINDLING_WEIGHTS_\weights
  KINDLING_PIXEL \multiply, r0, r8
  KINDLING_PIXEL \multiply, r2, r10
  KINDLING_PIXEL \multiply, r4, r12
  KINDLING_PIXEL \multiply, r6, r14
.endm

@ All chunks from r1 and r3 on, one or more; two at a time after the first. r9 is lost.
.macro KINDLING_CHUNKS weights
  KINDLING_CHUNK vmladav.s8, \weights
  subs r9, r5, r3
  beq 79f
  tst r9, #64                 @ bytes of a chunk: an odd number of them begins in the middle
  bne 78f
77:
  KINDLING_CHUNK vmladava.s8, \weights
78:
  KINDLING_CHUNK vmladava.s8, \weights
  cmp r3, r5
  bne 77b
79:
.endm

.macro KINDLING_VECTOR_LARGER a, b
  cmp \a, \b
  csel \a, \a, \b, gt
.endm

@ Eight sums: r0 = inputs, r1 = weights, r2 = sums [channel][pixel], r3 = end of inputs.
.macro KINDLING_VECTOR_SUMS name, weights
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r2, r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  .cfi_adjust_cfa_offset 4
  mov r5, r3
  mov r3, r0
  KINDLING_CHUNKS \weights
  ldr r1, [sp]
  stmia r1!, {r0, r2, r4, r6}
  stmia r1!, {r8, r10, r12, lr}
  .cfi_remember_state
  pop {r2, r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_VECTOR_SUMS kindling_vector_sums, INT8
KINDLING_VECTOR_SUMS kindling_vector_sums_int4, INT4

@ All channels of a pooling window:
@   output = requantise(bias + max of the four pixels' sums)
@
@ r0 = {inputs, end of inputs, weights, parameters, end of parameters, output, zero point}
@ r7 = parameters, r11 = output.
.macro KINDLING_VECTOR_WINDOW name, weights
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #16             @ inputs, end of inputs, end of parameters, zero point
  .cfi_adjust_cfa_offset 16
  ldrd r2, r3, [r0]
  strd r2, r3, [sp]
  ldr r2, [r0, #16]
  str r2, [sp, #8]
  ldrd r1, r7, [r0, #8]
  ldrd r11, r2, [r0, #20]
  str r2, [sp, #12]
1:
  ldrd r3, r5, [sp]
  KINDLING_CHUNKS \weights
  KINDLING_VECTOR_LARGER r0, r2
  KINDLING_VECTOR_LARGER r4, r6
  KINDLING_VECTOR_LARGER r0, r4
  KINDLING_VECTOR_LARGER r8, r10
  KINDLING_VECTOR_LARGER r12, lr
  KINDLING_VECTOR_LARGER r8, r12
  ldmia r7!, {r2, r3, r4, r5} @ twice bias, multiplier
  add r0, r0, r2
  add r8, r8, r4
  ldr r9, [sp, #12]
  smmlar r0, r0, r3, r9
  smmlar r8, r8, r5, r9
  ssat r0, #8, r0
  ssat r8, #8, r8
  strb r0, [r11], #1
  strb r8, [r11], #1
  ldr r2, [sp, #8]
  cmp r7, r2
  bne.w 1b
  .cfi_remember_state
  add sp, sp, #16
  .cfi_adjust_cfa_offset -16
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_VECTOR_WINDOW kindling_vector_window, INT8
KINDLING_VECTOR_WINDOW kindling_vector_window_int4, INT4

@ Copies the input under the kernel for one convolved pixel into its place in each chunk of 64
@ bytes; predicated, so that nothing but these bytes is read or written.
@
@   for each kernel row:
@       for each run of its bytes that stays in a chunk: copy the run
@
@ r0 = {first tap, bytes from row to row of the map, bytes of a kernel row, kernel rows, the pixel's
@ place} Registers: r1-r5 as in r0, r6 = bytes left in the chunk, r7 = source, r8 = bytes left in
@ the row, r9 = bytes of the run.
.section .text.kindling_vector_gather, "ax", %progbits
.global kindling_vector_gather
.type kindling_vector_gather, %function
.thumb_func
.balign 4
kindling_vector_gather:
  .cfi_startproc
  push {r4-r9, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, lr
  ldmia r0, {r1-r5}
  mov r6, #16
1:
  mov r7, r1
  mov r8, r3
2:
  cmp r8, r6
  csel r9, r8, r6, lo
  vctp.8 r9
  vpstt
  vldrbt.u8 q0, [r7]
  vstrbt.8 q0, [r5]
  add r7, r7, r9
  add r5, r5, r9
  subs r6, r6, r9
  itt eq
  addeq r5, r5, #48
  moveq r6, #16
  subs r8, r8, r9
  bne 2b
  add r1, r1, r2
  subs r4, r4, #1
  bne 1b
  .cfi_remember_state
  pop {r4-r9, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_vector_gather, . - kindling_vector_gather
