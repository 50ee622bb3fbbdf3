//! Sums with two roundings: see `mve_twice.s`.

use super::super::{Add, HEADROOM_BITS};
use crate::ops::add::portable::TwiceSum;
use crate::quant::Factor;

crate::arm::vector_assembly!("mve_twice.s");

/// Arguments of the loop.
#[derive(Clone, Copy)]
#[repr(C)]
struct Values {
    count: usize,
    /// Of the input that has a factor, then of the other, shifted as their values are.
    zero_points: [i32; 2],
    multiplier: i32,
    right: Right,
    /// Of the sum, to the left.
    left: u32,
    sum_multiplier: i32,
    sum_right: Right,
    zero_point: i32,
}

/// A shift to the right.
#[derive(Clone, Copy)]
#[repr(C)]
struct Right {
    /// 0, or less than 0.
    shift: i32,
    /// Whether there is any.
    is_shifted: i32,
}

impl Right {
    fn of(factor: Factor) -> Self {
        Self { shift: factor.shift.min(0) as i32, is_shifted: (factor.shift < 0) as i32 }
    }
}

unsafe extern "C" {
    fn kindling_add_twice(scaled: *const i8, halved: *const i8, out: *mut i8, values: &Values);
}

/// All values of a sum with two roundings.
#[inline(never)]
pub(super) fn add(add: &Add, inputs: [&[i8]; 2], output: &mut [i8]) {
    let Some(sum) = TwiceSum::new(add) else { return };
    let ([of_input, of_sum], [zero_scaled, zero_halved]) = (sum.factors, sum.zero_points);
    let values = Values {
        count: 0,
        zero_points: [zero_scaled << HEADROOM_BITS, zero_halved << (HEADROOM_BITS - 1)],
        multiplier: of_input.multiplier,
        right: Right::of(of_input),
        left: of_sum.shift.max(0) as u32,
        sum_multiplier: of_sum.multiplier,
        sum_right: Right::of(of_sum),
        zero_point: sum.output_zero_point,
    };
    sum.each_run(add, inputs, output, |scaled, halved, out| {
        if scaled.len() != out.len() || halved.len() != out.len() || out.is_empty() {
            return;
        }
        let values = Values { count: out.len(), ..values };
        // SAFETY: reads as many bytes of both inputs as it writes of `out`, which is borrowed
        // mutably: their lengths were just checked, and are not 0.
        unsafe {
            kindling_add_twice(scaled.as_ptr(), halved.as_ptr(), out.as_mut_ptr(), &values);
        }
    });
}
