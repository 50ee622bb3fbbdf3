//! Requests and noise on the line to a chip.

#![no_main]

libfuzzer_sys::fuzz_target!(|line: &[u8]| {
    fuzz::wire::talk(line);
});
