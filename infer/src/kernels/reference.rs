//! The specification: one loop per index, nothing fused, nothing clever. Slow on purpose; every
//! other kernel set is tested against it byte by byte. It reads plain int8 weights back from
//! whatever form the algorithm stores.

use super::Kernels;
use crate::layer::{Conv, Dense, MaxPool};
use crate::quant::requantise;

/// The kernels that say what the right answer is.
pub struct Reference;

impl Kernels for Reference {
    const NAME: &'static str = "reference";
    const ALIGNMENT_BYTES: usize = 1;

    /// ```text
    /// for each output pixel and channel:
    ///     output = max over the pooling window of requantise(convolved pixel)
    /// ```
    fn conv(conv: &Conv<'_>, input: &[i8], _scratch: &mut [i8], output: &mut [i8]) {
        let shape = conv.output;
        let places = coordinates(shape.height, shape.width, shape.channels);
        for ([row, column, channel], out) in places.zip(output) {
            *out = pooled(conv, input, row, column, channel);
        }
    }

    /// ```text
    /// for each output pixel and channel:
    ///     output = max over the window of input
    /// ```
    fn max_pool(pool: &MaxPool, input: &[i8], output: &mut [i8]) {
        let shape = pool.output;
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let window = coordinates(pool.size[0] as u16, pool.size[1] as u16, 1);
            let value = |[i, j, _]: [usize; 3]| {
                let (y, x) =
                    (row * pool.stride[0] as usize + i, column * pool.stride[1] as usize + j);
                input[y * pool.input.row_len() + x * pool.input.channels as usize + channel]
            };
            *out = window.map(value).max().unwrap_or(i8::MIN);
        }
    }

    /// ```text
    /// for each output:
    ///     output = requantise(bias + sum over inputs of input * weight)
    /// ```
    fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
        for (unit, (parameters, out)) in dense.channel_parameters().zip(output).enumerate() {
            let weight = |index: usize| dense.matrix().weight(dense.weights, unit, index) as i32;
            let products =
                input.iter().enumerate().map(|(index, value)| *value as i32 * weight(index));
            let accumulator = parameters.bias + products.sum::<i32>();
            *out = requantise(accumulator, parameters.multiplier, dense.output_quant.zero_point);
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
        let y = conv.origin[0] as isize + (row * conv.stride[0] as usize + i) as isize;
        let x = conv.origin[1] as isize + (column * conv.stride[1] as usize + j) as isize;
        let weight = conv.filters().weight(conv.weights, channel, tap);
        accumulator += value_at(conv, input, y, x, c) as i32 * weight as i32;
    }
    requantise(accumulator, parameters.multiplier, conv.output_quant.zero_point)
}

fn value_at(conv: &Conv<'_>, input: &[i8], y: isize, x: isize, channel: usize) -> i8 {
    let inside =
        y >= 0 && y < conv.input.height as isize && x >= 0 && x < conv.input.width as isize;
    if !inside {
        return conv.input_zero_point;
    }
    input[y as usize * conv.input.row_len() + x as usize * conv.input.channels as usize + channel]
}

/// All `[row, column, channel]` in memory order.
fn coordinates(rows: u16, columns: u16, channels: u16) -> impl Iterator<Item = [usize; 3]> {
    let [rows, columns, channels] = [rows, columns, channels].map(usize::from);
    (0..rows).flat_map(move |row| {
        (0..columns)
            .flat_map(move |column| (0..channels).map(move |channel| [row, column, channel]))
    })
}
