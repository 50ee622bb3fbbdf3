@ Cores with the vector extension.

.syntax unified
.cpu cortex-m55               @ a target may leave the vector extension out
.thumb
