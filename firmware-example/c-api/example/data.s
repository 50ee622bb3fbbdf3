    .section .note.GNU-stack,"",%progbits
    .section .rodata
    .global model, model_end, images, labels
    .balign 16
model:
    .incbin "model/tutorial.kndl"
model_end:
images:
    .incbin "digits/images.bin"
labels:
    .incbin "digits/labels.bin"
