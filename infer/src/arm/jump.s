@ A guard of computed jumps, which go to a place some steps before the end of an unrolled loop.
@
@ Macros only: the contract is that of the functions that use them.

.ifndef KINDLING_JUMP_IS_DEFINED
.set KINDLING_JUMP_IS_DEFINED, 1

@ Ends the assembly ("invalid number of bytes") unless the code from `begin` to `end` has the bytes
@ that a jump counts on: it leaves no room twice, once as many bytes as are too many, once as many
@ as are missing. `.if` would say it better, but what reads assembly ahead of optimisation at link
@ time does not know how far labels are apart.
.macro KINDLING_JUMP begin, end, bytes
.space (\end - \begin) - (\bytes)
.space (\bytes) - (\end - \begin)
.endm
.endif
