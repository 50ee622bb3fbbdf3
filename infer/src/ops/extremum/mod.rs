//! The larger or the smaller of two tensors, value by value.

use serde::{Deserialize, Serialize};

use super::operator::{
    Buffers, Inputs, Operator, Reading, Record, Tensor, Work, operations_of_map,
};
#[cfg(not(kindling_backend = "portable"))]
use super::sets::CortexM;
use super::sets::{Portable, Reference};
use super::window::coordinates;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// Largest shift: [`Scaling`] has the proof that 32 bits suffice.
const SHIFT_MAX: u8 = 23;

/// The larger or the smaller of the two tensors that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtremumRecord {
    /// The tensors that it reads.
    pub inputs: [u8; 2],
    /// Row and column of each input under the first output.
    pub origins: [[u16; 2]; 2],
    /// Scale of each input in scales of the output, times `2^shift`: 1 or more.
    pub multipliers: [i16; 2],
    /// See `multipliers`; 1 to 23.
    pub shift: u8,
    /// Whether it is the smaller.
    pub is_least: bool,
}

/// The larger or the smaller of two tensors, value by value.
///
/// Output pixel (row, column) is that of pixel `(origins[i][0] + row, origins[i][1] + column)` of
/// each input `i`.
#[derive(Clone, Copy, Debug)]
pub struct Extremum {
    /// The maps it reads.
    pub inputs: [Shape; 2],
    /// The values that stand for 0.0 there.
    pub input_zero_points: [i8; 2],
    /// Row and column of each input under output pixel (0, 0).
    pub origins: [[u16; 2]; 2],
    /// Scale of each input in scales of the output, times `2^shift`.
    pub multipliers: [i16; 2],
    /// See `multipliers`; 1 to 23.
    pub shift: u8,
    /// Whether it is the smaller.
    pub is_least: bool,
    /// The map it leaves.
    pub output: Shape,
    /// How the output is quantised. With a zero point of -128 saturation is the ReLU.
    pub output_quant: OutputQuant,
}

/// The kernels of a set for the larger or the smaller of two tensors.
pub trait Kernels: super::sets::KernelSet {
    /// The larger or the smaller of two tensors.
    fn run(extremum: &Extremum, buffers: Buffers<'_>);
}

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel, with s = shift:
    ///     scaled of a = ((a - zero of a) * multiplier of a + 2^(s-1)) >> s; that of b likewise
    ///     output = clamp(zero of output + the larger, or the smaller, of both, -128, 127)
    /// ```
    fn run(extremum: &Extremum, Buffers { input, second, output, .. }: Buffers<'_>) {
        let (shape, shift) = (extremum.output, extremum.shift);
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let scaled = |index: usize, values: &[i8]| {
                let [first_row, first_column] = extremum.origins[index].map(usize::from);
                let at = (first_row + row) * extremum.inputs[index].row_len()
                    + (first_column + column) * shape.channels as usize
                    + channel;
                let steps = values[at] as i32 - extremum.input_zero_points[index] as i32;
                (steps * extremum.multipliers[index] as i32 + (1 << (shift - 1))) >> shift
            };
            let (a, b) = (scaled(0, input), scaled(1, second));
            let chosen = if extremum.is_least { a.min(b) } else { a.max(b) };
            *out = (extremum.output_quant.zero_point as i32 + chosen).clamp(-128, 127) as i8;
        }
    }
}

impl Kernels for Portable {
    /// ```text
    /// for each row, for each value of it:
    ///     output = saturate(the larger, or the smaller, of both inputs, scaled)
    /// ```
    fn run(extremum: &Extremum, Buffers { input, second, output, .. }: Buffers<'_>) {
        match extremum.is_least {
            true => each_pair(extremum, [input, second], output, Ord::min),
            false => each_pair(extremum, [input, second], output, Ord::max),
        }
    }
}

/// Row by row; `choose` is one of two scaled values.
#[inline(always)]
fn each_pair(
    extremum: &Extremum,
    [input, second]: [&[i8]; 2],
    output: &mut [i8],
    choose: impl Fn(i32, i32) -> i32,
) {
    let [of_a, of_b] = [Scaling::of_input(extremum, 0), Scaling::of_input(extremum, 1)];
    for (row, out) in output.chunks_exact_mut(extremum.output.row_len().max(1)).enumerate() {
        let (a, b) = (extremum.row(0, input, row), extremum.row(1, second, row));
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let chosen = choose(of_a.scaled(*a), of_b.scaled(*b));
            *out = chosen.clamp(i8::MIN as i32, i8::MAX as i32) as i8;
        }
    }
}

#[cfg(not(kindling_backend = "portable"))]
impl Kernels for CortexM {
    fn run(extremum: &Extremum, buffers: Buffers<'_>) {
        if Feature::Extremum.is_built() {
            <Portable as Kernels>::run(extremum, buffers);
        }
    }
}

/// What turns a value of an input into one of the output, before it is saturated.
///
/// ```text
/// scaled = (value * multiplier + offset) >> shift
/// ```
///
/// The offset holds the zero points of both, that of the output as a multiple of `2^shift`, and the
/// half for the rounding.
///
/// Range: a multiplier is below 2^15 and a value within 128 in size, so the product, of a value or
/// the zero point, is below 2^22. The half is at most 2^22, the shifted zero point of the output at
/// most 2^30 in size, since the shift is at most 23. All together stays below 2^31.
struct Scaling {
    multiplier: i32,
    offset: i32,
    shift: u32,
}

