@ Winograd's products on Armv6-M: one multiplication at a time, and only r0-r7 can multiply.
@
@   for each point:
@       sum[channel][tile] = sum over inputs of v[input][tile] * u[input][channel]
@
@ |v| <= 12800 and |u| <= 6272 (F(4x4)), so a product fits 32 bits; sums may wrap, and come out
@ right by the proof in transform.rs. A word holds two inputs; its halves are used one after the
@ other.
@
@ r0 = v, r1 = u, r2 = sums, r3 = {address after v, steps of the DSP kernel after its first}. A
@ step is two input pairs for two tiles, four for one. Registers: r0 and r1 addresses of v and u,
@ r2-r5 words, r6 and r7 operands, r8-r11 sums [channel][tile], r12 rounds of four input pairs left
@ in the chain.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: all at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 64
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: words at whole words only, or bytes

.syntax unified
.thumb
@ The frame:
.set KINDLING_FOLD, 0         @ four words: sums kept while another chain runs
.set KINDLING_SUMS, 16        @ where the next sums go
.set KINDLING_V_END, 20       @ address after the last v
.set KINDLING_ROUNDS, 24      @ rounds of a chain
.set KINDLING_FRAME, 28

@ sum += a * b, both low halves, with a in r6.
.macro KINDLING_ADD_LOW sum, b
  sxth r7, \b
  muls r7, r6, r7
  add \sum, r7
.endm

@ One input pair of two tiles (r2, r3) and two channels (r4, r5).
.macro KINDLING_TWO_TILES
  ldmia r0!, {r2, r3}
  ldmia r1!, {r4, r5}
  sxth r6, r2
  KINDLING_ADD_LOW r8, r4
  KINDLING_ADD_LOW r10, r5
  sxth r6, r3
  KINDLING_ADD_LOW r9, r4
  KINDLING_ADD_LOW r11, r5
  asrs r2, r2, #16
  asrs r3, r3, #16
  asrs r4, r4, #16
  asrs r5, r5, #16
  mov r6, r4
  muls r6, r2, r6
  add r8, r6
  muls r2, r5, r2
  add r10, r2
  muls r4, r3, r4
  add r9, r4
  muls r5, r3, r5
  add r11, r5
.endm

@ One input pair of one tile (r2) and two channels (r4, r5): sums in r8 and r9.
.macro KINDLING_ONE_TILE
  ldmia r0!, {r2}
  ldmia r1!, {r4, r5}
  sxth r6, r2
  KINDLING_ADD_LOW r8, r4
  KINDLING_ADD_LOW r9, r5
  asrs r2, r2, #16
  asrs r4, r4, #16
  asrs r5, r5, #16
  muls r4, r2, r4
  add r8, r4
  muls r5, r2, r5
  add r9, r5
.endm

@ A subroutine: all inputs of a point, on top of r8 to r11.
.macro KINDLING_CHAIN name, pair
.section .text.kindling_products, "ax", %progbits
.type \name, %function
.thumb_func
\name:
  .cfi_startproc
  \pair
  \pair
  \pair
  \pair
  mov r2, r12
  subs r2, r2, #1
  mov r12, r2
  beq 1f
  b \name
1:
  bx lr
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_CHAIN kindling_chain_of_two_tiles, KINDLING_TWO_TILES
KINDLING_CHAIN kindling_chain_of_one_tile, KINDLING_ONE_TILE

