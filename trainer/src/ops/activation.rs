//! Activations: layers of a description that become part of the operator before them.

use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

use super::description::{Description, Lowered, Problem, Values};

/// An activation written inside a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// What the key `activation` may hold.
    pub const VALUES: Values = Values::Word(&["relu"]);
}

/// `max(x, 0)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

impl Description for Relu {
    const TYPE: &'static str = "relu";
    const NAME: &'static str = "relu";
    const NUMBERED: bool = false;
    const KEYS: &'static [(&'static str, Values)] = &[];

    fn lower(&self, _: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        Ok(Lowered::Relu)
    }
}

/// Turns the last layer's values into probabilities; only as the last layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {}

impl Description for Softmax {
    const TYPE: &'static str = "softmax";
    const NAME: &'static str = "softmax";
    const NUMBERED: bool = false;
    const KEYS: &'static [(&'static str, Values)] = &[];

    fn lower(&self, _: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        Ok(Lowered::Probabilities)
    }
}
