//! Depthwise convolution with two roundings.
//!
//! ```text
//! products = round(sums * multiplier / 2^31)
//! outputs = saturate(zero point + round(products / 2^-shift))
//! ```
//!
//! Range, apart from the vector extension's loops: twice a sum fits 32 bits. With at most 2^14 taps
//! and a bias of less than 2^29 in size, a sum and all partial sums are within `2^29 + 2^14 * 128 *
//! 128 < 2^30`. Layers of more, and those with shifts to the left, are computed by the portable
//! loop. No network that converters write has either.

use super::super::portable::{Run, each_block, each_run_of, pixels};
#[cfg(kindling_backend = "armv6m")]
use super::BLOCK;
#[cfg(not(kindling_backend = "armv6m"))]
use super::Pixels;
#[cfg(kindling_backend = "mve")]
use super::lanes;
use super::{Depthwise, has_blocks};
#[cfg(kindling_backend = "armv6m")]
use crate::arm::instructions::multiply_high;
use crate::ops::operator::Buffers;
use crate::quant::ChannelParameters;
#[cfg(kindling_backend = "mve")]
use crate::quant::RELU_ZERO_POINT;
#[cfg(not(kindling_backend = "mve"))]
use crate::quant::channel_parameters;
#[cfg(kindling_backend = "armv6m")]
use crate::quant::{divide_by_power_of_two, saturate};

/// Arguments of the loop; it changes some of them.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct TwicePixels {
    pixels: Pixels,
    shifts: *const u8,
}

#[cfg(not(kindling_backend = "armv6m"))]
unsafe extern "C" {
    fn kindling_depthwise_twice(pixels: &mut TwicePixels);
    #[cfg(kindling_backend = "mve")]
    fn kindling_depthwise_twice_any(pixels: &mut TwicePixels);
}

/// All of a layer.
#[inline(never)]
pub(super) fn depthwise(depthwise: &Depthwise<'_>, buffers: Buffers<'_>) {
    let numbers = ChannelParameters::BYTES * depthwise.output.channels as usize;
    let shifts = depthwise.channels.get(numbers..).unwrap_or_default();
    let is_common = is_common(depthwise, shifts);
    each_block(depthwise, buffers, |depthwise, block, output| {
        #[cfg(kindling_backend = "mve")]
        if lanes::fits(depthwise, block, shifts, output) {
            return lanes::block(depthwise, block, shifts, is_common, output);
        }
        each_run_of(depthwise, block, output, |depthwise, run, out| {
            if has_blocks(depthwise, run, out) && (is_common || cfg!(kindling_backend = "mve")) {
                blocks(depthwise, shifts, run, is_common, out);
            } else {
                pixels(depthwise, run, out);
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
    let mut parameters = channel_parameters(depthwise.channels);
    depthwise.taps() <= TAPS_MAX
        && parameters.all(|parameters| parameters.bias.unsigned_abs() < BIAS_LIMIT)
        && shifts.iter().all(|shift| *shift as i8 <= 0)
}

/// All channels of the pixels of a run, for which [`has_blocks`] holds.
#[cfg(not(kindling_backend = "armv6m"))]
#[allow(unused_variables)]
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
        #[cfg(kindling_backend = "mve")]
        if !is_common {
            return kindling_depthwise_twice_any(&mut pixels);
        }
        kindling_depthwise_twice(&mut pixels);
    }
}

/// All channels of the pixels of a run, for which [`has_blocks`] holds.
#[cfg(kindling_backend = "armv6m")]
#[inline(always)]
fn blocks(depthwise: &Depthwise<'_>, shifts: &[u8], run: &Run<'_>, _: bool, out: &mut [i8]) {
    super::each_sums(depthwise, run, out, |channel, sums, out| {
        write(depthwise, shifts, channel, sums, out);
    });
}

/// Scales the sums of a block of channels.
#[cfg(kindling_backend = "armv6m")]
fn write(
    depthwise: &Depthwise<'_>,
    shifts: &[u8],
    channel: usize,
    sums: [i32; BLOCK],
    out: &mut [i8],
) {
    let zero_point = depthwise.output_zero_point as i32;
    let parameters = channel_parameters(
        depthwise.channels.get(ChannelParameters::BYTES * channel..).unwrap_or_default(),
    );
    let (shifts, outputs) = (shifts.get(channel..), out.get_mut(channel..));
    let numbers = sums.into_iter().zip(parameters).zip(shifts.unwrap_or_default());
    for (out, ((sum, parameters), shift)) in outputs.unwrap_or_default().iter_mut().zip(numbers) {
        let product = multiply_high(sum << 1, parameters.multiplier);
        let scaled = divide_by_power_of_two(product, shift.wrapping_neg() as u32);
        *out = saturate(scaled.wrapping_add(zero_point));
    }
}
