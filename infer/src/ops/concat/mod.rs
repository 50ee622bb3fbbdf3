//! Maps side by side, channel by channel, each within a border of zeros where it has one: where
//! branches meet that each leave channels of their own. Of one map it is a padding.

mod portable;
mod reference;

use serde::{Deserialize, Serialize};

use super::operator::{
    Buffers, Inputs, Operator, Reading, Record, Tensor, Work, operations_of_map,
};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// Largest shift: `portable.rs` has the proof that 32 bits suffice.
const SHIFT_MAX: u8 = 23;

/// The channels of one tensor, or of two tensors one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConcatRecord {
    /// What makes the first channels.
    pub first: PartRecord,
    /// What makes the others, where they are not all made.
    pub second: Option<PartRecord>,
    /// See [`PartRecord::multiplier`]; 1 to 23.
    pub shift: u8,
}

/// A tensor that becomes some channels of another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRecord {
    /// The tensor that is read.
    pub input: u8,
    /// Its row and column under the first output; negative where that is a zero.
    pub origin: [i16; 2],
    /// Its scale in scales of the output, times `2^shift`: 1 or more.
    pub multiplier: i16,
}

/// The channels of one map, or of two maps one after the other.
///
/// Output pixel (row, column) has the channels of pixel `(origin[0] + row, origin[1] + column)` of
/// the first map, then of the second; zeros where there is no such pixel.
#[derive(Clone, Copy, Debug)]
pub struct Concat {
    /// What makes the first channels, and what makes the others; the second has no channels where
    /// there is one map only.
    pub parts: [Part; 2],
    /// See [`Part::multiplier`]; 1 to 23.
    pub shift: u8,
    /// The map it leaves.
    pub output: Shape,
    /// How the output is quantised.
    pub output_quant: OutputQuant,
}

/// A map that becomes some channels of another.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The map it reads.
    pub input: Shape,
    /// The value that stands for 0.0 there.
    pub zero_point: i8,
    /// Row and column of the map under output pixel (0, 0).
    pub origin: [i16; 2],
    /// Its scale in scales of the output, times `2^shift`.
    pub multiplier: i16,
}

/// The kernels of a set for maps side by side.
pub trait Kernels: super::sets::KernelSet {
    /// Puts maps side by side.
    fn run(concat: &Concat, buffers: Buffers<'_>);
}

impl Concat {
    /// The operator of a record that reads `inputs` and makes `output`.
    pub const fn of(record: &ConcatRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let [first, second] = inputs;
        let second = match record.second {
            Some(part) => Part::of(&part, second),
            None => {
                Part { input: Shape::new(0, 0, 0), zero_point: 0, origin: [0, 0], multiplier: 1 }
            }
        };
        Self {
            parts: [Part::of(&record.first, first), second],
            shift: record.shift,
            output: output.shape,
            output_quant: output.quant,
        }
    }

    pub(crate) const fn with_unchecked(self, _: &[u8], _: &[u8]) -> Self {
        self
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads tensors of these sizes, no side is 0, and it has the channels of both.
    pub(crate) const fn belongs_to(&self, inputs: &[Shape; INPUTS_MAX]) -> bool {
        let [first, second] = &self.parts;
        let is_second = second.input.channels == 0 || second.input.is(inputs[1]);
        first.input.is(inputs[0])
            && is_second
            && !self.output.is_empty()
            && self.has_all_channels()
            && self.shift <= SHIFT_MAX
    }

    const fn has_all_channels(&self) -> bool {
        let [first, second] = &self.parts;
        let channels = first.input.channels as u32 + second.input.channels as u32;
        channels == self.output.channels as u32
    }

    /// The part that reads input number `input`.
    const fn part(&self, input: usize) -> &Part {
        let [first, second] = &self.parts;
        if input == 0 { first } else { second }
    }
}

impl Part {
    const fn of(record: &PartRecord, input: &Tensor) -> Self {
        let PartRecord { origin, multiplier, .. } = *record;
        Self { input: input.shape, zero_point: input.quant.zero_point, origin, multiplier }
    }
}

impl<'m> Operator<'m> for Concat {
    type Record = ConcatRecord;

    const IS_BUILT: bool = Feature::Concat.is_built();
    const PART: Feature = Feature::Concat;

    fn read(record: &ConcatRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        let concat = Self::of(record, reading.inputs, reading.output);
        if !concat.has_all_channels() {
            return Err(LayerProblem::OutputShape);
        }
        if let Some(input) = concat.parts.iter().position(|part| part.multiplier < 1) {
            return Err(LayerProblem::Multiplier { channel: input as u16 });
        }
        if record.shift < 1 || record.shift > SHIFT_MAX {
            return Err(LayerProblem::AccumulatorRange { channel: 0 });
        }
        Feature::Concat.check()?;
        Ok(concat)
    }

    fn record(&self, inputs: Inputs) -> ConcatRecord {
        let record = |input: usize| {
            let Part { origin, multiplier, .. } = *self.part(input);
            Some(PartRecord { input: inputs.get(input)? as u8, origin, multiplier })
        };
        let none = PartRecord { input: 0, origin: [0, 0], multiplier: 1 };
        let second = if self.part(1).input.channels > 0 { record(1) } else { None };
        ConcatRecord { first: record(0).unwrap_or(none), second, shift: self.shift }
    }

    fn input(&self, input: usize) -> Shape {
        self.part(input).input
    }

    fn output(&self) -> Tensor {
        Tensor { shape: self.output, quant: self.output_quant }
    }

    fn row_window(&self, input: usize) -> RowWindow {
        RowWindow { origin: self.part(input).origin[0] as i32, step: 1, reach: 1 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let mut concat = *self;
        for (part, input) in concat.parts.iter_mut().zip(&slice.inputs) {
            part.input.height = input.rows.end - input.rows.start;
            part.origin[0] = input.origin;
        }
        concat.output.height = slice.rows.end - slice.rows.start;
        concat
    }

    fn work(&self) -> Work {
        const PIXEL_OPERATIONS: u64 = 64;
        let pixels = self.output.height as u64 * self.output.width as u64;
        let operations = operations_of_map(self.output) + PIXEL_OPERATIONS * pixels;
        Work { macs: 0, operations }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Concat.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        matches!(feature, Feature::Concat | Feature::Branches)
    }
}

impl Record for ConcatRecord {
    fn inputs(&self) -> Inputs {
        match self.second {
            Some(second) => Inputs::two([self.first.input, second.input]),
            None => Inputs::one(self.first.input),
        }
    }
}
