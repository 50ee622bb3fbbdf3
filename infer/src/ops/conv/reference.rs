//! The specification of a convolution: one loop per index.

use super::{Conv, Kernels};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::ops::window::coordinates;
use crate::quant::output;

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel:
    ///     output = max over the pooling window of requantise(convolved pixel)
    /// ```
    fn run(conv: &Conv<'_>, Buffers { input, output, .. }: Buffers<'_>) {
        let shape = conv.output;
        let places = coordinates(shape.height, shape.width, shape.channels);
        for ([row, column, channel], out) in places.zip(output) {
            *out = pooled(conv, input, row, column, channel);
        }
    }
}

fn pooled(conv: &Conv<'_>, input: &[i8], row: usize, column: usize, channel: usize) -> i8 {
    let [pool_rows, pool_columns] = conv.pool.map(usize::from);
    let window = coordinates(pool_rows as u16, pool_columns as u16, 1);
    let convolved = |[i, j, _]: [usize; 3]| {
        convolved(conv, input, row * pool_rows + i, column * pool_columns + j, channel)
    };
    window.map(convolved).max().unwrap_or(i8::MIN)
}

/// One pixel and channel of the convolution, requantised. Input outside of the map reads as the
/// zero point.
fn convolved(conv: &Conv<'_>, input: &[i8], row: usize, column: usize, channel: usize) -> i8 {
    let parameters = conv.channel_parameters().nth(channel).expect("a channel of the model");
    let mut accumulator = parameters.bias;
    let [kernel_rows, kernel_columns] = conv.kernel;
    for (tap, [i, j, c]) in
        coordinates(kernel_rows.into(), kernel_columns.into(), conv.input.channels).enumerate()
    {
        let [i, j] = [i * conv.dilation[0] as usize, j * conv.dilation[1] as usize];
        let y = conv.origin[0] as isize + (row * conv.stride[0] as usize + i) as isize;
        let x = conv.origin[1] as isize + (column * conv.stride[1] as usize + j) as isize;
        let weight = conv.filters().weight(conv.weights, channel, tap);
        accumulator += value_at(conv, input, y, x, c) as i32 * weight as i32;
    }
    output(accumulator, parameters, conv.output_zero_point)
}

fn value_at(conv: &Conv<'_>, input: &[i8], y: isize, x: isize, channel: usize) -> i8 {
    let inside =
        y >= 0 && y < conv.input.height as isize && x >= 0 && x < conv.input.width as isize;
    if !inside {
        return conv.input_zero_point;
    }
    input[y as usize * conv.input.row_len() + x as usize * conv.input.channels as usize + channel]
}
