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

/// Code and constants of its kernels, with those of libc and libgcc that they need, and of the
/// calls that make a network of them, bytes: on the cores of [`CORES`], as it was built for the
/// counts.
pub const FLASH: [(&str, [[u64; 2]; 5]); 5] = [
    ("kws", [[21_480, 2_940], [17_984, 2_872], [25_932, 2_872], [26_520, 2_872], [20_768, 2_928]]),
    ("vww", [[22_092, 7_768], [17_984, 7_640], [25_932, 7_640], [26_520, 7_640], [20_768, 7_700]]),
    ("ic", [[17_796, 3_272], [14_636, 3_192], [21_964, 3_196], [23_544, 3_192], [15_000, 3_256]]),
    ("ad", [[6_124, 2_388], [4_516, 2_304], [9_228, 2_308], [9_680, 2_304], [5_384, 2_808]]),
    ("sww", [[21_476, 2_496], [18_356, 2_436], [25_292, 2_440], [25_844, 2_436], [17_892, 2_500]]),
];

/// The cores in the order of [`COUNTS`].
pub const CORES: [&str; 5] = ["m0", "m3", "m4", "m33", "m55"];

/// `vww` without the half of its channels that are constant for every input, which CMSIS-NN does
/// not find by itself: measured by `tests/cmsis-nn/measure.sh`.
pub const VWW_WITHOUT_CONSTANTS: [u64; 5] =
    [46_703_680, 18_750_400, 15_091_293, 14_976_116, 4_949_187];

/// Instructions of the layers of an operator of a network, by our name for it, on the cores
/// [`OPERATOR_CORES`]: of the fastest of gcc's builds on the M4, and of clang's on the M55. Only on
/// these two the operators were counted apart.
pub const BY_OPERATOR: [(&str, &str, [u64; 2]); 20] = [
    ("kws", "AveragePool", [50_760, 8_781]),
    ("kws", "Conv", [5_140_280, 1_092_185]),
    ("kws", "Dense", [2_120, 437]),
    ("kws", "Depthwise", [2_012_800, 650_248]),
    ("kws", "Softmax", [6_440, 1_218]),
    ("vww", "AveragePool", [17_480, 4_375]),
    ("vww", "Conv", [16_734_480, 3_833_870]),
    ("vww", "Dense", [1_200, 343]),
    ("vww", "Depthwise", [5_815_320, 2_411_149]),
    ("vww", "Softmax", [1_320, 1_062]),
    ("ic", "Add", [1_577_200, 236_812]),
    ("ic", "AveragePool", [26_440, 4_687]),
    ("ic", "Conv", [26_766_080, 4_324_714]),
    ("ic", "Dense", [1_840, 437]),
    ("ic", "Softmax", [5_360, 1_687]),
    ("ad", "Dense", [570_520, 61_248]),
    ("sww", "Conv", [1_582_280, 265_687]),
    ("sww", "Dense", [480, 281]),
    ("sww", "Depthwise", [528_880, 122_811]),
    ("sww", "Softmax", [1_760, 1_500]),
];

/// The cores in the order of [`BY_OPERATOR`].
pub const OPERATOR_CORES: [&str; 2] = ["m4", "m55"];

/// How the operators were counted.
pub const OPERATORS_SOURCE: &str = "\
CMSIS-NN's operators were counted apart on the M4 and on the M55: \
the same commit, on the M4 its fastest build by gcc, on the M55 by clang.
They add up to the whole to within a few ticks of the counter; \
for ic on the M4 that is 0.3 % more than clang's build above.
It computes all channels; Kindling leaves those of vww out that are constant.
";

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
