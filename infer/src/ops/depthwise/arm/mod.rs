//! Depthwise convolution on this build's core, some channels at once; the loop is in assembly, for
//! each class of cores.
//!
//! ```text
//! for each pixel of a run, for each block of 4 (8 with the vector extension) channels:
//!     sums = starts of the channels
//!     for each tap inside of the map: sums += input * weight, channel by channel
//!     outputs = requantise(sums)
//! ```
//!
//! The last block ends with the last channel; where it overlaps the one before, it makes the same
//! values again. Layers with fewer channels than a block, or with several outputs for each channel
//! of the input, are computed by the portable loop, as are pixels all of whose taps are padding.
//! Sums stay in 32 bits: see [`portable`](super::portable). Layers with two roundings have loops of
//! their own: see [`twice`].
#![allow(unsafe_code)]

#[cfg(kindling_backend = "mve")]
mod lanes;
mod twice;

use super::portable::{Run, each_run, pixels};
use super::{Depthwise, Kernels};
#[cfg(kindling_backend = "armv6m")]
use crate::arm::instructions::requantise;
use crate::arm::is_at_word;
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::sets::CortexM;
#[cfg(kindling_backend = "armv6m")]
use crate::quant::ChannelParameters;
use crate::quant::Rounding;

#[cfg(kindling_backend = "mve")]
core::arch::global_asm!(
    include_str!("mve.s"),
    include_str!("mve_twice.s"),
    include_str!("mve_lanes.s"),
    options(raw)
);
#[cfg(any(kindling_backend = "dsp", kindling_backend = "armv7m"))]
crate::arm::assembly!("armv7.s", "armv7_twice.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

/// Channels of a block.
const BLOCK: usize = if cfg!(kindling_backend = "mve") { 8 } else { 4 };

impl Kernels for CortexM {
    fn run(depthwise: &Depthwise<'_>, buffers: Buffers<'_>) {
        if Feature::Depthwise.is_built() {
            match depthwise.rounding() {
                Rounding::Once => each_run(depthwise, buffers, |depthwise, run, out| {
                    match has_blocks(depthwise, run, out) {
                        true => blocks(depthwise, run, out),
                        false => pixels(depthwise, run, out),
                    }
                }),
                Rounding::Twice => twice::depthwise(depthwise, buffers),
            }
        }
    }
}

/// Whether the loop can compute a run: it has pixels, taps and blocks of channels, and all slices
/// have what it reads and writes. Inlined, so that no division by channels can panic.
#[inline(always)]
fn has_blocks(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &[i8]) -> bool {
    let channels = depthwise.output.channels as usize;
    let [kernel_rows, kernel_columns] = depthwise.kernel.map(usize::from);
    channels >= BLOCK
        && channels == depthwise.input.channels as usize
        && !out.is_empty()
        && out.len().is_multiple_of(channels)
        && !run.rows.is_empty()
        && !run.columns.is_empty()
        && run.rows.end <= kernel_rows
        && run.columns.end <= kernel_columns
        && depthwise.weights.len() as u64 == depthwise.weight_bytes()
        && depthwise.channels.len() == depthwise.rounding().channel_bytes() * channels
        && run.starts.len() == size_of::<i32>() * channels
        && is_at_word(run.starts)
        && is_at_word(depthwise.channels)
        && end_of_input(depthwise, run, out.len() / channels) <= run.input.len() as u64
}

/// The value after the last that a run of `pixels` pixels reads.
fn end_of_input(depthwise: &Depthwise<'_>, run: &Run<'_>, pixels: usize) -> u64 {
    let (map, channels) = (depthwise.input, depthwise.input.channels as u64);
    let last_pixel = (pixels as u64 - 1) * depthwise.stride[1] as u64 * channels;
    let last_row = (run.rows.len() as u64 - 1) * map.row_len() as u64;
    run.at as u64 + last_pixel + last_row + run.columns.len() as u64 * channels
}

/// Arguments of the loop; it changes some of them.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct Pixels {
    input: *const i8,
    weights: *const u8,
    starts: *const i8,
    parameters: *const u8,
    output: *mut i8,
    channels: usize,
    rows: usize,
    columns: usize,
    /// From the end of a row of taps to the next, bytes: of the input, then of the weights.
    skips: [usize; 2],
    pixels: usize,
    /// From a pixel's first tap to that of the next, bytes.
    step: usize,
    zero_point: i32,
    /// The loop's own.
    channel: usize,
}

#[cfg(not(kindling_backend = "armv6m"))]
unsafe extern "C" {
    fn kindling_depthwise(pixels: &mut Pixels);
}

