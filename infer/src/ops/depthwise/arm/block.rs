//! Depthwise convolution on cores without vectors: a block of pixels at once; the loop is in
//! `armv7.s`, and in `armv6m.s`.

#[cfg(kindling_backend = "armv6m")]
use super::super::portable::each_block;
#[cfg(not(kindling_backend = "armv6m"))]
use super::super::portable::each_part;
use super::super::portable::{Block, each_run_of, pixels, write_starts};
use super::{BLOCK, Depthwise};
#[cfg(kindling_backend = "dsp")]
use crate::arm::instructions::has_common_factors;
use crate::arm::is_at_word;
use crate::ops::operator::Buffers;
#[cfg(kindling_backend = "dsp")]
use crate::quant::RELU_ZERO_POINT;
use crate::quant::{ChannelParameters, Rounding};

/// Taps of which the loop keeps a list.
const TAPS_MAX: usize = 25;

/// Arguments of the loop. All steps and skips are in bytes.
#[repr(C)]
struct Arguments {
    input: *const i8,
    output: *mut i8,
    weights: *const u8,
    starts: *const i8,
    parameters: *const u8,
    shifts: *const u8,
    channels: usize,
    rows: usize,
    columns: usize,
    /// From the end of a row of taps to the next: of the input, then of the weights.
    tap_skips: [usize; 2],
    out_rows: usize,
    /// Of the pixels of an output row.
    out_row_bytes: usize,
    /// From a pixel's first tap to that of the next.
    step: usize,
    /// From the place after the last pixel of a row to the first of the next: of the input, which
    /// may be back, then of the output.
    row_skips: [isize; 2],
    zero_point: i32,
    /// The input's, negated; only Armv7-M reads it.
    minus_input_zero_point: i32,
}

unsafe extern "C" {
    fn kindling_depthwise(arguments: &Arguments);
    fn kindling_depthwise_twice(arguments: &Arguments);
    #[cfg(kindling_backend = "dsp")]
    fn kindling_depthwise_common(arguments: &Arguments);
}

/// All of a layer. The caller has checked that its numbers are in the loop's range.
#[cfg(kindling_backend = "armv6m")]
#[inline(always)]
pub(super) fn depthwise(depthwise: &Depthwise<'_>, is_in_range: bool, buffers: Buffers<'_>) {
    each_block(depthwise, buffers, write_starts, |depthwise, block, output| {
        if is_in_range && fits(depthwise, block, output) {
            run(depthwise, block, output, loop_of(depthwise));
        } else {
            each_run_of(depthwise, block, output, pixels);
        }
    });
}

/// All of a layer. The caller has checked that its numbers are in the loop's range.
///
/// The loop takes away from the starts what padding does not add, so they are written once, as if
/// all taps read padding.
#[cfg(not(kindling_backend = "armv6m"))]
#[inline(always)]
pub(super) fn depthwise(depthwise: &Depthwise<'_>, is_in_range: bool, buffers: Buffers<'_>) {
    let run_block = loop_of(depthwise);
    let Buffers { input, scratch, output, .. } = buffers;
    let mut are_of_padding = false;
    each_part(depthwise, |depthwise, [out_rows, rows], [out_columns, columns]| {
        let block = Block { input, out_rows, out_columns, rows, columns, starts: scratch };
        let has_loop = is_in_range && fits(depthwise, &block, output);
        let Block { out_rows, out_columns, rows, columns, .. } = block;
        if !has_loop {
            write_starts(depthwise, &rows, &columns, scratch);
        } else if !are_of_padding {
            write_starts(depthwise, &(0..0), &(0..0), scratch);
        }
        are_of_padding = has_loop;
        let block = Block { input, out_rows, out_columns, rows, columns, starts: scratch };
        match has_loop {
            true => run(depthwise, &block, output, run_block),
            false => each_run_of(depthwise, &block, output, pixels),
        }
    });
}

/// The loop in assembly.
type Loop = unsafe extern "C" fn(&Arguments);

fn loop_of(depthwise: &Depthwise<'_>) -> Loop {
    match depthwise.rounding() {
        Rounding::Once => kindling_depthwise,
        #[cfg(kindling_backend = "dsp")]
        Rounding::Twice
            if depthwise.output_zero_point == RELU_ZERO_POINT
                && has_common_factors(depthwise.channels, depthwise.output.channels) =>
        {
            kindling_depthwise_common
        }
        Rounding::Twice => kindling_depthwise_twice,
    }
}

