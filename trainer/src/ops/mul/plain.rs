//! A product in integers: its record, as `infer` runs it, and its cost.

use infer::Mul;
use infer::format::{MulRecord, OperatorRecord};
use infer::schedule::INPUTS_MAX;

use crate::ops::{self, CALL, Choice, Part, PlainKind, PlainOperator, Running, Scales, Term};

/// Scale of the multiplier: it stands for `multiplier / 2^32`.
const MULTIPLIER_ONE: f64 = 4_294_967_296.0;

/// A product; fields as in [`MulRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Row and column of each input under the first output.
    pub origins: [[u16; 2]; INPUTS_MAX],
    /// The scales of both inputs over that of the output, times 2^32; see [`MulRecord`].
    pub multiplier: i32,
    /// With two roundings.
    pub shift: Option<i8>,
}

impl Plain {
    /// The product of the parts that are computed, in these scales.
    pub fn new(part: &Part, scales: &Scales) -> Self {
        let [first, second] = scales.inputs.map(|input| input.scale as f64);
        let multiplier = first * second / scales.output.scale as f64 * MULTIPLIER_ONE;
        // A product reads no padding.
        let origins = part.inputs.map(|input| input.origin.map(i16::unsigned_abs));
        let multiplier = multiplier.round().clamp(1.0, i32::MAX as f64) as i32;
        Self { origins, multiplier, shift: None }
    }
}

/// How a product is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Value by value.
    Direct,
}

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        "Mul".to_owned()
    }

    fn formula(self) -> String {
        "Mul".to_owned()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        let Self { origins, multiplier, shift } = *self;
        let inputs = [inputs[0], inputs[1]];
        OperatorRecord::Mul(MulRecord { inputs, origins, multiplier, shift })
    }
}

impl Running for Mul {
    fn choice(&self) -> Choice {
        Choice::Mul(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        let Self { origins, multiplier, shift, .. } = *self;
        PlainKind::Mul(Plain { origins, multiplier, shift })
    }

    fn terms(&self) -> Vec<Term> {
        let pixels = self.output.height as f64 * self.output.width as f64;
        let (rows, values) = (self.output.height as f64, self.output.len() as f64);
        vec![(CALL, 1.0), ("row", rows), ("pixel", pixels), ("value", values)]
    }

    fn describe(&self) -> String {
        "mul".to_owned()
    }
}
