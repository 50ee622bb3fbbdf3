//! IDX files, plain and gzip.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    fuzz::pictures::idx(file);
});
