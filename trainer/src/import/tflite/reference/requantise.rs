//! Operators that scale each value for itself: `RELU`, `RELU6`, `RELU_N1_TO_1`, `LEAKY_RELU` and
//! `QUANTIZE` from int8 to int8.
//!
//! ```text
//! output = clamp(output_zero_point + factor(q - input_zero_point))
//! factor = input_scale / output_scale, of a leaky ReLU alpha times that below the zero point
//! ```

use super::Kernel;
use super::error::Misfit;
use super::fixed_point::Factor;
use super::node::{Node, Output};

pub struct Requantise {
    input_zero_point: i32,
    /// Of values from the zero point on, and below it.
    factors: [Factor; 2],
    output: Output,
}

impl Requantise {
    /// Values from `least` to `most`.
    pub fn relu(node: Node<'_>, least: f32, most: f32) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let steps =
            |real: f32| output.zero_point.saturating_add((real / output.scale).round() as i32);
        let factor = f64::from(input.scale / output.scale);
        let range = Output::new(output.zero_point, [steps(least), steps(most)]);
        Self::new(node, [factor; 2], range)
    }

    pub fn leaky_relu(node: Node<'_>, alpha: f32) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let factors = [input.scale / output.scale, input.scale * alpha / output.scale];
        Self::new(node, factors.map(f64::from), node.clamped()?)
    }

    pub fn quantise(node: Node<'_>) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let factor = f64::from(input.scale) / f64::from(output.scale);
        Self::new(node, [factor; 2], node.clamped()?)
    }

    fn new(node: Node<'_>, factors: [f64; 2], output: Output) -> Result<Self, Misfit> {
        let factor = |real| Factor::of(real).filter(|factor| factor.fits(255)).ok_or(Misfit::Range);
        let input_zero_point = node.quantisation(0)?.zero_point;
        Ok(Self { input_zero_point, factors: [factor(factors[0])?, factor(factors[1])?], output })
    }
}

impl Kernel for Requantise {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let scaled = |value: &i8| {
            let steps = i32::from(*value) - self.input_zero_point;
            self.output.value(self.factors[usize::from(steps < 0)].scale(steps))
        };
        inputs[0].iter().map(scaled).collect()
    }
}
