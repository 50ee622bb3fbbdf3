//! Direct convolution with the vector extension. Layers that pool, and those with int4 weights, are
//! computed here, by loops in `mve.s`; all others in `pixels.rs`.
//!
//! ```text
//! for each output pixel (without pooling: for each four of them):
//!     inputs = the patches of its pooling window, 16 taps of four pixels after the other
//!     for each pair of output channels:
//!         sums = inputs . weights
//!         output = requantise(bias + max of the window's sums)
//! ```
//!
//! A window of less than four pixels repeats one: the maximum stays the same. The vector unit must
//! be switched on before: `cortex-m-rt` does so on `thumbv8m.main-none-eabihf`.
#![allow(unsafe_code)]

mod pixels;

use super::paired::convolved_pixel;
use crate::arm::instructions::requantise;
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::{PAIRED_PIXELS, paired_batches};
use crate::ops::window;
use crate::quant::{ChannelParameters, Rounding};

crate::arm::vector_assembly!("mve.s");

/// Taps that are multiplied at once.
const CHUNK: usize = 16;

/// Arguments of the loop over channels: see `mve.s`.
#[repr(C)]
struct Channels {
    inputs: *const i8,
    inputs_end: *const i8,
    weights: *const u8,
    parameters: *const u8,
    parameters_end: *const u8,
    output: *mut i8,
    zero_point: i32,
}

/// The input under a kernel: see `mve.s`.
#[repr(C)]
struct Patch {
    source: *const i8,
    row_bytes: usize,
    kernel_row: usize,
    rows: usize,
    destination: *mut i8,
}

unsafe extern "C" {
    fn kindling_vector_gather(patch: &Patch);
    fn kindling_vector_sums(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        inputs_end: *const i8,
    );
    fn kindling_vector_sums_int4(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        inputs_end: *const i8,
    );
    fn kindling_vector_window(channels: &Channels);
    fn kindling_vector_window_int4(channels: &Channels);
}

/// The caller has checked all sizes, and that parameters begin at whole words.
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    if pixels::fits(conv) {
        return pixels::conv(conv, input, scratch, output);
    }
    match conv.rounding() {
        Rounding::Once => rounded_once(conv, input, scratch, output),
        // Such layers do not pool and have few enough channels.
        Rounding::Twice => (),
    }
}

fn rounded_once(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let batch_bytes = conv.taps().next_multiple_of(CHUNK) * PAIRED_PIXELS;
    let channels = conv.output.channels as usize;
    let pixels = conv.output.height as usize * conv.output.width as usize;
    let at_once = if conv.pools() { 1 } else { PAIRED_PIXELS };
    // What pads the last chunk is whatever the scratch memory holds: its weights are 0.
    for first in (0..pixels).step_by(at_once) {
        for (batch, chunks) in scratch.chunks_exact_mut(batch_bytes.max(1)).enumerate() {
            for pixel in 0..PAIRED_PIXELS {
                let (row, column) = convolved_pixel(conv, first, batch * PAIRED_PIXELS + pixel);
                gather(conv, input, row, column, pixel, chunks);
            }
        }
        let outputs = at_once.min(pixels - first);
        let Some(out) = output.get_mut(first * channels..(first + outputs) * channels) else {
            return;
        };
        if at_once == 1 && paired_batches(conv) == 1 {
            one_window(conv, scratch, out);
        } else {
            all_channels(conv, scratch, batch_bytes, out);
        }
    }
}

/// Copies the input under the kernel for one convolved pixel into its place in each chunk:
/// `[chunk][pixel][tap]`.
fn gather(conv: &Conv<'_>, input: &[i8], row: i32, column: i32, pixel: usize, chunks: &mut [i8]) {
    let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
    let [rows, columns] = conv.kernel.map(usize::from);
    let kernel_row = columns * conv.input.channels as usize;
    let inside = y >= 0 && x >= 0 && x as usize + columns <= conv.input.width as usize;
    let row_bytes = conv.input.row_len();
    let channels = conv.input.channels as usize;
    // Both wrap where they are not used: outside of the map, and without a tap.
    let start =
        (y as usize).wrapping_mul(row_bytes).wrapping_add((x as usize).wrapping_mul(channels));
    let needed = rows.wrapping_sub(1).wrapping_mul(row_bytes).wrapping_add(kernel_row);
    let source = input.get(start..).unwrap_or_default();
    let place_fits = chunks.len() >= conv.taps().next_multiple_of(CHUNK) * PAIRED_PIXELS
        && pixel < PAIRED_PIXELS;
    if !inside || source.len() < needed || !place_fits || conv.taps() == 0 {
        return gather_at_edge(conv, input, [y, x], pixel, chunks);
    }
    let patch = Patch {
        source: source.as_ptr(),
        row_bytes,
        kernel_row,
        rows,
        destination: chunks.as_mut_ptr().wrapping_add(pixel * CHUNK),
    };
    // SAFETY: reads `rows` rows of `kernel_row` bytes, one or more of each, `row_bytes` apart: the
    // `needed` bytes of `source`. Writes as many bytes, 16 to a chunk of 64, from the pixel's place
    // on: `chunks` has a chunk for each 16 taps.
    unsafe { kindling_vector_gather(&patch) }
}

