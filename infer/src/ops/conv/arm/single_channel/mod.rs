//! 3x3 convolution of one input channel with 2x2 pooling, some rows of outputs at once; the loop is
//! in each core's `single_channel.s`.
//!
//! ```text
//! for each few rows of outputs:
//!     windows = each output's 4x4 pixels, widened, in the loop's order, shared by all channels
//!     run all channels over them
//! ```
#![allow(unsafe_code)]

use core::slice;

#[cfg(kindling_dsp)]
use crate::arm::instructions::pack::{high_halves, low_and_high, low_halves};
#[cfg(kindling_backend = "armv6m")]
use crate::arm::instructions::requantise;
#[cfg(kindling_dsp)]
use crate::arm::instructions::{widen_even, widen_odd};
#[cfg(kindling_dsp)]
use crate::features::Feature;
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::single_channel_rows;
#[cfg(kindling_backend = "armv6m")]
use crate::ops::conv::packing::single_channel_taps;
use crate::ops::conv::packing::{SINGLE_CHANNEL_BYTES, single_channel_of_int4};
use crate::ops::window;
#[cfg(kindling_backend = "armv6m")]
use crate::quant::channel_parameters;

crate::arm::assembly!();

/// Bytes of a window: twelve pairs, or its 4x4 pixels as words.
#[cfg(kindling_dsp)]
const WINDOW_BYTES: usize = 48;
#[cfg(not(kindling_dsp))]
const WINDOW_BYTES: usize = 64;

/// Arguments of the loop: see `single_channel.s`.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct Rows {
    windows: *const i8,
    windows_end: *const i8,
    weights: *const u8,
    weights_end: *const u8,
    parameters: *const u8,
    output: *mut i8,
    output_step: usize,
    zero_point: i32,
}

#[cfg(not(kindling_backend = "armv6m"))]
unsafe extern "C" {
    fn kindling_single_channel(rows: &Rows);
    #[cfg(kindling_dsp)]
    fn kindling_windows(
        pixels: *const i8,
        row_bytes: usize,
        windows: *mut i8,
        windows_end: *mut i8,
    );
}

/// The caller has checked all sizes, and that scratch memory, weights and parameters begin at whole
/// words.
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    if !conv.algorithm.weight_bits().is_int4() {
        return all_rows(conv, input, scratch, output);
    }
    let int8_bytes = conv.output.channels as usize * SINGLE_CHANNEL_BYTES;
    let Some((int8, scratch)) = scratch.split_at_mut_checked(int8_bytes) else { return };
    for (int8, int4) in int8.as_chunks_mut().0.iter_mut().zip(conv.weights.as_chunks().0) {
        *int8 = single_channel_of_int4(int4).map(|weight| weight as i8);
    }
    // SAFETY: the same bytes, which an i8 has as a u8, and which nothing writes as long as this
    // borrows them.
    let weights = unsafe { slice::from_raw_parts(int8.as_ptr().cast(), int8.len()) };
    all_rows(&Conv { weights, ..*conv }, input, scratch, output);
}

/// With int8 weights, whatever the algorithm says.
fn all_rows(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let row_len = conv.output.row_len().max(1);
    let rows_at_once = single_channel_rows(conv);
    let row_bytes = conv.output.width as usize * WINDOW_BYTES;
    for (batch, out) in output.chunks_mut((rows_at_once * row_len).max(1)).enumerate() {
        let rows = out.len() / row_len;
        for row in 0..rows {
            let Some(windows) = scratch.get_mut(row * row_bytes..(row + 1) * row_bytes) else {
                return;
            };
            fill_windows(conv, input, (batch * rows_at_once + row) as i32, windows);
        }
        let Some(windows) = scratch.get(..rows * row_bytes) else { return };
        all_channels(conv, windows, out);
    }
}

/// All channels of the windows' outputs.
#[cfg(not(kindling_backend = "armv6m"))]
fn all_channels(conv: &Conv<'_>, windows: &[i8], out: &mut [i8]) {
    let channels = conv.output.channels as usize;
    if windows.is_empty() || out.len() != windows.len() / WINDOW_BYTES * channels {
        return;
    }
    let (windows, weights) = (windows.as_ptr_range(), conv.weights.as_ptr_range());
    let rows = Rows {
        windows: windows.start,
        windows_end: windows.end,
        weights: weights.start,
        weights_end: weights.end,
        parameters: conv.channels.as_ptr(),
        output: out.as_mut_ptr(),
        output_step: channels,
        zero_point: conv.output_zero_point as i32,
    };
    // SAFETY: there is a window, of `WINDOW_BYTES` as all are; `weights` has 12 bytes per channel
    // and `parameters` 8; all begin at whole words. One byte per window and channel is written,
    // windows `channels` bytes apart and channels 1: all of `out`.
    unsafe { kindling_single_channel(&rows) }
}

#[cfg(kindling_backend = "armv6m")]
unsafe extern "C" {
    fn kindling_single_channel_sums(
        windows: *const i8,
        windows_end: *const i8,
        weights: &[i32; 9],
        sums: &mut [i32; SUMS],
    );
}

/// Windows that are summed in one call on Armv6-M.
#[cfg(kindling_backend = "armv6m")]
const SUMS: usize = 20;