.macro KINDLING_CALL chain
  ldr r2, [sp, #KINDLING_ROUNDS]
  mov r12, r2
  bl \chain
.endm

.macro KINDLING_CLEAR
  movs r2, #0
  mov r8, r2
  mov r9, r2
  mov r10, r2
  mov r11, r2
.endm

@ Stores the sums of `tiles` tiles where the next ones go.
.macro KINDLING_STORE_SUMS tiles
  ldr r2, [sp, #KINDLING_SUMS]
  mov r3, r8
  mov r4, r9
.if \tiles == 2
  mov r5, r10
  mov r6, r11
  stmia r2!, {r3-r6}
.else
  stmia r2!, {r3, r4}
.endif
  str r2, [sp, #KINDLING_SUMS]
.endm

.macro KINDLING_ENTER name, long_name, steps_per_round
.global \name
.global \long_name
.type \name, %function
.type \long_name, %function
.thumb_func
\name:
.thumb_func
\long_name:
  .cfi_startproc
  push {r4-r7, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, lr
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  KINDLING_SAVED 4, r8, r9, r10, r11
  sub sp, #KINDLING_FRAME
  .cfi_adjust_cfa_offset KINDLING_FRAME
  str r2, [sp, #KINDLING_SUMS]
  ldr r2, [r3]
  str r2, [sp, #KINDLING_V_END]
  ldr r2, [r3, #4]
  adds r2, r2, #1
.if \steps_per_round == 2
  lsrs r2, r2, #1
.endif
  str r2, [sp, #KINDLING_ROUNDS]
.endm

@ Repeats from `row` until v is used up, then returns.
.macro KINDLING_REPEAT row
  ldr r2, [sp, #KINDLING_V_END]
  cmp r0, r2
  beq 9f
  b \row
9:
  .cfi_remember_state
  add sp, #KINDLING_FRAME
  .cfi_adjust_cfa_offset -KINDLING_FRAME
  pop {r4-r7}
  .cfi_adjust_cfa_offset -16
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}
  .cfi_restore_state
.endm

.macro KINDLING_F4 name, long_name, steps_per_round, chain, tiles
KINDLING_ENTER \name, \long_name, \steps_per_round
2:
  KINDLING_CLEAR
  KINDLING_CALL \chain
  KINDLING_STORE_SUMS \tiles
  KINDLING_REPEAT 2b
  .cfi_endproc
.size \name, . - \name
.size \long_name, . - \long_name
.endm

KINDLING_F4 kindling_f4_two_tiles, kindling_f4_two_tiles_long, 2, kindling_chain_of_two_tiles, 2
KINDLING_F4 kindling_f4_one_tile, kindling_f4_one_tile_long, 1, kindling_chain_of_one_tile, 1

@ F(2x2): a row of four points, in the order of columns 1, 2, 0, 3, is folded on the way:
@     first  = (m1 + m2) + m0
@     second = (m1 - m2) + m3

@ `sum` holds m2 and `kept` on the stack m1: sum becomes m1 + m2 and kept m1 - m2.
.macro KINDLING_FOLD_SUM sum, kept
  ldr r2, [sp, #(KINDLING_FOLD + 4 * \kept)]
  mov r3, \sum
  subs r4, r2, r3
  str r4, [sp, #(KINDLING_FOLD + 4 * \kept)]
  adds r2, r2, r3
  mov \sum, r2
.endm

.macro KINDLING_SWAP_SUM sum, kept
  ldr r2, [sp, #(KINDLING_FOLD + 4 * \kept)]
  mov r3, \sum
  str r3, [sp, #(KINDLING_FOLD + 4 * \kept)]
  mov \sum, r2
.endm

.macro KINDLING_ALL operation
  \operation r8, 0
  \operation r9, 1
  \operation r10, 2
  \operation r11, 3
.endm

.macro KINDLING_F2 name, long_name, steps_per_round, chain, tiles
KINDLING_ENTER \name, \long_name, \steps_per_round
2:
  KINDLING_CLEAR
  KINDLING_CALL \chain
  KINDLING_ALL KINDLING_SWAP_SUM  @ keeps m1
  KINDLING_CLEAR
  KINDLING_CALL \chain
  KINDLING_ALL KINDLING_FOLD_SUM
  KINDLING_CALL \chain
  KINDLING_STORE_SUMS \tiles
  KINDLING_ALL KINDLING_SWAP_SUM
  KINDLING_CALL \chain
  KINDLING_STORE_SUMS \tiles
  KINDLING_REPEAT 2b
  .cfi_endproc
.size \name, . - \name
.size \long_name, . - \long_name
.endm

KINDLING_F2 kindling_f2_two_tiles, kindling_f2_two_tiles_long, 2, kindling_chain_of_two_tiles, 2
KINDLING_F2 kindling_f2_one_tile, kindling_f2_one_tile_long, 1, kindling_chain_of_one_tile, 1
