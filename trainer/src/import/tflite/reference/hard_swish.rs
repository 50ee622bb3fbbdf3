//! `HARD_SWISH`: `x * clamp(x + 3, 0, 6) / 6`, with factors of 16 bits.
//!
//! ```text
//! x      = (q - input_zero_point) * 2^7
//! scaled = x * output_multiplier           output factor = input_scale / 2^7 / output_scale
//! relu   = (reluish factor(x) + 2^15) >> 1 reluish factor = input_scale / 2^7 / (3 / 2^15)
//! output = clamp(output_zero_point + relu * scaled / 2^15 * 2^shift)
//! ```

use super::Kernel;
use super::error::Misfit;
use super::fixed_point::{Factor, divide_by_power_of_two};
use super::node::{Node, Output};

pub struct HardSwish {
    input_zero_point: i32,
    scaled: Narrow,
    reluish: Narrow,
    output: Output,
}

/// A factor with a multiplier of 16 bits.
#[derive(Clone, Copy)]
struct Narrow {
    multiplier: i16,
    shift: i32,
}

impl HardSwish {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let fine_scale = (1.0 / 128.0) * input.scale;
        let hard_swish = Self {
            input_zero_point: input.zero_point,
            scaled: Narrow::of(fine_scale / output.scale)?,
            reluish: Narrow::of(fine_scale / (3.0 / 32768.0))?,
            output: node.clamped()?,
        };
        (hard_swish.scaled.shift <= 0).then_some(hard_swish).ok_or(Misfit::Range)
    }

    fn value(&self, value: i8) -> i8 {
        let fine = (i32::from(value) - self.input_zero_point) << 7;
        let scaled = self.scaled.multiply(clamp_to_i16(fine));
        let relu = (i32::from(self.reluish.scale(fine as i16)) + (1 << 15)) >> 1;
        let product = i32::from(relu as i16) * i32::from(scaled) / (1 << 15);
        let shift = (-self.scaled.shift) as u32;
        self.output.value(divide_by_power_of_two(product, shift))
    }
}

impl Kernel for HardSwish {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        inputs[0].iter().map(|value| self.value(*value)).collect()
    }
}

impl Narrow {
    fn of(real: f32) -> Result<Self, Misfit> {
        let Factor { multiplier, shift } = Factor::of(real.into()).ok_or(Misfit::Range)?;
        let rounded = (i64::from(multiplier) + (1 << 15)) >> 16;
        Ok(Self { multiplier: rounded.min(i16::MAX.into()) as i16, shift })
    }

    /// `value * multiplier / 2^15`, rounded to nearest.
    fn multiply(self, value: i16) -> i16 {
        let product = i32::from(value) * i32::from(self.multiplier);
        let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
        clamp_to_i16((product + nudge) / (1 << 15))
    }

    /// Multiplied and shifted, all to the left but one bit before: what is too large becomes the
    /// largest number.
    fn scale(self, value: i16) -> i16 {
        if self.shift <= 0 {
            let product = self.multiply(value);
            return divide_by_power_of_two(product.into(), (-self.shift) as u32) as i16;
        }
        let shifted = i64::from(value) << (self.shift - 1);
        let shifted = shifted.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        clamp_to_i16(2 * i32::from(self.multiply(shifted)))
    }
}

fn clamp_to_i16(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
