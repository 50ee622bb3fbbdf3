//! How the weights of a dense layer lie in the file: pure index functions, used by the exporter to
//! pack and by the kernels to read back.
//!
//! Pairs of int16 are made of inputs two apart, as a core with DSP extension widens them: see
//! [`conv`](crate::ops::conv). int4 weights lie in the order of int8 weights, two groups in the
//! bytes of one: see [`Half`].

use super::algorithms::DenseAlgorithm;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::ops::packing::{Half, Halves, PackError, Runs, are_widened, check_bits, get, put, size};

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
            DenseAlgorithm::QuadsWide | DenseAlgorithm::QuadsPaired => {
                2 * inputs * units.next_multiple_of(4)
            }
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
        if self.algorithm == DenseAlgorithm::QuadsPaired {
            check_pairs(weights, self.inputs)?;
        }
        packed.fill(0);
        for (unit, row) in weights.chunks_exact(self.inputs.max(1)).enumerate() {
            for (input, weight) in row.iter().enumerate() {
                let place = self.place(unit, input);
                match (self.algorithm, self.half(place)) {
                    (_, Some(half)) => half.write(packed, *weight),
                    (DenseAlgorithm::QuadsWide, None) => {
                        put(packed, place, (*weight as i16).to_le_bytes());
                    }
                    (DenseAlgorithm::QuadsPaired, None) => {
                        Word::of(packed, place).with(unit, *weight).put(packed, place);
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
            None if self.algorithm == DenseAlgorithm::QuadsPaired => {
                Word::of(packed, place).weight(unit)
            }
            None => get::<1>(packed, place)[0] as i8,
        }
    }

    /// Place of an int4 weight, of that of an int8 weight.
    fn half(&self, place: usize) -> Option<Half> {
        let group_shift = if self.algorithm == DenseAlgorithm::RowsInt4 { 0 } else { 2 };
        self.algorithm.weight_bits().is_int4().then(|| Half::of(place, group_shift))
    }

    /// Sum of the sizes of one unit's weights.
    pub(crate) fn magnitude(&self, packed: &[u8], unit: usize) -> Result<u64, LayerProblem> {
        if self.algorithm.weight_bits().is_int4() {
            let (runs, halves) = self.int4_runs(unit);
            return Ok(runs.int4_magnitude(packed, halves));
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
                return Ok(runs.wide_magnitude(packed));
            }
            DenseAlgorithm::QuadsPaired => return self.paired_magnitude(packed, unit),
        };
        Ok(runs.magnitude(packed))
    }

    /// The same of weights that lie in words, if the sums of every pair of inputs fit their halves.
    fn paired_magnitude(&self, packed: &[u8], unit: usize) -> Result<u64, LayerProblem> {
        if !Feature::DenseQuadsPaired.is_built() {
            return Err(LayerProblem::NotBuilt(Feature::DenseQuadsPaired));
        }
        let words = packed.as_chunks().0.get(self.place(unit, 0) / 4..).unwrap_or_default();
        let mut sum = 0;
        for pair in words.chunks(4).take(self.inputs / 2) {
            let [first, _, second, ..] = pair else { break };
            let sizes = [first, second].map(|word| size(Word::from(*word).weight(unit)));
            if sizes == [128; 2] {
                let channel = u16::try_from(unit).unwrap_or(u16::MAX);
                return Err(LayerProblem::AlgorithmRange { channel });
            }
            sum += (sizes[0] + sizes[1]) as u64;
        }
        Ok(sum)
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
        let is_paired = self.algorithm == DenseAlgorithm::QuadsPaired;
        let has_rows = matches!(self.algorithm, DenseAlgorithm::Rows | DenseAlgorithm::RowsInt4);
        let padded_units = if has_rows { 1 } else { 4 };
        let mut filled_up = self.units..self.units.next_multiple_of(padded_units);
        let written = filled_up.all(|unit| self.magnitude(packed, unit) == Ok(0))
            && (!self.has_last_half()
                || (0..self.units).all(|unit| self.weight(packed, unit, self.inputs) == 0))
            && (!is_wide || are_widened(packed))
            && (!is_paired || are_words(packed));
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
            DenseAlgorithm::QuadsPaired => (unit / 4 * self.inputs + input) * 8 + unit % 4 / 2 * 4,
        }
    }
}

/// The weights of two units in a word: that of the first plus 2^16 times that of the second.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Word(i32);

impl Word {
    /// The word at a place, which is of a unit and the one beside it.
    fn of(packed: &[u8], place: usize) -> Self {
        Self::from(get(packed, place))
    }

    fn put(self, packed: &mut [u8], place: usize) {
        put(packed, place, self.0.to_le_bytes());
    }

    /// The word with the weight of a unit, which has none in it yet.
    const fn with(self, unit: usize, weight: i8) -> Self {
        Self(self.0.wrapping_add((weight as i32) << (unit % 2 * 16)))
    }

    /// The weight of a unit.
    #[inline(always)]
    pub(super) const fn weight(self, unit: usize) -> i8 {
        match unit % 2 {
            0 => self.0 as i8,
            _ => (self.0.wrapping_sub(self.0 as i8 as i32) >> 16) as i8,
        }
    }

    /// Whether it is made of two weights.
    fn is_made(self) -> bool {
        Self(0).with(0, self.weight(0)).with(1, self.weight(1)) == self
    }
}

impl From<[u8; 4]> for Word {
    #[inline(always)]
    fn from(bytes: [u8; 4]) -> Self {
        Self(i32::from_le_bytes(bytes))
    }
}

/// Whether words are made of two weights each.
fn are_words(packed: &[u8]) -> bool {
    packed.as_chunks().0.iter().all(|bytes| Word::from(*bytes).is_made())
}

/// Refuses weights, unit by unit, of which both of a pair of inputs are -128: the sum of two
/// products of such may be 2^15, which is more than half of a word holds.
fn check_pairs(weights: &[i8], inputs: usize) -> Result<(), PackError> {
    let mut units = weights.chunks(inputs.max(1));
    let is_outside = |unit: &[i8]| unit.chunks(2).any(|pair| pair == [i8::MIN; 2]);
    match units.position(is_outside) {
        Some(channel) => Err(PackError::Pair { channel }),
        None => Ok(()),
    }
}
