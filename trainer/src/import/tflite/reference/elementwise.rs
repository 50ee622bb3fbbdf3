//! `ADD`, `SUB` and `MUL` of two maps, each with its own scale.

use super::Kernel;
use super::broadcast::Broadcast;
use super::error::Misfit;
use super::fixed_point::Factor;
use super::node::{Node, Output};

/// Bits that inputs are shifted to the left before they are scaled.
const HEADROOM_BITS: u32 = 20;

/// A sum or a difference.
///
/// ```text
/// a'     = factor_a((a - zero_point_a) * 2^20)      factor_a = scale_a / (2 * larger scale)
/// b'     = factor_b((b - zero_point_b) * 2^20)      factor_b = scale_b / (2 * larger scale)
/// output = clamp(output_zero_point + factor(a' + b'))
/// factor = 2 * larger scale / (2^20 * output_scale)
/// ```
pub struct Sum {
    broadcast: Broadcast,
    zero_points: [i32; 2],
    factors: [Factor; 2],
    /// 1, or -1 of a difference.
    sign: i32,
    factor: Factor,
    output: Output,
}

impl Sum {
    pub fn new(node: Node<'_>, sign: i32) -> Result<Self, Misfit> {
        let (a, b) = (node.quantisation(0)?, node.quantisation(1)?);
        let twice_larger = 2.0 * f64::from(a.scale.max(b.scale));
        let of_output =
            f64::from(node.output_quantisation()?.scale) * f64::from(1 << HEADROOM_BITS);
        let factor = |real: f64| Factor::of(real).ok_or(Misfit::Range);
        let sum = Self {
            broadcast: Broadcast::new(node)?,
            zero_points: [a.zero_point, b.zero_point],
            factors: [
                factor(f64::from(a.scale) / twice_larger)?,
                factor(f64::from(b.scale) / twice_larger)?,
            ],
            sign,
            factor: factor(twice_larger / of_output)?,
            output: node.clamped()?,
        };
        // |a - zero point| <= 255, so |a'| <= 255 * 2^19 and |a' + b'| <= 255 * 2^20 + 2.
        let largest = (255 << HEADROOM_BITS) + 2;
        sum.factor.fits(largest).then_some(sum).ok_or(Misfit::Range)
    }

    /// That of two values.
    pub fn value(&self, a: i8, b: i8) -> i8 {
        let sum = self.scaled(0, a) + self.sign * self.scaled(1, b);
        self.output.value(self.factor.scale(sum))
    }

    fn scaled(&self, which: usize, value: i8) -> i32 {
        let steps = i32::from(value) - self.zero_points[which];
        self.factors[which].scale(steps << HEADROOM_BITS)
    }

    /// Whether a difference is the sum with the negative of what is taken off: halves are rounded
    /// up, so that it may be none.
    pub fn is_symmetrical(&self) -> bool {
        (-255..=255).all(|steps: i32| {
            let scaled = |steps: i32| self.factors[1].scale(steps << HEADROOM_BITS);
            scaled(-steps) == -scaled(steps)
        })
    }

    /// Those of the inputs, and of the output.
    pub fn factors(&self) -> [Factor; 3] {
        [self.factors[0], self.factors[1], self.factor]
    }
}

impl Kernel for Sum {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        self.broadcast.map(inputs, |a, b| self.value(a, b))
    }
}

/// A product: `output = clamp(output_zero_point + factor((a - zero_point_a) * (b - zero_point_b)))`
/// with `factor = scale_a * scale_b / output_scale`, computed in single precision.
pub struct Product {
    broadcast: Broadcast,
    zero_points: [i32; 2],
    factor: Factor,
    output: Output,
}

impl Product {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let (a, b) = (node.quantisation(0)?, node.quantisation(1)?);
        let scale = a.scale * b.scale / node.output_quantisation()?.scale;
        let factor = Factor::of(scale.into()).ok_or(Misfit::Range)?;
        if !factor.fits(255 * 255) {
            return Err(Misfit::Range);
        }
        Ok(Self {
            broadcast: Broadcast::new(node)?,
            zero_points: [a.zero_point, b.zero_point],
            factor,
            output: node.clamped()?,
        })
    }

    /// That of two values.
    pub fn value(&self, a: i8, b: i8) -> i8 {
        let steps = |which: usize, value: i8| i32::from(value) - self.zero_points[which];
        self.output.value(self.factor.scale(steps(0, a) * steps(1, b)))
    }

    /// That of the output.
    pub fn factor(&self) -> Factor {
        self.factor
    }
}

impl Kernel for Product {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        self.broadcast.map(inputs, |a, b| self.value(a, b))
    }
}