/// Whether the loop can compute a block: it has pixels, taps and blocks of channels, and all slices
/// have what it reads and writes.
fn fits(depthwise: &Depthwise<'_>, block: &Block<'_>, output: &[i8]) -> bool {
    let channels = depthwise.output.channels as usize;
    let [kernel_rows, kernel_columns] = depthwise.kernel.map(usize::from);
    let taps = block.rows.len() * block.columns.len();
    channels >= BLOCK
        && channels == depthwise.input.channels as usize
        && (1..=TAPS_MAX).contains(&taps)
        && block.rows.end <= kernel_rows
        && block.columns.end <= kernel_columns
        && !block.out_rows.is_empty()
        && !block.out_columns.is_empty()
        && block.out_rows.end <= depthwise.output.height as usize
        && block.out_columns.end <= depthwise.output.width as usize
        && depthwise.weights.len() as u64 == depthwise.weight_bytes()
        && depthwise.channels.len() == depthwise.rounding().channel_bytes() * channels
        && block.starts.len() == size_of::<i32>() * channels
        && is_at_word(block.starts)
        && is_at_word(depthwise.channels)
        && output.len() == depthwise.output.len()
        && end_of_input(depthwise, block) <= block.input.len() as u64
}

/// The value after the last that a block reads.
fn end_of_input(depthwise: &Depthwise<'_>, block: &Block<'_>) -> u64 {
    let last = |outputs: usize, stride: u8, taps: usize| {
        (outputs as u64 - 1) * stride as u64 + taps as u64 - 1
    };
    let [down, right] = depthwise.stride;
    let (map, channels) = (depthwise.input, depthwise.input.channels as u64);
    let last_row = last(block.out_rows.len(), down, block.rows.len());
    let last_column = last(block.out_columns.len(), right, block.columns.len());
    block.place(depthwise, block.out_rows.start) as u64
        + last_row * map.row_len() as u64
        + (last_column + 1) * channels
}

/// All channels of a block that [`fits`]. With a stack frame of its own: within the caller's it
/// would take as much while the portable loop runs.
#[inline(never)]
fn run(depthwise: &Depthwise<'_>, block: &Block<'_>, output: &mut [i8], run: Loop) {
    let arguments = arguments(depthwise, block, output);
    // SAFETY: `fits` holds, so
    // - there is a pixel, and there are a row and a column of taps, not more than a list has, and
    //   as many channels as the loop takes at once, or more;
    // - the input that the taps of all pixels read ends within `block.input`;
    // - the taps' weights lie in `weights`, one for each tap and channel;
    // - there are a start, parameters and, with two roundings, a shift for each channel, starts and
    //   parameters at whole words;
    // - all outputs lie in `output`, which is borrowed mutably.
    // Input and weights are read by words where this core loads them from any address.
    unsafe { run(&arguments) }
}

fn arguments(depthwise: &Depthwise<'_>, block: &Block<'_>, output: &mut [i8]) -> Arguments {
    let channels = depthwise.output.channels as usize;
    let [down, right] = depthwise.stride.map(usize::from);
    let (row_bytes, out_bytes) = (depthwise.input.row_len(), depthwise.output.row_len());
    let (columns, kernel_columns) = (block.columns.len(), depthwise.kernel[1] as usize);
    let first_tap = block.rows.start * kernel_columns + block.columns.start;
    let (out_columns, step) = (block.out_columns.len(), right * channels);
    let first = block.place(depthwise, block.out_rows.start);
    let first_output = block.out_rows.start * out_bytes + block.out_columns.start * channels;
    let shifts = depthwise.channels.get(ChannelParameters::BYTES * channels..);
    let skip = |row: usize, pixels: usize| row as isize - pixels as isize;
    Arguments {
        input: block.input.get(first..).unwrap_or_default().as_ptr(),
        output: output.get_mut(first_output..).unwrap_or_default().as_mut_ptr(),
        weights: depthwise.weights.get(first_tap * channels..).unwrap_or_default().as_ptr(),
        starts: block.starts.as_ptr(),
        parameters: depthwise.channels.as_ptr(),
        shifts: shifts.unwrap_or_default().as_ptr(),
        channels,
        rows: block.rows.len(),
        columns,
        tap_skips: [row_bytes - columns * channels, (kernel_columns - columns) * channels],
        out_rows: block.out_rows.len(),
        out_row_bytes: out_columns * channels,
        step,
        row_skips: [
            skip(down * row_bytes, out_columns * step),
            skip(out_bytes, out_columns * channels),
        ],
        zero_point: depthwise.output_zero_point as i32,
        minus_input_zero_point: -(depthwise.input_zero_point as i32),
    }
}
