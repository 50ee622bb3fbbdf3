//! With two roundings. Without pooling, a core with the loop for it computes all pairs of channels
//! of four pixels in one call: see `twice.s`.
//!
//! ```text
//! for each four output pixels (with pooling: for each of them):
//!     inputs = their patches, or those of the pooling window, widened
//!     for each pair of output channels:
//!         sums = inputs . weights
//!         output = requantise(bias + sum), of a window the largest
//! ```
//!
//! The last four pixels overlap those before, where the map is not made of whole fours: they are
//! computed again.

use super::{convolved_pixel, kindling_paired, widen};
use crate::arm::instructions::requantise_twice;
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::{PAIRED_PIXELS, paired_batches};
use crate::ops::conv::portable::gather_patch;
#[cfg(not(kindling_backend = "armv6m"))]
use crate::quant::{ChannelParameters, RELU_ZERO_POINT};
use crate::quant::{Requantise, Twice};

/// Arguments of the loop: see `twice.s`.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct Batch {
    outputs: [*mut i8; PAIRED_PIXELS],
    inputs: *const i8,
    inputs_end: *const i8,
    parameters: *const u8,
    shifts: *const u8,
    parameters_end: *const u8,
    odd: i32,
    steps: usize,
    weights: *const u8,
}

#[cfg(not(kindling_backend = "armv6m"))]
unsafe extern "C" {
    fn kindling_paired_twice(batch: &Batch);
    fn kindling_paired_twice_relu(batch: &Batch);
    fn kindling_paired_gather(
        from: *const i8,
        row_bytes: usize,
        to: *mut i8,
        kernel_row_bytes: usize,
        kernel_rows: usize,
    );
}

/// The caller has checked all sizes, and that scratch memory and weights begin at whole words.
#[inline(never)]
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let patch = conv.taps().next_multiple_of(4);
    let Some((pairs, patches)) = scratch.split_at_mut_checked(paired_batches(conv) * patch * 8)
    else {
        return;
    };
    let pixels = conv.output.height as usize * conv.output.width as usize;
    let at_once = if conv.window() == 1 { PAIRED_PIXELS.min(pixels) } else { 1 };
    let mut next = 0;
    while next < pixels {
        let first = next.min(pixels - at_once);
        for (batch, pairs) in pairs.chunks_exact_mut((patch * 8).max(1)).enumerate() {
            batch_of(conv, input, patch, first, batch * PAIRED_PIXELS, patches, pairs);
        }
        let channels = conv.output.channels as usize;
        if let Some(out) = output.get_mut(first * channels..(first + at_once) * channels) {
            let done = whole_pairs(conv, pairs, patch, out);
            other_channels(conv, pairs, patch, done, out);
        }
        next += at_once;
    }
}

/// Four patches as pairs: those of the pixels from number `index` of output `first` on.
fn batch_of(
    conv: &Conv<'_>,
    input: &[i8],
    patch: usize,
    first: usize,
    index: usize,
    patches: &mut [i8],
    pairs: &mut [i8],
) {
    if let Some(values) = side_by_side(conv, input, first) {
        return widen(values, patch, pairs);
    }
    for (pixel, out) in patches.chunks_exact_mut(patch.max(1)).enumerate() {
        let (row, column) = convolved_pixel(conv, first, index + pixel);
        let Some((taps, padding)) = out.split_at_mut_checked(conv.taps()) else { return };
        if !gather_inside(conv, input, row, column, taps) {
            gather_patch(conv, input, row, column, taps);
        }
        padding.fill(0);
    }
    widen(patches, patch, pairs);
}

/// Copies the input under the kernel for one convolved pixel; `false` where it reaches outside of
/// the map.
#[cfg(not(kindling_backend = "armv6m"))]
fn gather_inside(conv: &Conv<'_>, input: &[i8], row: i32, column: i32, patch: &mut [i8]) -> bool {
    let channels = conv.input.channels as usize;
    let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
    let [kernel_rows, kernel_columns] = conv.kernel.map(usize::from);
    let is_inside = y >= 0
        && x >= 0
        && y + kernel_rows as i32 <= conv.input.height as i32
        && x + kernel_columns as i32 <= conv.input.width as i32;
    if !is_inside || conv.is_dilated() || patch.is_empty() {
        return false;
    }
    let (row_bytes, kernel_row_bytes) = (conv.input.row_len(), kernel_columns * channels);
    let first = y as usize * row_bytes + x as usize * channels;
    let end = first + kernel_rows * row_bytes - row_bytes + kernel_row_bytes;
    if end > input.len() || patch.len() != kernel_rows * kernel_row_bytes {
        return false;
    }
    let from = input.as_ptr().wrapping_add(first);
    // SAFETY: there is a row and a byte in it, as the patch is not empty and has their product. The
    // function reads `kernel_row_bytes` at each of `kernel_rows` places from `first` on that are
    // `row_bytes` apart, of which the last ends at `end`, and writes as many bytes as the patch
    // has.
    unsafe {
        kindling_paired_gather(from, row_bytes, patch.as_mut_ptr(), kernel_row_bytes, kernel_rows);
    }
    true
}

/// This core cannot load words from any place.
#[cfg(kindling_backend = "armv6m")]
fn gather_inside(_: &Conv<'_>, _: &[i8], _: i32, _: i32, _: &mut [i8]) -> bool {
    false
}

