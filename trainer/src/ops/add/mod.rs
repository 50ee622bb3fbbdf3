//! The sum of two maps, value by value, with the ReLU that follows it.

mod float;
mod plain;

use burn::tensor::Tensor;
use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use plain::{Algorithm, Plain, STEPS_MAX, scaling};

use super::lookup::of_burn;
use super::{
    Activation, BurnParameters, Description, FloatKind, Function, Lowered, Operator, OutputScale,
    Part, PlainKind, Problem, Rectifier, Scales, StageKind, Values, Window,
};

/// A layer of the type `add`: the sum of two maps of the same shape, where a branch meets the way
/// past it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// A sum with its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Add {
    /// Each map it reads, and what it leaves.
    pub shape: Shape,
    /// What cuts its values off.
    pub rectifier: Rectifier,
}

impl Description for Layer {
    const TYPE: &'static str = "add";
    const NAME: &'static str = "add";
    const KEYS: &'static [(&'static str, Values)] = &[("activation", Activation::VALUES)];
    const INPUTS: usize = 2;

    fn lower(&self, shapes: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let [shape, second] = shapes;
        if shape != second {
            let needed = "have one shape";
            return Err(Problem::ShapesDiffer { verb: "adds", shapes, needed });
        }
        Ok(Lowered::Operator(StageKind::Add(Add { shape, rectifier: Rectifier::None })))
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }
}

impl Operator for Add {
    fn input(&self, _: usize) -> Shape {
        self.shape
    }

    fn output(&self) -> Shape {
        self.shape
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        Some([Window::POINT; 2])
    }

    fn rectifier(&self) -> Rectifier {
        self.rectifier
    }

    fn rectify(&mut self, rectifier: Rectifier) -> bool {
        self.rectifier = self.rectifier.and(rectifier);
        true
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Calibrated { relu: self.rectifier.is_some(), steps_max: STEPS_MAX }
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Add(Float::new(self.rectifier.is_some(), part))
    }

    fn plain(&self, part: &Part, scales: &Scales) -> PlainKind {
        PlainKind::Add(Plain::new(part, scales))
    }

    fn oracle(&self, maps: &[Tensor<4>], _: &mut dyn FnMut() -> BurnParameters) -> Tensor<4> {
        let sum = maps[0].clone() + maps[1].clone();
        of_burn(Function::Rectify(self.rectifier), sum)
    }
}
