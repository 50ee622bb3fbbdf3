@ Where the sums of a depthwise convolution start, with the vector extension: four channels at once.
@
@ Range: a bias and the products of its weights with the zero point, of any taps, stay in 32 bits:
@ the model proved it for all partial sums.
@
@ Contract, see arm/mod.rs:
@ - arguments: r0-r3, above each function
@ - alignment: starts and parameters at whole words
@ - clobbers: r0-r2 and r12, q0 and q1
@ - stack bytes: 8
@ - flags: VPR.P0
@ - CCR.UNALIGN_TRP: may be set: weights are read byte by byte

@ starts = biases. r0 = starts, r1 = parameters, r2 = channels, one or more.
.section .text.kindling_depthwise_biases, "ax", %progbits
.global kindling_depthwise_biases
.type kindling_depthwise_biases, %function
.thumb_func
.balign 4
kindling_depthwise_biases:
  .cfi_startproc
  push {r7, lr}
  KINDLING_SAVED 4, r7, lr
  mov r12, #0
  vidup.u32 q1, r12, #8
  dlstp.32 lr, r2
1:
  vldrw.u32 q0, [r1, q1]
  add r1, r1, #32
  vstrw.32 q0, [r0], #16
  letp lr, 1b
  .cfi_remember_state
  pop {r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_depthwise_biases, . - kindling_depthwise_biases

@ starts += weights * zero point. r0 = starts, r1 = weights, r2 = channels, one or more, r3 = zero
@ point.
.section .text.kindling_depthwise_outside, "ax", %progbits
.global kindling_depthwise_outside
.type kindling_depthwise_outside, %function
.thumb_func
.balign 4
kindling_depthwise_outside:
  .cfi_startproc
  push {r7, lr}
  KINDLING_SAVED 4, r7, lr
  dlstp.32 lr, r2
1:
  vldrw.u32 q0, [r0]
  vldrb.s32 q1, [r1], #4
  vmla.s32 q0, q1, r3
  vstrw.32 q0, [r0], #16
  letp lr, 1b
  .cfi_remember_state
  pop {r7, pc}
  .cfi_restore_state
  .cfi_endproc
.size kindling_depthwise_outside, . - kindling_depthwise_outside