/// The patches of four pixels, where they are the pixels of the input themselves.
fn side_by_side<'i>(conv: &Conv<'_>, input: &'i [i8], first: usize) -> Option<&'i [i8]> {
    let taps = conv.taps();
    let is_pixel = conv.kernel == [1, 1]
        && conv.stride == [1, 1]
        && conv.origin == [0, 0]
        && conv.window() == 1
        && conv.input.width == conv.output.width
        && taps.is_multiple_of(4);
    let last = conv.output.height as usize * conv.output.width as usize;
    if !is_pixel || first + PAIRED_PIXELS > last {
        return None;
    }
    input.get(first * taps..(first + PAIRED_PIXELS) * taps)
}

/// Outputs of all whole pairs of channels of up to four pixels, whose patches are in `pairs`; how
/// many channels these are.
#[cfg(not(kindling_backend = "armv6m"))]
fn whole_pairs(conv: &Conv<'_>, pairs: &[i8], patch: usize, out: &mut [i8]) -> usize {
    let channels = (conv.output.channels as usize).max(1);
    let whole = channels / 2 * 2;
    let bytes = channels * ChannelParameters::BYTES;
    if conv.window() > 1
        || whole == 0
        || patch == 0
        || pairs.len() != 8 * patch
        || conv.weights.len() < whole * patch
        || conv.channels.len() != bytes + channels
        || out.is_empty()
        || !out.len().is_multiple_of(channels)
    {
        return 0;
    }
    let (parameters, shifts) = conv.channels.split_at(bytes);
    let last = out.len() / channels - 1;
    let inputs = pairs.as_ptr_range();
    let start = out.as_mut_ptr();
    let zero_point = conv.output_zero_point;
    let batch = Batch {
        outputs: [0, 1, 2, 3].map(|pixel: usize| start.wrapping_add(pixel.min(last) * channels)),
        inputs: inputs.start,
        inputs_end: inputs.end,
        parameters: parameters.as_ptr(),
        shifts: shifts.as_ptr(),
        parameters_end: parameters.as_ptr().wrapping_add(whole * ChannelParameters::BYTES),
        odd: 2 * zero_point as i32 + 1,
        steps: patch / 2,
        weights: conv.weights.as_ptr(),
    };
    let run = if zero_point == RELU_ZERO_POINT {
        kindling_paired_twice_relu
    } else {
        kindling_paired_twice
    };
    // SAFETY: there is a pair of channels, and there are two steps or more. The function reads
    // `pairs`, four words for each of `patch / 2` steps; for each pair of channels a word of the
    // weights for each step, 16 bytes of parameters and two shifts; and writes two outputs for it
    // at each of four pixels of `out`, of which some may be the same. All have the sizes just
    // checked. Scratch memory, weights and parameters begin at whole words.
    unsafe { run(&batch) }
    whole
}

/// This core has no such loop.
#[cfg(kindling_backend = "armv6m")]
fn whole_pairs(_: &Conv<'_>, _: &[i8], _: usize, _: &mut [i8]) -> usize {
    0
}

/// Outputs of the channels from number `first` on, an even one: of a pixel with its pooling window,
/// or of up to four without pooling.
fn other_channels(conv: &Conv<'_>, pairs: &[i8], patch: usize, first: usize, out: &mut [i8]) {
    let channels = (conv.output.channels as usize).max(1);
    let mut sums = [[0; PAIRED_PIXELS]; 2];
    let mut weights = conv.weights.chunks_exact((2 * patch).max(1)).skip(first / 2);
    for (channel, parameters) in
        Twice::parameters(conv.channels, conv.output.channels).enumerate().skip(first)
    {
        if channel % 2 == 0 {
            let Some(weights) = weights.next() else { return };
            sums = largest_sums(conv, pairs, patch, weights);
        }
        let outputs = out.iter_mut().skip(channel).step_by(channels);
        for (out, sum) in outputs.zip(&sums[channel % 2]) {
            let accumulator = sum.wrapping_add(parameters.bias);
            let shift = parameters.shift.unwrap_or_default();
            *out =
                requantise_twice(accumulator, parameters.multiplier, shift, conv.output_zero_point);
        }
    }
}

/// Sums of two channels for four pixels; with pooling the largest of the window's, for each.
fn largest_sums(
    conv: &Conv<'_>,
    pairs: &[i8],
    patch: usize,
    weights: &[u8],
) -> [[i32; PAIRED_PIXELS]; 2] {
    let (mut sums, mut largest) = ([[0; PAIRED_PIXELS]; 2], [i32::MIN; 2]);
    if weights.len() != 2 * patch || patch == 0 {
        return sums;
    }
    for pairs in pairs.chunks_exact((8 * patch).max(1)) {
        // SAFETY: `pairs` holds four words for each of `patch / 2` steps and `weights` one; there
        // are two steps or more because a patch has a tap or more; both begin at whole words:
        // scratch memory and weights do, and all chunks have whole words.
        unsafe { kindling_paired(pairs.as_ptr(), weights.as_ptr(), &mut sums, patch / 2) }
        for (largest, sums) in largest.iter_mut().zip(&sums) {
            *largest = sums.iter().fold(*largest, |a, b| a.max(*b));
        }
    }
    if conv.window() == 1 { sums } else { largest.map(|sum| [sum; PAIRED_PIXELS]) }
}