/// All channels of the pixels of a run, for which [`has_blocks`] holds.
#[cfg(not(kindling_backend = "armv6m"))]
fn blocks(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) {
    let mut pixels = Pixels::of(depthwise, run, out);
    // SAFETY: `has_blocks` holds, so
    // - there is a pixel, a row and a column of taps, and a block of channels or more;
    // - the input that the taps of all pixels read ends within `run.input`;
    // - the taps' weights lie in `weights`, one for each tap and channel;
    // - there are a start and parameters for each channel, at whole words;
    // - `out` has a value for each pixel and channel, and is borrowed mutably.
    // Input and weights are read by words where this core loads them from any address.
    unsafe { kindling_depthwise(&mut pixels) }
}

#[cfg(not(kindling_backend = "armv6m"))]
impl Pixels {
    #[inline(always)]
    fn of(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) -> Self {
        let channels = depthwise.output.channels as usize;
        let columns = run.columns.len();
        let (row_len, kernel_columns) = (depthwise.input.row_len(), depthwise.kernel[1] as usize);
        let first_tap = run.rows.start * kernel_columns + run.columns.start;
        let (input, weights) =
            (run.input.get(run.at..), depthwise.weights.get(first_tap * channels..));
        Self {
            input: input.unwrap_or_default().as_ptr(),
            weights: weights.unwrap_or_default().as_ptr(),
            starts: run.starts.as_ptr(),
            parameters: depthwise.channels.as_ptr(),
            output: out.as_mut_ptr(),
            channels,
            rows: run.rows.len(),
            columns,
            skips: [row_len - columns * channels, (kernel_columns - columns) * channels],
            pixels: out.len() / channels,
            step: depthwise.stride[1] as usize * channels,
            zero_point: depthwise.output_zero_point as i32,
            channel: 0,
        }
    }
}

/// Arguments of the loop over the taps of a block of channels.
#[cfg(kindling_backend = "armv6m")]
#[repr(C)]
struct Taps {
    input: *const i8,
    weights: *const u8,
    starts: *const i8,
    channels: usize,
    rows: usize,
    columns: usize,
    /// From the end of a row of taps to the next, bytes: of the input, then of the weights.
    skips: [usize; 2],
}

#[cfg(kindling_backend = "armv6m")]
unsafe extern "C" {
    fn kindling_depthwise_sums(taps: &Taps, channel: usize, sums: &mut [i32; BLOCK]);
}

/// All channels of the pixels of a run, for which [`has_blocks`] holds.
#[cfg(kindling_backend = "armv6m")]
fn blocks(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) {
    each_sums(depthwise, run, out, |channel, sums, out| write(depthwise, channel, sums, out));
}

/// Calls `write` with the first channel and the sums of each block, and the pixel's outputs.
#[cfg(kindling_backend = "armv6m")]
#[inline(always)]
fn each_sums(
    depthwise: &Depthwise<'_>,
    run: &Run<'_>,
    out: &mut [i8],
    write: impl Fn(usize, [i32; BLOCK], &mut [i8]),
) {
    let channels = depthwise.output.channels as usize;
    let columns = run.columns.len();
    let (row_len, kernel_columns) = (depthwise.input.row_len(), depthwise.kernel[1] as usize);
    let first_tap = run.rows.start * kernel_columns + run.columns.start;
    let weights = depthwise.weights.get(first_tap * channels..).unwrap_or_default();
    let skips = [row_len - columns * channels, (kernel_columns - columns) * channels];
    for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
        let at = run.at + pixel * depthwise.stride[1] as usize * channels;
        let taps = Taps {
            input: run.input.get(at..).unwrap_or_default().as_ptr(),
            weights: weights.as_ptr(),
            starts: run.starts.as_ptr(),
            channels,
            rows: run.rows.len(),
            columns,
            skips,
        };
        let last = channels - BLOCK;
        let mut channel = 0;
        loop {
            let mut sums = [0; BLOCK];
            // SAFETY: `has_blocks` holds, so
            // - there is a row and a column of taps, and a block of channels from `channel` on;
            // - the input that the taps of all pixels read ends within `run.input`;
            // - the taps' weights lie in `weights`, one for each tap and channel;
            // - there is a start for each channel, at a whole word.
            unsafe { kindling_depthwise_sums(&taps, channel, &mut sums) }
            write(channel, sums, out);
            if channel == last {
                break;
            }
            channel = last.min(channel + BLOCK);
        }
    }
}

/// Requantises the sums of a block of channels.
#[cfg(kindling_backend = "armv6m")]
fn write(depthwise: &Depthwise<'_>, channel: usize, sums: [i32; BLOCK], out: &mut [i8]) {
    let (parameters, _) = depthwise.channels.as_chunks();
    let parameters = parameters.get(channel..).unwrap_or_default();
    let outputs = out.get_mut(channel..).unwrap_or_default();
    for ((out, sum), parameters) in outputs.iter_mut().zip(sums).zip(parameters) {
        let ChannelParameters { multiplier, .. } = ChannelParameters::from_le_bytes(parameters);
        *out = requantise(sum, multiplier, depthwise.output_zero_point);
    }
}
