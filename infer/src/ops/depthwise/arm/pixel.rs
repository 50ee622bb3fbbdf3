//! Depthwise convolution of one pixel, as of a stream whose maps have one column: the loop is in
//! `pixel.s`, and in `mve_pixel.s` for two roundings with the vector extension. It needs neither a
//! list of taps nor sums to start from, and checks factors as it goes.

use super::{BLOCK, Depthwise};
use crate::arm::is_at_word;
use crate::quant::{ChannelParameters, Rounding};

/// Arguments of the loop: see `pixel.s`.
#[repr(C)]
struct Pixel {
    input: *const i8,
    taps: usize,
    weights: *const u8,
    output: *mut i8,
    parameters: *const u8,
    shifts: *const u8,
    /// With two roundings `2 * zero point + 1`, apart from the vector extension's loop.
    zero_point: i32,
    parameters_end: *const u8,
    channels: usize,
}

unsafe extern "C" {
    #[cfg(not(kindling_backend = "mve"))]
    fn kindling_depthwise_pixel(pixel: &Pixel) -> bool;
    fn kindling_depthwise_pixel_twice(pixel: &Pixel) -> bool;
}

/// All of a layer of one pixel; `false` where the loop does not compute it.
pub(super) fn depthwise(depthwise: &Depthwise<'_>, input: &[i8], output: &mut [i8]) -> bool {
    let Some(input) = window(depthwise, input, output) else { return false };
    let channels = output.len();
    some_channels(depthwise, input, 0, output)
        && (channels.is_multiple_of(BLOCK)
            || some_channels(depthwise, input, channels - BLOCK, output))
}

/// The input under the kernel, where that is a layer of one pixel, whose taps lie inside of the map
/// one after the other, and all slices have what the loop reads and writes.
fn window<'i>(depthwise: &Depthwise<'_>, input: &'i [i8], output: &[i8]) -> Option<&'i [i8]> {
    let (map, channels) = (depthwise.input, depthwise.output.channels as usize);
    let [rows, columns] = depthwise.kernel.map(i32::from);
    let [y, x] = depthwise.origin.map(i32::from);
    let is_pixel = output.len() == channels
        && depthwise.output.len() == channels
        && channels >= BLOCK
        && map.channels as usize == channels
        && (rows == 1 || columns == map.width as i32)
        && y >= 0
        && x >= 0
        && y + rows <= map.height as i32
        && x + columns <= map.width as i32
        && depthwise.weights.len() as u64 == depthwise.weight_bytes()
        && !depthwise.weights.is_empty()
        && depthwise.channels.len() == depthwise.rounding().channel_bytes() * channels
        && is_at_word(depthwise.channels);
    let start = y.max(0) as usize * map.row_len() + x.max(0) as usize * channels;
    if is_pixel { input.get(start..start + depthwise.weights.len()) } else { None }
}

/// Whole blocks of channels from number `first` on; whether all are done.
#[inline(always)]
fn some_channels(depthwise: &Depthwise<'_>, input: &[i8], first: usize, out: &mut [i8]) -> bool {
    const BYTES: usize = ChannelParameters::BYTES;
    let channels = out.len();
    let whole = channels.saturating_sub(first) / BLOCK * BLOCK;
    let zero_point = depthwise.output_zero_point as i32;
    let parameters = depthwise.channels.as_ptr().wrapping_add(first * BYTES);
    let pixel = Pixel {
        input: input.as_ptr().wrapping_add(first),
        taps: depthwise.taps(),
        weights: depthwise.weights.as_ptr().wrapping_add(first),
        output: out.as_mut_ptr().wrapping_add(first),
        parameters,
        shifts: depthwise.channels.as_ptr().wrapping_add(channels * BYTES + first),
        zero_point: match depthwise.rounding() {
            Rounding::Twice if !cfg!(kindling_backend = "mve") => 2 * zero_point + 1,
            _ => zero_point,
        },
        parameters_end: parameters.wrapping_add(whole * BYTES),
        channels,
    };
    // SAFETY: `window` gave the input, so
    // - there is a tap, and there are channels, whole blocks of which end with the last or before;
    // - there are an input and a weight for each tap and channel;
    // - there are parameters and, with two roundings, a shift for each channel, parameters at whole
    //   words;
    // - `out` has a value for each channel, and is borrowed mutably.
    // Input and weights are read by words where this core loads them from any address.
    unsafe {
        match depthwise.rounding() {
            #[cfg(not(kindling_backend = "mve"))]
            Rounding::Once => kindling_depthwise_pixel(&pixel),
            #[cfg(kindling_backend = "mve")]
            Rounding::Once => false,
            Rounding::Twice => kindling_depthwise_pixel_twice(&pixel),
        }
    }
}
