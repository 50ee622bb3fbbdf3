//! Random layers for comparing kernel sets, without `std`, so that a chip can run them too.

use infer::format::{Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, OutputQuant};
use infer::kernels::{Kernels, Reference};
use infer::quant::ChannelParameters;
use infer::{Aligned, Conv, Dense, LayerProblem, Shape};

/// A reproducible source of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed >> 32) as u32
    }

    /// One of `0..count`.
    pub fn below(&mut self, count: u32) -> u32 {
        self.next() % count
    }

    pub fn pick<Item: Copy>(&mut self, items: &[Item]) -> Item {
        items[self.below(items.len() as u32) as usize]
    }

    pub fn int8(&mut self) -> i8 {
        (self.next() >> 13) as i8
    }
}

/// How inputs and weights are filled.
#[derive(Clone, Copy, Debug)]
pub enum Pattern {
    /// Any int8.
    Random,
    /// Everything at one end of its range.
    Constant(i8, i8),
    /// Signs that drive Winograd point (row, column) to its extreme, the input's signs flipped or
    /// not.
    Extreme { row: usize, column: usize, flip: bool },
    /// Signs at random, sizes at the ends of the range.
    Signs,
}

/// Sizes of the buffers: bytes.
pub const VALUES: usize = 16 * 1024;
pub const WEIGHTS: usize = 64 * 1024;

/// Maps and scratch memory of one layer.
pub struct Maps {
    pub input: Aligned<[i8; VALUES]>,
    pub scratch: Aligned<[i8; WEIGHTS]>,
    pub output: Aligned<[i8; VALUES]>,
    pub expected: [i8; VALUES],
}

impl Maps {
    pub const fn new() -> Self {
        Self {
            input: Aligned([0; VALUES]),
            scratch: Aligned([0; WEIGHTS]),
            output: Aligned([0; VALUES]),
            expected: [0; VALUES],
        }
    }
}

/// Weights and parameters of one layer.
pub struct Numbers {
    pub weights: [i8; WEIGHTS],
    pub packed: Aligned<[u8; 8 * WEIGHTS]>,
    pub channels: Aligned<[u8; 4096]>,
}

impl Numbers {
    pub const fn new() -> Self {
        Self {
            weights: [0; WEIGHTS],
            packed: Aligned([0; 8 * WEIGHTS]),
            channels: Aligned([0; 4096]),
        }
    }
}

/// Whether a kernel set computes a random convolution as the reference does.
pub fn conv_agrees<Set: Kernels>(
    random: &mut Random,
    algorithm: Algorithm,
    maps: &mut Maps,
    numbers: &mut Numbers,
) -> bool {
    let pattern = Pattern::any(random);
    let (record, input, zero_point) = conv_record(random, algorithm);
    let input_values = &mut maps.input.0[..input.len()];
    let conv = fill_conv(random, &record, input, zero_point, pattern, input_values, numbers);
    let conv = conv.expect("the largest weights of these sizes stay in every algorithm's range");
    let expected = &mut maps.expected[..conv.output.len()];
    Reference::conv(&conv, input_values, &mut [], expected);
    let output = &mut maps.output.0[..conv.output.len()];
    output.fill(random.int8());
    let scratch = &mut maps.scratch.0[..conv.scratch_bytes()];
    scratch.fill(random.int8());
    Set::conv(&conv, input_values, scratch, output);
    output == expected
}

/// Whether a kernel set computes a random dense layer as the reference does.
pub fn dense_agrees<Set: Kernels>(
    random: &mut Random,
    algorithm: DenseAlgorithm,
    maps: &mut Maps,
    numbers: &mut Numbers,
) -> bool {
    let pattern = Pattern::any(random);
    let (record, input) = dense_record(random, algorithm);
    let input_values = &mut maps.input.0[..input.len()];
    let dense = fill_dense(random, &record, input, pattern, input_values, numbers).expect("valid");
    let expected = &mut maps.expected[..record.units as usize];
    Reference::dense(&dense, input_values, expected);
    let output = &mut maps.output.0[..record.units as usize];
    output.fill(random.int8());
    Set::dense(&dense, input_values, output);
    output == expected
}

