//! NumPy's files: single arrays and archives of them.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    fuzz::pictures::arrays(file);
});
