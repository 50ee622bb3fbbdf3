//! Model files, half of them mutated as such with lengths and CRC set right again.

#![no_main]

use fuzz::mutate::model::{damage, repair};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|file: &[u8]| {
    fuzz::model::load_and_run(file);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(4) {
        let size = fuzzer_mutate(data, size, max_size);
        if seed.is_multiple_of(8) {
            repair(&mut data[..size]);
        }
        return size;
    }
    let damaged = damage(&data[..size], seed as u64);
    let size = damaged.len().min(max_size).min(data.len());
    data[..size].copy_from_slice(&damaged[..size]);
    size
});
