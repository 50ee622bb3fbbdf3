//! Sums with two roundings: see `armv7_twice.s`.

use super::super::{Add, HEADROOM_BITS};
use super::AT_ONCE;
use crate::ops::add::portable::TwiceSum;
use crate::quant::Factor;

/// Arguments of the loop.
#[derive(Clone, Copy)]
#[repr(C)]
struct Values {
    count: usize,
    /// Zero point of the input that has a factor, shifted as its values are, negative.
    scaled_start: i32,
    of_scaled: Scale,
    /// That of the other input.
    halved_start: i32,
    of_sum: Scale,
    zero_point: i32,
}

/// A factor without a shift to the left.
#[derive(Clone, Copy)]
#[repr(C)]
struct Scale {
    /// Twice the multiplier, in 32 bits.
    doubled: i32,
    /// The shift to the right; 32 for a multiplier of 0.
    right: u32,
}

impl Scale {
    fn of(factor: Factor) -> Self {
        let right = if factor.multiplier == 0 { 32 } else { factor.shift.unsigned_abs() as u32 };
        Self { doubled: factor.multiplier << 1, right }
    }
}

unsafe extern "C" {
    fn kindling_add_twice(scaled: *const i8, halved: *const i8, out: *mut i8, values: &Values);
}

/// All values of a sum with two roundings.
#[inline(never)]
pub(super) fn add(add: &Add, inputs: [&[i8]; 2], output: &mut [i8]) {
    let Some(sum) = TwiceSum::new(add) else { return };
    let is_in_range = sum.factors.iter().all(|factor| factor.shift <= 0);
    let ([scaled, of_sum], [zero_scaled, zero_halved]) = (sum.factors, sum.zero_points);
    let values = Values {
        count: 0,
        scaled_start: -(zero_scaled << HEADROOM_BITS),
        of_scaled: Scale::of(scaled),
        halved_start: -(zero_halved << (HEADROOM_BITS - 1)),
        of_sum: Scale::of(of_sum),
        zero_point: sum.output_zero_point,
    };
    sum.each_run(add, inputs, output, |scaled, halved, out| {
        let done = if is_in_range { whole_fours(values, scaled, halved, out) } else { 0 };
        let rest = (scaled.get(done..), halved.get(done..), out.get_mut(done..));
        if let (Some(scaled), Some(halved), Some(out)) = rest {
            sum.of(scaled, halved, out, Factor::scale);
        }
    });
}

/// All whole fours of values; how many values these are.
fn whole_fours(values: Values, scaled: &[i8], halved: &[i8], out: &mut [i8]) -> usize {
    let count = out.len() / AT_ONCE * AT_ONCE;
    if count == 0 || scaled.len() < count || halved.len() < count {
        return 0;
    }
    let values = Values { count, ..values };
    // SAFETY:
    // - `scaled`, `halved` and `out` have `count` values each, as was just checked.
    // - `count` is a multiple of four, and not 0.
    // - The loop reads bytes.
    // - `out` is borrowed mutably, so it shares no byte with the inputs.
    unsafe { kindling_add_twice(scaled.as_ptr(), halved.as_ptr(), out.as_mut_ptr(), &values) }
    count
}
