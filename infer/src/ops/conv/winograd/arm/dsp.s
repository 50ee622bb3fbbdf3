@ Winograd's products for cores with the DSP extension: SMLAD multiplies two pairs of int16 and adds
@ both products.
@
@   for each point:
@       sum[channel][tile] = sum over input pairs of v[pair][tile] . u[pair][channel]
@
@ Two tiles by two channels keep every loaded word in use twice: per two input pairs, 2 loads of
@ four words and 8 SMLAD. Each word is an int16 pair. |v| <= 12800 and |u| <= 6272 (F(4x4)), so a
@ single product fits 32 bits; sums may wrap, which SMLAD does, and come out right by the proof in
@ transform.rs.
@
@ Registers: r0-r3 sums, r4-r7 v, r8-r11 u, r12 address of v, lr address of u. A chain of input
@ pairs is: one step that starts the sums, up to UNROLL steps by a jump into as many steps of code,
@ and, in the functions for long chains, MORE full rounds of those. The latter take 4 instructions
@ more per chain; the former are there where that is felt.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0 = v, r1 = u, r2 = sums, r3 = {address after v, steps after the first}; of v,
@   whole rows of points, one or more
@ - alignment: all at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 84
@ - flags: N, Z, C, V and Q
@ - CCR.UNALIGN_TRP: may be set: words at whole words only

.set KINDLING_UNROLL, 8
.set KINDLING_UNROLL_SHIFT, 3  @ the same as a power of 2
.set KINDLING_TWO_TILES_BYTES, 40  @ code of one step
.set KINDLING_ONE_TILE_BYTES, 44
@ The frame of every function here:
.set KINDLING_FOLD, 0  @ four words: sums kept while another chain runs
.set KINDLING_SUMS, 16  @ where the next sums go
.set KINDLING_V_END, 20  @ address after the last v
.set KINDLING_MORE, 24  @ full rounds per chain
.set KINDLING_LEFT, 28  @ full rounds left in this chain
.set KINDLING_ENTRY, 32  @ where each of up to four chains enters its unrolled loop
.set KINDLING_FRAME, 48

@ Two input pairs of two tiles and two channels.
.macro KINDLING_TWO_TILES op
  ldmia.w r12!, {r4-r7}
  ldmia.w lr!, {r8-r11}
.ifc \op, start
  smuad r0, r4, r8
  smuad r1, r5, r8
  smuad r2, r4, r9
  smuad r3, r5, r9
.else
  smlad r0, r4, r8, r0
  smlad r1, r5, r8, r1
  smlad r2, r4, r9, r2
  smlad r3, r5, r9, r3
.endif
  smlad r0, r6, r10, r0
  smlad r1, r7, r10, r1
  smlad r2, r6, r11, r2
  smlad r3, r7, r11, r3
.endm

@ Four input pairs of one tile and two channels; leaves r2 and r3 alone.
.macro KINDLING_ONE_TILE op
  ldmia.w r12!, {r4-r7}
  ldmia.w lr!, {r8-r11}
.ifc \op, start
  smuad r0, r4, r8
  smuad r1, r4, r9
.else
  smlad r0, r4, r8, r0
  smlad r1, r4, r9, r1
.endif
  smlad r0, r5, r10, r0
  smlad r1, r5, r11, r1
  ldmia.w lr!, {r8-r11}
  smlad r0, r6, r8, r0
  smlad r1, r6, r9, r1
  smlad r0, r7, r10, r0
  smlad r1, r7, r11, r1
.endm

