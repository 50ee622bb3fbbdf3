//! `SOFTMAX` in integers, along the last dimension.
//!
//! ```text
//! d[i]   = beta * input_scale * (q[i] - largest q), 26 fraction bits; below -32 it counts 0
//! sum    = sum of exp(d[i]), each rounded to 19 fraction bits
//! output = clamp(-128 + exp(d[i]) / sum * 256)
//! ```

use super::Kernel;
use super::error::Misfit;
use super::fixed_point::{Factor, Reciprocal, divide_by_power_of_two, exp_of_negative, multiply};
use super::node::{Node, Output};

/// Integer bits of differences.
const DIFFERENCE_BITS: u32 = 5;

/// Integer bits of the sum: 12, so that up to 4,095 terms of at most 1 fit.
const SUM_BITS: u32 = 12;
const TERMS_MAX: usize = (1 << SUM_BITS) - 1;

pub struct Softmax {
    depth: usize,
    factor: Factor,
    /// The smallest difference whose exponential counts.
    least: i32,
}

impl Softmax {
    pub fn new(node: Node<'_>, beta: f32) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        if (output.scale, output.zero_point) != (1.0 / 256.0, -128) {
            return Err(Misfit::OutputScale);
        }
        let depth = node.input(0)?.shape.last().copied().unwrap_or(1);
        if !(1..=TERMS_MAX).contains(&depth) {
            return Err(Misfit::TooLarge);
        }
        let fraction_bits = 31 - DIFFERENCE_BITS;
        let real = f64::from(beta) * f64::from(input.scale) * f64::from(1 << fraction_bits);
        let factor = Factor::of(real.min(f64::from(i32::MAX))).filter(|factor| factor.shift >= 0);
        let factor = factor.ok_or(Misfit::Range)?;
        // The largest difference that is scaled without leaving 32 bits.
        let most = f64::from((1 << DIFFERENCE_BITS) - 1) * f64::from(1 << fraction_bits);
        let least = -((most / (1_u64 << factor.shift) as f64).floor() as i32);
        Ok(Self { depth, factor, least })
    }

    /// What a step of the input becomes.
    pub fn factor(&self) -> Factor {
        self.factor
    }

    /// `exp` of a difference, with 31 fraction bits; `None` where it does not count.
    fn exp(&self, value: i8, largest: i8) -> Option<i32> {
        let difference = i32::from(value) - i32::from(largest);
        (difference >= self.least).then(|| exp_of_negative(self.factor.scale(difference)))
    }
}

impl Kernel for Softmax {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let output = Output::new(i8::MIN.into(), [i32::MIN, i32::MAX]);
        let rows = inputs[0].chunks_exact(self.depth).flat_map(|row| {
            let largest = *row.iter().max().unwrap_or(&0);
            let exps = row.iter().filter_map(|value| self.exp(*value, largest));
            let sum = exps.map(|exp| divide_by_power_of_two(exp, SUM_BITS)).sum();
            let Reciprocal { scale, shift } = Reciprocal::of(sum);
            row.iter().map(move |value| {
                let Some(exp) = self.exp(*value, largest) else { return i8::MIN };
                let share = multiply(scale, exp);
                output.value(divide_by_power_of_two(share, (shift + 31 - 8) as u32))
            })
        });
        rows.collect()
    }
}
