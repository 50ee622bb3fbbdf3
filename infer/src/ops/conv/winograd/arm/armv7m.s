@ Winograd's products on Armv7-M without DSP extension: one MLA per product.
@
@   for each point:
@       sum[channel][tile] = sum over inputs of v[input][tile] * u[input][channel]
@
@ |v| <= 12800 and |u| <= 6272 (F(4x4)), so a product fits 32 bits; sums may wrap, and come out
@ right by the proof in transform.rs.
@
@ r0 = v, r1 = u, r2 = sums, r3 = {address after v, steps of the DSP kernel after its first}. A
@ step is two input pairs for two tiles, four for one. Registers: r0-r3 sums, r4-r7 operands, r8
@ rounds of four input pairs left in the chain, r9 rounds of a chain, r10 address after v, r11
@ address of sums, r12 address of v, lr address of u.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, as above
@ - alignment: all at whole words
@ - clobbers: r0-r3 and r12
@ - stack bytes: 52
@ - flags: N, Z, C and V
@ - CCR.UNALIGN_TRP: may be set: values are read at whole halfwords


@ Input number `half` of the pair at byte offsets `v` and `u`, two tiles.
.macro KINDLING_TWO_TILES_INPUT v, u, half
  ldrsh.w r4, [r12, #(\v + 2 * \half)]
  ldrsh.w r5, [r12, #(\v + 4 + 2 * \half)]
  ldrsh.w r6, [lr, #(\u + 2 * \half)]
  ldrsh.w r7, [lr, #(\u + 4 + 2 * \half)]
  mla r0, r4, r6, r0
  mla r1, r5, r6, r1
  mla r2, r4, r7, r2
  mla r3, r5, r7, r3
.endm

@ One tile; leaves r2 and r3 alone.
.macro KINDLING_ONE_TILE_INPUT v, u, half
  ldrsh.w r4, [r12, #(\v + 2 * \half)]
  ldrsh.w r6, [lr, #(\u + 2 * \half)]
  ldrsh.w r7, [lr, #(\u + 4 + 2 * \half)]
  mla r0, r4, r6, r0
  mla r1, r4, r7, r1
.endm

@ Four input pairs.
.macro KINDLING_TWO_TILES
  .irp pair, 0, 1, 2, 3
  KINDLING_TWO_TILES_INPUT (8*\pair), (8*\pair), 0
  KINDLING_TWO_TILES_INPUT (8*\pair), (8*\pair), 1
  .endr
  add r12, r12, #32
  add lr, lr, #32
.endm

.macro KINDLING_ONE_TILE
  .irp pair, 0, 1, 2, 3
  KINDLING_ONE_TILE_INPUT (4*\pair), (8*\pair), 0
  KINDLING_ONE_TILE_INPUT (4*\pair), (8*\pair), 1
  .endr
  add r12, r12, #16
  add lr, lr, #32
.endm

@ All inputs of a point, on top of r0 to r3.
.macro KINDLING_CHAIN inputs
  mov r8, r9
77:
  \inputs
  subs r8, r8, #1
  bne.w 77b
.endm

.macro KINDLING_CLEAR registers:vararg
  .irp register, \registers
  mov \register, #0
  .endr
.endm

.macro KINDLING_ENTER name, long_name, steps_per_round
.section .text.\name, "ax", %progbits
.global \name
.global \long_name
.type \name, %function
.type \long_name, %function
.thumb_func
.balign 4
\name:
.thumb_func
\long_name:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  sub sp, sp, #16
  .cfi_adjust_cfa_offset 16
  mov r12, r0
  mov lr, r1
  mov r11, r2
  ldrd r10, r9, [r3]
  add r9, r9, #1
.if \steps_per_round > 1
  lsr r9, r9, #1
.endif
.endm

.macro KINDLING_LEAVE row, name, long_name
  cmp r12, r10
  bne.w \row
  .cfi_remember_state
  add sp, sp, #16
  .cfi_adjust_cfa_offset -16
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size \name, . - \name
.size \long_name, . - \long_name
.endm

KINDLING_ENTER kindling_f4_two_tiles, kindling_f4_two_tiles_long, 2
1:
  KINDLING_CLEAR r0, r1, r2, r3
  KINDLING_CHAIN KINDLING_TWO_TILES
  stmia r11!, {r0-r3}
  KINDLING_LEAVE 1b, kindling_f4_two_tiles, kindling_f4_two_tiles_long

KINDLING_ENTER kindling_f4_one_tile, kindling_f4_one_tile_long, 1
1:
  KINDLING_CLEAR r0, r1
  KINDLING_CHAIN KINDLING_ONE_TILE
  stmia r11!, {r0, r1}
  KINDLING_LEAVE 1b, kindling_f4_one_tile, kindling_f4_one_tile_long

@ F(2x2): a row of four points, in the order of columns 1, 2, 0, 3, is folded on the way:
@     first  = (m1 + m2) + m0
@     second = (m1 - m2) + m3

KINDLING_ENTER kindling_f2_two_tiles, kindling_f2_two_tiles_long, 2
1:
  KINDLING_CLEAR r0, r1, r2, r3
  KINDLING_CHAIN KINDLING_TWO_TILES
  stmia.w sp, {r0-r3}
  KINDLING_CLEAR r0, r1, r2, r3
  KINDLING_CHAIN KINDLING_TWO_TILES
  ldmia.w sp, {r4-r7}
  sub r4, r4, r0
  sub r5, r5, r1
  sub r6, r6, r2
  sub r7, r7, r3
  stmia.w sp, {r4-r7}
  add r0, r4, r0, lsl #1
  add r1, r5, r1, lsl #1
  add r2, r6, r2, lsl #1
  add r3, r7, r3, lsl #1
  KINDLING_CHAIN KINDLING_TWO_TILES
  stmia r11!, {r0-r3}
  ldmia.w sp, {r0-r3}
  KINDLING_CHAIN KINDLING_TWO_TILES
  stmia r11!, {r0-r3}
  KINDLING_LEAVE 1b, kindling_f2_two_tiles, kindling_f2_two_tiles_long

KINDLING_ENTER kindling_f2_one_tile, kindling_f2_one_tile_long, 1
1:
  KINDLING_CLEAR r0, r1
  KINDLING_CHAIN KINDLING_ONE_TILE
  mov r2, r0
  mov r3, r1
  KINDLING_CLEAR r0, r1
  KINDLING_CHAIN KINDLING_ONE_TILE
  sub r2, r2, r0
  sub r3, r3, r1
  add r0, r2, r0, lsl #1
  add r1, r3, r1, lsl #1
  KINDLING_CHAIN KINDLING_ONE_TILE
  stmia r11!, {r0, r1}
  mov r0, r2
  mov r1, r3
  KINDLING_CHAIN KINDLING_ONE_TILE
  stmia r11!, {r0, r1}
  KINDLING_LEAVE 1b, kindling_f2_one_tile, kindling_f2_one_tile_long
