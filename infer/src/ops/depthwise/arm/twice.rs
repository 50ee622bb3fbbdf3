//! Depthwise convolution with two roundings.
//!
//! ```text
//! products = round(sums * multiplier / 2^31)
//! outputs = saturate(zero point + round(products / 2^-shift))
//! ```
//!
//! Range, apart from the vector extension's loops: twice a sum fits 32 bits. With at most 2^14 taps
//! and a bias of less than 2^29 in size, a sum and all partial sums are within `2^29 + 2^14 * 128 *
//! 128 < 2^30`. Layers of more, those with shifts to the left, and means, whose multipliers may be
//! below 2^30, are computed by the portable loop.

#[cfg(kindling_backend = "mve")]
use super::super::portable::{Run, each_block, each_run_of, pixels};
use super::Depthwise;
#[cfg(not(kindling_backend = "mve"))]
use super::block;
#[cfg(kindling_backend = "mve")]
use super::lanes;
#[cfg(kindling_backend = "mve")]
use super::runs::Pixels;
#[cfg(kindling_backend = "mve")]
use super::runs::has_blocks;
#[cfg(kindling_backend = "mve")]
use super::starts;
use crate::ops::operator::Buffers;
use crate::quant::ChannelParameters;
#[cfg(kindling_backend = "mve")]
use crate::quant::RELU_ZERO_POINT;
#[cfg(not(kindling_backend = "mve"))]
use crate::quant::{NORMAL, channel_parameters};

/// Arguments of the loop; it changes some of them.
#[cfg(kindling_backend = "mve")]
#[repr(C)]
struct TwicePixels {
    pixels: Pixels,
    shifts: *const u8,
}

#[cfg(kindling_backend = "mve")]
unsafe extern "C" {
    fn kindling_depthwise_twice(pixels: &mut TwicePixels);
    fn kindling_depthwise_twice_any(pixels: &mut TwicePixels);
}

/// All of a layer.
#[inline(never)]
pub(super) fn depthwise(depthwise: &Depthwise<'_>, buffers: Buffers<'_>) {
    let numbers = ChannelParameters::BYTES * depthwise.output.channels as usize;
    let shifts = depthwise.channels.get(numbers..).unwrap_or_default();
    all_blocks(depthwise, shifts, is_common(depthwise, shifts), buffers);
}

#[cfg(not(kindling_backend = "mve"))]
#[inline(always)]
fn all_blocks(depthwise: &Depthwise<'_>, _: &[u8], is_common: bool, buffers: Buffers<'_>) {
    block::depthwise(depthwise, is_common, buffers);
}

#[cfg(kindling_backend = "mve")]
#[inline(always)]
fn all_blocks(depthwise: &Depthwise<'_>, shifts: &[u8], is_common: bool, buffers: Buffers<'_>) {
    let finish = if is_common { lanes::Finish::Relu } else { lanes::Finish::Any };
    each_block(depthwise, buffers, starts::write, |depthwise, block, output| {
        if lanes::fits(depthwise, block, output) {
            return lanes::block(depthwise, block, finish, output);
        }
        each_run_of(depthwise, block, output, |depthwise, run, out| {
            match has_blocks(depthwise, run, out) {
                true => blocks(depthwise, shifts, run, is_common, out),
                false => pixels(depthwise, run, out),
            }
        });
    });
}

/// Whether the faster loop computes a layer.
#[cfg(kindling_backend = "mve")]
fn is_common(depthwise: &Depthwise<'_>, shifts: &[u8]) -> bool {
    depthwise.output_zero_point == RELU_ZERO_POINT && shifts.iter().all(|shift| *shift as i8 <= 0)
}

/// Whether the loop in assembly computes a layer.
#[cfg(not(kindling_backend = "mve"))]
fn is_common(depthwise: &Depthwise<'_>, shifts: &[u8]) -> bool {
    const TAPS_MAX: usize = 1 << 14;
    const BIAS_LIMIT: u32 = 1 << 29;
    // Shifts follow the parameters, and are none.
    let channels = depthwise.output.channels as usize;
    let mut parameters = channel_parameters(depthwise.channels).take(channels);
    depthwise.taps() <= TAPS_MAX
        && parameters.all(|ChannelParameters { bias, multiplier, .. }| {
            bias.unsigned_abs() < BIAS_LIMIT && (multiplier == 0 || multiplier >= NORMAL)
        })
        && shifts.iter().all(|shift| *shift as i8 <= 0)
}

/// All channels of the pixels of a run, for which [`has_blocks`] holds.
#[cfg(kindling_backend = "mve")]
#[inline(always)]
fn blocks(
    depthwise: &Depthwise<'_>,
    shifts: &[u8],
    run: &Run<'_>,
    is_common: bool,
    out: &mut [i8],
) {
    let pixels = Pixels::of(depthwise, run, out);
    let mut pixels = TwicePixels { pixels, shifts: shifts.as_ptr() };
    // SAFETY: as for the loop with one rounding, and there is a shift for each channel.
    unsafe {
        match is_common {
            true => kindling_depthwise_twice(&mut pixels),
            false => kindling_depthwise_twice_any(&mut pixels),
        }
    }
}
