//! The specification of a depthwise convolution: one loop per index.

use super::{Depthwise, Kernels};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::ops::window::coordinates;
use crate::quant::output;

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel:
    ///     output = requantise(bias + sum over taps of input[channel / multiplier] * weight)
    /// ```
    fn run(depthwise: &Depthwise<'_>, Buffers { input, output, .. }: Buffers<'_>) {
        let shape = depthwise.output;
        let places = coordinates(shape.height, shape.width, shape.channels);
        for ([row, column, channel], out) in places.zip(output) {
            *out = convolved(depthwise, input, row, column, channel);
        }
    }
}

/// One value. Input outside of the map reads as the zero point.
fn convolved(
    depthwise: &Depthwise<'_>,
    input: &[i8],
    row: usize,
    column: usize,
    channel: usize,
) -> i8 {
    let parameters = depthwise.channel_parameters().nth(channel).expect("a channel of the model");
    let mut accumulator = parameters.bias;
    let [rows, columns] = depthwise.kernel.map(u16::from);
    for (tap, [i, j, _]) in coordinates(rows, columns, 1).enumerate() {
        let y = depthwise.origin[0] as isize + (row * depthwise.stride[0] as usize + i) as isize;
        let x = depthwise.origin[1] as isize + (column * depthwise.stride[1] as usize + j) as isize;
        let value = value_at(depthwise, input, y, x, channel / depthwise.multiplier());
        accumulator += value as i32 * depthwise.weight(channel, tap) as i32;
    }
    output(accumulator, parameters, depthwise.output_zero_point)
}

fn value_at(depthwise: &Depthwise<'_>, input: &[i8], y: isize, x: isize, channel: usize) -> i8 {
    let map = depthwise.input;
    if y < 0 || y >= map.height as isize || x < 0 || x >= map.width as isize {
        return depthwise.input_zero_point;
    }
    input[y as usize * map.row_len() + x as usize * map.channels as usize + channel]
}
