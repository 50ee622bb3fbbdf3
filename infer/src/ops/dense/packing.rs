//! How the weights of a dense layer lie in the file: pure index functions, used by the exporter to
//! pack and by the kernels to read back.
//!
//! Pairs of int16 are made of inputs two apart, as a core with DSP extension widens them: see
//! [`conv`](crate::ops::conv).

use super::algorithms::DenseAlgorithm;
use crate::error::LayerProblem;
use crate::ops::packing::{Runs, SizeMismatch, get, put};

/// The sizes that say where each weight of a dense layer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Which algorithm reads the weights.
    pub algorithm: DenseAlgorithm,
    /// Values of the input.
    pub inputs: usize,
    /// Outputs.
    pub units: usize,
}

impl Matrix {
    /// Bytes of the packed weights.
    pub const fn packed_bytes(&self) -> u64 {
        let (inputs, units) = (self.inputs as u64, self.units as u64);
        match self.algorithm {
            DenseAlgorithm::Rows => inputs * units,
            DenseAlgorithm::Quads => inputs * units.next_multiple_of(4),
            DenseAlgorithm::QuadsWide => 2 * inputs * units.next_multiple_of(4),
        }
    }

    /// Packs int8 weights `[unit][input]`.
    ///
    /// # Errors
    /// A slice of the wrong size.
    pub fn pack(&self, weights: &[i8], packed: &mut [u8]) -> Result<(), SizeMismatch> {
        if weights.len() != self.inputs * self.units || packed.len() as u64 != self.packed_bytes() {
            return Err(SizeMismatch);
        }
        packed.fill(0);
        for (unit, row) in weights.chunks_exact(self.inputs.max(1)).enumerate() {
            for (input, weight) in row.iter().enumerate() {
                match self.algorithm {
                    DenseAlgorithm::QuadsWide => {
                        put(packed, self.place(unit, input), (*weight as i16).to_le_bytes());
                    }
                    DenseAlgorithm::Rows | DenseAlgorithm::Quads => {
                        put(packed, self.place(unit, input), [*weight as u8]);
                    }
                }
            }
        }
        Ok(())
    }

    /// The int8 weight between an input and a unit.
    pub fn weight(&self, packed: &[u8], unit: usize, input: usize) -> i8 {
        get::<1>(packed, self.place(unit, input))[0] as i8
    }

    /// Sum of the sizes of one unit's weights.
    pub(crate) fn magnitude(&self, packed: &[u8], unit: usize) -> u64 {
        let quads = unit / 4 * 4 * self.inputs + unit % 4 * 4;
        let runs = match self.algorithm {
            DenseAlgorithm::Rows => Runs::one(unit * self.inputs, self.inputs),
            DenseAlgorithm::Quads => {
                Runs { start: quads, step: 16, run: 4, count: self.inputs / 4 }
            }
            DenseAlgorithm::QuadsWide => {
                let start = quads + unit / 4 * 4 * self.inputs;
                let runs = Runs { start, step: 16, run: 4, count: self.inputs / 2 };
                return runs.of(packed).map(sum_of_wide_sizes).sum();
            }
        };
        runs.magnitude(packed)
    }

    /// Checks that what fills up the weights is what [`Matrix::pack`] writes.
    pub(crate) fn check(&self, packed: &[u8]) -> Result<(), LayerProblem> {
        let is_wide = self.algorithm == DenseAlgorithm::QuadsWide;
        let padded_units = if self.algorithm == DenseAlgorithm::Rows { 1 } else { 4 };
        let mut filled_up = self.units..self.units.next_multiple_of(padded_units);
        let written = filled_up.all(|unit| self.magnitude(packed, unit) == 0)
            && (!is_wide || wide_values(packed).all(|value| i8::try_from(value).is_ok()));
        if written { Ok(()) } else { Err(LayerProblem::WeightPadding) }
    }

    /// Place of a weight, bytes.
    fn place(&self, unit: usize, input: usize) -> usize {
        match self.algorithm {
            DenseAlgorithm::Rows => unit * self.inputs + input,
            DenseAlgorithm::Quads => {
                (unit / 4 * (self.inputs / 4) + input / 4) * 16 + unit % 4 * 4 + input % 4
            }
            DenseAlgorithm::QuadsWide => {
                let pair = unit / 4 * (self.inputs / 2) + input / 4 * 2 + input % 2;
                pair * 16 + unit % 4 * 4 + input % 4 / 2 * 2
            }
        }
    }
}

/// Sum of the sizes of int16 values.
#[inline(never)]
fn sum_of_wide_sizes(packed: &[u8]) -> u64 {
    wide_values(packed).map(|value| value.unsigned_abs() as u64).sum()
}

fn wide_values(packed: &[u8]) -> impl Iterator<Item = i16> {
    packed.as_chunks().0.iter().map(|value| i16::from_le_bytes(*value))
}
