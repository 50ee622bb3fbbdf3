//! Exponentials and shares of fixed point, byte for byte as TensorFlow Lite's.

use crate::quant::{divide_by_power_of_two, multiply, saturate};

/// Fraction bits of a difference, which has 5 integer bits.
pub const DIFFERENCE_FRACTION_BITS: u32 = 26;

/// Integer bits of a sum.
pub const SUM_BITS: u32 = 12;

/// `exp(x)` with 31 fraction bits, for `x` of 0 or less with 26.
///
/// ```text
/// x    = near - rest        near from -1/4 to 0, rest a multiple of 1/4
/// exp(x) = exp(near) * product of exp(-2^n) for each bit n of the rest
/// ```
#[inline(never)]
pub fn exp_of_negative(x: i32) -> i32 {
    const QUARTER: i32 = 1 << (DIFFERENCE_FRACTION_BITS - 2);
    /// `exp(-1/4)`, `exp(-1/2)`, `exp(-1)`, `exp(-2)`, `exp(-4)`, `exp(-8)`, `exp(-16)`.
    const FACTORS: [i32; 7] =
        [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    if x == 0 {
        return i32::MAX;
    }
    let near = (x & (QUARTER - 1)) - QUARTER;
    let rest = near.wrapping_sub(x);
    let mut result = exp_near_zero(near << (31 - DIFFERENCE_FRACTION_BITS));
    let mut bit = QUARTER;
    for factor in FACTORS {
        if rest & bit != 0 {
            result = multiply(result, factor);
        }
        bit = bit.wrapping_shl(1);
    }
    result
}

/// `exp(x)` for `x` from -1/4 to 0, all with 31 fraction bits: a polynomial around -1/8.
fn exp_near_zero(x: i32) -> i32 {
    /// `exp(-1/8)`.
    const EXP_OF_CENTRE: i32 = 1_895_147_668;
    const THIRD: i32 = 715_827_883;
    let x = x + (1 << 28);
    let square = multiply(x, x);
    let cube = multiply(square, x);
    let quarter_of_fourth = divide_by_power_of_two(multiply(square, square), 2);
    let higher = multiply(quarter_of_fourth + cube, THIRD) + square;
    let series = x + divide_by_power_of_two(higher, 1);
    EXP_OF_CENTRE.saturating_add(multiply(EXP_OF_CENTRE, series))
}

/// The reciprocal of a sum.
#[derive(Clone, Copy)]
pub struct Reciprocal {
    /// `scale / 2^31 * 2^-shift`.
    scale: i32,
    shift: i32,
}

impl Reciprocal {
    /// Of a positive sum, with 19 fraction bits.
    pub fn of(sum: i32) -> Self {
        let leading = (sum as u32).leading_zeros();
        let fraction = (sum as u32).wrapping_shl(leading).wrapping_sub(1 << 31) as i32;
        Self { scale: one_over_one_plus(fraction), shift: SUM_BITS as i32 - leading as i32 }
    }

    /// The share of an exponential in the sum, as an output. 31 fraction bits become 8: of a sum
    /// of 512 and more nothing is left.
    pub fn share(self, exp: i32) -> i8 {
        let exponent = (self.shift + 31 - 8) as u32;
        match multiply(self.scale, exp) {
            _ if exponent > 31 => i8::MIN,
            product => saturate(divide_by_power_of_two(product, exponent) - 128),
        }
    }
}

/// The share of an exponential in a sum.
pub fn share(exp: i32, sum: i32) -> i8 {
    Reciprocal::of(sum).share(exp)
}

/// `1 / (1 + x)` for `x` from 0 to 1, with 31 fraction bits: three steps of Newton's method for
/// `half / (1 + x)`, begun at `48/17 - 32/17 * (1 + x) / 2`. The steps have 29 fraction bits.
fn one_over_one_plus(x: i32) -> i32 {
    const ONE: i32 = 1 << 29;
    /// `48/17`.
    const BEGIN: i32 = 1_515_870_810;
    /// `-32/17`.
    const SLOPE: i32 = -1_010_580_540;
    let half = ((x as i64 + i32::MAX as i64 + 1) >> 1) as i32;
    let mut result = BEGIN.wrapping_add(multiply(half, SLOPE));
    for _ in 0..3 {
        let rest = ONE.wrapping_sub(multiply(half, result));
        result = result.wrapping_add(saturating_shift(multiply(result, rest), 2));
    }
    saturating_shift(result, 1)
}

/// `value * 2^exponent`, the nearest number of 32 bits.
const fn saturating_shift(value: i32, exponent: u32) -> i32 {
    let shifted = (value as i64) << exponent;
    if shifted > i32::MAX as i64 {
        i32::MAX
    } else if shifted < i32::MIN as i64 {
        i32::MIN
    } else {
        shifted as i32
    }
}
