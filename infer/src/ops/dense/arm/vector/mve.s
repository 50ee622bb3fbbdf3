@ Dense layer, unit by unit.
@
@   for each unit: output = requantise(bias + inputs . weights)
@
@ The loop is predicated: it neither reads nor adds what is after the last input. r0 = {inputs,
@ number of inputs, weights, parameters, end of parameters, output, zero point} Registers: r1 =
@ inputs, r2 = number, r3 = weights, r4 = sum, r5 = parameters, r6 = end of parameters, r7 = output,
@ r8 = zero point, r9 and r10 addresses, lr inputs left.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0, as above; a unit and an input or more
@ - alignment: r0 and the parameters at whole words
@ - clobbers: r0-r3 and r12, q0 and q1
@ - stack bytes: 36
@ - flags: N, Z, C, V and Q, FPSCR.QC, VPR.P0
@ - CCR.UNALIGN_TRP: may be set: values are read byte by byte

.section .text.kindling_vector_dense, "ax", %progbits
.global kindling_vector_dense
.type kindling_vector_dense, %function
.thumb_func
.balign 4
kindling_vector_dense:
  .cfi_startproc
  push {r4-r11, lr}
  KINDLING_SAVED 4, r4, r5, r6, r7, r8, r9, r10, r11, lr
  ldmia r0, {r1-r3, r5-r8}
1:
  mov r9, r1
  mov r10, r3
  mov r4, #0
  dlstp.8 lr, r2
2:
  vldrb.u8 q0, [r9], #16
  vldrb.u8 q1, [r10], #16
  vmladava.s8 r4, q0, q1
  letp lr, 2b
  ldrd r11, r12, [r5], #8
  add r3, r3, r2
  add r4, r4, r11
  smmlar r4, r4, r12, r8
  cmp r5, r6
  ssat r4, #8, r4
  strb r4, [r7], #1
  bne 1b
  .cfi_remember_state
  pop {r4-r11, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_vector_dense, . - kindling_vector_dense
