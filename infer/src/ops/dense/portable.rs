//! Dense layers in plain safe Rust, for every core; no panics.
//!
//! Sums stay within 32 bits because [`Model::from_bytes`](crate::Model::from_bytes) proved `|bias|
//! + 128 * sum(|weight|) < 2^31` for every unit.

use super::packing::Word;
use super::{Dense, DenseAlgorithm, Kernels};
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::packing::{high_half, low_half};
use crate::ops::sets::Portable;
use crate::ops::window::dot;
use crate::quant::{ChannelParameters, Once, Requantise, Rounding, Twice};

impl Kernels for Portable {
    fn run(dense: &Dense<'_>, Buffers { input, output, .. }: Buffers<'_>) {
        match dense.algorithm {
            DenseAlgorithm::Rows if Feature::DenseRows.is_built() => rows(dense, input, output),
            DenseAlgorithm::RowsInt4 if dense.algorithm.is_built() => {
                rows_int4(dense, input, output)
            }
            DenseAlgorithm::QuadsInt4 if dense.algorithm.is_built() => {
                quads_int4(dense, input, output)
            }
            DenseAlgorithm::Rows | DenseAlgorithm::RowsInt4 | DenseAlgorithm::QuadsInt4 => (),
            DenseAlgorithm::Quads | DenseAlgorithm::QuadsWide | DenseAlgorithm::QuadsPaired => {
                quads(dense, input, output);
            }
        }
    }
}

pub(super) fn rows(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    match dense.rounding() {
        Rounding::Once => {
            let parameters = Once::parameters(dense.channels, dense.units);
            rounded_rows::<Once>(dense, parameters, input, output);
        }
        Rounding::Twice => rows_rounded_twice(dense, input, output),
    }
}

/// With a stack frame of its own: within the caller's it would take as much while others run.
#[inline(never)]
fn rows_rounded_twice(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    rounded_rows::<Twice>(dense, dense.channel_parameters(), input, output);
}

#[inline(always)]
fn rounded_rows<Rounded: Requantise>(
    dense: &Dense<'_>,
    parameters: impl Iterator<Item = ChannelParameters>,
    input: &[i8],
    output: &mut [i8],
) {
    let rows = dense.weights.chunks_exact(input.len().max(1));
    for ((parameters, weights), out) in parameters.zip(rows).zip(output) {
        let accumulator = parameters.bias + dot(input, weights);
        *out = Rounded::output(accumulator, parameters, dense.output_quant.zero_point);
    }
}

/// Unit by unit with int4 weights; such layers round once.
pub(super) fn rows_int4(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    let rows = dense.weights.chunks_exact(input.len().div_ceil(2).max(1));
    let parameters = Once::parameters(dense.channels, dense.units);
    for ((parameters, weights), out) in parameters.zip(rows).zip(output) {
        let accumulator = parameters.bias + dot_int4(input, weights);
        *out = Once::output(accumulator, parameters, dense.output_quant.zero_point);
    }
}

/// Sum of products of values and int4 weights, two in a byte.
#[inline(always)]
fn dot_int4(values: &[i8], weights: &[u8]) -> i32 {
    let (pairs, last) = values.as_chunks::<2>();
    let product = |value: &i8, weight: i8| *value as i32 * weight as i32;
    let mut sum = 0;
    for ([first, second], weights) in pairs.iter().zip(weights) {
        sum += product(first, high_half(*weights)) + product(second, low_half(*weights));
    }
    match (last, weights.last()) {
        ([value], Some(weights)) => sum + product(value, high_half(*weights)),
        _ => sum,
    }
}

/// Four units at once with int4 weights; such layers round once.
fn quads_int4(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    // Not zipped with the outputs: see below.
    let mut blocks = dense.weights.chunks_exact((input.len() * 2).max(1));
    let mut parameters = Once::parameters(dense.channels, dense.units);
    for out in output.chunks_mut(4) {
        let Some(weights) = blocks.next() else { return };
        let sums = sums_of_four_int4(input, weights);
        for ((sum, out), parameters) in sums.into_iter().zip(out).zip(&mut parameters) {
            let accumulator = parameters.bias + sum;
            *out = Once::output(accumulator, parameters, dense.output_quant.zero_point);
        }
    }
}

