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
use super::groups::Groups;
use super::node::{Node, Output};

pub struct Mean {
    groups: Groups,
    input_zero_point: i32,
    factor: Factor,
    output: Output,
}

impl Mean {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let groups = Groups::new(node)?;
        let count = groups.count();
        let factor = Factor::of(f64::from(input.scale) / f64::from(output.scale));
        let factor = divided(factor.ok_or(Misfit::Range)?, count as u64);
        if !factor.fits(255 * count as u64) {
            return Err(Misfit::Range);
        }
        let (input_zero_point, output) = (input.zero_point, node.clamped()?);
        Ok(Self { groups, input_zero_point, factor, output })
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
        let sums = self
            .groups
            .folded(0, inputs[0], |sum, value| sum + i32::from(value) - self.input_zero_point);
        sums.iter().map(|sum| self.output.value(self.factor.scale(*sum))).collect()
    }
}
