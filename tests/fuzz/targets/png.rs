//! PNG files of any kind, made into images of a model.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    fuzz::pictures::picture(file);
});
