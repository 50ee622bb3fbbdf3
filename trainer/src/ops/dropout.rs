//! Dropout: while training, some values of a map are left out; a trained network has none.

use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

use super::description::{Description, Lowered, Problem, Values};

/// A layer of the type `dropout`: while training, each value before it is 0 with the probability
/// `rate`, and else divided by the probability that it stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Probability of a value to be left out.
    pub rate: f32,
}

impl Description for Dropout {
    const TYPE: &'static str = "dropout";
    const NAME: &'static str = "dropout";
    const KEYS: &'static [(&'static str, Values)] = &[("rate", Values::Real(0.0..=0.95))];

    fn lower(&self, _: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        Ok(Lowered::Dropout(self.rate))
    }
}
