//! `PRELU`: a factor of negative numbers for each channel.
//!
//! ```text
//! x      = q - input_zero_point                    a = alpha - alpha_zero_point
//! output = clamp(output_zero_point + factor(x))         of x from 0 on
//!          clamp(output_zero_point + factor_of_negative(x * a))
//! factor = input_scale / output_scale
//! factor_of_negative = input_scale * alpha_scale / output_scale       in single precision, both
//! ```

use super::Kernel;
use super::broadcast::Broadcast;
use super::error::Misfit;
use super::fixed_point::Factor;
use super::node::{Node, Output};

pub struct Prelu {
    broadcast: Broadcast,
    /// Of the map, and of alpha.
    zero_points: [i32; 2],
    factor: Factor,
    factor_of_negative: Factor,
    output: Output,
}

impl Prelu {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let (input, alpha) = (node.quantisation(0)?, node.quantisation(1)?);
        let output = node.output_quantisation()?;
        let factor = |real: f32, most: u64| {
            Factor::of(real.into()).filter(|factor| factor.fits(most)).ok_or(Misfit::Range)
        };
        Ok(Self {
            broadcast: Broadcast::new(node)?,
            zero_points: [input.zero_point, alpha.zero_point],
            factor: factor(input.scale / output.scale, 255)?,
            factor_of_negative: factor(input.scale * alpha.scale / output.scale, 255 * 255)?,
            output: node.clamped()?,
        })
    }

    /// That of a value and its alpha.
    pub fn value(&self, value: i8, alpha: i8) -> i8 {
        let [x, a] = [(0, value), (1, alpha)]
            .map(|(which, value)| i32::from(value) - self.zero_points[which]);
        self.output.value(match x {
            0.. => self.factor.scale(x),
            _ => self.factor_of_negative.scale(x * a),
        })
    }

    /// What the product of a negative value and alpha is multiplied by.
    pub fn factor_of_negative(&self) -> Factor {
        self.factor_of_negative
    }
}

impl Kernel for Prelu {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        self.broadcast.map(inputs, |value, alpha| self.value(value, alpha))
    }
}