/// All channels of the windows' outputs.
#[cfg(kindling_backend = "armv6m")]
fn all_channels(conv: &Conv<'_>, windows: &[i8], out: &mut [i8]) {
    let channels = (conv.output.channels as usize).max(1);
    let weights = conv.weights.as_chunks().0;
    for (channel, (parameters, weights)) in
        channel_parameters(conv.channels).zip(weights).enumerate()
    {
        let weights = single_channel_taps(weights).map(i32::from);
        let mut out = out.iter_mut().skip(channel).step_by(channels);
        for windows in windows.chunks(SUMS * WINDOW_BYTES) {
            let mut sums = [0; SUMS];
            let range = windows.as_ptr_range();
            // SAFETY: reads whole windows of 64 bytes, one or more, at whole words, and writes a
            // sum for each: `SUMS` at most.
            unsafe { kindling_single_channel_sums(range.start, range.end, &weights, &mut sums) }
            for (sum, out) in sums.into_iter().take(windows.len() / WINDOW_BYTES).zip(&mut out) {
                let accumulator = sum.wrapping_add(parameters.bias);
                *out = requantise(accumulator, parameters.multiplier, conv.output_zero_point);
            }
        }
    }
}

/// All windows of a row of outputs, a window or more.
#[cfg(kindling_dsp)]
fn fill_windows(conv: &Conv<'_>, input: &[i8], row: i32, windows: &mut [i8]) {
    let (y, x) = (conv.origin[0] as i32 + 2 * row, conv.origin[1] as i32);
    let columns = 2 * conv.output.width as i32 + 2;
    let inside = y >= 0
        && y + 4 <= conv.input.height as i32
        && x >= 0
        && x + columns <= conv.input.width as i32;
    let width = conv.input.width as usize;
    // Wraps outside of the map, where it is not used.
    let first = (y as usize).wrapping_mul(width).wrapping_add(x as usize);
    let pixels = input.get(first..).unwrap_or_default();
    if inside && pixels.len() >= 3 * width + columns as usize {
        let range = windows.as_mut_ptr_range();
        // SAFETY:
        // - Window `n` reads bytes `2 * n .. 2 * n + 4` of four rows `width` bytes apart, which end
        //   with byte `3 * width + columns` as checked: by words where this core loads them from
        //   any address.
        // - `windows` begins at a whole word and has 48 bytes for each window.
        unsafe { kindling_windows(pixels.as_ptr(), width, range.start, range.end) }
    } else if Feature::Edges.is_built() {
        fill_windows_at_edge(conv, input, y, windows);
    }
}

/// The same where some pixels are outside of the map.
#[cfg(kindling_dsp)]
#[cold]
fn fill_windows_at_edge(conv: &Conv<'_>, input: &[i8], y: i32, windows: &mut [i8]) {
    let rows = [y, y + 1, y + 2, y + 3].map(|y| window::row(input, conv.input, y));
    let mut x = conv.origin[1] as i32;
    for window in windows.as_chunks_mut::<WINDOW_BYTES>().0 {
        let pairs = pairs(rows.map(|row| pixels(row, x, conv.input_zero_point)));
        for (out, pair) in window.as_chunks_mut::<4>().0.iter_mut().zip(pairs) {
            *out = pair.to_le_bytes().map(|byte| byte as i8);
        }
        x += 2;
    }
}

/// All windows of a row of outputs, a window or more.
#[cfg(not(kindling_dsp))]
fn fill_windows(conv: &Conv<'_>, input: &[i8], row: i32, windows: &mut [i8]) {
    let y = conv.origin[0] as i32 + 2 * row;
    for (x, window) in (0..).zip(windows.as_chunks_mut::<WINDOW_BYTES>().0) {
        let x = conv.origin[1] as i32 + 2 * x;
        for (y, out) in (y..).zip(window.as_chunks_mut::<16>().0) {
            let bytes =
                pixels(window::row(input, conv.input, y), x, conv.input_zero_point).to_le_bytes();
            for (out, byte) in out.as_chunks_mut::<4>().0.iter_mut().zip(bytes) {
                *out = (byte as i8 as i32).to_le_bytes().map(|byte| byte as i8);
            }
        }
    }
}

/// Four pixels of a row, the zero point outside of it.
fn pixels(row: &[i8], x: i32, outside: i8) -> u32 {
    let mut bytes = [0; 4];
    window::copy(row, x, &mut bytes, outside, |value| value);
    u32::from_le_bytes(bytes.map(|value| value as u8))
}

/// The pairs of a window in the order of their use.
#[cfg(kindling_dsp)]
fn pairs(rows: [u32; 4]) -> [u32; 12] {
    let [r0, r1, r2, r3] = rows.map(|row| (widen_even(row), widen_odd(row)));
    let first = |(even, odd): (u32, u32)| low_halves(even, odd);
    let middle = |(even, odd): (u32, u32)| low_and_high(odd, even);
    let last = |(even, odd): (u32, u32)| high_halves(even, odd);
    [
        first(r0),
        middle(r0),
        last(r0),
        first(r1),
        middle(r1),
        high_halves(r1.0, r2.0),
        first(r2),
        middle(r2),
        high_halves(r1.1, r2.1),
        first(r3),
        middle(r3),
        last(r3),
    ]
}
