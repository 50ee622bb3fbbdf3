//! `MEAN` over some dimensions.
//!
//! ```text
//! sum    = sum of (q - input_zero_point) over count values
//! output = clamp(output_zero_point + factor(sum))    factor = input_scale / output_scale / count
//! ```
//! The factor's multiplier is divided by the count in integers, after a shift that keeps its bits.

use super::Kernel;
use super::error::Misfit;
use super::fixed_point::Factor;
use super::node::{Node, Output};

pub struct Mean {
    /// For each value of the input which value of the output it belongs to.
    to: Vec<u32>,
    outputs: usize,
    input_zero_point: i32,
    factor: Factor,
    output: Output,
}

impl Mean {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let shape = &node.input(0)?.shape;
        let rank = shape.len() as i64;
        let axes = node.integers(1)?;
        let reduced = |dimension: usize| {
            axes.iter().any(|axis| (axis + if *axis < 0 { rank } else { 0 }) == dimension as i64)
        };
        let mut to = vec![0_u32];
        for (dimension, side) in shape.iter().enumerate() {
            let kept = u32::from(!reduced(dimension));
            let along = |place: u32| {
                let scale = if kept == 1 { *side as u32 } else { 1 };
                (0..*side as u32).map(move |index| place * scale + kept * index)
            };
            to = to.into_iter().flat_map(along).collect();
        }
        let outputs = node.output()?.elements();
        let count =
            to.len().checked_div(outputs).filter(|count| *count > 0).ok_or(Misfit::Count)?;
        let factor = Factor::of(f64::from(input.scale) / f64::from(output.scale));
        let factor = divided(factor.ok_or(Misfit::Range)?, count as u64);
        if !factor.fits(255 * count as u64) {
            return Err(Misfit::Range);
        }
        let (input_zero_point, output) = (input.zero_point, node.clamped()?);
        Ok(Self { to, outputs, input_zero_point, factor, output })
    }

    /// What a sum is multiplied by.
    pub fn factor(&self) -> Factor {
        self.factor
    }
}

/// A factor divided by a count.
fn divided(factor: Factor, count: u64) -> Factor {
    let shift = (63 - count.leading_zeros() as i32).min(32).min(31 + factor.shift);
    let multiplier = ((i64::from(factor.multiplier) << shift) / count as i64) as i32;
    Factor { multiplier, shift: factor.shift - shift }
}

impl Kernel for Mean {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let mut sums = vec![0_i32; self.outputs];
        for (value, to) in inputs[0].iter().zip(&self.to) {
            sums[*to as usize] += i32::from(*value) - self.input_zero_point;
        }
        sums.iter().map(|sum| self.output.value(self.factor.scale(*sum))).collect()
    }
}
