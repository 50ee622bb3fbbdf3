//! Direct convolution, four pixels by two output channels at once; the loop is in assembly, for
//! each class of cores.
//!
//! ```text
//! for each output pixel (without pooling: for each four of them):
//!     inputs = the patches of its pooling window, widened, in batches of four
//!     for each pair of output channels:
//!         sums = inputs . weights
//!         output = requantise(bias + max of the window's sums)
//! ```
//!
//! A window that does not fill its last batch repeats a pixel there: the maximum stays the same.
#![allow(unsafe_code)]

mod twice;

use crate::arm::instructions::requantise;
#[cfg(not(kindling_dsp))]
use crate::arm::instructions::{widen_even, widen_odd};
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::{PAIRED_PIXELS, paired_batches};
use crate::ops::conv::portable::gather_patch;
use crate::quant::{ChannelParameters, Rounding};

#[cfg(kindling_dsp)]
crate::arm::assembly!("twice.s", "dsp.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("twice.s", "armv7m.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

#[cfg(kindling_dsp)]
unsafe extern "C" {
    fn kindling_widen(patches: *const i8, patch: usize, pairs: *mut i8, pairs_end: *mut i8);
}

unsafe extern "C" {
    fn kindling_paired(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        steps: usize,
    );
}

/// The caller has checked all sizes, and that scratch memory and weights begin at whole words.
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    match conv.rounding() {
        Rounding::Once => rounded_once(conv, input, scratch, output),
        Rounding::Twice => twice::conv(conv, input, scratch, output),
    }
}

fn rounded_once(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let patch = conv.taps().next_multiple_of(4);
    let Some((pairs, patches)) = scratch.split_at_mut_checked(paired_batches(conv) * patch * 8)
    else {
        return;
    };
    let pixels = conv.output.height as usize * conv.output.width as usize;
    let at_once = if conv.window() == 1 { PAIRED_PIXELS } else { 1 };
    for first in (0..pixels).step_by(at_once) {
        for (batch, pairs) in pairs.chunks_exact_mut((patch * 8).max(1)).enumerate() {
            for (pixel, out) in patches.chunks_exact_mut(patch.max(1)).enumerate() {
                let (row, column) = convolved_pixel(conv, first, batch * PAIRED_PIXELS + pixel);
                let Some((taps, padding)) = out.split_at_mut_checked(conv.taps()) else { return };
                gather_patch(conv, input, row, column, taps);
                padding.fill(0);
            }
            widen(patches, patch, pairs);
        }
        let outputs = at_once.min(pixels - first);
        let channels = conv.output.channels as usize;
        if let Some(out) = output.get_mut(first * channels..(first + outputs) * channels) {
            all_channels(conv, pairs, patch, out);
        }
    }
}

/// Row and column of the pixel number `index` after output `first`: of its window, or, without
/// pooling, of the map.
pub(super) fn convolved_pixel(conv: &Conv<'_>, first: usize, index: usize) -> (i32, i32) {
    let width = (conv.output.width as usize).max(1);
    let (rows, columns) = ((conv.pool[0] as usize).max(1), (conv.pool[1] as usize).max(1));
    if rows * columns == 1 {
        let last = conv.output.height as usize * width - 1;
        let pixel = (first + index).min(last);
        return ((pixel / width) as i32, (pixel % width) as i32);
    }
    let pixel = index.min(rows * columns - 1);
    let (row, column) =
        (first / width * rows + pixel / columns, first % width * columns + pixel % columns);
    (row as i32, column as i32)
}

/// Four int8 patches of `patch` bytes as pairs: `[step][pixel]`.
#[cfg(kindling_dsp)]
fn widen(patches: &[i8], patch: usize, pairs: &mut [i8]) {
    if patch == 0 || patches.len() != PAIRED_PIXELS * patch || pairs.len() != 8 * patch {
        return;
    }
    let range = pairs.as_mut_ptr_range();
    // SAFETY: reads the words of four patches of `patch` bytes, whole words as `patch` is a
    // multiple of 4, and writes eight bytes for each tap: the sizes just checked. Unaligned words
    // are fine on this core; `pairs` is at a whole word.
    unsafe { kindling_widen(patches.as_ptr(), patch, range.start, range.end) }
}

/// Four int8 patches of `patch` bytes as pairs: `[step][pixel]`.
#[cfg(not(kindling_dsp))]
fn widen(patches: &[i8], patch: usize, pairs: &mut [i8]) {
    let word = |pixel: usize, quad: usize| {
        let place = pixel * patch + 4 * quad;
        let bytes = patches
            .get(place..)
            .and_then(|rest| rest.first_chunk::<4>())
            .copied()
            .unwrap_or_default();
        u32::from_le_bytes(bytes.map(|byte| byte as u8))
    };
    for (quad, steps) in pairs.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        for pixel in 0..PAIRED_PIXELS {
            let bytes = word(pixel, quad);
            for (step, pair) in [widen_even(bytes), widen_odd(bytes)].into_iter().enumerate() {
                let place = 16 * step + 4 * pixel;
                steps[place..place + 4].copy_from_slice(&pair.to_le_bytes().map(|byte| byte as i8));
            }
        }
    }
}

/// All channels of one output pixel, or of up to four without pooling.
fn all_channels(conv: &Conv<'_>, pairs: &[i8], patch: usize, out: &mut [i8]) {
    let channels = (conv.output.channels as usize).max(1);
    // Those left. Not zipped with the weights: two such iterators divide by their steps, which may
    // call a panic.
    let mut parameters = conv.channels;
    let mut sums = [[0; PAIRED_PIXELS]; 2];
    for (pair, weights) in conv.weights.chunks_exact((2 * patch).max(1)).enumerate() {
        let mut largest = [i32::MIN; 2];
        for pairs in pairs.chunks_exact((8 * patch).max(1)) {
            // SAFETY: `pairs` holds four words for each of `patch / 2` steps and `weights` one;
            // there are two steps or more because a patch has a tap or more; both begin at whole
            // words: scratch memory and weights do, and all chunks have whole words.
            unsafe { kindling_paired(pairs.as_ptr(), weights.as_ptr(), &mut sums, patch / 2) }
            for (largest, sums) in largest.iter_mut().zip(&sums) {
                *largest = sums.iter().fold(*largest, |a, b| a.max(*b));
            }
        }
        for (index, (sums, largest)) in sums.iter().zip(largest).enumerate() {
            let Some((channel, rest)) = parameters.split_first_chunk() else { return };
            parameters = rest;
            let parameters = ChannelParameters::from_le_bytes(channel);
            let sums = if conv.window() == 1 { sums } else { &[largest; PAIRED_PIXELS] };
            let outputs = out.iter_mut().skip(2 * pair + index).step_by(channels);
            for (out, sum) in outputs.zip(sums) {
                let accumulator = sum.wrapping_add(parameters.bias);
                *out = requantise(accumulator, parameters.multiplier, conv.output_zero_point);
            }
        }
    }
}
