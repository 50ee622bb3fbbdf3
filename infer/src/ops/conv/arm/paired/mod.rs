//! Direct convolution, four pixels by two output channels at once; the loops are in assembly, for
//! each class of cores. Without pooling, one call computes all pairs of channels of four pixels:
//! see `batch.s`, and `armv6m.s`.
//!
//! ```text
//! for each four output pixels (with pooling: for each of them):
//!     inputs = their patches, or those of the pooling window, widened, in batches of four
//!     for each pair of output channels:
//!         sums = inputs . weights
//!         output = requantise(bias + sum), of a window the largest
//! ```
//!
//! The last four pixels overlap those before, where the map is not made of whole fours: they are
//! computed again. A window that does not fill its last batch repeats a pixel there: the maximum
//! stays the same.
#![allow(unsafe_code)]

use crate::arm::instructions::{requantise, requantise_twice};
#[cfg(kindling_backend = "armv7m")]
use crate::arm::instructions::{widen_even, widen_odd};
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::{PAIRED_PIXELS, paired_batches};
use crate::ops::conv::portable::gather_patch;
#[cfg(not(kindling_backend = "armv6m"))]
use crate::quant::RELU_ZERO_POINT;
#[cfg(kindling_backend = "armv6m")]
use crate::quant::with_shifts;
use crate::quant::{ChannelParameters, Rounding};

