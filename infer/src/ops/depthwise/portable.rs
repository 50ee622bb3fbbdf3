//! Depthwise convolution in plain safe Rust, for every core; no panics.
//!
//! ```text
//! for each block of output pixels whose windows lie inside of the map with the same taps:
//!     start[channel] = bias + zero point * sum(weights of the taps outside)
//!     for each pixel of the block, for each channel:
//!         output = requantise(start[channel] + sum over the taps inside of input * weight)
//! ```
//!
//! A map has few such blocks: its inner part, and its edges where padding is read. Taps on padding
//! cost nothing but in the starts. Sums stay within 32 bits because
//! [`Model::from_bytes`](crate::Model::from_bytes) proved `|bias| + 128 * sum(|weight|) < 2^31` for
//! every channel: each value, and the zero point, is within 128 in size.

use core::ops::Range;

use super::{Depthwise, Kernels};
use crate::ops::operator::Buffers;
use crate::ops::sets::Portable;
use crate::quant::{Once, Requantise, Rounding, Twice};

impl Kernels for Portable {
    fn run(depthwise: &Depthwise<'_>, buffers: Buffers<'_>) {
        each_run(depthwise, buffers, pixels);
    }
}

/// Some output pixels of a row, one after the other, whose windows lie inside of the map with the
/// same taps.
pub(super) struct Run<'r> {
    /// The map that is read.
    pub input: &'r [i8],
    /// Place of the first tap inside, for the first pixel; at channel 0.
    pub at: usize,
    /// Kernel rows inside.
    pub rows: Range<usize>,
    /// Kernel columns inside.
    pub columns: Range<usize>,
    /// Where each channel's sum starts: `i32`, little endian.
    pub starts: &'r [i8],
}

/// The output pixels of some rows and columns, whose windows lie inside of the map with the same
/// taps.
pub(super) struct Block<'r> {
    /// The map that is read.
    pub input: &'r [i8],
    /// Output rows.
    pub out_rows: Range<usize>,
    /// Output columns.
    pub out_columns: Range<usize>,
    /// Kernel rows inside.
    pub rows: Range<usize>,
    /// Kernel columns inside.
    pub columns: Range<usize>,
    /// Where each channel's sum starts: `i32`, little endian.
    pub starts: &'r [i8],
}

impl Block<'_> {
    /// Place of the first tap inside, for the first pixel of row `out_row`; at channel 0.
    #[inline(always)]
    pub fn place(&self, depthwise: &Depthwise<'_>, out_row: usize) -> usize {
        let x = place(depthwise, 1, self.out_columns.start, &self.columns);
        let y = place(depthwise, 0, out_row, &self.rows);
        y * depthwise.input.row_len() + x * depthwise.input.channels as usize
    }
}

