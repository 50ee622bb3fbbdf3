//! Fully connected layer over all values of its input.

pub(crate) mod algorithms;
#[cfg(not(kindling_backend = "portable"))]
mod arm;
pub(crate) mod packing;
mod portable;
mod record;
mod reference;

use super::operator::{Buffers, Inputs, Operator, Reading, Tensor, Work, operations_of_map};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::{ChannelParameters, OutputQuant, Rounding, per_tensor_parameters, with_shifts};
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

pub use algorithms::DenseAlgorithm;
#[cfg(kindling_backend = "mve")]
pub(crate) use arm::vector_rows;
pub use packing::Matrix;
pub use record::DenseRecord;

/// Fully connected layer over all values of its input in memory order.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'m> {
    /// The map it reads.
    pub input: Shape,
    /// Outputs.
    pub units: u16,
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it.
    pub algorithm: DenseAlgorithm,
    /// Whether its units have one multiplier and shift, with two roundings.
    pub is_per_tensor: bool,
    /// Channel parameters, 8 bytes per output; with two roundings one more each for the shifts,
    /// after all others. With one multiplier and shift for all: 4 bytes per output, then 5 more.
    pub(crate) channels: &'m [u8],
    /// Weights as the algorithm packs them.
    pub(crate) weights: &'m [u8],
}

/// The kernels of a set for dense layers.
pub trait Kernels: super::sets::KernelSet {
    /// Fully connected layer.
    fn run(dense: &Dense<'_>, buffers: Buffers<'_>);
}

impl<'m> Dense<'m> {
    /// How the weights lie, and how many bytes they take.
    pub const fn matrix(&self) -> Matrix {
        Matrix { algorithm: self.algorithm, inputs: self.input.len(), units: self.units as usize }
    }

    /// The int8 weight between an input and an output, read back from its packed form.
    pub fn weight(&self, output: usize, input: usize) -> i8 {
        self.matrix().weight(self.weights, output, input)
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        Shape::vector(self.units)
    }

    /// Whether it reads a tensor of this size, there is something to compute and an algorithm
    /// computes it, and its numbers have the sizes that it states.
    pub(crate) const fn belongs_to(&self, [input, ..]: &[Shape; INPUTS_MAX]) -> bool {
        self.input.is(*input)
            && !self.input.is_empty()
            && self.units > 0
            && self.algorithm.fits(self)
            && self.channels.len() == self.channel_bytes()
            && self.weights.len() as u64 == self.matrix().packed_bytes()
    }

    /// Channel parameters in the order of the outputs.
    pub fn channel_parameters(&self) -> impl Iterator<Item = ChannelParameters> {
        let (own, shared): (&[u8], &[u8]) =
            if self.is_per_tensor() { (&[], self.channels) } else { (self.channels, &[]) };
        with_shifts(own, self.units).chain(per_tensor_parameters(shared, self.units))
    }

    /// Bytes of its channel parameters.
    pub(crate) const fn channel_bytes(&self) -> usize {
        if self.is_per_tensor() {
            return Rounding::per_tensor_bytes(self.units);
        }
        self.rounding().channel_bytes() * self.units as usize
    }

    /// Whether its units have one multiplier and shift: never in a build with one rounding, so that
    /// it has no code for them.
    #[inline(always)]
    pub(crate) const fn is_per_tensor(&self) -> bool {
        Feature::TwoRoundings.is_built() && self.is_per_tensor
    }

    /// How its accumulators become int8.
    #[inline(always)]
    pub const fn rounding(&self) -> Rounding {
        if self.is_per_tensor() {
            return Rounding::Twice;
        }
        Rounding::of(self.channels, self.units)
    }
}

impl<'m> Operator<'m> for Dense<'m> {
    type Record = DenseRecord;

    const IS_BUILT: bool = DenseAlgorithm::any_is_built();
    const PART: Feature = Feature::DenseRows;

    fn read(record: &DenseRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        record.read(reading)
    }

    fn record(&self, inputs: Inputs) -> DenseRecord {
        let Self { algorithm, is_per_tensor, .. } = *self;
        DenseRecord { input: inputs.first(), algorithm, is_per_tensor }
    }

    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Tensor {
        Tensor { shape: Shape::vector(self.units), quant: self.output_quant }
    }

    fn row_window(&self, _: usize) -> RowWindow {
        let rows = self.input.height as u32;
        RowWindow { origin: 0, step: rows, reach: rows }
    }

    fn stream_window(&self, _: usize) -> Option<RowWindow> {
        Some(RowWindow { origin: 0, step: 1, reach: self.input.height as u32 })
    }

    fn slice(&self, _: &Slice) -> Self {
        *self
    }

    fn numbers(&self) -> [&'m [u8]; 2] {
        [self.channels, self.weights]
    }

    fn work(&self) -> Work {
        let macs = self.input.len() as u64 * self.units as u64;
        Work { macs, operations: macs + operations_of_map(Shape::vector(self.units)) }
    }

    fn left_out(&self) -> Option<Feature> {
        self.algorithm.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        match feature {
            Feature::TwoRoundings => self.rounding() == Rounding::Twice,
            other => self.algorithm.needs(other),
        }
    }
}
