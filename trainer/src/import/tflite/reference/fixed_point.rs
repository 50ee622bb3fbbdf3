//! TensorFlow Lite's fixed-point arithmetic: a factor is a multiplier of 31 fraction bits and a
//! shift, a product is rounded twice, once for each.

/// Fraction bits of multipliers, and of numbers between -1 and 1.
const FRACTION_BITS: i32 = 31;

/// A positive factor: `multiplier / 2^31 * 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// 2^30 to 2^31 - 1, or 0.
    pub multiplier: i32,
    /// -31 to 30; positive ones shift to the left.
    pub shift: i32,
}

impl Factor {
    /// The nearest factor to `real`, which is not negative. Below 2^-32 it is 0; `None` from 2^30.
    pub fn of(real: f64) -> Option<Self> {
        if real == 0.0 {
            return Some(Self { multiplier: 0, shift: 0 });
        }
        let (fraction, mut shift) = fraction_and_exponent(real)?;
        let mut multiplier = (fraction * (1_i64 << FRACTION_BITS) as f64).round() as i64;
        if multiplier == 1 << FRACTION_BITS {
            (multiplier, shift) = (multiplier / 2, shift + 1);
        }
        match shift {
            ..-31 => Some(Self { multiplier: 0, shift: 0 }),
            -31..=30 => Some(Self { multiplier: multiplier as i32, shift }),
            _ => None,
        }
    }

    /// `value` times this factor: shifted to the left, multiplied and rounded, shifted to the right
    /// and rounded. What the shift to the left pushes out of 32 bits is lost: see [`Factor::fits`].
    pub fn scale(self, value: i32) -> i32 {
        let product = multiply(value.wrapping_shl(self.shift.max(0) as u32), self.multiplier);
        divide_by_power_of_two(product, (-self.shift).max(0) as u32)
    }

    /// Whether values of up to `bound` in size keep all their bits.
    pub fn fits(self, bound: u64) -> bool {
        bound.checked_mul(1 << self.shift.max(0)).is_some_and(|bound| bound <= i32::MAX as u64)
    }
}

/// `value = fraction * 2^exponent` with a fraction of a half or more, below 1. `None` of what is
/// not positive and finite.
fn fraction_and_exponent(value: f64) -> Option<(f64, i32)> {
    const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    if !(value > 0.0 && value.is_finite()) {
        return None;
    }
    if !value.is_normal() {
        let (fraction, exponent) = fraction_and_exponent(value * (1_u64 << 54) as f64)?;
        return Some((fraction, exponent - 54));
    }
    let bits = value.to_bits();
    let exponent = (bits >> MANTISSA_BITS) as i32 - (f64::MAX_EXP - 2);
    let of_half = (f64::MAX_EXP as u64 - 2) << MANTISSA_BITS;
    let fraction = f64::from_bits(bits & ((1 << MANTISSA_BITS) - 1) | of_half);
    Some((fraction, exponent))
}

/// `a * b / 2^31`, rounded to nearest, halves up; the one product that does not fit is the largest
/// number.
pub fn multiply(a: i32, b: i32) -> i32 {
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    let rounded = (product + nudge) / (1 << FRACTION_BITS);
    rounded.min(i32::MAX.into()) as i32
}

/// `value / 2^exponent` for an exponent of 0 to 31, rounded to nearest, halves away from zero.
pub fn divide_by_power_of_two(value: i32, exponent: u32) -> i32 {
    let value = i64::from(value);
    let half = (1_i64 << exponent) >> 1;
    let rounded = (value.abs() + half) >> exponent;
    (if value < 0 { -rounded } else { rounded }) as i32
}

/// `value * 2^exponent`, the nearest number of 32 bits.
fn saturating_shift(value: i32, exponent: u32) -> i32 {
    let shifted = i64::from(value) << exponent;
    shifted.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// `exp(x)` with 31 fraction bits, for `x` of 0 or less with 26.
///
/// `x = (x mod 1/4 - 1/4) - rest`: a polynomial for the first, one factor `exp(-2^n)` for each bit
/// of the rest.
pub fn exp_of_negative(x: i32) -> i32 {
    const INPUT_FRACTION_BITS: u32 = 26;
    const QUARTER: i32 = 1 << (INPUT_FRACTION_BITS - 2);
    /// `exp(-1/4)`, `exp(-1/2)`, `exp(-1)`, `exp(-2)`, `exp(-4)`, `exp(-8)`, `exp(-16)`.
    const FACTORS: [i32; 7] =
        [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    if x == 0 {
        return i32::MAX;
    }
    let near = (x & (QUARTER - 1)) - QUARTER;
    let rest = near.wrapping_sub(x);
    let mut result = exp_near_zero(saturating_shift(near, 5));
    for (bit, factor) in FACTORS.iter().enumerate() {
        if rest & (QUARTER << bit) != 0 {
            result = multiply(result, *factor);
        }
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

/// `1 / x` for an `x` that is positive: `scale / 2^31 * 2^-shift`, where `x` has 19 fraction bits.
#[derive(Clone, Copy, Debug)]
pub struct Reciprocal {
    pub scale: i32,
    pub shift: i32,
}

impl Reciprocal {
    pub fn of(x: i32) -> Self {
        const INTEGER_BITS: i32 = 12;
        let leading = (x as u32).leading_zeros();
        let fraction = (x as u32).wrapping_shl(leading).wrapping_sub(1 << 31) as i32;
        Self { scale: one_over_one_plus(fraction), shift: INTEGER_BITS - leading as i32 }
    }
}

/// `1 / (1 + x)` for `x` from 0 to 1, with 31 fraction bits: three steps of Newton's method for
/// `half / (1 + x)`, begun at `48/17 - 32/17 * (1 + x) / 2`. The steps have 29 fraction bits.
fn one_over_one_plus(x: i32) -> i32 {
    const ONE: i32 = 1 << 29;
    /// `48/17`.
    const BEGIN: i32 = 1_515_870_810;
    /// `-32/17`.
    const SLOPE: i32 = -1_010_580_540;
    let half = ((i64::from(x) + i64::from(i32::MAX) + 1) / 2) as i32;
    let mut result = BEGIN.wrapping_add(multiply(half, SLOPE));
    for _ in 0..3 {
        let rest = ONE.wrapping_sub(multiply(half, result));
        result = result.wrapping_add(saturating_shift(multiply(result, rest), 2));
    }
    saturating_shift(result, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(value: i32, fraction_bits: i32) -> f64 {
        f64::from(value) / f64::from(fraction_bits).exp2()
    }

    #[test]
    fn exponentials_of_negative_numbers() {
        for step in 0..2000 {
            let x = -step * 1_073_741;
            let error = real(exp_of_negative(x), 31) - real(x, 26).exp();
            assert!(error.abs() < 1e-6, "exp({}): {error}", real(x, 26));
        }
    }

    /// Two steps of Newton's method would be wrong by up to 1e-5.
    #[test]
    fn reciprocals() {
        for x in (1 << 19..1 << 30).step_by(9_999_991) {
            let Reciprocal { scale, shift } = Reciprocal::of(x);
            let product = real(scale, 31) * f64::from(-shift).exp2() * real(x, 19);
            assert!((product - 1.0).abs() < 1e-7, "1 / {}: {product}", real(x, 19));
        }
    }
}
