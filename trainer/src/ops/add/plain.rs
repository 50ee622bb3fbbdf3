//! A sum in integers: its record, as `infer` runs it, and its cost.

use infer::Add;
use infer::format::{AddRecord, OperatorRecord, OutputQuant, Scaling};
use infer::schedule::INPUTS_MAX;

use crate::ops::{self, CALL, Choice, Part, PlainKind, PlainOperator, Running, Scales, Term};

/// Most output steps of a step of an input: the largest multiplier over `2^1`.
pub const STEPS_MAX: f64 = 16_383.0;

/// Largest multiplier.
const MULTIPLIER_MAX: f64 = i16::MAX as f64;

/// Largest shift.
const SHIFT_MAX: u8 = 23;

/// A sum; fields as in [`AddRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Row and column of each input under the first output.
    pub origins: [[u16; 2]; INPUTS_MAX],
    /// How values of the inputs become one of the output.
    pub scaling: Scaling,
}

impl Plain {
    /// The sum of the parts that are computed, in these scales: multipliers of as many bits as
    /// there are.
    pub fn new(part: &Part, scales: &Scales) -> Self {
        let (multipliers, shift) = scaling(&scales.inputs, scales.output);
        // A sum reads no padding.
        let origins = part.inputs.map(|input| input.origin.map(i16::unsigned_abs));
        Self { origins, scaling: Scaling::Once { multipliers, shift } }
    }
}

/// The scale of each input (there are one or two) in scales of the output, times `2^shift`; and
/// the shift, the largest with which they fit 16 bits.
pub fn scaling(inputs: &[OutputQuant], output: OutputQuant) -> ([i16; INPUTS_MAX], u8) {
    let steps = |input: &OutputQuant| input.scale as f64 / output.scale as f64;
    let largest = inputs.iter().map(steps).fold(0.0, f64::max);
    let fits = |shift: &u8| (largest * f64::from(1u32 << shift)).round() <= MULTIPLIER_MAX;
    let shift = (1..=SHIFT_MAX).rev().find(fits).unwrap_or(1);
    let mut multipliers = [1; INPUTS_MAX];
    for (multiplier, input) in multipliers.iter_mut().zip(inputs) {
        let exact = (steps(input) * f64::from(1u32 << shift)).round();
        *multiplier = exact.clamp(1.0, MULTIPLIER_MAX) as i16;
    }
    (multipliers, shift)
}

/// How a sum is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Value by value.
    Direct,
}

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        "Add".to_owned()
    }

    fn formula(self) -> String {
        "Add".to_owned()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        let Self { origins, scaling } = *self;
        OperatorRecord::Add(AddRecord { inputs: [inputs[0], inputs[1]], origins, scaling })
    }
}

impl Running for Add {
    fn choice(&self) -> Choice {
        Choice::Add(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        let Self { origins, scaling, .. } = *self;
        PlainKind::Add(Plain { origins, scaling })
    }

    /// Row by row, or all rows at once where they lie one after the other.
    fn terms(&self) -> Vec<Term> {
        let output = self.output;
        let values = output.len() as f64;
        let is_whole = self.inputs.iter().all(|[_, width]| *width == output.width);
        let runs = if is_whole { 1.0 } else { output.height as f64 };
        vec![(CALL, 1.0), ("run", runs), ("value", values)]
    }

    fn describe(&self) -> String {
        "add".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Source;
    use infer::Shape;

    fn multipliers(inputs: [f32; 2], output: f32) -> ([i16; 2], u8) {
        let source = Source { shape: Shape::vector(1), origin: [0, 0] };
        let part = Part { inputs: [source; 2], output: Shape::vector(1) };
        let quant = |scale| OutputQuant { scale, zero_point: 0 };
        let scales = Scales { inputs: inputs.map(quant), output: quant(output) };
        match Plain::new(&part, &scales).scaling {
            Scaling::Once { multipliers, shift } => (multipliers, shift),
            Scaling::Twice { .. } => panic!("one rounding"),
        }
    }

    /// 0.5 and 0.25 steps: `0.5 * 2^15 = 16384` and half of that; with one shift more the first
    /// would not fit 15 bits.
    #[test]
    fn multipliers_have_as_many_bits_as_there_are() {
        assert_eq!(multipliers([0.5, 0.25], 1.0), ([16_384, 8192], 15));
        assert_eq!(multipliers([1.0, 1.0], 1.0), ([16_384, 16_384], 14));
        assert_eq!(multipliers([1.0, 1e-9], 1.0), ([16_384, 1], 14));
        assert_eq!(multipliers([16_383.0, 1.0], 1.0), ([32_766, 2], 1));
        assert_eq!(multipliers([1e-7, 1e-9], 1.0), ([1, 1], 23));
    }
}
