@ The F(4x4) transform of the inputs of one tile, one pair of channels.
@
@   for each column of pixels: its line transform, on the stack as [column][row]
@   for each row of those: its line transform, to the row's points
@
@ Each word holds two channels; |v| <= 100 * 128 fits int16, and so does everything on the way (transform.rs).
@
@ r0 = first pixel's bytes, r1 = bytes to the row below, r2 = bytes to the next pixel, r3 = v of point 0,
@ stack: bytes from point to point. INPUTS_EVEN takes bytes 0 and 2 of each pixel's word, INPUTS_ODD bytes 1 and 3.

.syntax unified
.thumb
.set INPUTS_FRAME, 144

@ p to u in r4 to r9 become the six values of Tile::input_line in r4 to r9.
.macro INPUT_LINE
  ssub16 r10, r8, r6          @ t - r
  ssub16 r11, r7, r5          @ s - q
  ssub16 r4, r4, r6
  sadd16 r4, r4, r4
  sadd16 r4, r4, r4
  sadd16 r4, r4, r10          @ 4 (p - r) + t - r
  sadd16 r6, r6, r6
  sadd16 r6, r6, r6
  ssub16 r6, r8, r6           @ t - 4 r
  sadd16 r5, r5, r5
  sadd16 r5, r5, r5
  ssub16 r8, r7, r5           @ s - 4 q
  ssub16 r9, r9, r7
  sadd16 r5, r6, r8
  ssub16 r6, r6, r8
  sadd16 r11, r11, r11
  sadd16 r7, r10, r11
  ssub16 r8, r10, r11
  sadd16 r11, r11, r11
  ssub16 r9, r9, r11          @ u - s - 4 (s - q)
.endm

@ One row of [column][row] words on the stack to its six points: r0 = bytes from point to point, r1 = three times that.
.macro INPUT_ROW row
  ldr r4, [sp, #(4 * \row)]
  ldr r5, [sp, #(24 + 4 * \row)]
  ldr r6, [sp, #(48 + 4 * \row)]
  ldr r7, [sp, #(72 + 4 * \row)]
  ldr r8, [sp, #(96 + 4 * \row)]
  ldr r9, [sp, #(120 + 4 * \row)]
  INPUT_LINE
  add r12, r3, r1
  str r4, [r3]
  str r5, [r3, r0]
  str r6, [r3, r0, lsl #1]
  add r3, r12, r1
  str r7, [r12]
  str r8, [r12, r0]
  str r9, [r12, r0, lsl #1]
.endm

.macro INPUTS name, rotation:vararg
.section .text.\name, "ax", %progbits
.global \name
.type \name, %function
.thumb_func
.balign 4
\name:
  push {r4-r11, lr}
  sub sp, sp, #INPUTS_FRAME
  mov lr, sp
1:
  add r12, r0, r1, lsl #1
  ldr r4, [r0]
  ldr r5, [r0, r1]
  ldr r6, [r12]
  ldr r7, [r12, r1]
  add r12, r12, r1, lsl #1
  ldr r8, [r12]
  ldr r9, [r12, r1]
  add r0, r0, r2
  sxtb16 r4, r4 \rotation
  sxtb16 r5, r5 \rotation
  sxtb16 r6, r6 \rotation
  sxtb16 r7, r7 \rotation
  sxtb16 r8, r8 \rotation
  sxtb16 r9, r9 \rotation
  INPUT_LINE
  stmia.w lr!, {r4-r9}
  add r12, sp, #INPUTS_FRAME
  cmp lr, r12
  bne.w 1b
  ldr r0, [sp, #(INPUTS_FRAME + 36)]
  add r1, r0, r0, lsl #1
  INPUT_ROW 0
  INPUT_ROW 1
  INPUT_ROW 2
  INPUT_ROW 3
  INPUT_ROW 4
  INPUT_ROW 5
  add sp, sp, #INPUTS_FRAME
  pop {r4-r11, pc}
.endm

INPUTS kindling_dsp_f4_inputs_even
INPUTS kindling_dsp_f4_inputs_odd, , ror #8
