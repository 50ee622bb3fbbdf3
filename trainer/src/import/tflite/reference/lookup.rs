//! `LOGISTIC`, `TANH` and `GELU`: a table of 256 values, computed in single precision.
//!
//! ```text
//! value    = f(input_scale * (q - input_zero_point))
//! table[q] = clamp(output_zero_point + round(value / output_scale))
//! ```

use super::Kernel;
use super::error::Misfit;
use super::node::{Affine, Node, Output};

pub struct Lookup([i8; 256]);

/// `1 / (1 + exp(-x))`; the output has scale 1/256 and zero point -128.
pub fn logistic(node: Node<'_>) -> Result<Lookup, Misfit> {
    let output = Affine { scale: 1.0 / 256.0, zero_point: -128 };
    Lookup::new(node, output, |x| 1.0 / (1.0 + libm::expf(-x)))
}

/// The output has scale 1/128 and zero point 0.
pub fn tanh(node: Node<'_>) -> Result<Lookup, Misfit> {
    Lookup::new(node, Affine { scale: 1.0 / 128.0, zero_point: 0 }, libm::tanhf)
}

/// `x / 2 * erfc(-x / sqrt(2))`, or with `is_tanh`
/// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`; any scale of the output.
pub fn gelu(node: Node<'_>, is_tanh: bool) -> Result<Lookup, Misfit> {
    const ROOT_OF_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const ROOT_OF_2_BY_PI: f32 = ROOT_OF_HALF * std::f32::consts::FRAC_2_SQRT_PI;
    const CUBE: f32 = 0.044715;
    let exact: fn(f32) -> f32 = |x| 0.5 * x * libm::erfcf(x * -ROOT_OF_HALF);
    let nearly: fn(f32) -> f32 =
        |x| 0.5 * x * (1.0 + libm::tanhf(ROOT_OF_2_BY_PI * (x + CUBE * x * x * x)));
    Lookup::of(node, if is_tanh { nearly } else { exact })
}

impl Lookup {
    fn new(node: Node<'_>, expected: Affine, f: fn(f32) -> f32) -> Result<Self, Misfit> {
        match node.output_quantisation()? == expected {
            true => Self::of(node, f),
            false => Err(Misfit::OutputScale),
        }
    }

    fn of(node: Node<'_>, f: fn(f32) -> f32) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let range = Output::new(output.zero_point, [i32::MIN, i32::MAX]);
        let value = |index: usize| {
            let steps = index as i32 - 128 - input.zero_point;
            let real = f(input.scale * steps as f32);
            range.value((real * (1.0 / output.scale)).round() as i32)
        };
        Ok(Self(std::array::from_fn(value)))
    }
}

impl Kernel for Lookup {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        inputs[0].iter().map(|value| self.0[(i32::from(*value) + 128) as usize]).collect()
    }
}