/// Signs of the transforms' lines: inputs, then weights.
const INPUT_SIGNS: [[[i8; 6]; 6]; 2] = [
    [
        [1, 0, -1, 0, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [0, -1, 1, 0, 0, 0],
        [0, -1, 0, 1, 0, 0],
        [0; 6],
        [0; 6],
    ],
    [
        [1, 0, -1, 0, 1, 0],
        [0, -1, -1, 1, 1, 0],
        [0, 1, -1, -1, 1, 0],
        [0, -1, -1, 1, 1, 0],
        [0, 1, -1, -1, 1, 0],
        [0, 1, 0, -1, 0, 1],
    ],
];
const WEIGHT_SIGNS: [[[i8; 3]; 6]; 2] = [
    [[1, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 1], [0; 3], [0; 3]],
    [[1, 0, 0], [1, 1, 1], [1, -1, 1], [1, 1, 1], [1, -1, 1], [0, 0, 1]],
];

impl Pattern {
    fn any(random: &mut Random) -> Self {
        match random.below(5) {
            0 | 1 => Self::Random,
            2 => Self::Constant(random.pick(&[-128, 127]), random.pick(&[-128, 127])),
            3 => Self::Signs,
            _ => Self::Extreme {
                row: random.below(6) as usize,
                column: random.below(6) as usize,
                flip: random.below(2) == 0,
            },
        }
    }

    fn input(self, random: &mut Random, tile: usize, row: usize, column: usize) -> i8 {
        let end = |positive: bool| if positive { 127 } else { -128 };
        match self {
            Self::Random => random.int8(),
            Self::Constant(value, _) => value,
            Self::Signs => end(random.below(2) == 0),
            Self::Extreme { row: i, column: j, flip } => {
                let (signs, step) = (&INPUT_SIGNS[tile], 2 + 2 * tile);
                let at = |line: usize, place: usize| {
                    signs[line][if place < 6 { place } else { place % step }]
                };
                match at(i, row) * at(j, column) {
                    0 => end(random.below(2) == 0),
                    sign => end((sign > 0) != flip),
                }
            }
        }
    }

    fn weight(self, random: &mut Random, tile: usize, row: usize, column: usize) -> i8 {
        let end = |positive: bool| if positive { 127 } else { -128 };
        match self {
            Self::Random => random.int8(),
            Self::Constant(_, value) => value,
            Self::Signs => end(random.below(2) == 0),
            Self::Extreme { row: i, column: j, .. } => {
                let signs = &WEIGHT_SIGNS[tile];
                match signs[i][row % 3] * signs[j][column % 3] {
                    0 => end(random.below(2) == 0),
                    sign => end(sign > 0),
                }
            }
        }
    }
}

/// Most of what a layer has of something: fewer under Miri, which takes a thousand times as long.
const fn most(count: u32, under_miri: u32) -> u32 {
    if cfg!(miri) { under_miri } else { count }
}

/// A random convolution that `algorithm` fits.
pub fn conv_record(random: &mut Random, algorithm: Algorithm) -> (ConvRecord<'static>, Shape, i8) {
    let vector = algorithm == Algorithm::DirectVector;
    let any = vector
        || matches!(
            algorithm,
            Algorithm::Direct | Algorithm::DirectInPlace | Algorithm::DirectPaired
        );
    let single = algorithm == Algorithm::SingleChannel;
    let input = Shape::new(
        3 + random.below(11) as u16,
        3 + random.below(11) as u16,
        if single {
            1
        } else if any {
            1 + random.below(most(20, 5)) as u16
        } else {
            [8, 16, 24, 32, 72][random.below(most(5, 2)) as usize]
        },
    );
    let mut sides = |limit| [1 + random.below(limit) as u8, 1 + random.below(limit) as u8];
    let (kernel, stride, pool) = if any {
        (sides(5), sides(3), sides(3))
    } else {
        ([3, 3], [1, 1], if single || sides(2)[0] == 1 { [2, 2] } else { [1, 1] })
    };
    let origin = [random.below(4) as i16 - 2, random.below(4) as i16 - 2];
    let channels = if (any && !vector) || single {
        1 + random.below(9) as u16
    } else {
        2 + 2 * random.below(4) as u16
    };
    let mut side = || 1 + random.below(most(6, 3)) as u16;
    let output = Shape::new(side(), side(), channels);
    let output_quant =
        OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, 0, 5, 127]) };
    let (name, output_at, scratch_at) = ("conv", 0, 0);
    let record = ConvRecord {
        name,
        output,
        kernel,
        stride,
        origin,
        pool,
        output_quant,
        algorithm,
        held_rows: output.height,
        output_at,
        scratch_at,
    };
    (record, input, random.pick(&[-128, -7, 0, 127]))
}

