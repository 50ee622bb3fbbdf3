    .section .note.GNU-stack,"",%progbits
    .section .rodata
    .global model, model_end, images, labels, stream, stream_end
    .balign 16
model:
    .incbin "model/tutorial.kndl"
model_end:
    .balign 16
stream:
    .incbin "model/stream.kndl"
stream_end:
images:
    .incbin "digits/images.bin"
labels:
    .incbin "digits/labels.bin"
