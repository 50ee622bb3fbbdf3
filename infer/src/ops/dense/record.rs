//! The record of a dense layer in the model file, and every check of it.

use serde::{Deserialize, Serialize};

use super::{Dense, DenseAlgorithm};
use crate::error::LayerProblem;
use crate::ops::checks::{check_bytes, check_parameters};
use crate::ops::operator::{Inputs, Reading, Record, Tensor};
use crate::quant::NORMAL;
use crate::schedule::INPUTS_MAX;
use crate::shape::Shape;

/// A fully connected layer over all values of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct DenseRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// Which algorithm runs it, and so how its weights are packed.
    pub algorithm: DenseAlgorithm,
    /// Whether its units have one multiplier and shift, with two roundings.
    pub is_per_tensor: bool,
}

/// The record as the file has it.
#[derive(Serialize, Deserialize)]
struct Stored {
    input: u8,
    /// The algorithm's number, with [`PER_TENSOR`] where the units have one multiplier and shift.
    algorithm: u8,
}

/// More than any algorithm's number, and in the byte that postcard has for it.
const PER_TENSOR: u8 = 1 << 6;

impl From<DenseRecord> for Stored {
    fn from(record: DenseRecord) -> Self {
        let per_tensor = if record.is_per_tensor { PER_TENSOR } else { 0 };
        Self { input: record.input, algorithm: record.algorithm as u8 | per_tensor }
    }
}

impl TryFrom<Stored> for DenseRecord {
    type Error = &'static str;

    fn try_from(Stored { input, algorithm }: Stored) -> Result<Self, Self::Error> {
        let is_per_tensor = algorithm & PER_TENSOR != 0;
        match DenseAlgorithm::ALL.get((algorithm & !PER_TENSOR) as usize) {
            Some(algorithm) => Ok(Self { input, algorithm: *algorithm, is_per_tensor }),
            None => Err("an algorithm of a dense layer that nobody knows"),
        }
    }
}

impl Record for DenseRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}

impl DenseRecord {
    /// A layer each of whose units has a multiplier, and a shift with two roundings, of its own.
    pub const fn new(input: u8, algorithm: DenseAlgorithm) -> Self {
        Self { input, algorithm, is_per_tensor: false }
    }

    pub(super) fn read<'m>(
        &self,
        reading: &mut Reading<'_, 'm>,
    ) -> Result<Dense<'m>, LayerProblem> {
        let dense = Dense::of(self, reading.inputs, reading.output);
        if reading.output.shape != Shape::vector(dense.units) {
            return Err(LayerProblem::OutputShape);
        }
        if let Some(part) = dense.algorithm.left_out() {
            return Err(LayerProblem::NotBuilt(part));
        }
        if !dense.algorithm.fits(&dense) {
            return Err(LayerProblem::Algorithm);
        }
        let weight_bytes = dense.matrix().packed_bytes();
        let (channels, weights) = if dense.is_per_tensor {
            reading.sections.per_tensor_numbers(dense.units, weight_bytes)?
        } else {
            reading.sections.numbers(dense.units, weight_bytes)?
        };
        dense.with_numbers(channels, weights)
    }
}

impl<'m> Dense<'m> {
    /// The operator of a record that reads `inputs` and makes `output`, whose channels are its
    /// units, still without its numbers.
    pub const fn of(record: &DenseRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        Self {
            input: inputs[0].shape,
            units: output.shape.channels,
            output_quant: output.quant,
            algorithm: record.algorithm,
            is_per_tensor: record.is_per_tensor,
            channels: &[],
            weights: &[],
        }
    }

    pub(crate) const fn with_unchecked(self, channels: &'m [u8], weights: &'m [u8]) -> Self {
        Self { channels, weights, ..self }
    }

    /// The layer with its numbers: [`ChannelParameters`](crate::quant::ChannelParameters) as the
    /// file holds them, and packed weights.
    ///
    /// # Errors
    /// Numbers with which some input would give a wrong result, or weights that are not as the
    /// algorithm packs them.
    pub fn with_numbers(self, channels: &'m [u8], weights: &'m [u8]) -> Result<Self, LayerProblem> {
        if !self.algorithm.fits(&self) {
            return Err(LayerProblem::Algorithm);
        }
        let matrix = self.matrix();
        let dense = Self { channels, weights, ..self };
        check_bytes(channels, dense.channel_bytes(), weights, matrix.packed_bytes())?;
        let magnitude = |unit| matrix.magnitude(weights, unit);
        let sum_max = self.algorithm.weight_bits().sum_max();
        let (parameters, rounding) = (dense.channel_parameters(), dense.rounding());
        check_parameters(parameters, rounding, NORMAL, sum_max, magnitude)?;
        matrix.check(weights)?;
        if dense.algorithm.fits(&dense) { Ok(dense) } else { Err(LayerProblem::Algorithm) }
    }
}
