@ Direct convolution without pooling, with the vector extension: pixels whose patches lie a fixed
@ step apart, two of them by four output channels and 16 taps at a time.
@
@   for each four channels:
@       for each pair of pixels:
@           sums[pixel][channel] = patch of the pixel . weights of the channel
@           once:   output = saturate(zero point + round((bias + sum) * multiplier / 2^32))
@           twice:  product = round((bias + sum) * 2^max(shift, 0) * multiplier / 2^31)  halves up
@                   output = saturate(zero point + round(product / 2^max(-shift, 0)))    halves away
@                                                                                        from 0
@
@ The last four channels end with the last one, and the last pair with the last pixel: what is
@ computed twice is the same.
@
@ Range: every product of a tap is at most 2^14 in size; sums stay in 32 bits with the bias and the
@ shift to the left, because the model proved it for all partial sums. `vrmulh` is
@ (sum * multiplier + 2^31) >> 32. `vqrdmulh` is (2 * sum * multiplier + 2^31) >> 32 and saturates
@ for -2^31 * -2^31 only, which no multiplier is. `vrshl` rounds halves up: where a product is below
@ 0 and the shift too, 1 less of it moves just the halves down. A product is more than -2^31 + 1, so
@ that fits. Where the zero point is -128 and no shift is above 0 none of that is needed: what is
@ below 0 becomes -128, rounded either way. Outputs saturate to 16 bits before the zero point is
@ added, to 8 after it: 2^15 - 1 and a zero point are still beyond 8 bits.
@
@ r0 = {twice the step, bytes from each second output pixel to the next, zero point, first output of
@ the last pair, weights, bytes of a pair of channels' weights, first patch, step from patch to
@ patch, output, parameters, shifts, channels, chunks of 16 taps in a row, rows, bytes from the end
@ of a row to the next, places [channel][pixel of a pair] of outputs after the first, int16}; a
@ pixel or more, and channels even in number. Of a single pixel the step is 0, so that it is a pair.
@ With two channels the second pair's weights are the first's, and the parameters are there twice.
@
@ Registers: the even ones r0-r6 and r8-r14 hold the sums of the first and the second pixel, as
@ VMLADAV asks; r1 and r3 = weights of the first and the second pair of channels, r5 and r7 = the
@ pixels' patches; q0 and q1 weights, q2 and q3 inputs, q4 biases, q5 multipliers, q6 shifts to the
@ right, 0 or less, q7 places of the outputs.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12, q0-q3
@ - stack bytes: 204
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

@ The arguments, after where they are copied to on the stack.
.set KINDLING_PIXELS_LAST, 12
.set KINDLING_PIXELS_WEIGHTS, 16
.set KINDLING_PIXELS_OUTPUT, 32
.set KINDLING_PIXELS_PARAMETERS, 36
.set KINDLING_PIXELS_CHANNELS, 44
.set KINDLING_PIXELS_CHUNKS, 48
.set KINDLING_PIXELS_ROWS, 52
.set KINDLING_PIXELS_SKIP, 56
.set KINDLING_PIXELS_LEFT, 60   @ shifts to the left, 0 or more, of four channels
.set KINDLING_PIXELS_BYTES, 76

@ Before them, where patches have many chunks: {weights, of the second pair, patch, of the second
@ pixel, chunks after the first, rows, output} of a pair of pixels.
.set KINDLING_PIXELS_LONG, 28

.set KINDLING_PIXELS_CHUNKS_MAX, 4
.set KINDLING_PIXELS_CHUNK_BYTES, 56

