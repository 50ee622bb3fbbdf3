//! CMSIS-NN's instructions and memory for the same networks.

/// Name of the network; instructions on M0, M3, M4, M33 and M55 as it is built fastest there; its
/// working memory, the image included, and its parameters with requantisation tables, bytes. Where
/// they come from: [`SOURCE`].
pub const COUNTS: [(&str, [u64; 5], u64, u64); 5] = [
    ("kws", [24_931_812, 10_023_520, 7_212_520, 7_177_250, 1_752_906], 16_000, 28_984),
    ("vww", [74_289_187, 30_374_960, 22_569_920, 22_431_400, 6_250_875], 64_512, 240_960),
    ("ic", [97_561_000, 37_251_040, 28_289_760, 28_341_100, 4_568_406], 49_728, 81_440),
    ("ad", [1_758_875, 941_360, 570_560, 572_100, 61_312], 768, 270_960),
    ("sww", [9_317_687, 4_145_600, 2_113_520, 2_104_050, 390_281], 0, 56_140),
];

/// The cores in the order of [`COUNTS`].
pub const CORES: [&str; 5] = ["m0", "m3", "m4", "m33", "m55"];

/// `vww` without the half of its channels that are constant for every input, which CMSIS-NN does
/// not find by itself: measured by `tests/cmsis-nn/measure.sh`.
pub const VWW_WITHOUT_CONSTANTS: [u64; 5] =
    [46_703_680, 18_750_400, 15_091_293, 14_976_116, 4_949_187];

/// What was counted, and how.
pub const SOURCE: &str = "\
CMSIS-NN 7.0 (commit 99f736a6 of 2026-07-15) in the same emulator, called directly, \
without an interpreter.
For each core and network it is the fastest of gcc 12.2 at -O2, -O3 and -Ofast and clang 19.1.7 \
at -O2 and -O3, \
with and without `CMSIS_NN_USE_REQUANTIZE_INLINE_ASSEMBLY` \
and `OPTIONAL_RESTRICT_KEYWORD=__restrict`.
Its bytes are the same; [compare.md](compare.md) tells how to measure it again.

";
