    .section .note.GNU-stack,"",%progbits
    .section .rodata
    .global model, model_end, images, labels, stream, stream_end, unplanned, unplanned_end
    .balign 16
model:
    .incbin "model/tutorial-m4.kndl"
model_end:
    .balign 16
stream:
    .incbin "model/stream.kndl"
stream_end:
    .balign 16
unplanned:
    .incbin "model/tutorial.kndl"
unplanned_end:
    .balign 16
images:
    .incbin "digits/images.bin"
labels:
    .incbin "digits/labels.bin"
