//! The product of two maps, value by value, or of a map with a factor for each channel, with the
//! ReLU that follows it.

mod float;
mod plain;

use burn::tensor::Tensor;
use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use plain::{Algorithm, Plain};

use super::lookup::of_burn;
use super::{
    Activation, BurnParameters, Description, FloatKind, Function, Lowered, Operator, OutputScale,
    Part, PlainKind, Problem, Rectifier, Scales, StageKind, Values, Window,
};

/// A layer of the type `mul`: the product of two maps of one shape, or of a map and one of a single
/// row and column, which is a factor for each channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// A product with its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Mul {
    /// The maps it reads.
    pub inputs: [Shape; INPUTS_MAX],
    /// What follows.
    pub rectifier: Rectifier,
}

impl Description for Layer {
    const TYPE: &'static str = "mul";
    const NAME: &'static str = "mul";
    const KEYS: &'static [(&'static str, Values)] = &[("activation", Activation::VALUES)];
    const INPUTS: usize = 2;

    fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let [first, second] = inputs;
        if second != first && second != Shape::vector(first.channels) {
            let needed = "have one shape, or the second one row, one column and as many channels";
            return Err(Problem::ShapesDiffer { verb: "multiplies", shapes: inputs, needed });
        }
        let mul = Mul { inputs, rectifier: Rectifier::None };
        Ok(Lowered::Operator(StageKind::Mul(mul)))
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }
}

impl Mul {
    /// Whether the second map is a factor for each channel.
    fn is_by_channel(&self) -> bool {
        self.inputs[1] == Shape::vector(self.inputs[0].channels)
    }
}

impl Operator for Mul {
    fn input(&self, input: usize) -> Shape {
        self.inputs[input]
    }

    fn output(&self) -> Shape {
        self.inputs[0]
    }

    fn windows(&self, input: usize) -> Option<[Window; 2]> {
        let is_factor = input == 1 && self.is_by_channel();
        Some([Window { step: if is_factor { 0 } else { 1 }, ..Window::POINT }; 2])
    }

    fn rectifier(&self) -> Rectifier {
        self.rectifier
    }

    fn rectify(&mut self, rectifier: Rectifier) -> bool {
        self.rectifier = self.rectifier.and(rectifier);
        true
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Product { relu: self.rectifier.is_some() }
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Mul(Float::new(self, part))
    }

    fn plain(&self, part: &Part, scales: &Scales) -> PlainKind {
        PlainKind::Mul(Plain::new(part, scales))
    }

    fn oracle(&self, maps: &[Tensor<4>], _: &mut dyn FnMut() -> BurnParameters) -> Tensor<4> {
        let product = maps[0].clone() * maps[1].clone();
        of_burn(Function::Rectify(self.rectifier), product)
    }
}
