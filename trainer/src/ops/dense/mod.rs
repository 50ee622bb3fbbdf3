//! A fully connected layer with bias, with the ReLU that follows it.

mod float;
mod plain;

use burn::tensor::Tensor;
use infer::Shape;
use infer::packing::WeightBits;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use infer::format::DenseAlgorithm as Algorithm;
pub use plain::Plain;
pub(crate) use plain::{is_per_tensor, per_tensor_bytes, with_factors};

use super::description::positive;
use super::lookup::of_burn;
use super::{
    Activation, BurnParameters, Description, FloatKind, Function, INT4_TAPS_MAX, Lowered, Operator,
    OutputScale, Part, PlainKind, Problem, Rectifier, Scales, StageKind, Values,
    WEIGHTED_STEPS_MAX, WeightShape, Window, is_int8,
};

/// A layer of the type `dense`: fully connected with bias; flattens its input row by row, pixel by
/// pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Outputs.
    pub units: u16,
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// How many bits its weights have; int8 when left out.
    #[serde(default, skip_serializing_if = "is_int8")]
    pub weights: WeightBits,
}

impl Layer {
    /// One with this many outputs, which nothing follows, with int8 weights.
    pub const fn of(units: u16) -> Self {
        Self { units, activation: None, weights: WeightBits::Eight }
    }
}

/// A dense layer with its ReLU. Weights: `[input][unit]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// The map it flattens.
    pub input: Shape,
    /// Outputs.
    pub units: u16,
    /// What cuts its values off.
    pub rectifier: Rectifier,
}

impl Description for Layer {
    const TYPE: &'static str = "dense";
    const NAME: &'static str = "dense";
    const KEYS: &'static [(&'static str, Values)] = &[
        ("units", Values::Whole(1..=65_535)),
        ("activation", Activation::VALUES),
        ("weights", Values::WEIGHT_BITS),
    ];

    fn lower(&self, [input, ..]: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        positive(self.units, "units")?;
        let (units, rectifier) = (self.units, Rectifier::None);
        Ok(Lowered::Operator(StageKind::Dense(Dense { input, units, rectifier })))
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }

    fn weight_bits(&self) -> WeightBits {
        self.weights
    }
}

impl Operator for Dense {
    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Shape {
        Shape::vector(self.units)
    }

    fn weights(&self) -> Option<WeightShape> {
        let outputs = self.units as usize;
        Some(WeightShape { outputs, taps: self.input.len(), fan_out: outputs })
    }

    fn macs(&self) -> u64 {
        self.input.len() as u64 * self.units as u64
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        None
    }

    fn rectifier(&self) -> Rectifier {
        self.rectifier
    }

    fn rectify(&mut self, rectifier: Rectifier) -> bool {
        self.rectifier = self.rectifier.and(rectifier);
        true
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Calibrated { relu: self.rectifier.is_some(), steps_max: WEIGHTED_STEPS_MAX }
    }

    fn has_int4(&self) -> bool {
        self.input.len() <= INT4_TAPS_MAX
    }

    fn float(&self, part: &Part) -> FloatKind {
        let (input, output) = (part.inputs[0].shape, part.output);
        FloatKind::Dense(Float { input, output, relu: self.rectifier.is_some() })
    }

    fn plain(&self, _: &Part, _: &Scales) -> PlainKind {
        PlainKind::Dense(Plain)
    }

    fn oracle(
        &self,
        maps: &[Tensor<4>],
        parameters: &mut dyn FnMut() -> BurnParameters,
    ) -> Tensor<4> {
        let BurnParameters { weight, bias } = parameters();
        let flat: Tensor<2> = maps[0].clone().permute([0, 2, 3, 1]).flatten(1, 3);
        let out: Tensor<2> = flat.matmul(weight.transpose()) + bias.unsqueeze();
        let [images, units] = out.dims();
        of_burn(Function::Rectify(self.rectifier), out.reshape([images, units, 1, 1]))
    }
}