@ Eight sums of a chunk. `multiply` is vmladav.s8 to start them, vmladava.s8 to go on; the chunk is
@ `at` bytes after the addresses, twice as many in the weights.
.macro KINDLING_PIXELS_CHUNK multiply, at
  vldrb.u8 q2, [r5, #\at]
  vldrb.u8 q3, [r7, #\at]
  vldrb.u8 q0, [r1, #(2 * \at)]
  vldrb.u8 q1, [r1, #(2 * \at + 16)]
  \multiply r0, q0, q2
  \multiply r2, q1, q2
  \multiply r8, q0, q3
  \multiply r10, q1, q3
  vldrb.u8 q0, [r3, #(2 * \at)]
  vldrb.u8 q1, [r3, #(2 * \at + 16)]
  \multiply r4, q0, q2
  \multiply r6, q1, q2
  \multiply r12, q0, q3
  \multiply r14, q1, q3
.endm

@ The same, and goes on to the next chunk.
.macro KINDLING_PIXELS_NEXT_CHUNK multiply
  vldrb.u8 q2, [r5], #16
  vldrb.u8 q3, [r7], #16
  vldrb.u8 q0, [r1], #16
  vldrb.u8 q1, [r1], #16
  \multiply r0, q0, q2
  \multiply r2, q1, q2
  \multiply r8, q0, q3
  \multiply r10, q1, q3
  vldrb.u8 q0, [r3], #16
  vldrb.u8 q1, [r3], #16
  \multiply r4, q0, q2
  \multiply r6, q1, q2
  \multiply r12, q0, q3
  \multiply r14, q1, q3
.endm

@ Copies the arguments to `base` bytes after sp; q7 = places.
.macro KINDLING_PIXELS_BEGIN base
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  vpush {d8-d15}
  KINDLING_SAVED 8, d8, d9, d10, d11, d12, d13, d14, d15
  sub sp, sp, #(\base + KINDLING_PIXELS_BYTES)
  .cfi_adjust_cfa_offset (\base + KINDLING_PIXELS_BYTES)
  add r12, sp, #\base
  ldmia r0!, {r1-r8}
  stmia r12!, {r1-r8}
  ldmia r0!, {r1-r7}
  stmia r12, {r1-r7}
  vldrh.u16 q7, [r0]
.endm

@ The parameters of four channels; r1 and r3 = their weights, r5 and r7 = the first two patches, r9
@ = output.
.macro KINDLING_PIXELS_FOUR base, rounding
  add r0, sp, #(\base + KINDLING_PIXELS_WEIGHTS)
  ldmia r0, {r1, r3, r5, r7, r9, r10, r12}
  add r3, r3, r1
  vld20.32 {q4, q5}, [r10]
  vld21.32 {q4, q5}, [r10]
  add r7, r7, r5
.ifnc \rounding, once
  mov r0, r12
  vldrb.s32 q6, [r0]
.endif
.ifc \rounding, any
  vmov.i32 q0, #0
  vmax.s32 q1, q6, q0
  vmin.s32 q6, q6, q0
  vstrw.32 q1, [sp, #(\base + KINDLING_PIXELS_LEFT)]
.endif
.endm

@ q0 = outputs of four channels of two pixels before the zero point, in turn, int16.
.macro KINDLING_PIXELS_PRODUCTS base, rounding
  vmov q0[2], q0[0], r0, r4
  vmov q0[3], q0[1], r2, r6
  vmov q1[2], q1[0], r8, r12
  vmov q1[3], q1[1], r10, r14
  vadd.i32 q0, q0, q4
  vadd.i32 q1, q1, q4
.ifc \rounding, once
  vrmulh.s32 q0, q0, q5
  vrmulh.s32 q1, q1, q5
.else
.ifc \rounding, any
  vldrw.u32 q2, [sp, #(\base + KINDLING_PIXELS_LEFT)]
  vshl.s32 q0, q0, q2
  vshl.s32 q1, q1, q2
.endif
  vqrdmulh.s32 q0, q0, q5
  vqrdmulh.s32 q1, q1, q5
.ifc \rounding, any
  vand q2, q0, q6
  vand q3, q1, q6
  vshr.s32 q2, q2, #31
  vshr.s32 q3, q3, #31
  vadd.i32 q0, q0, q2
  vadd.i32 q1, q1, q3
.endif
  vrshl.s32 q0, q0, q6
  vrshl.s32 q1, q1, q6
.endif
  vqmovnb.s32 q0, q0
  vqmovnt.s32 q0, q1
.endm

@ Stores q0 after `output`; `zero_point` is a register.
.macro KINDLING_PIXELS_STORE zero_point, output
  vqadd.s16 q0, q0, \zero_point
  vqmovnb.s16 q0, q0
  vstrb.16 q0, [\output, q7]
.endm

@ To the next four channels, or to the last four, which may have been computed in part; then to
@ `next`, if any are left.
.macro KINDLING_PIXELS_END base, next
  ldr r0, [sp, #(\base + KINDLING_PIXELS_CHANNELS)]
  subs r0, r0, #4
  bls 9f
  mov r2, #4
  cmp r0, r2
  ite lo
  movlo r3, r0
  movhs r3, r2
  it lo
  movlo r0, r2
  str r0, [sp, #(\base + KINDLING_PIXELS_CHANNELS)]
  ldrd r4, r5, [sp, #(\base + KINDLING_PIXELS_PARAMETERS)]
  add r4, r4, r3, lsl #3
  add r5, r5, r3
  strd r4, r5, [sp, #(\base + KINDLING_PIXELS_PARAMETERS)]
  ldr r4, [sp, #(\base + KINDLING_PIXELS_OUTPUT)]
  ldr r5, [sp, #(\base + KINDLING_PIXELS_LAST)]
  add r4, r4, r3
  add r5, r5, r3
  str r4, [sp, #(\base + KINDLING_PIXELS_OUTPUT)]
  str r5, [sp, #(\base + KINDLING_PIXELS_LAST)]
  ldrd r4, r5, [sp, #(\base + KINDLING_PIXELS_WEIGHTS)]
  lsr r3, r3, #1
  mla r4, r3, r5, r4
  str r4, [sp, #(\base + KINDLING_PIXELS_WEIGHTS)]
  b.w \next
9:
  .cfi_remember_state
  add sp, sp, #(\base + KINDLING_PIXELS_BYTES)
  .cfi_adjust_cfa_offset -(\base + KINDLING_PIXELS_BYTES)
  vpop {d8-d15}
  .cfi_adjust_cfa_offset -64
  pop {r4-r11, pc}
  .cfi_restore_state
.endm

@ Patches of one row of up to four chunks: those after the first begin as many chunks before the end
@ of the unrolled ones, at r11. r9 = output.
.macro KINDLING_PIXELS_SHORT name, rounding
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  KINDLING_PIXELS_BEGIN 0
  ldr r1, [sp, #KINDLING_PIXELS_CHUNKS]
  movs r2, #KINDLING_PIXELS_CHUNK_BYTES
  subs r1, r1, #1
  adr.w r11, 4f
  mls r11, r1, r2, r11
  orr r11, r11, #1            @ Thumb
1:                            @ four channels
  KINDLING_PIXELS_FOUR 0, \rounding
2:                            @ two pixels
  KINDLING_PIXELS_CHUNK vmladav.s8, 0
  bx r11
3:
  KINDLING_PIXELS_CHUNK vmladava.s8, 48
  KINDLING_PIXELS_CHUNK vmladava.s8, 32
  KINDLING_PIXELS_CHUNK vmladava.s8, 16
4:
  KINDLING_JUMP 3b, 4b, ((KINDLING_PIXELS_CHUNKS_MAX - 1) * KINDLING_PIXELS_CHUNK_BYTES)
  KINDLING_PIXELS_PRODUCTS 0, \rounding
  ldmia sp, {r0, r2, r4, r6}  @ steps of patches and outputs, zero point, last output
  KINDLING_PIXELS_STORE r4, r9
  add r5, r5, r0
  add r7, r7, r0
  add r9, r9, r2
  cmp r9, r6
  bls.w 2b
  sub r9, r9, r2
  cmp r9, r6
  beq 5f
  mov r9, r6                  @ a pixel is left: once more with the one before it
  sub r5, r5, r0, lsr #1
  sub r7, r7, r0, lsr #1
  b.w 2b
5:
  KINDLING_PIXELS_END 0, 1b
  .cfi_endproc
.size \name, . - \name
.endm

@ Patches of any number of chunks and rows. r9 = chunks left in the row, r11 = rows left.
.macro KINDLING_PIXELS_ANY name, rounding
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
  KINDLING_PIXELS_BEGIN KINDLING_PIXELS_LONG
  ldrd r10, r11, [sp, #(KINDLING_PIXELS_LONG + KINDLING_PIXELS_CHUNKS)]
  subs r10, r10, #1
  strd r10, r11, [sp, #16]
1:                            @ four channels
  KINDLING_PIXELS_FOUR KINDLING_PIXELS_LONG, \rounding
  strd r1, r3, [sp]
  strd r5, r7, [sp, #8]
  str r9, [sp, #24]
2:                            @ two pixels
  ldmia sp, {r1, r3, r5, r7, r9, r11}
  KINDLING_PIXELS_NEXT_CHUNK vmladav.s8
3:                            @ a row, after its first chunk or whole
  lsrs r9, r9, #1
  bcc 4f
  KINDLING_PIXELS_NEXT_CHUNK vmladava.s8
4:
  beq 6f
5:
  KINDLING_PIXELS_NEXT_CHUNK vmladava.s8
  KINDLING_PIXELS_NEXT_CHUNK vmladava.s8
  subs r9, r9, #1
  bne 5b
6:
  subs r11, r11, #1
  beq 7f
  ldr r9, [sp, #(KINDLING_PIXELS_LONG + KINDLING_PIXELS_SKIP)]
  add r5, r5, r9
  add r7, r7, r9
  ldr r9, [sp, #(KINDLING_PIXELS_LONG + KINDLING_PIXELS_CHUNKS)]
  b 3b
7:
  KINDLING_PIXELS_PRODUCTS KINDLING_PIXELS_LONG, \rounding
  add r0, sp, #24
  ldmia r0, {r0, r1, r2, r3, r4} @ output, steps of patches and outputs, zero point, last output
  ldrd r5, r7, [sp, #8]
  KINDLING_PIXELS_STORE r3, r0
  add r5, r5, r1
  add r7, r7, r1
  add r0, r0, r2
  strd r5, r7, [sp, #8]
  cmp r0, r4
  str r0, [sp, #24]
  bls.w 2b
  sub r0, r0, r2
  cmp r0, r4
  beq 8f
  sub r5, r5, r1, lsr #1      @ a pixel is left: once more with the one before it
  sub r7, r7, r1, lsr #1
  strd r5, r7, [sp, #8]
  str r4, [sp, #24]
  b.w 2b
8:
  KINDLING_PIXELS_END KINDLING_PIXELS_LONG, 1b
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_PIXELS_SHORT kindling_pixels_short_once, once
KINDLING_PIXELS_SHORT kindling_pixels_short_relu, relu
KINDLING_PIXELS_SHORT kindling_pixels_short_any, any
KINDLING_PIXELS_ANY kindling_pixels_long_once, once
KINDLING_PIXELS_ANY kindling_pixels_long_relu, relu
KINDLING_PIXELS_ANY kindling_pixels_long_any, any

@ Copies the input under the kernel of some pixels to patches, kernel row after kernel row: of one
@ pixel the part inside of the map, after the rest was filled; predicated, so that nothing but these
@ bytes is read or written.
@
@   first patch = zero point, if any of it lies outside
@   for each patch, for each kernel row inside: copy the bytes inside
@
@ r0 = {first byte inside, bytes from row to row of the map, bytes of a kernel row, rows inside,
@ where the first one goes, bytes inside of a row, first patch, bytes of it to fill, zero point,
@ step from pixel to pixel of the map, bytes of a patch, patches, one or more}.
@ Registers: r1 source, r2 and r3 steps from row to row, r4 rows, r5 destination, r6 and r7 those of
@ a row, r8 bytes of a row, r9 and r10 steps from patch to patch, r11 patches left, r0 and r12
@ addresses in a row; first r9 patch, r10 bytes to fill, r11 zero point.
.section .text.kindling_pixels_patches, "ax", %progbits
.global kindling_pixels_patches
.type kindling_pixels_patches, %function
.thumb_func
.balign 4
kindling_pixels_patches:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #4
  .cfi_adjust_cfa_offset 4
  ldmia r0!, {r1-r5, r8-r11}
  cmp r10, #0
  beq 2f
  vdup.8 q0, r11
  dlstp.8 lr, r10
1:
  vstrb.8 q0, [r9], #16
  letp lr, 1b
2:
  ldmia r0, {r9-r11}
  cbz r4, 8f
  cmp r8, #0
  beq 8f
  cmp r8, #16
  bhi 5f
  vctp.8 r8
3:                            @ a patch, whose rows are a vector each or less
  mov r6, r1
  mov r7, r5
  dls lr, r4
4:
  vpstt
  vldrbt.u8 q0, [r6]
  vstrbt.8 q0, [r7]
  add r6, r6, r2
  add r7, r7, r3
  le lr, 4b
  add r1, r1, r9
  add r5, r5, r10
  subs r11, r11, #1
  bne 3b
  b 8f
5:                            @ a patch
  mov r6, r1
  mov r7, r5
  str r4, [sp]
6:
  mov r0, r6
  mov r12, r7
  dlstp.8 lr, r8
7:
  vldrb.u8 q0, [r0], #16
  vstrb.8 q0, [r12], #16
  letp lr, 7b
  add r6, r6, r2
  add r7, r7, r3
  subs r4, r4, #1
  bne 6b
  ldr r4, [sp]
  add r1, r1, r9
  add r5, r5, r10
  subs r11, r11, #1
  bne 5b
8:
  .cfi_remember_state
  add sp, sp, #4
  .cfi_adjust_cfa_offset -4
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_pixels_patches, . - kindling_pixels_patches
