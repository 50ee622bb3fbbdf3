//! Functions of one value, in a layer or as layers of their own.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

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
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x`, and below 0 a hundredth of it.
    LeakyRelu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x * min(max(x + 3, 0), 6) / 6`.
    HardSwish,
    /// `x * (1 + erf(x / sqrt(2))) / 2`.
    Gelu,
}

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// What cuts values off, which most operators do in passing.
    Rectify(Rectifier),
    /// `x`, and below 0 `slope * x`.
    LeakyRelu {
        /// Slope below 0.
        slope: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x * min(max(x + 3, 0), 6) / 6`.
    HardSwish,
    /// `x` times the part of a normal distribution that lies below it.
    Gelu {
        /// How that part is computed.
        approximate: Option<Approximation>,
    },
}

/// How a [`Gelu`] is computed if not exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approximation {
    /// `(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2` is the part.
    Tanh,
}

/// What cuts the values of an operator off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rectifier {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

/// The slope of a leaky ReLU below 0 where none is given.
const LEAKY_SLOPE: f32 = 0.01;

/// Largest value after a ReLU6.
const RELU6_MAX: f32 = 6.0;

impl Activation {
    /// What the key `activation` may hold.
    pub const VALUES: Values =
        Values::Word(&["relu", "relu6", "leaky_relu", "sigmoid", "tanh", "hard_swish", "gelu"]);

    /// Its function.
    pub const fn function(self) -> Function {
        match self {
            Self::Relu => Function::Rectify(Rectifier::Relu),
            Self::Relu6 => Function::Rectify(Rectifier::Relu6),
            Self::LeakyRelu => Function::LeakyRelu { slope: LEAKY_SLOPE },
            Self::Sigmoid => Function::Sigmoid,
            Self::Tanh => Function::Tanh,
            Self::HardSwish => Function::HardSwish,
            Self::Gelu => Function::Gelu { approximate: None },
        }
    }
}

impl Rectifier {
    /// Whether values below 0 are cut off.
    pub fn is_some(self) -> bool {
        self != Self::None
    }

    /// Both, one after the other.
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// The smallest value there can be.
    pub const fn least(self) -> f32 {
        match self {
            Self::None => f32::NEG_INFINITY,
            Self::Relu | Self::Relu6 => 0.0,
        }
    }

    /// The largest value there can be.
    pub const fn most(self) -> f32 {
        match self {
            Self::None | Self::Relu => f32::INFINITY,
            Self::Relu6 => RELU6_MAX,
        }
    }
}

impl Function {
    /// Its value at `x`.
    pub fn at(self, x: f64) -> f64 {
        match self {
            Self::Rectify(rectifier) => {
                x.max(rectifier.least().into()).min(rectifier.most().into())
            }
            Self::LeakyRelu { slope } if x < 0.0 => slope as f64 * x,
            Self::LeakyRelu { .. } => x,
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Self::Tanh => libm::tanh(x),
            Self::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Self::Gelu { approximate: None } => 0.5 * x * libm::erfc(x * -FRAC_1_SQRT_2),
            Self::Gelu { approximate: Some(Approximation::Tanh) } => {
                0.5 * x * (1.0 + libm::tanh(tanh_argument(x)))
            }
        }
    }

    /// Its derivative at `x`.
    pub fn slope_at(self, x: f64) -> f64 {
        let y = self.at(x);
        let if_so = |is_so: bool| if is_so { 1.0 } else { 0.0 };
        match self {
            Self::Rectify(rectifier) => {
                if_so(y > rectifier.least().into() && y < rectifier.most().into())
            }
            Self::LeakyRelu { slope } if x < 0.0 => slope.into(),
            Self::LeakyRelu { .. } => 1.0,
            Self::Sigmoid => y * (1.0 - y),
            Self::Tanh => 1.0 - y * y,
            Self::HardSwish => match x {
                ..=-3.0 => 0.0,
                3.0.. => 1.0,
                _ => (2.0 * x + 3.0) / 6.0,
            },
            Self::Gelu { approximate: None } => {
                let density = 0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI * libm::exp(-0.5 * x * x);
                0.5 * libm::erfc(x * -FRAC_1_SQRT_2) + x * density
            }
            Self::Gelu { approximate: Some(Approximation::Tanh) } => {
                let tanh = libm::tanh(tanh_argument(x));
                let slope = FRAC_1_SQRT_2 * FRAC_2_SQRT_PI * (1.0 + 3.0 * CUBE * x * x);
                0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * slope
            }
        }
    }
}

/// The factor of `x^3` in a GELU by the hyperbolic tangent.
const CUBE: f64 = 0.044715;

/// What a GELU takes the hyperbolic tangent of.
fn tanh_argument(x: f64) -> f64 {
    FRAC_1_SQRT_2 * FRAC_2_SQRT_PI * (x + CUBE * x * x * x)
}

/// A layer of one function, with nothing to say of it.
macro_rules! function {
    ($(#[doc = $doc:literal])+ $Name:ident, $name:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {}

        impl Description for $Name {
            const TYPE: &'static str = $name;
            const NAME: &'static str = $name;
            const NUMBERED: bool = false;
            const KEYS: &'static [(&'static str, Values)] = &[];

            fn lower(&self, _: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
                Ok(Lowered::Function(Activation::$Name.function()))
            }
        }
    };
}

function! {
    /// `max(x, 0)`.
    Relu, "relu"
}
function! {
    /// `min(max(x, 0), 6)`.
    Relu6, "relu6"
}
function! {
    /// `1 / (1 + exp(-x))`.
    Sigmoid, "sigmoid"
}
function! {
    /// The hyperbolic tangent.
    Tanh, "tanh"
}
function! {
    /// `x * min(max(x + 3, 0), 6) / 6`.
    HardSwish, "hard_swish"
}

/// `x`, and below 0 `slope * x`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakyRelu {
    /// Slope below 0; 0.01 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slope: Option<f32>,
}

impl Description for LeakyRelu {
    const TYPE: &'static str = "leaky_relu";
    const NAME: &'static str = "leaky_relu";
    const NUMBERED: bool = false;
    const KEYS: &'static [(&'static str, Values)] = &[("slope", Values::Real(0.0..=1.0))];

    fn lower(&self, _: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let slope = self.slope.unwrap_or(LEAKY_SLOPE);
        Ok(Lowered::Function(Function::LeakyRelu { slope }))
    }
}

/// `x` times the part of a normal distribution that lies below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gelu {
    /// How that part is computed; exactly when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approximate: Option<Approximation>,
}

impl Gelu {
    /// By the hyperbolic tangent, or exactly.
    pub fn of(is_tanh: bool) -> Self {
        Self { approximate: is_tanh.then_some(Approximation::Tanh) }
    }
}

impl Description for Gelu {
    const TYPE: &'static str = "gelu";
    const NAME: &'static str = "gelu";
    const NUMBERED: bool = false;
    const KEYS: &'static [(&'static str, Values)] = &[("approximate", Values::Word(&["tanh"]))];

    fn lower(&self, _: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        Ok(Lowered::Function(Function::Gelu { approximate: self.approximate }))
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 7] = [
        Activation::Relu,
        Activation::Relu6,
        Activation::LeakyRelu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::HardSwish,
        Activation::Gelu,
    ];

    const NEARLY: Function = Function::Gelu { approximate: Some(Approximation::Tanh) };

    #[test]
    fn slopes_are_difference_quotients() {
        for function in ALL.map(Activation::function).into_iter().chain([NEARLY]) {
            for step in -80..80 {
                // Never at a corner: those are at whole numbers.
                let (x, h) = (step as f64 / 10.0 + 0.05, 1e-5);
                let quotient = (function.at(x + h) - function.at(x - h)) / (2.0 * h);
                let slope = function.slope_at(x);
                assert!((slope - quotient).abs() < 1e-8, "{function:?} at {x}: {slope}");
            }
        }
    }

    #[test]
    fn values_of_functions() {
        let at = |activation: Activation, x| activation.function().at(x);
        assert_eq!([-1.0, 2.0, 7.0].map(|x| at(Activation::Relu, x)), [0.0, 2.0, 7.0]);
        assert_eq!([-1.0, 2.0, 7.0].map(|x| at(Activation::Relu6, x)), [0.0, 2.0, 6.0]);
        assert_eq!(at(Activation::HardSwish, 1.0), 4.0 / 6.0);
        assert_eq!([-4.0, 4.0].map(|x| at(Activation::HardSwish, x)), [0.0, 4.0]);
        assert_eq!(at(Activation::Sigmoid, 0.0), 0.5);
        assert!((at(Activation::LeakyRelu, -2.0) + 0.02).abs() < 1e-9);
        // 0.841345 of a normal distribution lies below 1.
        assert!((at(Activation::Gelu, 1.0) - 0.841_344_746).abs() < 1e-9);
        assert!((NEARLY.at(1.0) - 0.841_191_991).abs() < 1e-9);
    }
}
