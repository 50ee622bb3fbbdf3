//! Convolution in plain safe Rust for every core, written so that compilers vectorise it on hosts;
//! no panics.
//!
//! Convolution, requantisation and pooling are one pass: the convolved map never exists in memory.
//!
//! ```text
//! for each output pixel:
//!     patches = the input under the kernel for each pixel of its pooling window
//!     for each output channel:
//!         largest = max over patches of sum(patch * weights of the channel)
//!         output = requantise(bias + largest)
//! ```
//!
//! Taking the maximum before requantisation gives the same bytes as after it: with a multiplier of
//! 1 or more, requantisation never decreases when the accumulator grows. Sums stay within 32 bits
//! because [`Model::from_bytes`](crate::Model::from_bytes) proved `|bias| + 128 * sum(|weight|) <
//! 2^31` for every channel.

use super::winograd::{self, portable::Plain};
use super::{Algorithm, Conv, Kernels, in_place, unpacked};
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::sets::Portable;
use crate::ops::window::{self, dot};
use crate::quant::{Once, Requantise, Rounding, Twice};

impl Kernels for Portable {
    fn run(conv: &Conv<'_>, Buffers { input, scratch, output, .. }: Buffers<'_>) {
        match conv.algorithm {
            Algorithm::Direct if Feature::Direct.is_built() => {
                direct(conv, input, scratch, output, largest_of_four)
            }
            Algorithm::DirectInPlace if Feature::DirectInPlace.is_built() => {
                in_place::conv(conv, input, output, in_place::Plain)
            }
            Algorithm::DirectPaired
            | Algorithm::DirectPairedInt4
            | Algorithm::DirectPairedWide
            | Algorithm::DirectVector
            | Algorithm::DirectVectorInt4
            | Algorithm::SingleChannel
            | Algorithm::SingleChannelInt4
                if conv.algorithm.is_built() =>
            {
                unpacked::conv(conv, input, scratch, output);
            }
            Algorithm::Direct
            | Algorithm::DirectInPlace
            | Algorithm::DirectPaired
            | Algorithm::DirectPairedInt4
            | Algorithm::DirectPairedWide
            | Algorithm::DirectVector
            | Algorithm::DirectVectorInt4
            | Algorithm::SingleChannel
            | Algorithm::SingleChannelInt4 => (),
            Algorithm::WinogradF2
            | Algorithm::WinogradF4
            | Algorithm::WinogradF2OnTheFly
            | Algorithm::WinogradF4OnTheFly => {
                winograd::conv::<Plain>(conv, input, scratch, output)
            }
        }
    }
}

/// Largest sum of products of the weights with one of four patches that lie one after the other.
pub(super) trait LargestOfFour: Fn(&[i8], &[u8]) -> i32 {}

impl<F: Fn(&[i8], &[u8]) -> i32> LargestOfFour for F {}

pub(super) fn direct(
    conv: &Conv<'_>,
    input: &[i8],
    scratch: &mut [i8],
    output: &mut [i8],
    largest_of_four: impl LargestOfFour,
) {
    match conv.rounding() {
        Rounding::Once => rounded::<Once>(conv, input, scratch, output, largest_of_four),
        Rounding::Twice => rounded_twice(conv, input, scratch, output, largest_of_four),
    }
}

/// With a stack frame of its own: within the caller's it would take as much while others run.
#[inline(never)]
fn rounded_twice(
    conv: &Conv<'_>,
    input: &[i8],
    scratch: &mut [i8],
    output: &mut [i8],
    largest_of_four: impl LargestOfFour,
) {
    rounded::<Twice>(conv, input, scratch, output, largest_of_four);
}

#[inline(always)]
fn rounded<Rounded: Requantise>(
    conv: &Conv<'_>,
    input: &[i8],
    scratch: &mut [i8],
    output: &mut [i8],
    largest_of_four: impl LargestOfFour,
) {
    let channels = (conv.output.channels as usize).max(1);
    for (row, out_row) in (0..).zip(output.chunks_exact_mut(conv.output.row_len().max(1))) {
        for (column, out) in (0..).zip(out_row.chunks_exact_mut(channels)) {
            gather_window(conv, input, row, column, scratch);
            pixel::<Rounded>(conv, scratch, out, &largest_of_four);
        }
    }
}

