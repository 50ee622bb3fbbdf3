//! A function of one value that no operator does in passing: a table of all answers.

mod float;
mod plain;

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use infer::Shape;
use infer::format::OutputQuant;

pub use float::Float;
pub use plain::{Algorithm, Plain};

use super::{
    Approximation, BurnParameters, FloatKind, Function, Operator, OutputScale, Part, PlainKind,
    Rectifier, Scales, Window,
};

/// A function of each value of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// What it reads, and what it leaves.
    pub shape: Shape,
    /// The function.
    pub function: Function,
}

/// Steps of a sigmoid's output: its 256 answers from 0 to 255/256.
const SIGMOID: OutputQuant = OutputQuant { scale: 1.0 / 256.0, zero_point: -128 };

/// Steps of a tanh's output: its 256 answers from -1 to 127/128.
const TANH: OutputQuant = OutputQuant { scale: 1.0 / 128.0, zero_point: 0 };

impl Operator for Lookup {
    fn input(&self, _: usize) -> Shape {
        self.shape
    }

    fn output(&self) -> Shape {
        self.shape
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        Some([Window::POINT; 2])
    }

    fn output_scale(&self) -> OutputScale {
        let calibrated = |relu| OutputScale::Calibrated { relu, steps_max: f64::INFINITY };
        match self.function {
            Function::Sigmoid => OutputScale::Fixed(SIGMOID),
            Function::Tanh => OutputScale::Fixed(TANH),
            Function::Rectify(rectifier) => calibrated(rectifier.is_some()),
            Function::LeakyRelu { .. } | Function::HardSwish | Function::Gelu { .. } => {
                calibrated(false)
            }
        }
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Lookup(Float::new(self.function, part))
    }

    fn plain(&self, part: &Part, _: &Scales) -> PlainKind {
        // A function of one value reads no padding.
        PlainKind::Lookup(Plain { origin: part.inputs[0].origin.map(i16::unsigned_abs) })
    }

    fn table(&self, scales: &Scales) -> Option<Vec<i8>> {
        Some(plain::table(self.function, scales.inputs[0], scales.output))
    }

    fn oracle(&self, maps: &[Tensor<4>], _: &mut dyn FnMut() -> BurnParameters) -> Tensor<4> {
        of_burn(self.function, maps[0].clone())
    }
}

/// A function by Burn.
pub fn of_burn(function: Function, x: Tensor<4>) -> Tensor<4> {
    match function {
        Function::Rectify(Rectifier::None) => x,
        Function::Rectify(Rectifier::Relu) => x.clamp_min(0.0),
        Function::Rectify(Rectifier::Relu6) => x.clamp(0.0, 6.0),
        Function::LeakyRelu { slope } => x.clone().clamp_min(0.0) + x.clamp_max(0.0) * slope,
        Function::Sigmoid => sigmoid(x),
        Function::Tanh => x.tanh(),
        Function::HardSwish => x.clone() * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        // Burn's own derivative of it is that of the approximation.
        Function::Gelu { approximate: None } => x.clone() * ((x * FRAC_1_SQRT_2).erf() + 1.0) * 0.5,
        Function::Gelu { approximate: Some(Approximation::Tanh) } => {
            let inner = x.clone() + x.clone().powi_scalar(3) * 0.044715;
            x * ((inner * (2.0 / PI).sqrt()).tanh() + 1.0) * 0.5
        }
    }
}
