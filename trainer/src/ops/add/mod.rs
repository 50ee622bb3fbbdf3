//! The sum of two maps, value by value, with the ReLU that follows it.

mod float;
mod plain;

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use plain::{Algorithm, Plain};

use super::{
    Activation, BurnParameters, Description, FloatKind, Lowered, Operator, OutputScale, Part,
    PlainKind, Problem, Scales, StageKind, Values, Window,
};

/// A layer of the type `add`: the sum of two maps of the same shape, where a branch meets the way
/// past it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// `"relu"` or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// A sum with its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Add {
    /// Each map it reads, and what it leaves.
    pub shape: Shape,
    /// Whether a ReLU follows.
    pub relu: bool,
}

impl Description for Layer {
    const TYPE: &'static str = "add";
    const NAME: &'static str = "add";
    const KEYS: &'static [(&'static str, Values)] = &[("activation", Activation::VALUES)];
    const INPUTS: usize = 2;

    fn lower(&self, shapes: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let [shape, second] = shapes;
        if shape != second {
            return Err(Problem::ShapesDiffer { shapes });
        }
        let relu = self.activation == Some(Activation::Relu);
        Ok(Lowered::Operator(StageKind::Add(Add { shape, relu })))
    }
}

impl Operator for Add {
    fn input(&self, _: usize) -> Shape {
        self.shape
    }

    fn output(&self) -> Shape {
        self.shape
    }

    fn windows(&self) -> Option<[Window; 2]> {
        Some([Window { step: 1, reach: 1, padding: 0 }; 2])
    }

    fn take_in_relu(&mut self) -> bool {
        self.relu = true;
        true
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Calibrated { relu: self.relu, steps_max: plain::STEPS_MAX }
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Add(Float::new(self.relu, part))
    }

    fn plain(&self, part: &Part, scales: &Scales) -> PlainKind {
        PlainKind::Add(Plain::new(part, scales))
    }

    fn oracle(
        &self,
        maps: &[Tensor<4>],
        _: &mut dyn FnMut() -> BurnParameters,
    ) -> Tensor<4> {
        let sum = maps[0].clone() + maps[1].clone();
        if self.relu { relu(sum) } else { sum }
    }
}
