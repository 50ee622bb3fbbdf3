//! The record of a dense layer in the model file, and every check of it.

use serde::{Deserialize, Serialize};

use super::{Dense, DenseAlgorithm};
use crate::error::LayerProblem;
use crate::ops::checks::{check_channels, check_scale, check_sections, check_sizes};
use crate::ops::operator::{Place, Reading, Record};
use crate::quant::OutputQuant;
use crate::shape::Shape;

/// A fully connected layer over all values of the map that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenseRecord<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// Outputs.
    pub units: u16,
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it, and so how its weights are packed.
    pub algorithm: DenseAlgorithm,
    /// Place of the output in the arena, bytes.
    pub output_at: u32,
}

impl<'m> Record<'m> for DenseRecord<'m> {
    fn place(&self) -> Place<'m> {
        let Self { name, output_at, .. } = *self;
        Place { name, held_rows: 1, output_at, scratch_at: output_at }
    }
}

impl<'m> DenseRecord<'m> {
    pub(super) fn read(&self, reading: &mut Reading<'_, 'm>) -> Result<Dense<'m>, LayerProblem> {
        check_sizes(self.name, Shape::vector(self.units), &[])?;
        check_scale(self.output_quant.scale)?;
        let dense = Dense::from_record(self, reading.input.shape);
        if !dense.algorithm.is_built() {
            return Err(LayerProblem::NotBuilt);
        }
        if !dense.algorithm.fits(&dense) {
            return Err(LayerProblem::Algorithm);
        }
        let (channels, weights) =
            reading.sections.numbers(self.units, dense.matrix().packed_bytes())?;
        dense.with_numbers(channels, weights)
    }
}

impl<'m> Dense<'m> {
    /// The layer of a record that reads a map of shape `input`, still without its numbers.
    pub const fn from_record(record: &DenseRecord<'_>, input: Shape) -> Self {
        let DenseRecord { units, output_quant, algorithm, .. } = *record;
        Self { input, units, output_quant, algorithm, channels: &[], weights: &[] }
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
        check_channels(channels, i32::MAX as u64, magnitude)?;
        matrix.check(weights)?;
        Ok(Self { channels, weights, ..self })
    }
}
