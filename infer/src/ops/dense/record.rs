//! The record of a dense layer in the model file, and every check of it.

use serde::{Deserialize, Serialize};

use super::{Dense, DenseAlgorithm};
use crate::error::LayerProblem;
use crate::ops::checks::{check_channels, check_sections};
use crate::ops::operator::{Inputs, Reading, Record, Tensor};
use crate::quant::NORMAL;
use crate::schedule::INPUTS_MAX;
use crate::shape::Shape;

/// A fully connected layer over all values of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenseRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// Which algorithm runs it, and so how its weights are packed.
    pub algorithm: DenseAlgorithm,
}

impl Record for DenseRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}

impl DenseRecord {
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
        let (channels, weights) =
            reading.sections.numbers(dense.units, dense.matrix().packed_bytes())?;
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
        check_sections(channels, self.units, weights, matrix.packed_bytes())?;
        let magnitude = |unit| Ok(matrix.magnitude(weights, unit));
        let sum_max = self.algorithm.weight_bits().sum_max();
        check_channels(channels, self.units, NORMAL, sum_max, magnitude)?;
        matrix.check(weights)?;
        let dense = Self { channels, weights, ..self };
        if dense.algorithm.fits(&dense) { Ok(dense) } else { Err(LayerProblem::Algorithm) }
    }
}