/// Calls `block` for each block of output pixels, after `starts`, which writes each channel's bias
/// with what padding adds to it; it is given the kernel rows and columns inside of the map.
#[inline(always)]
pub(super) fn each_block(
    depthwise: &Depthwise<'_>,
    Buffers { input, scratch, output, .. }: Buffers<'_>,
    starts: impl Fn(&Depthwise<'_>, &Range<usize>, &Range<usize>, &mut [i8]),
    block: impl Fn(&Depthwise<'_>, &Block<'_>, &mut [i8]),
) {
    each_part(depthwise, |depthwise, [out_rows, rows], [out_columns, columns]| {
        starts(depthwise, &rows, &columns, scratch);
        let of_block = Block { input, out_rows, out_columns, rows, columns, starts: scratch };
        block(depthwise, &of_block, output);
    });
}

/// Calls `part` for the pixels of each block, before the starts of its channels are known, with
/// output rows and kernel rows, then output columns and kernel columns.
#[inline(always)]
pub(super) fn each_part(
    depthwise: &Depthwise<'_>,
    mut part: impl FnMut(&Depthwise<'_>, [Range<usize>; 2], [Range<usize>; 2]),
) {
    for (out_rows, rows) in blocks(depthwise, 0) {
        for (out_columns, columns) in blocks(depthwise, 1) {
            part(depthwise, [out_rows.clone(), rows.clone()], [out_columns, columns]);
        }
    }
}

/// Calls `run` for each run of output pixels of a block.
#[inline(always)]
pub(super) fn each_run_of(
    depthwise: &Depthwise<'_>,
    block: &Block<'_>,
    output: &mut [i8],
    run: impl Fn(&Depthwise<'_>, &Run<'_>, &mut [i8]),
) {
    let channels = depthwise.output.channels as usize;
    for out_row in block.out_rows.clone() {
        let at = block.place(depthwise, out_row);
        let start = out_row * depthwise.output.row_len() + block.out_columns.start * channels;
        let out = output.get_mut(start..start + block.out_columns.len() * channels);
        let (rows, columns) = (block.rows.clone(), block.columns.clone());
        let of_run = Run { input: block.input, at, rows, columns, starts: block.starts };
        run(depthwise, &of_run, out.unwrap_or_default());
    }
}

/// Calls `run` for each run of output pixels.
#[inline(always)]
pub(super) fn each_run(
    depthwise: &Depthwise<'_>,
    buffers: Buffers<'_>,
    run: impl Fn(&Depthwise<'_>, &Run<'_>, &mut [i8]),
) {
    each_block(depthwise, buffers, write_starts, |depthwise, block, output| {
        each_run_of(depthwise, block, output, &run);
    });
}

/// The outputs along an axis (0: rows, 1: columns) in blocks with the same taps inside of the map.
fn blocks(
    depthwise: &Depthwise<'_>,
    axis: usize,
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let outputs = if axis == 0 { depthwise.output.height } else { depthwise.output.width };
    let (depthwise, mut start) = (*depthwise, 0);
    core::iter::from_fn(move || {
        let (first, taps) = (start, taps_inside(&depthwise, axis, start));
        while start < outputs as usize && taps_inside(&depthwise, axis, start) == taps {
            start += 1;
        }
        (start > first).then_some((first..start, taps))
    })
}

/// The taps of an output along an axis that lie inside of the map.
fn taps_inside(depthwise: &Depthwise<'_>, axis: usize, output: usize) -> Range<usize> {
    let map = if axis == 0 { depthwise.input.height } else { depthwise.input.width } as i32;
    let kernel = depthwise.kernel.get(axis).copied().unwrap_or_default() as i32;
    let first = first_tap(depthwise, axis, output);
    let start = (-first).clamp(0, kernel);
    start as usize..(map - first).clamp(start, kernel) as usize
}

/// Row or column of the map under the first tap inside; 0 where no tap is.
fn place(depthwise: &Depthwise<'_>, axis: usize, output: usize, taps: &Range<usize>) -> usize {
    (first_tap(depthwise, axis, output) + taps.start as i32).max(0) as usize
}

/// Row or column of the map under the first tap; negative where that is padding.
fn first_tap(depthwise: &Depthwise<'_>, axis: usize, output: usize) -> i32 {
    let origin = depthwise.origin.get(axis).copied().unwrap_or_default() as i32;
    let stride = depthwise.stride.get(axis).copied().unwrap_or_default() as usize;
    origin + (output * stride) as i32
}

/// Writes each channel's bias with what padding adds to it.
pub(super) fn write_starts(
    depthwise: &Depthwise<'_>,
    rows: &Range<usize>,
    columns: &Range<usize>,
    starts: &mut [i8],
) {
    let (starts, _) = starts.as_chunks_mut();
    for (start, parameters) in starts.iter_mut().zip(depthwise.channel_parameters()) {
        *start = parameters.bias.to_le_bytes().map(|byte| byte as i8);
    }
    let kernel_columns = (depthwise.kernel[1] as usize).max(1);
    let taps = depthwise.weights.chunks_exact((depthwise.output.channels as usize).max(1));
    for (tap, weights) in taps.enumerate() {
        let (row, column) = (tap / kernel_columns, tap % kernel_columns);
        if rows.contains(&row) && columns.contains(&column) {
            continue;
        }
        for (start, weight) in starts.iter_mut().zip(weights) {
            let more = depthwise.input_zero_point as i32 * *weight as i8 as i32;
            *start = (number(start) + more).to_le_bytes().map(|byte| byte as i8);
        }
    }
}

fn number(bytes: &[i8; 4]) -> i32 {
    i32::from_le_bytes(bytes.map(|byte| byte as u8))
}

/// Channels whose sums are made at once.
const BLOCK: usize = 8;

/// All channels of the pixels of a run.
pub(super) fn pixels(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) {
    match depthwise.rounding() {
        Rounding::Once => rounded::<Once>(depthwise, run, out),
        Rounding::Twice => rounded_twice(depthwise, run, out),
    }
}

/// With a stack frame of its own: within the caller's it would take as much while others run.
#[inline(never)]
fn rounded_twice(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) {
    rounded::<Twice>(depthwise, run, out);
}

#[inline(always)]
fn rounded<Rounded: Requantise>(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) {
    let channels = (depthwise.output.channels as usize).max(1);
    let step = depthwise.stride[1] as usize * depthwise.input.channels as usize;
    for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
        let (at, mut channel) = (run.at + pixel * step, 0);
        while channel < channels {
            let is_block = depthwise.multiplier() == 1 && channel + BLOCK <= channels;
            let done = if is_block {
                some_channels::<Rounded, BLOCK>(depthwise, run, at, channel, out)
            } else {
                some_channels::<Rounded, 1>(depthwise, run, at, channel, out)
            };
            channel += done;
        }
    }
}

/// `COUNT` channels of a pixel, which read as many of the input or one; how many they are.
#[inline(always)]
fn some_channels<Rounded: Requantise, const COUNT: usize>(
    depthwise: &Depthwise<'_>,
    run: &Run<'_>,
    at: usize,
    channel: usize,
    out: &mut [i8],
) -> usize {
    let (starts, _) = run.starts.as_chunks();
    let channels = depthwise.output.channels;
    let starts = starts.get(channel..).and_then(|starts| starts.first_chunk::<COUNT>());
    let parameters = Rounded::some_parameters::<COUNT>(depthwise.channels, channels, channel);
    let out = out.get_mut(channel..).and_then(|out| out.first_chunk_mut::<COUNT>());
    if let (Some(starts), Some(parameters), Some(out)) = (starts, parameters, out) {
        let sums = sums(depthwise, run, at, channel, starts.map(|start| number(&start)));
        for ((out, sum), parameters) in out.iter_mut().zip(sums).zip(parameters) {
            *out = Rounded::output(sum, parameters, depthwise.output_zero_point);
        }
    }
    COUNT
}

/// The sums of `COUNT` channels over the taps inside of the map.
#[inline(always)]
fn sums<const COUNT: usize>(
    depthwise: &Depthwise<'_>,
    run: &Run<'_>,
    at: usize,
    channel: usize,
    mut sums: [i32; COUNT],
) -> [i32; COUNT] {
    let map = depthwise.input;
    for (row, kernel_row) in run.rows.clone().enumerate() {
        for (column, kernel_column) in run.columns.clone().enumerate() {
            let tap = kernel_row * depthwise.kernel[1] as usize + kernel_column;
            let start = at + row * map.row_len() + column * map.channels as usize;
            let values = run.input.get(start + channel / depthwise.multiplier()..);
            let weights = depthwise.weights.get(depthwise.weight_place(channel, tap)..);
            let values = values.and_then(|values| values.first_chunk::<COUNT>());
            let weights = weights.and_then(|weights| weights.first_chunk::<COUNT>());
            if let (Some(values), Some(weights)) = (values, weights) {
                for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
                    *sum += *value as i32 * *weight as i8 as i32;
                }
            }
        }
    }
    sums
}
