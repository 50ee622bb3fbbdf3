//! How the weights of a dense layer lie in the file: pure index functions, used by the exporter to
//! pack and by the kernels to read back.
//!
//! Pairs of int16 are made of inputs two apart, as a core with DSP extension widens them: see
//! [`conv`](crate::ops::conv). int4 weights lie in the order of int8 weights, two groups in the
//! bytes of one: see [`Half`].

use super::algorithms::DenseAlgorithm;
use crate::error::LayerProblem;
use crate::ops::packing::{Half, Halves, PackError, Runs, are_widened, check_bits, get, put};

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
            _ if !self.algorithm.weight_bits().is_int4() => 0,
            DenseAlgorithm::RowsInt4 => inputs.div_ceil(2) * units,
            DenseAlgorithm::QuadsInt4 => inputs * units.next_multiple_of(4) / 2,
        }
    }

    /// Packs int8 weights `[unit][input]`.
    ///
    /// # Errors
    /// A slice of the wrong size, or weights that the algorithm's bits do not hold.
    pub fn pack(&self, weights: &[i8], packed: &mut [u8]) -> Result<(), PackError> {
        if weights.len() != self.inputs * self.units || packed.len() as u64 != self.packed_bytes() {
            return Err(PackError::Size);
        }
        check_bits(self.algorithm.weight_bits(), weights, self.inputs)?;
        packed.fill(0);
        for (unit, row) in weights.chunks_exact(self.inputs.max(1)).enumerate() {
            for (input, weight) in row.iter().enumerate() {
                let place = self.place(unit, input);
                match (self.algorithm, self.half(place)) {
                    (_, Some(half)) => half.write(packed, *weight),
                    (DenseAlgorithm::QuadsWide, None) => {
                        put(packed, place, (*weight as i16).to_le_bytes());
                    }
                    (_, None) => put(packed, place, [*weight as u8]),
                }
            }
        }
        Ok(())
    }

    /// The int8 weight between an input and a unit.
    pub fn weight(&self, packed: &[u8], unit: usize, input: usize) -> i8 {
        let place = self.place(unit, input);
        match self.half(place) {
            Some(half) => half.read(packed),
            None => get::<1>(packed, place)[0] as i8,
        }
    }

    /// Place of an int4 weight, of that of an int8 weight.
    fn half(&self, place: usize) -> Option<Half> {
        let group_shift = if self.algorithm == DenseAlgorithm::RowsInt4 { 0 } else { 2 };
        self.algorithm.weight_bits().is_int4().then(|| Half::of(place, group_shift))
    }

    /// Sum of the sizes of one unit's weights.
    pub(crate) fn magnitude(&self, packed: &[u8], unit: usize) -> u64 {
        if self.algorithm.weight_bits().is_int4() {
            let (runs, halves) = self.int4_runs(unit);
            return runs.int4_magnitude(packed, halves);
        }
        let quads = unit / 4 * 4 * self.inputs + unit % 4 * 4;
        let runs = match self.algorithm {
            DenseAlgorithm::Rows | DenseAlgorithm::RowsInt4 => {
                Runs::one(unit * self.inputs, self.inputs)
            }
            DenseAlgorithm::Quads | DenseAlgorithm::QuadsInt4 => {
                Runs { start: quads, step: 16, run: 4, count: self.inputs / 4 }
            }
            DenseAlgorithm::QuadsWide => {
                let start = quads + unit / 4 * 4 * self.inputs;
                let runs = Runs { start, step: 16, run: 4, count: self.inputs / 2 };
                return runs.wide_magnitude(packed);
            }
        };
        runs.magnitude(packed)
    }

    /// Where the int4 weights of a unit lie, padding included.
    fn int4_runs(&self, unit: usize) -> (Runs, Halves) {
        if self.algorithm == DenseAlgorithm::RowsInt4 {
            let row_bytes = self.inputs.div_ceil(2);
            return (Runs::one(unit * row_bytes, row_bytes), Halves::Both);
        }
        let start = unit / 4 * 2 * self.inputs + unit % 4 / 2 * 4;
        (Runs { start, step: 8, run: 4, count: self.inputs / 4 }, Halves::of_two(unit))
    }

    /// Checks that what fills up the weights is what [`Matrix::pack`] writes.
    pub(crate) fn check(&self, packed: &[u8]) -> Result<(), LayerProblem> {
        let is_wide = self.algorithm == DenseAlgorithm::QuadsWide;
        let has_rows = matches!(self.algorithm, DenseAlgorithm::Rows | DenseAlgorithm::RowsInt4);
        let padded_units = if has_rows { 1 } else { 4 };
        let mut filled_up = self.units..self.units.next_multiple_of(padded_units);
        let written = filled_up.all(|unit| self.magnitude(packed, unit) == 0)
            && (!self.has_last_half()
                || (0..self.units).all(|unit| self.weight(packed, unit, self.inputs) == 0))
            && (!is_wide || are_widened(packed));
        if written { Ok(()) } else { Err(LayerProblem::WeightPadding) }
    }

    /// Whether the last byte of a row holds a single weight.
    const fn has_last_half(&self) -> bool {
        self.algorithm.weight_bits().is_int4()
            && matches!(self.algorithm, DenseAlgorithm::RowsInt4)
            && !self.inputs.is_multiple_of(2)
    }

    /// Place of a weight, bytes; that of an int4 weight comes of it.
    fn place(&self, unit: usize, input: usize) -> usize {
        match self.algorithm {
            DenseAlgorithm::Rows => unit * self.inputs + input,
            DenseAlgorithm::RowsInt4 if self.algorithm.weight_bits().is_int4() => {
                unit * self.inputs.next_multiple_of(2) + input
            }
            DenseAlgorithm::RowsInt4 => 0,
            DenseAlgorithm::Quads | DenseAlgorithm::QuadsInt4 => {
                (unit / 4 * (self.inputs / 4) + input / 4) * 16 + unit % 4 * 4 + input % 4
            }
            DenseAlgorithm::QuadsWide => {
                let pair = unit / 4 * (self.inputs / 2) + input / 4 * 2 + input % 2;
                pair * 16 + unit % 4 * 4 + input % 4 / 2 * 2
            }
        }
    }
}
