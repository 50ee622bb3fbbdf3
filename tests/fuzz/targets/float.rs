//! Networks in floating point, ONNX and `.tflite`; half of the latter with offsets and sizes
//! changed as such.

#![no_main]

#[path = "../src/imports.rs"]
mod imports;

use fuzz::mutate::tflite::damage;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use trainer::import::tflite::IDENTIFIER;

fuzz_target!(|file: &[u8]| {
    imports::float(file);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(2) || data.get(4..8) != Some(&IDENTIFIER) {
        return fuzzer_mutate(data, size, max_size);
    }
    damage(&mut data[..size], u64::from(seed));
    size
});
