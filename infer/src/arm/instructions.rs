//! Arithmetic on values and pairs around the loops.

#[cfg(kindling_backend = "armv6m")]
use crate::quant::divide_by_power_of_two;
#[cfg(kindling_dsp)]
use crate::quant::{NORMAL, with_shifts};
#[cfg(not(kindling_backend = "armv6m"))]
pub(crate) use crate::quant::{requantise, requantise_twice};

/// [`crate::quant::requantise`] for a core that multiplies 32 bits by 32 to 32 only.
#[cfg(kindling_backend = "armv6m")]
#[inline(always)]
pub(crate) fn requantise(accumulator: i32, multiplier: i32, zero_point: i8) -> i8 {
    let scaled = multiply_high(accumulator, multiplier);
    scaled.wrapping_add(zero_point as i32).clamp(i8::MIN as i32, i8::MAX as i32) as i8
}

/// `round(accumulator * multiplier / 2^32)`, halves up, in four products of halves.
///
/// With `accumulator = ah * 2^16 + al` and `multiplier = mh * 2^16 + ml` (`al`, `ml`, `mh` not
/// negative): `|ah * ml + (al * ml >> 16)| <= 2^15 * (2^16 - 1) + 2^16 - 1 < 2^31` and `al * mh +
/// (2^16 - 1) <= (2^16 - 1) * 2^15 < 2^31`, so nothing overflows 32 bits.
#[cfg(kindling_backend = "armv6m")]
#[inline(always)]
pub(crate) fn multiply_high(accumulator: i32, multiplier: i32) -> i32 {
    let (ah, al) = (accumulator >> 16, accumulator & 0xffff);
    let (mh, ml) = (multiplier >> 16, multiplier & 0xffff);
    let low = (al as u32).wrapping_mul(ml as u32) >> 16;
    let middle = ah.wrapping_mul(ml).wrapping_add(low as i32);
    let rest = (al.wrapping_mul(mh) + (middle & 0xffff)) as u32;
    ah.wrapping_mul(mh)
        .wrapping_add(middle >> 16)
        .wrapping_add((rest.wrapping_add(1 << 15) >> 16) as i32)
}

/// [`crate::quant::requantise_twice`] for such a core.
///
/// With the names above, for the shifted accumulator: `accumulator * multiplier / 2^16`, without
/// its fraction, is `high * 2^16 + rest` with `|high| < 2^30` and `0 <= rest < 2^32`.
#[cfg(kindling_backend = "armv6m")]
#[inline(always)]
pub(crate) fn requantise_twice(accumulator: i32, multiplier: i32, shift: i8, zero_point: i8) -> i8 {
    let right = shift.min(0).unsigned_abs() as u32;
    let shifted = accumulator.wrapping_shl(shift.max(0) as u32);
    let (ah, al) = (shifted >> 16, shifted & 0xffff);
    let (mh, ml) = (multiplier >> 16, multiplier & 0xffff);
    let low = (al as u32).wrapping_mul(ml as u32) >> 16;
    let middle = ah.wrapping_mul(ml).wrapping_add(low as i32);
    let rest = (al.wrapping_mul(mh) as u32).wrapping_add((middle & 0xffff) as u32);
    let high = ah.wrapping_mul(mh).wrapping_add(middle >> 16);
    let product = (high << 1).wrapping_add((rest.wrapping_add(1 << 14) >> 15) as i32);
    let scaled = divide_by_power_of_two(product, right);
    scaled.saturating_add(zero_point as i32).clamp(i8::MIN as i32, i8::MAX as i32) as i8
}

/// Whether all factors of a layer with two roundings are common ones, as `twice.s` has them: with
/// shifts of 1 to 31 bits to the right, and no multiplier of 0.
#[cfg(kindling_dsp)]
pub(crate) fn has_common_factors(section: &[u8], channels: u16) -> bool {
    with_shifts(section, channels).all(|parameters| {
        parameters.multiplier >= NORMAL
            && parameters.shift.is_some_and(|shift| (-31..=-1).contains(&shift))
    })
}

/// Bytes 0 and 2 as an int16 pair.
#[cfg(kindling_dsp)]
#[inline(always)]
pub(crate) fn widen_even(bytes: u32) -> u32 {
    let low = bytes as i8 as u16;
    let high = (bytes >> 16) as i8 as u16;
    low as u32 | (high as u32) << 16
}

/// Bytes 1 and 3 as an int16 pair.
#[cfg(kindling_dsp)]
#[inline(always)]
pub(crate) fn widen_odd(bytes: u32) -> u32 {
    widen_even(bytes >> 8)
}

/// Two int16 of pairs as a pair: the low ones, the high ones, or the first's low and the second's
/// high.
#[cfg(kindling_dsp)]
pub(crate) mod pack {
    /// Low halves of two pairs.
    pub fn low_halves(low: u32, high: u32) -> u32 {
        low & 0xffff | high << 16
    }

    /// High halves of two pairs.
    pub fn high_halves(low: u32, high: u32) -> u32 {
        low >> 16 | high & 0xffff_0000
    }

    /// Low half of the first pair, high half of the second.
    pub fn low_and_high(low: u32, high: u32) -> u32 {
        low & 0xffff | high & 0xffff_0000
    }
}
