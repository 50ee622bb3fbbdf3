//! Direct convolution in plain Rust for weights that were packed for another core: each channel's
//! weights are read back first.

use super::{Conv, in_place};
use crate::quant::{ChannelParameters, output};

/// ```text
/// for each output channel:
///     weights = the channel's, as [kernel row][kernel column][input channel]
///     for each output pixel:
///         output = requantise(bias + max over the pooling window of sum(input * weights))
/// ```
///
/// One loop for either rounding: no plan is made of it.
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
    outputs: &mut [i8],
) {
    let channels = (conv.output.channels as usize).max(1);
    for (row, out_row) in (0..).zip(outputs.chunks_exact_mut(conv.output.row_len().max(1))) {
        for (column, out) in (0..).zip(out_row.iter_mut().skip(channel).step_by(channels)) {
            let largest = in_place::largest_sum(conv, input, weights, i32::from, row, column);
            let accumulator = parameters.bias + largest;
            *out = output(accumulator, parameters, conv.output_zero_point);
        }
    }
}