/// Copies the input under the kernel for each pixel of a pooling window: `[window pixel][tap]`.
fn gather_window(conv: &Conv<'_>, input: &[i8], row: i32, column: i32, patches: &mut [i8]) {
    let [pool_rows, pool_columns] = conv.pool.map(i32::from);
    let mut patches = patches.chunks_exact_mut(conv.taps().max(1));
    for i in 0..pool_rows {
        for (j, patch) in (0..pool_columns).zip(&mut patches) {
            gather_patch(conv, input, row * pool_rows + i, column * pool_columns + j, patch);
        }
    }
}

/// Copies the input under the kernel for one convolved pixel, kernel row by kernel row.
#[inline(always)]
pub(super) fn gather_patch(conv: &Conv<'_>, input: &[i8], row: i32, column: i32, patch: &mut [i8]) {
    let channels = conv.input.channels as usize;
    let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
    if conv.is_dilated() {
        return gather_apart(conv, input, [y, x], patch);
    }
    let kernel_row = (conv.kernel[1] as usize * channels).max(1);
    for (i, out) in (0..).zip(patch.chunks_exact_mut(kernel_row)) {
        let source = window::row(input, conv.input, y + i);
        window::copy(source, x * channels as i32, out, conv.input_zero_point, |value| value);
    }
}

/// [`gather_patch`] tap by tap, where the first tap lies at row and column `first`.
#[inline(never)]
fn gather_apart(conv: &Conv<'_>, input: &[i8], [y, x]: [i32; 2], patch: &mut [i8]) {
    let channels = (conv.input.channels as usize).max(1);
    let [down, right] = conv.dilation.map(i32::from);
    let rows = patch.chunks_exact_mut((conv.kernel[1] as usize * channels).max(1));
    for (i, out) in (0..).zip(rows) {
        let source = window::row(input, conv.input, y + i * down);
        for (j, out) in (0..).zip(out.chunks_exact_mut(channels)) {
            let start = (x + j * right) * channels as i32;
            window::copy(source, start, out, conv.input_zero_point, |value| value);
        }
    }
}

/// All channels of one output pixel.
fn pixel<Rounded: Requantise>(
    conv: &Conv<'_>,
    patches: &[i8],
    out: &mut [i8],
    largest_of_four: &impl LargestOfFour,
) {
    let taps = conv.taps().max(1);
    let rows = conv.weights.chunks_exact(taps);
    let parameters = Rounded::parameters(conv.channels, conv.output.channels);
    for ((parameters, weights), out) in parameters.zip(rows).zip(out) {
        let accumulator = parameters.bias + largest_sum(patches, weights, largest_of_four);
        *out = Rounded::output(accumulator, parameters, conv.output_zero_point);
    }
}

/// Largest sum of products of the weights with any of the patches; four patches share each load of
/// a weight.
#[inline(always)]
fn largest_sum(patches: &[i8], weights: &[u8], largest_of_four: &impl LargestOfFour) -> i32 {
    let mut largest = i32::MIN;
    let taps = weights.len().max(1);
    let mut fours = patches.chunks_exact((4 * taps).max(1));
    for four in &mut fours {
        largest = largest.max(largest_of_four(four, weights));
    }
    for patch in fours.remainder().chunks_exact(taps) {
        largest = largest.max(dot(patch, weights));
    }
    largest
}

/// [`LargestOfFour`] in plain Rust.
#[inline(always)]
pub(super) fn largest_of_four(patches: &[i8], weights: &[u8]) -> i32 {
    let mut patches = patches.chunks_exact(weights.len().max(1));
    let mut next = || patches.next().unwrap_or_default();
    let (a, b, c, d) = (next(), next(), next(), next());
    let mut sums = [0; 4];
    for ((((weight, a), b), c), d) in weights.iter().zip(a).zip(b).zip(c).zip(d) {
        let weight = *weight as i8 as i32;
        sums[0] += *a as i32 * weight;
        sums[1] += *b as i32 * weight;
        sums[2] += *c as i32 * weight;
        sums[3] += *d as i32 * weight;
    }
    sums.into_iter().fold(i32::MIN, i32::max)
}