/// The same where some taps are outside of the map.
#[cold]
fn gather_at_edge(
    conv: &Conv<'_>,
    input: &[i8],
    [y, x]: [i32; 2],
    pixel: usize,
    chunks: &mut [i8],
) {
    let channels = conv.input.channels as usize;
    let kernel_row = (conv.kernel[1] as usize * channels).max(1);
    for tap in 0..conv.taps() {
        let (i, j) = (tap / kernel_row, tap % kernel_row);
        let at = usize::try_from(x * channels as i32 + j as i32).ok();
        let value = at.and_then(|at| window::row(input, conv.input, y + i as i32).get(at));
        let place = (tap / CHUNK * PAIRED_PIXELS + pixel) * CHUNK + tap % CHUNK;
        if let Some(out) = chunks.get_mut(place) {
            *out = value.copied().unwrap_or(conv.input_zero_point);
        }
    }
}

/// All channels of one output pixel.
fn one_window(conv: &Conv<'_>, inputs: &[i8], out: &mut [i8]) {
    let (range, parameters) = (inputs.as_ptr_range(), conv.channels.as_ptr_range());
    if inputs.is_empty() || out.len() != conv.output.channels as usize || out.is_empty() {
        return;
    }
    let channels = Channels {
        inputs: range.start,
        inputs_end: range.end,
        weights: conv.weights.as_ptr(),
        parameters: parameters.start,
        parameters_end: parameters.end,
        output: out.as_mut_ptr(),
        zero_point: conv.output_zero_point as i32,
    };
    let run = if has_int4(conv) { kindling_vector_window_int4 } else { kindling_vector_window };
    // SAFETY: reads all inputs, whole chunks of four pixels, one or more, and for each pair of
    // channels two chunks of weights for each, of int4 weights one, and 16 bytes of parameters, at
    // a whole word; writes an output for each channel. There is a pair, and channels are even in
    // number.
    unsafe { run(&channels) }
}

/// All channels of one output pixel with more than four pixels to a window, or of up to four
/// without pooling.
fn all_channels(conv: &Conv<'_>, inputs: &[i8], batch_bytes: usize, out: &mut [i8]) {
    let channels = (conv.output.channels as usize).max(1);
    let pair_bytes = if has_int4(conv) { batch_bytes / 4 } else { batch_bytes / 2 };
    let weights = conv.weights.chunks_exact(pair_bytes.max(1));
    let run = if has_int4(conv) { kindling_vector_sums_int4 } else { kindling_vector_sums };
    let mut sums = [[0; PAIRED_PIXELS]; 2];
    for (pair, (weights, parameters)) in weights.zip(conv.channels.as_chunks().0).enumerate() {
        let mut largest = [i32::MIN; 2];
        for inputs in inputs.chunks_exact(batch_bytes.max(1)) {
            let range = inputs.as_ptr_range();
            // SAFETY: reads all inputs, whole chunks of four pixels, one or more, and two chunks of
            // weights for each, of int4 weights one.
            unsafe { run(range.start, weights.as_ptr(), &mut sums, range.end) }
            for (largest, sums) in largest.iter_mut().zip(&sums) {
                *largest = sums.iter().fold(*largest, |a, b| a.max(*b));
            }
        }
        let parameters = ChannelParameters::pair_from_le_bytes(parameters);
        for (index, ((sums, largest), parameters)) in
            sums.iter().zip(largest).zip(parameters).enumerate()
        {
            let sums = if conv.pools() { &[largest; PAIRED_PIXELS] } else { sums };
            let outputs = out.iter_mut().skip(2 * pair + index).step_by(channels);
            for (out, sum) in outputs.zip(sums) {
                let accumulator = sum.wrapping_add(parameters.bias);
                *out = requantise(accumulator, parameters.multiplier, conv.output_zero_point);
            }
        }
    }
}

/// Whether its weights are int4.
#[inline(always)]
const fn has_int4(conv: &Conv<'_>) -> bool {
    conv.algorithm.weight_bits().is_int4()
}
