//! ONNX files.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    fuzz::onnx::onnx(file);
});
