//! What was aimed at before the kernels for these networks were written.

/// Instructions of a run at most, in the order of [`CORES`](super::cmsis_nn::CORES).
pub const INSTRUCTIONS: [(&str, [u64; 5]); 4] = [
    ("kws", [11_500_000, 5_500_000, 3_000_000, 3_000_000, 850_000]),
    ("vww", [20_000_000, 9_500_000, 4_800_000, 4_800_000, 1_800_000]),
    ("ic", [34_000_000, 16_000_000, 7_200_000, 7_200_000, 2_600_000]),
    ("ad", [1_200_000, 650_000, 300_000, 300_000, 55_000]),
];

/// Working memory of the smallest plans at most, without the image, bytes.
pub const RAM: [(&str, u64); 4] = [("kws", 6_000), ("vww", 12_000), ("ic", 14_000), ("ad", 800)];

/// What comes before the table of instructions.
pub const ABOVE: &str = "\n## What was aimed at\n\n\
    Before the kernels were written, aims were set.\n\
    Those of memory and flash are in the tables above.\n\
    These are instructions of the fastest plans; above 1 an aim is missed.\n\
    *A MAC* is instructions for each multiply-accumulate that is computed.\n\n";

/// What is left to do.
pub const LEFT: &str = "\n\
    | core | what is beside the inner loops | what could be done |\n\
    | --- | --- | --- |\n\
    | all | the map between a depthwise and a pointwise layer is written and read again | \
    both in one loop |\n\
    | M4, M33 | pixels become int16 before the loop of a convolution: much for the few channels of \
    vww's first layers | a depthwise layer that leaves int16 |\n\
    | M3 | depthwise layers round negative sums too | a loop for a ReLU's outputs |\n\
    | M0 | int8 weights of convolutions are loaded one by one | \
    more flash for weights as words, as dense layers have |\n";