#[cfg(kindling_dsp)]
crate::arm::assembly!("batch.s", "dsp.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("batch.s", "armv7m.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

/// Arguments of the loop over all pairs of channels: see `batch.s`.
#[repr(C)]
struct Batch {
    outputs: [*mut i8; PAIRED_PIXELS],
    inputs: *const i8,
    inputs_end: *const i8,
    parameters: *const u8,
    shifts: *const u8,
    parameters_end: *const u8,
    /// With two roundings `2 * zero point + 1`.
    zero_point: i32,
    steps: usize,
    weights: *const u8,
}

#[cfg(any(kindling_dsp, kindling_backend = "armv6m"))]
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
    fn kindling_paired_int4(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        steps: usize,
    );
    #[cfg(kindling_dsp)]
    fn kindling_paired_wide(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        steps: usize,
    );
    fn kindling_paired_once(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_once_wide(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_twice_wide(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_twice_relu_wide(batch: &Batch);
    fn kindling_paired_once_int4(batch: &Batch);
    fn kindling_paired_twice(batch: &Batch);
    #[cfg(not(kindling_backend = "armv6m"))]
    fn kindling_paired_twice_relu(batch: &Batch);
    #[cfg(not(kindling_backend = "armv6m"))]
    fn kindling_paired_gather(
        from: *const i8,
        row_bytes: usize,
        to: *mut i8,
        kernel_row_bytes: usize,
        kernel_rows: usize,
    );
}

/// The caller has checked all sizes, and that scratch memory and weights begin at whole words.
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let patch = conv.taps().next_multiple_of(4);
    let Some((pairs, patches)) = scratch.split_at_mut_checked(paired_batches(conv) * patch * 8)
    else {
        return;
    };
    let pixels = conv.output.height as usize * conv.output.width as usize;
    let at_once = if conv.pools() { 1 } else { PAIRED_PIXELS.min(pixels) };
    let has_loop = is_in_range(conv);
    let mut next = 0;
    while next < pixels {
        let first = next.min(pixels - at_once);
        for (batch, pairs) in pairs.chunks_exact_mut((patch * 8).max(1)).enumerate() {
            batch_of(conv, input, patch, first, batch * PAIRED_PIXELS, patches, pairs);
        }
        let channels = conv.output.channels as usize;
        if let Some(out) = output.get_mut(first * channels..(first + at_once) * channels) {
            if conv.pools() {
                of_window(conv, pairs, patch, out);
            } else {
                let done = if has_loop { whole_pairs(conv, pairs, patch, out) } else { 0 };
                other_channels(conv, pairs, patch, done, out);
            }
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
        && !conv.pools()
        && conv.input.width == conv.output.width
        && taps.is_multiple_of(4);
    let last = conv.output.height as usize * conv.output.width as usize;
    if !is_pixel || first + PAIRED_PIXELS > last {
        return None;
    }
    input.get(first * taps..(first + PAIRED_PIXELS) * taps)
}

/// Row and column of the pixel number `index` after output `first`: of its window, or, without
/// pooling, of the map.
pub(super) fn convolved_pixel(conv: &Conv<'_>, first: usize, index: usize) -> (i32, i32) {
    let width = (conv.output.width as usize).max(1);
    let (rows, columns) = ((conv.pool[0] as usize).max(1), (conv.pool[1] as usize).max(1));
    if !conv.pools() {
        let last = conv.output.height as usize * width - 1;
        let pixel = (first + index).min(last);
        return ((pixel / width) as i32, (pixel % width) as i32);
    }
    let pixel = index.min(rows * columns - 1);
    let (row, column) =
        (first / width * rows + pixel / columns, first % width * columns + pixel % columns);
    (row as i32, column as i32)
}

/// Outputs of all whole pairs of channels of up to four pixels, whose patches are in `pairs`; how
/// many channels these are.
fn whole_pairs(conv: &Conv<'_>, pairs: &[i8], patch: usize, out: &mut [i8]) -> usize {
    let channels = (conv.output.channels as usize).max(1);
    let whole = channels / 2 * 2;
    let bytes = channels * ChannelParameters::BYTES;
    if whole == 0
        || patch == 0
        || pairs.len() != 8 * patch
        || conv.weights.len() < whole / 2 * pair_bytes(conv, patch)
        || conv.channels.len() != conv.rounding().channel_bytes() * channels
        || out.is_empty()
        || !out.len().is_multiple_of(channels)
    {
        return 0;
    }
    let Some((parameters, shifts)) = conv.channels.split_at_checked(bytes) else { return 0 };
    let last = out.len() / channels - 1;
    let inputs = pairs.as_ptr_range();
    let start = out.as_mut_ptr();
    let zero_point = conv.output_zero_point as i32;
    let batch = Batch {
        outputs: [0, 1, 2, 3].map(|pixel: usize| start.wrapping_add(pixel.min(last) * channels)),
        inputs: inputs.start,
        inputs_end: inputs.end,
        parameters: parameters.as_ptr(),
        shifts: shifts.as_ptr(),
        parameters_end: parameters.as_ptr().wrapping_add(whole * ChannelParameters::BYTES),
        zero_point: match conv.rounding() {
            Rounding::Once => zero_point,
            Rounding::Twice => 2 * zero_point + 1,
        },
        steps: patch / 2,
        weights: conv.weights.as_ptr(),
    };
    let run = match conv.rounding() {
        #[cfg(kindling_dsp)]
        Rounding::Once if conv.algorithm.is_wide() => kindling_paired_once_wide,
        #[cfg(kindling_dsp)]
        Rounding::Twice if conv.algorithm.is_wide() => match conv.output_zero_point {
            RELU_ZERO_POINT => kindling_paired_twice_relu_wide,
            _ => kindling_paired_twice_wide,
        },
        Rounding::Once if has_int4(conv) => kindling_paired_once_int4,
        Rounding::Once => kindling_paired_once,
        #[cfg(not(kindling_backend = "armv6m"))]
        Rounding::Twice if conv.output_zero_point == RELU_ZERO_POINT => kindling_paired_twice_relu,
        Rounding::Twice => kindling_paired_twice,
    };
    // SAFETY: there is a pair of channels, and there are two steps or more, an even number as
    // `patch` is a multiple of 4. The function reads `pairs`, four words for each of `patch / 2`
    // steps; for each pair of channels a word of the weights for each step, of int16 weights two,
    // of int4 weights one for each two steps, 16 bytes of parameters and, with two roundings, two
    // shifts; and writes two outputs for it at each of four pixels of `out`, of which some may be
    // the same. All have the sizes just checked. Scratch memory, weights and parameters begin at
    // whole words.
    unsafe { run(&batch) }
    whole
}

/// Whether the loop computes a layer: it is for all that a model can hold.
#[cfg(not(kindling_backend = "armv6m"))]
fn is_in_range(_: &Conv<'_>) -> bool {
    true
}

/// Whether the loop computes a layer. With two roundings that is one without shifts to the left,
/// whose sums stay below 2^30 in size, so that twice a sum fits. With at most 2^14 taps and a bias
/// of less than 2^29 in size they are within `2^29 + 2^14 * 128 * 128 < 2^30`. No network that
/// converters write has others.
#[cfg(kindling_backend = "armv6m")]
fn is_in_range(conv: &Conv<'_>) -> bool {
    if conv.rounding() == Rounding::Once {
        return true;
    }
    const TAPS_MAX: usize = 1 << 14;
    const BIAS_LIMIT: u32 = 1 << 29;
    conv.taps() <= TAPS_MAX
        && with_shifts(conv.channels, conv.output.channels).all(|parameters| {
            parameters.bias.unsigned_abs() < BIAS_LIMIT
                && parameters.shift.is_some_and(|shift| shift <= 0)
        })
}

/// Outputs of the channels from number `first` on, an even one, of up to four pixels.
#[inline(never)]
fn other_channels(conv: &Conv<'_>, pairs: &[i8], patch: usize, first: usize, out: &mut [i8]) {
    let channels = (conv.output.channels as usize).max(1);
    let weights = conv.weights.chunks_exact(pair_bytes(conv, patch).max(1));
    for (pair, weights) in weights.enumerate().skip(first / 2) {
        let sums = sums_of_two(conv, pairs, patch, weights);
        for (channel, sums) in (2 * pair..channels).zip(&sums) {
            for (out, sum) in out.iter_mut().skip(channel).step_by(channels).zip(sums) {
                *out = output(conv, channel, *sum);
            }
        }
    }
}

/// Outputs of all channels of one pixel with its pooling window, whose patches are in `pairs`.
fn of_window(conv: &Conv<'_>, pairs: &[i8], patch: usize, out: &mut [i8]) {
    let weights = conv.weights.chunks_exact(pair_bytes(conv, patch).max(1));
    for (pair, weights) in weights.enumerate() {
        let mut largest = [i32::MIN; 2];
        for pairs in pairs.chunks_exact((8 * patch).max(1)) {
            for (largest, sums) in largest.iter_mut().zip(&sums_of_two(conv, pairs, patch, weights))
            {
                *largest = sums.iter().fold(*largest, |a, b| a.max(*b));
            }
        }
        for (index, largest) in largest.into_iter().enumerate() {
            if let Some(out) = out.get_mut(2 * pair + index) {
                *out = output(conv, 2 * pair + index, largest);
            }
        }
    }
}

/// The output of a channel's sum, to which the bias is added.
#[inline(always)]
fn output(conv: &Conv<'_>, channel: usize, sum: i32) -> i8 {
    let Some(parameters) = conv.channels.as_chunks().0.get(channel) else { return 0 };
    let ChannelParameters { bias, multiplier, .. } = ChannelParameters::from_le_bytes(parameters);
    let (accumulator, zero_point) = (sum.wrapping_add(bias), conv.output_zero_point);
    match conv.rounding() {
        Rounding::Once => requantise(accumulator, multiplier, zero_point),
        Rounding::Twice => {
            let shifts = conv.output.channels as usize * ChannelParameters::BYTES;
            let shift = conv.channels.get(shifts + channel).copied().unwrap_or_default() as i8;
            requantise_twice(accumulator, multiplier, shift, zero_point)
        }
    }
}

/// Sums of two channels for four patches.
#[inline(always)]
fn sums_of_two(
    conv: &Conv<'_>,
    pairs: &[i8],
    patch: usize,
    weights: &[u8],
) -> [[i32; PAIRED_PIXELS]; 2] {
    let mut sums = [[0; PAIRED_PIXELS]; 2];
    if patch == 0 || pairs.len() != 8 * patch || weights.len() != pair_bytes(conv, patch) {
        return sums;
    }
    let run = match conv.algorithm {
        _ if has_int4(conv) => kindling_paired_int4,
        #[cfg(kindling_dsp)]
        algorithm if algorithm.is_wide() => kindling_paired_wide,
        _ => kindling_paired,
    };
    // SAFETY: `pairs` holds four words for each of `patch / 2` steps and `weights` one, of int16
    // weights two, of int4 weights one for each two steps, as was just checked; there are two steps
    // or more because a patch has a tap or more, and is of whole quads; both begin at whole words:
    // scratch memory and weights do, and all chunks have whole words.
    unsafe { run(pairs.as_ptr(), weights.as_ptr(), &mut sums, patch / 2) }
    sums
}

/// Whether its weights are int4.
#[inline(always)]
const fn has_int4(conv: &Conv<'_>) -> bool {
    conv.algorithm.weight_bits().is_int4()
}

/// Bytes of the weights of two channels.
#[inline(always)]
const fn pair_bytes(conv: &Conv<'_>, patch: usize) -> usize {
    match conv.algorithm {
        _ if has_int4(conv) => patch,
        algorithm if algorithm.is_wide() => 4 * patch,
        _ => 2 * patch,
    }
}

/// Four int8 patches of `patch` bytes as pairs: `[step][pixel]`; on Armv6-M as pairs of pixels:
/// `[step][tap][pixels]`.
#[cfg(any(kindling_dsp, kindling_backend = "armv6m"))]
fn widen(patches: &[i8], patch: usize, pairs: &mut [i8]) {
    if patch == 0 || patches.len() != PAIRED_PIXELS * patch || pairs.len() != 8 * patch {
        return;
    }
    let range = pairs.as_mut_ptr_range();
    // SAFETY: reads four patches of `patch` bytes, by words where this core loads them from any
    // address: whole ones, as `patch` is a multiple of 4. Writes eight bytes for each tap: the
    // sizes just checked. `pairs` is at a whole word.
    unsafe { kindling_widen(patches.as_ptr(), patch, range.start, range.end) }
}

/// Four int8 patches of `patch` bytes as pairs: `[step][pixel]`.
#[cfg(kindling_backend = "armv7m")]
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
