//! Sums with two roundings, for a core that multiplies 32 bits by 32 to 32 only.

use super::super::Add;
use crate::arm::instructions::multiply_high;
use crate::ops::add::portable::TwiceSum;
use crate::quant::{Factor, divide_by_power_of_two};

/// All values of a sum with two roundings.
#[inline(never)]
pub(super) fn add(add: &Add, inputs: [&[i8]; 2], output: &mut [i8]) {
    let Some(sum) = TwiceSum::new(add) else { return };
    let is_in_range = sum.factors.iter().all(|factor| factor.shift <= 0);
    sum.each_run(add, inputs, output, |scaled, halved, out| match is_in_range {
        true => sum.of(scaled, halved, out, scale),
        false => sum.of(scaled, halved, out, Factor::scale),
    });
}

/// [`Factor::scale`] of a value below 2^30 in size by a factor without a shift to the left: values
/// of both inputs and their sums are below 2^28 + 2.
#[inline(always)]
fn scale(factor: Factor, value: i32) -> i32 {
    let product = multiply_high(value << 1, factor.multiplier);
    divide_by_power_of_two(product, factor.shift.unsigned_abs() as u32)
}
