@ Call frame information, by which debuggers and profilers find a function's callers: it takes no
@ flash. What a function has on the stack is told after the instruction that puts it there; what
@ ends a function is put between `.cfi_remember_state` and `.cfi_restore_state`.
@
@ Macros only: the contract is that of the functions that use them.

.cfi_sections .debug_frame    @ the other kind of section, for exceptions, would take flash
.ifndef KINDLING_SAVED_IS_DEFINED
.set KINDLING_SAVED_IS_DEFINED, 1

@ After a push: `registers`, each of `bytes`, lie at sp in this order. What was moved to low
@ registers first has its own name.
.macro KINDLING_SAVED bytes, registers:vararg
.irp register, \registers
.cfi_adjust_cfa_offset \bytes
.endr
.set KINDLING_SAVED_AT, 0
.irp register, \registers
.cfi_rel_offset \register, KINDLING_SAVED_AT
.set KINDLING_SAVED_AT, KINDLING_SAVED_AT + \bytes
.endr
.endm
.endif
