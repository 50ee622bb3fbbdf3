@ Direct convolution without scratch memory, with the vector extension: four patches that lie inside
@ of the map, one output channel.
@
@   for each row of the kernel, for each 16 taps of the row:
@       sum[patch] += inputs[patch] . weights
@   answer the largest sum, without a branch that depends on the sums, or write all four
@
@ Every product is at most 2^14 in size; sums stay in 32 bits because the model proved it for all
@ partial sums. The loop's predicate leaves out what is beyond the last tap of a row.
@
@ r0 = {four patches, weights, taps of a row, from the end of a row of taps to the next in the
@ input, rows}, r1 = where the four sums go; a tap and a row or more. Registers: r1 and r3 taps of a
@ row, r0 skip, r4, r6, r8 and r10 sums, r2, r5, r7 and r9 addresses of the patches, r11 of the
@ weights, r12 rows left, lr taps left, q0 weights, q1 inputs.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0 and, of the sums, r1, as above
@ - alignment: r0 and r1 at whole words
@ - clobbers: r0-r3 and r12, q0 and q1; r0 is the answer of the largest
@ - stack bytes: 40
@ - flags: N, Z, C and V, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.set KINDLING_IN_PLACE_WEIGHTS, 16
.set KINDLING_IN_PLACE_SKIP, 24

.macro KINDLING_IN_PLACE_TAPS patch, sum
  vldrb.u8 q1, [\patch], #16
  vmladava.s8 \sum, q1, q0
.endm

@ `sums`: whether the four sums are written; else the largest is answered.
.macro KINDLING_IN_PLACE name, sums
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
.if \sums
  push {r1, r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  .cfi_adjust_cfa_offset 4
.else
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
.endif
  ldrd r2, r5, [r0]
  ldrd r7, r9, [r0, #8]
  ldrd r11, r1, [r0, #KINDLING_IN_PLACE_WEIGHTS]
  ldrd r0, r12, [r0, #KINDLING_IN_PLACE_SKIP]
  movs r4, #0
  movs r6, #0
  mov r8, #0
  mov r10, #0
1:                            @ a row of taps
  mov r3, r11
  dlstp.8 lr, r1
2:
  vldrb.u8 q0, [r3], #16
  KINDLING_IN_PLACE_TAPS r2, r4
  KINDLING_IN_PLACE_TAPS r5, r6
  KINDLING_IN_PLACE_TAPS r7, r8
  KINDLING_IN_PLACE_TAPS r9, r10
  letp lr, 2b
  add r11, r11, r1
  add r3, r1, #15             @ what the addresses went on by: whole vectors
  bic r3, r3, #15
  sub r3, r0, r3
  add r3, r3, r1              @ the skip, less the taps beyond the last
  add r2, r2, r3
  add r5, r5, r3
  add r7, r7, r3
  add r9, r9, r3
  subs r12, r12, #1
  bne 1b
  .cfi_remember_state
.if \sums
  pop {r0}
  .cfi_adjust_cfa_offset -4
  stmia r0!, {r4, r6, r8, r10}
.else
  cmp r6, r4
  it gt
  movgt r4, r6
  cmp r10, r8
  it gt
  movgt r8, r10
  cmp r8, r4
  it gt
  movgt r4, r8
  mov r0, r4
.endif
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_IN_PLACE kindling_in_place_largest, 0
KINDLING_IN_PLACE kindling_in_place_sums, 1
