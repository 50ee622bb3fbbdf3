//! Direct convolution and dense layer in plain Rust for weights that were packed for another core:
//! each channel's weights are read back first.

use super::in_place;
use crate::format::DenseAlgorithm;
use crate::layer::{Conv, Dense};
use crate::quant::{ChannelParameters, requantise};

/// ```text
/// for each output channel:
///     weights = the channel's, as [kernel row][kernel column][input channel]
///     for each output pixel:
///         output = requantise(bias + max over the pooling window of sum(input * weights))
/// ```
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let filters = conv.filters();
    let Some(weights) = scratch.get_mut(..conv.taps()) else { return };
    for (channel, parameters) in conv.channel_parameters().enumerate() {
        for (tap, weight) in weights.iter_mut().enumerate() {
            *weight = filters.weight(conv.weights, channel, tap);
        }
        one_channel(conv, input, weights, channel, parameters, output);
    }
}

fn one_channel(
    conv: &Conv<'_>,
    input: &[i8],
    weights: &[i8],
    channel: usize,
    parameters: ChannelParameters,
    output: &mut [i8],
) {
    let channels = (conv.output.channels as usize).max(1);
    for (row, out_row) in (0..).zip(output.chunks_exact_mut(conv.output.row_len().max(1))) {
        for (column, out) in (0..).zip(out_row.iter_mut().skip(channel).step_by(channels)) {
            let largest = in_place::largest_sum(conv, input, weights, i32::from, row, column);
            let accumulator = parameters.bias + largest;
            *out = requantise(accumulator, parameters.multiplier, conv.output_quant.zero_point);
        }
    }
}

/// Dense layer, four units at once.
pub(super) fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    let wide = dense.algorithm == DenseAlgorithm::QuadsWide;
    let blocks = dense.weights.chunks_exact((input.len() * if wide { 8 } else { 4 }).max(1));
    let zero_point = dense.output_quant.zero_point;
    let parameters = dense.channels.chunks(4 * ChannelParameters::BYTES);
    for ((weights, parameters), out) in blocks.zip(parameters).zip(output.chunks_mut(4)) {
        let sums =
            if wide { sums_of_four_wide(input, weights) } else { sums_of_four(input, weights) };
        let parameters = parameters.as_chunks().0.iter().map(ChannelParameters::from_le_bytes);
        for ((sum, parameters), out) in sums.into_iter().zip(parameters).zip(out) {
            *out = requantise(parameters.bias + sum, parameters.multiplier, zero_point);
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