/// Four units at once.
pub(super) fn quads(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    match dense.rounding() {
        Rounding::Once => {
            let parameters = Once::parameters(dense.channels, dense.units);
            rounded_quads::<Once>(dense, parameters, input, output);
        }
        Rounding::Twice => quads_rounded_twice(dense, input, output),
    }
}

/// With a stack frame of its own, as above.
#[inline(never)]
fn quads_rounded_twice(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    rounded_quads::<Twice>(dense, dense.channel_parameters(), input, output);
}

#[inline(always)]
fn rounded_quads<Rounded: Requantise>(
    dense: &Dense<'_>,
    mut parameters: impl Iterator<Item = ChannelParameters>,
    input: &[i8],
    output: &mut [i8],
) {
    let is_narrow = dense.algorithm == DenseAlgorithm::Quads;
    let input_bytes = if is_narrow { 4 } else { 8 };
    // Not zipped with the outputs: two such iterators divide by their steps, which may call a
    // panic.
    let mut blocks = dense.weights.chunks_exact((input.len() * input_bytes).max(1));
    let zero_point = dense.output_quant.zero_point;
    for out in output.chunks_mut(4) {
        let Some(weights) = blocks.next() else { return };
        let sums = match dense.algorithm {
            DenseAlgorithm::QuadsWide => sums_of_four_wide(input, weights),
            DenseAlgorithm::QuadsPaired if Feature::DenseQuadsPaired.is_built() => {
                sums_of_four_paired(input, weights)
            }
            _ => sums_of_four(input, weights),
        };
        for ((sum, out), parameters) in sums.into_iter().zip(out).zip(&mut parameters) {
            *out = Rounded::output(parameters.bias + sum, parameters, zero_point);
        }
    }
}

/// Weights `[input quad][unit][input of the quad]`.
fn sums_of_four(input: &[i8], weights: &[u8]) -> [i32; 4] {
    let mut sums = [0; 4];
    for (values, weights) in input.as_chunks::<4>().0.iter().zip(weights.as_chunks::<16>().0) {
        for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
            for (value, weight) in values.iter().zip(weights) {
                *sum += *value as i32 * *weight as i8 as i32;
            }
        }
    }
    sums
}

/// Weights `[input quad][two units][input of the quad]`, the first unit in the high halves.
fn sums_of_four_int4(input: &[i8], weights: &[u8]) -> [i32; 4] {
    let mut sums = [0; 4];
    for (values, [a, b, c, d, e, f, g, h]) in
        input.as_chunks::<4>().0.iter().zip(weights.as_chunks::<8>().0)
    {
        for (value, [first, second]) in values.iter().zip([[a, e], [b, f], [c, g], [d, h]]) {
            let value = *value as i32;
            sums[0] += value * high_half(*first) as i32;
            sums[1] += value * low_half(*first) as i32;
            sums[2] += value * high_half(*second) as i32;
            sums[3] += value * low_half(*second) as i32;
        }
    }
    sums
}

/// Weights `[input quad][pair of the quad][unit][input of the pair]`, int16 with the value of an
/// int8.
fn sums_of_four_wide(input: &[i8], weights: &[u8]) -> [i32; 4] {
    let mut sums = [0; 4];
    for ([v0, v1, v2, v3], weights) in
        input.as_chunks::<4>().0.iter().zip(weights.as_chunks::<32>().0)
    {
        let (even, odd) = weights.split_at(16);
        for (pair, weights) in [([v0, v2], even), ([v1, v3], odd)] {
            for (sum, [first, _, second, _]) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                *sum +=
                    *pair[0] as i32 * *first as i8 as i32 + *pair[1] as i32 * *second as i8 as i32;
            }
        }
    }
    sums
}

/// Weights `[input][two units]`, words of two weights.
fn sums_of_four_paired(input: &[i8], weights: &[u8]) -> [i32; 4] {
    let mut sums = [0; 4];
    for (value, words) in input.iter().zip(weights.as_chunks::<8>().0) {
        let (sums, words) = (sums.as_chunks_mut::<2>().0, words.as_chunks::<4>().0);
        for (sums, word) in sums.iter_mut().zip(words) {
            for (unit, sum) in sums.iter_mut().enumerate() {
                *sum += *value as i32 * Word::from(*word).weight(unit) as i32;
            }
        }
    }
    sums
}