/// Fills the buffers with numbers for a convolution; `Err` when they leave the algorithm's range.
pub fn fill_conv<'b>(
    random: &mut Random,
    record: &ConvRecord<'_>,
    input: Shape,
    zero_point: i8,
    pattern: Pattern,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> Result<Conv<'b>, LayerProblem> {
    let conv = Conv::from_record(record, input, zero_point);
    let tile = usize::from(matches!(
        record.algorithm,
        Algorithm::WinogradF4 | Algorithm::WinogradF4OnTheFly
    ));
    let row_len = input.row_len();
    for (index, value) in values.iter_mut().enumerate() {
        *value =
            pattern.input(random, tile, index / row_len, index % row_len / input.channels as usize);
    }
    let filters = conv.filters();
    let weights = &mut numbers.weights[..filters.taps() * filters.output_channels as usize];
    for (index, weight) in weights.iter_mut().enumerate() {
        let pixel = index % filters.taps() / input.channels as usize;
        let columns = filters.kernel[1] as usize;
        *weight = pattern.weight(random, tile, pixel / columns, pixel % columns);
    }
    let channels = &mut numbers.channels.0[..8 * filters.output_channels as usize];
    fill_channels(random, weights, filters.taps(), channels);
    let packed = &mut numbers.packed.0[..filters.packed_bytes() as usize];
    filters.pack(weights, packed).expect("the sizes are right");
    conv.with_numbers(channels, packed)
}

/// A random dense layer that `algorithm` fits.
pub fn dense_record(
    random: &mut Random,
    algorithm: DenseAlgorithm,
) -> (DenseRecord<'static>, Shape) {
    let inputs = 1 + random.below(most(300, 40)) as u16;
    let inputs =
        if algorithm == DenseAlgorithm::Rows { inputs } else { inputs.next_multiple_of(4) };
    let output_quant =
        OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, 0, 5, 127]) };
    let units = 1 + random.below(most(40, 10)) as u16;
    (
        DenseRecord { name: "dense", units, output_quant, algorithm, output_at: 0 },
        Shape::vector(inputs),
    )
}

/// Fills the buffers with numbers for a dense layer.
pub fn fill_dense<'b>(
    random: &mut Random,
    record: &DenseRecord<'_>,
    input: Shape,
    pattern: Pattern,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> Result<Dense<'b>, LayerProblem> {
    let dense = Dense::from_record(record, input);
    for value in values {
        *value = pattern.input(random, 0, 1, 1);
    }
    let weights = &mut numbers.weights[..input.len() * record.units as usize];
    for weight in weights.iter_mut() {
        *weight = pattern.weight(random, 0, 1, 1);
    }
    let channels = &mut numbers.channels.0[..8 * record.units as usize];
    fill_channels(random, weights, input.len(), channels);
    let packed = &mut numbers.packed.0[..dense.matrix().packed_bytes() as usize];
    dense.matrix().pack(weights, packed).expect("the sizes are right");
    dense.with_numbers(channels, packed)
}

/// Biases and multipliers with which many outputs lie between the ends of int8.
fn fill_channels(random: &mut Random, weights: &[i8], taps: usize, channels: &mut [u8]) {
    for (weights, channel) in
        weights.chunks(taps).zip(channels.chunks_mut(ChannelParameters::BYTES))
    {
        let magnitude: u32 = weights.iter().map(|weight| weight.unsigned_abs() as u32).sum();
        let sum_max = (128 * magnitude).max(1);
        let bias = (random.next() as i32) % (1 + sum_max as i32 / 4);
        let multiplier = (((1u64 << 32) * random.pick(&[100, 300, 3000]) / sum_max as u64) as i64)
            .clamp(1, i32::MAX as i64) as i32;
        channel.copy_from_slice(&ChannelParameters { bias, multiplier }.to_le_bytes());
    }
}