impl Scaling {
    /// That of input number `index`.
    fn of_input(extremum: &Extremum, index: usize) -> Self {
        let of_input = |numbers: [i32; 2]| if index == 0 { numbers[0] } else { numbers[1] };
        let multiplier = of_input(extremum.multipliers.map(i32::from));
        let zero = of_input(extremum.input_zero_points.map(i32::from));
        let shift = extremum.shift as u32 & 31;
        let half = (1u32 << shift) as i32 / 2;
        let offset = ((extremum.output_quant.zero_point as i32) << shift).wrapping_add(half);
        Self { multiplier, offset: offset.wrapping_sub(zero * multiplier), shift }
    }

    fn scaled(&self, value: i8) -> i32 {
        (value as i32 * self.multiplier).wrapping_add(self.offset) >> self.shift
    }
}

impl Extremum {
    /// The operator of a record that reads `inputs` and makes `output`.
    pub const fn of(
        record: &ExtremumRecord,
        inputs: &[Tensor; INPUTS_MAX],
        output: Tensor,
    ) -> Self {
        let ExtremumRecord { origins, multipliers, shift, is_least, .. } = *record;
        let [first, second] = inputs;
        Self {
            inputs: [first.shape, second.shape],
            input_zero_points: [first.quant.zero_point, second.quant.zero_point],
            origins,
            multipliers,
            shift,
            is_least,
            output: output.shape,
            output_quant: output.quant,
        }
    }

    pub(crate) const fn with_unchecked(self, _: &[u8], _: &[u8]) -> Self {
        self
    }

    /// The values of input number `index` under a row of the output.
    #[inline(always)]
    fn row<'v>(&self, index: usize, values: &'v [i8], row: usize) -> &'v [i8] {
        let (Some(map), Some([first_row, first_column])) =
            (self.inputs.get(index), self.origins.get(index))
        else {
            return &[];
        };
        let start = (*first_row as usize + row) * map.row_len()
            + *first_column as usize * map.channels as usize;
        values.get(start..start + self.output.row_len()).unwrap_or_default()
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads tensors of these sizes, no side is 0, and the output lies inside of both.
    pub(crate) const fn belongs_to(&self, inputs: &[Shape; INPUTS_MAX]) -> bool {
        self.inputs[0].is(inputs[0])
            && self.inputs[1].is(inputs[1])
            && !self.output.is_empty()
            && self.is_inside()
            && self.shift >= 1
            && self.shift <= SHIFT_MAX
    }

    /// Whether the output lies inside of each input.
    const fn is_inside(&self) -> bool {
        self.output.is_inside(self.origins[0], self.inputs[0])
            && self.output.is_inside(self.origins[1], self.inputs[1])
    }
}

impl<'m> Operator<'m> for Extremum {
    type Record = ExtremumRecord;

    const IS_BUILT: bool = Feature::Extremum.is_built();
    const PART: Feature = Feature::Extremum;

    fn read(record: &ExtremumRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        let extremum = Self::of(record, reading.inputs, reading.output);
        if !extremum.is_inside() {
            return Err(LayerProblem::OutsideMap);
        }
        if let Some(input) = record.multipliers.iter().position(|multiplier| *multiplier < 1) {
            return Err(LayerProblem::Multiplier { channel: input as u16 });
        }
        if record.shift < 1 || record.shift > SHIFT_MAX {
            return Err(LayerProblem::AccumulatorRange { channel: 0 });
        }
        Feature::Extremum.check()?;
        Ok(extremum)
    }

    fn record(&self, inputs: Inputs) -> ExtremumRecord {
        let Self { origins, multipliers, shift, is_least, .. } = *self;
        let inputs = [0, 1].map(|input| inputs.get(input).unwrap_or_default() as u8);
        ExtremumRecord { inputs, origins, multipliers, shift, is_least }
    }

    fn input(&self, input: usize) -> Shape {
        let [first, second] = self.inputs;
        if input == 0 { first } else { second }
    }

    fn output(&self) -> Tensor {
        Tensor { shape: self.output, quant: self.output_quant }
    }

    fn row_window(&self, input: usize) -> RowWindow {
        let [[first, _], [second, _]] = self.origins;
        let origin = if input == 0 { first } else { second };
        RowWindow { origin: origin as i32, step: 1, reach: 1 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let mut extremum = *self;
        for ((map, origin), input) in
            extremum.inputs.iter_mut().zip(&mut extremum.origins).zip(&slice.inputs)
        {
            map.height = input.rows.end - input.rows.start;
            origin[0] = 0;
        }
        extremum.output.height = slice.rows.end - slice.rows.start;
        extremum
    }

    fn work(&self) -> Work {
        Work { macs: 0, operations: operations_of_map(self.output) }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Extremum.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        matches!(feature, Feature::Extremum | Feature::Branches)
    }
}

impl Record for ExtremumRecord {
    fn inputs(&self) -> Inputs {
        Inputs::two(self.inputs)
    }
}
