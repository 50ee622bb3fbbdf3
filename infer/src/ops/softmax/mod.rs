//! Softmax in integers, along the channels of each pixel, as TensorFlow Lite computes it.

mod fixed_point;
mod portable;
mod reference;

use serde::{Deserialize, Serialize};

use super::operator::{
    Buffers, Inputs, Operator, Reading, Record, Tensor, Work, operations_of_map,
};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::{Factor, OutputQuant};
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// How every output is quantised: `0 .. 255 / 256`.
const OUTPUT: OutputQuant = OutputQuant { scale: 1.0 / 256.0, zero_point: -128 };

/// Most channels: the sum of as many exponentials, each at most 1, has 12 integer bits.
const CHANNELS_MAX: u16 = (1 << fixed_point::SUM_BITS) - 1;

/// A softmax of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoftmaxRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// A step of the input, in steps of `2^-26`: with a shift of 0 or more.
    pub factor: Factor,
}

/// The share of each channel's exponential in the sum of all of its pixel.
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// The map it reads, and the size of what it leaves.
    pub input: Shape,
    /// A step of the input, in steps of `2^-26`.
    pub factor: Factor,
}

/// The kernels of a set for softmaxes.
pub trait Kernels: super::sets::KernelSet {
    /// Softmax.
    fn run(softmax: &Softmax, buffers: Buffers<'_>);
}

impl<'m> Operator<'m> for Softmax {
    type Record = SoftmaxRecord;

    const IS_BUILT: bool = Feature::Softmax.is_built();
    const PART: Feature = Feature::Softmax;

    fn read(record: &SoftmaxRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        let softmax = Self::of(record, reading.inputs, reading.output);
        if reading.output.shape != softmax.input {
            return Err(LayerProblem::OutputShape);
        }
        if reading.output.quant != OUTPUT {
            return Err(LayerProblem::OutputQuant);
        }
        if softmax.input.channels > CHANNELS_MAX {
            return Err(LayerProblem::TooLarge);
        }
        // Differences that would leave 32 bits count as 0: see `least`.
        if !record.factor.fits(0) || record.factor.shift < 0 {
            return Err(LayerProblem::Multiplier { channel: 0 });
        }
        Feature::Softmax.check()?;
        Ok(softmax)
    }

    fn record(&self, inputs: Inputs) -> SoftmaxRecord {
        SoftmaxRecord { input: inputs.first(), factor: self.factor }
    }

    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Tensor {
        Tensor { shape: self.input, quant: OUTPUT }
    }

    fn row_window(&self, _: usize) -> RowWindow {
        RowWindow { origin: 0, step: 1, reach: 1 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let mut softmax = *self;
        softmax.input.height = slice.rows.end - slice.rows.start;
        softmax
    }

    /// Each is an exponential, of twelve products of 64 bits.
    fn work(&self) -> Work {
        const EXPONENTIAL_OPERATIONS: u64 = 256;
        let values = EXPONENTIAL_OPERATIONS * self.input.len() as u64;
        Work { macs: 0, operations: values + operations_of_map(self.input) }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Softmax.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        feature == Feature::Softmax
    }
}

impl Record for SoftmaxRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}

impl Softmax {
    /// The operator of a record that reads `inputs` and makes a tensor of the same size.
    pub const fn of(record: &SoftmaxRecord, inputs: &[Tensor; INPUTS_MAX], _: Tensor) -> Self {
        let [input, ..] = inputs;
        Self { input: input.shape, factor: record.factor }
    }

    pub(crate) const fn with_unchecked(self, _: &[u8], _: &[u8]) -> Self {
        self
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.input
    }

    /// Whether it reads a tensor of this size, no side is 0, and its sums have room.
    pub(crate) const fn belongs_to(&self, [input, ..]: &[Shape; INPUTS_MAX]) -> bool {
        self.input.is(*input)
            && !self.input.is_empty()
            && self.input.channels <= CHANNELS_MAX
            && self.factor.fits(0)
            && self.factor.shift >= 0
    }

    /// The smallest difference to the largest value whose exponential counts: of smaller ones,
    /// which are below -31 in real numbers, the scaled difference could leave 32 bits.
    const fn least(&self) -> i32 {
        -((31 << fixed_point::DIFFERENCE_FRACTION_BITS) >> (self.factor.shift as u32 & 31))
    }

    /// `exp(difference)` with 31 fraction bits; `None` where it does not count.
    #[inline(always)]
    fn exp(&self, value: i8, largest: i8) -> Option<i32> {
        let difference = value as i32 - largest as i32;
        (difference >= self.least())
            .then(|| fixed_point::exp_of_negative(self.factor.scale(difference)))
    }
}
