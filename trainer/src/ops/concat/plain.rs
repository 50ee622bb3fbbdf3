//! Maps side by side in integers: their record, as `infer` runs it, and its cost.

use infer::Concat;
use infer::format::{ConcatRecord, OperatorRecord, PartRecord};
use infer::schedule::INPUTS_MAX;

use crate::ops::add::scaling;
use crate::ops::{self, CALL, Choice, Part, PlainKind, PlainOperator, Running, Scales, Term};

pub(super) use crate::ops::add::STEPS_MAX;

/// Maps side by side; fields as in [`ConcatRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// How many maps there are: one or two.
    pub count: usize,
    /// Row and column of each input under the first output.
    pub origins: [[i16; 2]; INPUTS_MAX],
    /// Scale of each input in scales of the output, times `2^shift`.
    pub multipliers: [i16; INPUTS_MAX],
    /// See `multipliers`.
    pub shift: u8,
}

impl Plain {
    /// The parts that are computed, in these scales.
    pub fn new(concat: &super::Concat, part: &Part, scales: &Scales) -> Self {
        let count = if concat.is_pad() { 1 } else { INPUTS_MAX };
        let (multipliers, shift) = scaling(&scales.inputs[..count], scales.output);
        let origins = part.inputs.map(|input| input.origin);
        Self { count, origins, multipliers, shift }
    }
}

/// How maps are put side by side: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Pixel by pixel.
    Direct,
}

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        "Concat".to_owned()
    }

    fn formula(self) -> String {
        "Concat".to_owned()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        let part = |at: usize| PartRecord {
            input: inputs[at],
            origin: self.origins[at],
            multiplier: self.multipliers[at],
        };
        let second = (self.count > 1).then(|| part(1));
        OperatorRecord::Concat(ConcatRecord { first: part(0), second, shift: self.shift })
    }
}

impl Running for Concat {
    fn choice(&self) -> Choice {
        Choice::Concat(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        let count = if self.parts[1].input.channels > 0 { 2 } else { 1 };
        let origins = self.parts.map(|part| part.origin);
        let multipliers = self.parts.map(|part| part.multiplier);
        PlainKind::Concat(Plain { count, origins, multipliers, shift: self.shift })
    }

    /// Values that are scaled, that are copied, and zeros around them.
    fn terms(&self) -> Vec<Term> {
        let pixels = self.output.height as f64 * self.output.width as f64;
        let (mut scaled, mut copied, mut zeros) = (0.0, 0.0, 0.0);
        let parts = self.parts.iter().filter(|part| part.input.channels > 0);
        let count = parts.clone().count() as f64;
        for part in parts {
            let inside = |axis: usize, outputs: u16, length: u16| {
                let first = part.origin[axis] as i64;
                let end = (first + outputs as i64).min(length.into());
                (end - first.max(0)).max(0) as f64
            };
            let rows = inside(0, self.output.height, part.input.height);
            let columns = inside(1, self.output.width, part.input.width);
            let channels = part.input.channels as f64;
            let is_copied = part.multiplier as u32 == 1 << self.shift
                && part.zero_point == self.output_quant.zero_point;
            *(if is_copied { &mut copied } else { &mut scaled }) += rows * columns * channels;
            zeros += (pixels - rows * columns) * channels;
        }
        vec![
            (CALL, 1.0),
            ("part", count),
            ("row", count * self.output.height as f64),
            ("pixel", count * pixels),
            ("scaled", scaled),
            ("copied", copied),
            ("zero", zeros),
        ]
    }

    fn describe(&self) -> String {
        let is_pad = self.parts[1].input.channels == 0;
        if is_pad { "pad" } else { "concat" }.to_owned()
    }
}
