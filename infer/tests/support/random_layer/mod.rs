//! Random layers for comparing kernel sets, without `std`, so that a chip can run them too.

// Graphs are made on the host.
#[cfg(not(target_os = "none"))]
pub mod made;
#[path = "../split_mix.rs"]
mod split_mix;

use infer::features::Feature;
#[cfg(not(target_os = "none"))]
use infer::format::Tensor;
use infer::format::{Inputs, OutputQuant};
use infer::kernels::{Kernels, Reference};
#[cfg(not(target_os = "none"))]
use infer::ops::Kind;
use infer::ops::{Buffers, Record};
use infer::packing::WeightBits;
use infer::quant::{ChannelParameters, Rounding};
use infer::{Aligned, LayerKind, Shape};
#[cfg(not(target_os = "none"))]
use made::Made;
use split_mix::SplitMix64;

/// Makes the random layers of all operators: those of each lie in a file of its module's name, with
/// the ways to compute it, a layer for [`agrees`], and those whose instructions are counted.
macro_rules! random_layers {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident$(<$numbers:lifetime>)?: $module:ident, $record:ident
            $(, part $part:literal $(brings $brought:ident)?)?;
    )+) => {
        $(pub mod $module;)+

        /// An operator, and the way in which it is computed.
        #[derive(Clone, Copy, Debug)]
        pub enum Choice {
            $($name($module::Way),)+
        }

        /// Every operator of the crate in each of its ways.
        pub fn each_choice(mut visit: impl FnMut(Choice)) {
            $($module::WAYS.iter().for_each(|way| visit(Choice::$name(*way)));)+
        }

        /// A random layer, its numbers in `numbers` and its inputs at the start of `inputs`.
        fn layer<'b>(
            random: &mut Random,
            choice: Choice,
            inputs: [&mut [i8]; 2],
            numbers: &'b mut Numbers,
        ) -> LayerKind<'b> {
            let pattern = Pattern::any(random);
            match choice {
                $(Choice::$name(way) => $module::any(random, way, pattern, inputs, numbers),)+
            }
        }

        /// A layer of a random graph that reads tensor number `input` of `tensors`, which are the
        /// image and those before the layer; `None` where there is none.
        #[cfg(not(target_os = "none"))]
        pub fn in_graph(
            random: &mut Random,
            kind: Kind,
            tensors: &[Tensor],
            input: u8,
        ) -> Option<Made> {
            match kind {
                $(Kind::$name => $module::in_graph(random, tensors, input),)+
                // This list is that of all kinds.
                other => unreachable!("{other:?}"),
            }
        }

        /// Layer number `index` of those whose instructions a chip counts, filled as [`agrees`]
        /// does: its name, and the layer if it is computed in this way; `None` after the last.
        pub fn measured<'b>(
            choice: Choice,
            index: usize,
            maps: &mut Maps,
            numbers: &'b mut Numbers,
        ) -> Option<Counted<'b>> {
            let (random, inputs) = (&mut Random::new(7), maps.inputs());
            match choice {
                $(Choice::$name(way) => $module::measured(random, index, way, inputs, numbers),)+
            }
        }
    };
}

infer::list_of_operators!(random_layers);

/// A layer whose instructions are counted: its name, and the layer if it can be computed so.
pub type Counted<'b> = (&'static str, Option<LayerKind<'b>>);

/// The way of an operator that is computed in a single one.
#[derive(Clone, Copy, Debug)]
pub struct Only;

/// A reproducible source of numbers.
pub struct Random(SplitMix64);

