//! CMSIS-NN's instructions for the tutorial's network, as it is built fastest.

/// Name of the core; instructions of the network, and with its input cropped by hand to the 22x22
/// pixels that are read. Where they come from: [`SOURCE`].
pub const COUNTS: [(&str, u64, u64); 5] = [
    ("m0", 22_140_000, 11_790_000),
    ("m3", 8_430_000, 4_560_000),
    ("m4", 6_500_000, 3_520_000),
    ("m33", 6_500_000, 3_520_000),
    ("m55", 1_179_000, 655_000),
];

/// What was counted, and how.
pub const SOURCE: &str = "\
CMSIS-NN 7.0 (commit 99f736a6 of 2026-07-15) for the same network in the same emulator, at its best.
For each core it is the faster one of gcc and clang 19 at -O3, \
with `CMSIS_NN_USE_REQUANTIZE_INLINE_ASSEMBLY` and `OPTIONAL_RESTRICT_KEYWORD=__restrict`.
Its bytes were checked in 308 runs.
It was not counted on the M7, where Kindling takes what it takes on the M4.

It computes the outputs that pooling drops, and takes 27,040 bytes of working RAM.
So the right columns compare the kernels: \
its input is cropped by hand to the 22x22 pixels that the network reads.
Its largest two maps then take 16,000 bytes.

";