@ All input pairs of one point: `op` is start, or add to go on from r0-r3.
.macro KINDLING_CHAIN name, index, step, op
  \step \op
  ldr.w pc, [sp, #(KINDLING_ENTRY + 4 * \index)]
.L\name\()_round_\index:
.rept KINDLING_UNROLL
  \step add
.endr
.L\name\()_end_\index:
  KINDLING_JUMP .L\name\()_round_\index, .L\name\()_end_\index, (KINDLING_UNROLL * \step\()_BYTES)
.endm

@ The same for more than UNROLL steps after the first.
.macro KINDLING_LONG_CHAIN name, index, step, op
  KINDLING_CHAIN \name, \index, \step, \op
  ldr r4, [sp, #KINDLING_LEFT]
  subs r4, r4, #1
  it mi
  ldrmi r4, [sp, #KINDLING_MORE]  @ the chain is done: full rounds of the next one
  str r4, [sp, #KINDLING_LEFT]
  bpl.w .L\name\()_round_\index
.endm

@ Frame and pointers from r0 = v, r1 = u, r2 = sums, r3 = {address after v, steps after the
@ first}. Leaves in r5 the bytes of code of the steps before the first full round.
.macro KINDLING_ENTER step
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #KINDLING_FRAME
  .cfi_adjust_cfa_offset KINDLING_FRAME
  mov r12, r0
  mov lr, r1
  str r2, [sp, #KINDLING_SUMS]
  ldrd r4, r5, [r3]
  str r4, [sp, #KINDLING_V_END]
  subs r6, r5, #1
  it mi
  movmi r6, #0
  lsr r6, r6, #KINDLING_UNROLL_SHIFT  @ rounds after the 1 to UNROLL steps that come first
  str r6, [sp, #KINDLING_MORE]
  str r6, [sp, #KINDLING_LEFT]
  sub r5, r5, r6, lsl #KINDLING_UNROLL_SHIFT
  mov r6, #\step\()_BYTES
  mul r5, r5, r6
.endm

@ Notes where a chain enters its unrolled loop: r5 bytes before its end; bit 0 means Thumb code.
.macro KINDLING_ENTRY_OF name, index
  adr.w r6, .L\name\()_end_\index
  sub r6, r6, r5
  orr r6, r6, #1
  str r6, [sp, #(KINDLING_ENTRY + 4 * \index)]
.endm

.macro KINDLING_STORE_SUMS registers:vararg
  ldr r4, [sp, #KINDLING_SUMS]
  stmia r4!, {\registers}
  str r4, [sp, #KINDLING_SUMS]
.endm

@ Stores the last sums of a row of points; repeats from label `row` until v is used up, then
@ returns.
.macro KINDLING_STORE_AND_REPEAT row, registers:vararg
  ldrd r4, r5, [sp, #KINDLING_SUMS]
  stmia r4!, {\registers}
  cmp r12, r5
  str r4, [sp, #KINDLING_SUMS]
  bne.w \row
  .cfi_remember_state
  add sp, sp, #KINDLING_FRAME
  .cfi_adjust_cfa_offset -KINDLING_FRAME
  pop {r4-r11, pc}
  .cfi_restore_state
.endm

.macro KINDLING_FUNCTION name
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  .cfi_startproc
.endm

@ F(4x4): the sums of each of the 36 points as they are, three points at a time.
.macro KINDLING_F4 name, chain, step, registers:vararg
KINDLING_FUNCTION \name
  KINDLING_ENTER \step
  KINDLING_ENTRY_OF \name, 0
  KINDLING_ENTRY_OF \name, 1
  KINDLING_ENTRY_OF \name, 2
1:
  \chain \name, 0, \step, start
  KINDLING_STORE_SUMS \registers
  \chain \name, 1, \step, start
  KINDLING_STORE_SUMS \registers
  \chain \name, 2, \step, start
  KINDLING_STORE_AND_REPEAT 1b, \registers
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_F4 kindling_f4_two_tiles, KINDLING_CHAIN, KINDLING_TWO_TILES, r0, r1, r2, r3
KINDLING_F4 kindling_f4_two_tiles_long, KINDLING_LONG_CHAIN, KINDLING_TWO_TILES, r0, r1, r2, r3
KINDLING_F4 kindling_f4_one_tile_long, KINDLING_LONG_CHAIN, KINDLING_ONE_TILE, r0, r1

@ F(2x2): the sums of a row of four points, in the order of columns 1, 2, 0, 3, are folded on the
@ way:
@     first  = (m1 + m2) + m0
@     second = (m1 - m2) + m3
@ where the last term is added by the chain itself.
.macro KINDLING_F2_ENTER name, step
KINDLING_FUNCTION \name
  KINDLING_ENTER \step
  KINDLING_ENTRY_OF \name, 0
  KINDLING_ENTRY_OF \name, 1
  KINDLING_ENTRY_OF \name, 2
  KINDLING_ENTRY_OF \name, 3
.endm

.macro KINDLING_F2_TWO_TILES name, chain
KINDLING_F2_ENTER \name, KINDLING_TWO_TILES
1:
  \chain \name, 0, KINDLING_TWO_TILES, start
  stmia.w sp, {r0-r3}
  \chain \name, 1, KINDLING_TWO_TILES, start
  ldmia.w sp, {r4-r7}
  sub r8, r4, r0
  sub r9, r5, r1
  sub r10, r6, r2
  sub r11, r7, r3
  add r0, r0, r4
  add r1, r1, r5
  add r2, r2, r6
  add r3, r3, r7
  stmia.w sp, {r8-r11}
  \chain \name, 2, KINDLING_TWO_TILES, add
  KINDLING_STORE_SUMS r0, r1, r2, r3
  ldmia.w sp, {r0-r3}
  \chain \name, 3, KINDLING_TWO_TILES, add
  KINDLING_STORE_AND_REPEAT 1b, r0, r1, r2, r3
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_F2_TWO_TILES kindling_f2_two_tiles_long, KINDLING_LONG_CHAIN

.macro KINDLING_F2_ONE_TILE name, chain
KINDLING_F2_ENTER \name, KINDLING_ONE_TILE
1:
  \chain \name, 0, KINDLING_ONE_TILE, start
  mov r2, r0
  mov r3, r1
  \chain \name, 1, KINDLING_ONE_TILE, start
  sub r2, r2, r0              @ m1 - m2
  sub r3, r3, r1
  add r0, r2, r0, lsl #1      @ m1 + m2
  add r1, r3, r1, lsl #1
  \chain \name, 2, KINDLING_ONE_TILE, add
  KINDLING_STORE_SUMS r0, r1
  mov r0, r2
  mov r1, r3
  \chain \name, 3, KINDLING_ONE_TILE, add
  KINDLING_STORE_AND_REPEAT 1b, r0, r1
  .cfi_endproc
.size \name, . - \name
.endm

KINDLING_F2_ONE_TILE kindling_f2_one_tile, KINDLING_CHAIN
KINDLING_F2_ONE_TILE kindling_f2_one_tile_long, KINDLING_LONG_CHAIN