impl Random {
    /// The numbers that belong to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(SplitMix64(seed))
    }

    pub fn next(&mut self) -> u32 {
        (self.0.next() >> 32) as u32
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

/// The numbers of a layer with weights.
#[derive(Clone, Copy)]
pub struct Filling {
    pub pattern: Pattern,
    pub rounding: Rounding,
    /// Whether some channels, with two roundings, are scaled as in no network that converters
    /// write. Fast loops leave layers with such channels to others.
    pub has_rare: bool,
    /// Whether int8 weights may be -128, as in no network that converters write.
    pub has_lowest: bool,
}

impl Filling {
    /// That of layers whose instructions are counted.
    const MEASURED: Self = Self {
        pattern: Pattern::Random,
        rounding: Rounding::Once,
        has_rare: false,
        has_lowest: false,
    };

    /// Any; `is_both` where the algorithm has both roundings.
    fn any(random: &mut Random, pattern: Pattern, is_both: bool) -> Self {
        Self {
            pattern,
            rounding: rounding(random, is_both),
            has_rare: random.pick(&[false, true]),
            has_lowest: random.pick(&[false, true]),
        }
    }

    /// The shape of measured layer number `index`, and its filling: each shape is measured with one
    /// rounding, then, in a build that has them, with two.
    const fn measured(index: usize) -> (usize, Self) {
        match (Feature::TwoRoundings.is_built(), index.is_multiple_of(2)) {
            (false, _) => (index, Self::MEASURED),
            (true, true) => (index / 2, Self::MEASURED),
            (true, false) => (index / 2, Self { rounding: Rounding::Twice, ..Self::MEASURED }),
        }
    }
}

/// Sizes of the buffers: bytes.
pub const VALUES: usize = 16 * 1024;
pub const WEIGHTS: usize = 64 * 1024;
pub const CHANNEL_BYTES: usize = 5 * 1024;

/// Maps and scratch memory of one layer.
pub struct Maps {
    pub inputs: [Aligned<[i8; VALUES]>; 2],
    pub scratch: Aligned<[i8; WEIGHTS]>,
    pub output: Aligned<[i8; VALUES]>,
    pub expected: [i8; VALUES],
}

impl Maps {
    pub const fn new() -> Self {
        Self {
            inputs: [const { Aligned([0; VALUES]) }; 2],
            scratch: Aligned([0; WEIGHTS]),
            output: Aligned([0; VALUES]),
            expected: [0; VALUES],
        }
    }

    fn inputs(&mut self) -> [&mut [i8]; 2] {
        self.inputs.each_mut().map(|input| &mut input.0[..])
    }
}

/// Weights and parameters of one layer.
pub struct Numbers {
    pub weights: [i8; WEIGHTS],
    pub packed: Aligned<[u8; 8 * WEIGHTS]>,
    pub channels: Aligned<[u8; CHANNEL_BYTES]>,
}

impl Numbers {
    pub const fn new() -> Self {
        Self {
            weights: [0; WEIGHTS],
            packed: Aligned([0; 8 * WEIGHTS]),
            channels: Aligned([0; CHANNEL_BYTES]),
        }
    }
}

/// Whether a kernel set computes a random layer as the reference does.
pub fn agrees<Set: Kernels>(
    random: &mut Random,
    choice: Choice,
    maps: &mut Maps,
    numbers: &mut Numbers,
) -> bool {
    let kind = layer(random, choice, maps.inputs(), numbers);
    maps.output.0.fill(random.int8());
    maps.scratch.0.fill(random.int8());
    equals_reference::<Set>(&kind, maps, |run| run())
}

/// Whether a kernel set computes a layer as the reference does; `around` runs it.
pub fn equals_reference<Set: Kernels>(
    kind: &LayerKind<'_>,
    maps: &mut Maps,
    around: impl FnOnce(&mut dyn FnMut()),
) -> bool {
    let inputs = kind.record(Inputs::two([0, 1])).inputs().count();
    let [first, second] = &maps.inputs;
    let input = &first.0[..kind.input(0).len()];
    let second = if inputs == 2 { &second.0[..kind.input(1).len()] } else { &[] };
    let values = kind.output().shape.len();
    let (expected, output) = (&mut maps.expected[..values], &mut maps.output.0[..values]);
    kind.run::<Reference>(Buffers { input, second, scratch: &mut [], output: expected });
    let scratch = &mut maps.scratch.0[..kind.scratch_bytes()];
    around(&mut || kind.run::<Set>(Buffers { input, second, scratch, output }));
    output == expected
}

/// Quantisation of the maps of measured layers.
const QUANT: OutputQuant = OutputQuant { scale: 1.0, zero_point: -128 };

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

/// A weight of these bits that is as far in their range as an int8 weight is in its own.
pub const fn in_bits(weight: i8, bits: WeightBits) -> i8 {
    match bits {
        WeightBits::Four => weight >> 4,
        WeightBits::Eight => weight,
    }
}

/// Most of what a layer has of something: fewer under Miri, which takes a thousand times as long.
const fn most(count: u32, under_miri: u32) -> u32 {
    if cfg!(miri) { under_miri } else { count }
}

/// Fills a map of `shape` at the start of `values`.
fn fill(random: &mut Random, pattern: Pattern, shape: Shape, values: &mut [i8]) {
    for (index, value) in values[..shape.len()].iter_mut().enumerate() {
        let column = index % shape.row_len() / shape.channels as usize;
        *value = pattern.input(random, 0, index / shape.row_len(), column);
    }
}

/// How accumulators become int8: either way, where the algorithm and the build have both.
fn rounding(random: &mut Random, is_both: bool) -> Rounding {
    let is_both = is_both && Feature::TwoRoundings.is_built();
    if is_both { random.pick(&[Rounding::Once, Rounding::Twice]) } else { Rounding::Once }
}

/// Biases and multipliers with which many outputs lie between the ends of int8; with two roundings
/// the shifts follow.
fn fill_channels(
    random: &mut Random,
    Filling { rounding, has_rare, .. }: Filling,
    weights: &[i8],
    taps: usize,
    channels: &mut [u8],
) {
    let (numbers, shifts) = channels.split_at_mut(weights.len() / taps * ChannelParameters::BYTES);
    let mut shifts = shifts.iter_mut();
    for (weights, numbers) in weights.chunks(taps).zip(numbers.chunks_mut(ChannelParameters::BYTES))
    {
        let magnitude: u32 = weights.iter().map(|weight| weight.unsigned_abs() as u32).sum();
        let sum_max = (128 * magnitude).max(1);
        let bias = (random.next() as i32) % (1 + sum_max as i32 / 4);
        let outputs = random.pick(&[100, 300, 3000]);
        let channel = match rounding {
            Rounding::Once => once(bias, outputs, sum_max),
            Rounding::Twice if has_rare => rare(random, bias, outputs, sum_max),
            Rounding::Twice => twice(random, bias, outputs, sum_max),
        };
        numbers.copy_from_slice(&channel.to_le_bytes());
        for (shift, place) in channel.shift.into_iter().zip(shifts.by_ref()) {
            *place = shift as u8;
        }
    }
}

/// A factor by which the largest sum becomes `outputs`.
fn once(bias: i32, outputs: u64, sum_max: u32) -> ChannelParameters {
    let multiplier = ((1u64 << 32) * outputs / sum_max as u64) as i64;
    let multiplier = multiplier.clamp(1, i32::MAX as i64) as i32;
    ChannelParameters { bias, multiplier, shift: None }
}

/// A factor by which the largest sum becomes about `outputs`.
fn twice(random: &mut Random, bias: i32, outputs: u64, sum_max: u32) -> ChannelParameters {
    let normal = 1 << 30 | (random.next() >> 2) as i32;
    let multiplier = random.pick(&[normal, normal, normal, 1 << 30, i32::MAX]);
    let shift = (outputs.ilog2() as i8 - sum_max.ilog2() as i8).min(0);
    ChannelParameters { bias, multiplier, shift: Some(shift) }
}

/// As above, and at times a rare one.
fn rare(random: &mut Random, bias: i32, outputs: u64, sum_max: u32) -> ChannelParameters {
    let mut common = twice(random, bias, outputs, sum_max);
    let shift = common.shift.unwrap_or_default();
    if random.below(8) == 0 {
        common.multiplier = 0;
    }
    let (bias, shift) = match random.below(12) {
        // The largest shift to the left.
        0 => (bias, (bias.unsigned_abs() + sum_max).leading_zeros() as i8 - 1),
        // One that rounds, if at all, by a bit.
        1 => (bias, random.pick(&[0, -1, -2])),
        // A bias that leaves something after a large shift to the right.
        2 => {
            let sign = random.pick(&[-1, 1]);
            let most = i32::MAX - sum_max as i32;
            (sign * (most - random.below(1 << 20) as i32), -20 - random.below(12) as i8)
        }
        _ => (bias, shift),
    };
    ChannelParameters { bias, shift: Some(shift), ..common }
}
