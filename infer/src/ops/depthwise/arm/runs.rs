//! Depthwise convolution with the vector extension: the pixels of a run, one after the other; the
//! loop is in `mve.s`.

use super::super::portable::Run;
use super::{BLOCK, Depthwise};
use crate::arm::is_at_word;

/// Whether the loop can compute a run: it has pixels, taps and blocks of channels, and all slices
/// have what it reads and writes. Inlined, so that no division by channels can panic.
#[inline(always)]
pub(super) fn has_blocks(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &[i8]) -> bool {
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
#[repr(C)]
pub(super) struct Pixels {
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

unsafe extern "C" {
    fn kindling_depthwise(pixels: &mut Pixels);
}

/// All channels of the pixels of a run, for which [`has_blocks`] holds.
pub(super) fn blocks(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) {
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

impl Pixels {
    #[inline(always)]
    pub(super) fn of(depthwise: &Depthwise<'_>, run: &Run<'_>, out: &mut [i8]) -> Self {
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
