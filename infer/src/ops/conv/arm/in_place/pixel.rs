//! One pixel without pooling whose patch lies in one piece, four output channels at once: the loop
//! over all of them is in `pixel.s`. The last four channels overlap those before, where they are
//! not made of whole fours: they are computed again. Fewer than four are left to the plain loop.

use crate::arm::is_at_word;
use crate::ops::conv::Conv;
use crate::ops::conv::in_place::{FOUR, Plain, channels_of_patch};
use crate::quant::{ChannelParameters, Requantise, Rounding};

/// Arguments of the loop: see `pixel.s`.
#[repr(C)]
struct Pixel {
    patch: *const i8,
    taps: usize,
    weights: *const u8,
    output: *mut i8,
    parameters: *const u8,
    shifts: *const u8,
    /// With two roundings `2 * zero point + 1`.
    zero_point: i32,
    parameters_end: *const u8,
}

unsafe extern "C" {
    fn kindling_in_place_pixel(pixel: &Pixel);
    fn kindling_in_place_pixel_twice(pixel: &Pixel);
}

/// All channels of the pixel.
#[inline(always)]
pub(super) fn all_channels<Rounded: Requantise>(conv: &Conv<'_>, patch: &[i8], out: &mut [i8]) {
    let channels = out.len();
    if channels < FOUR || !is_at_word(conv.channels) {
        return channels_of_patch::<Rounded, _>(conv, patch, out, Plain);
    }
    fours::<Rounded>(conv, patch, 0, out);
    if !channels.is_multiple_of(FOUR) {
        fours::<Rounded>(conv, patch, channels - FOUR, out);
    }
}

/// Whole fours of channels from number `first` on.
#[inline(always)]
fn fours<Rounded: Requantise>(conv: &Conv<'_>, patch: &[i8], first: usize, out: &mut [i8]) {
    const BYTES: usize = ChannelParameters::BYTES;
    let (channels, taps) = (out.len(), patch.len());
    let whole = channels.saturating_sub(first) / FOUR * FOUR;
    if whole == 0
        || taps == 0
        || conv.weights.len() as u64 != channels as u64 * taps as u64
        || conv.channels.len() != Rounded::ROUNDING.channel_bytes() * channels
    {
        return;
    }
    let zero_point = conv.output_zero_point as i32;
    let parameters = conv.channels.as_ptr().wrapping_add(first * BYTES);
    let pixel = Pixel {
        patch: patch.as_ptr(),
        taps,
        weights: conv.weights.as_ptr().wrapping_add(first * taps),
        output: out.as_mut_ptr().wrapping_add(first),
        parameters,
        shifts: conv.channels.as_ptr().wrapping_add(channels * BYTES + first),
        zero_point: match Rounded::ROUNDING {
            Rounding::Once => zero_point,
            Rounding::Twice => 2 * zero_point + 1,
        },
        parameters_end: parameters.wrapping_add(whole * BYTES),
    };
    // SAFETY: there is a tap, and there are four channels or more, whole fours, which end with the
    // last channel or before it. The function reads
    // - all of the patch;
    // - as many weights for each channel, and 8 bytes of parameters, at a whole word, as the caller
    //   has checked;
    // - with two roundings a shift for each channel, which follow the parameters of all;
    // and writes an output for each to `out`. All have the sizes just checked.
    unsafe {
        match Rounded::ROUNDING {
            Rounding::Once => kindling_in_place_pixel(&pixel),
            Rounding::Twice => kindling_in_place_pixel_twice(&pixel),
        }
    }
}
