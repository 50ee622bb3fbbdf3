//! The specification of maps side by side: one loop per index.

use super::{Concat, Kernels, Part};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::ops::window::coordinates;

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel, which is one of input a, with s = shift:
    ///     scaled = ((a - zero of a) * multiplier of a + 2^(s-1)) >> s
    ///     output = clamp(zero of output + scaled, -128, 127); the zero of output outside of a
    /// ```
    fn run(concat: &Concat, Buffers { input, second, output, .. }: Buffers<'_>) {
        let (shape, zero) = (concat.output, concat.output_quant.zero_point as i32);
        let [first, other] = &concat.parts;
        let first_channels = first.input.channels as usize;
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let (part, values, channel) = match channel.checked_sub(first_channels) {
                None => (first, input, channel),
                Some(channel) => (other, second, channel),
            };
            let scaled = value_at(part, values, row, column, channel).map_or(0, |value| {
                let steps = (value as i32 - part.zero_point as i32) * part.multiplier as i32;
                (steps + (1 << (concat.shift - 1))) >> concat.shift
            });
            *out = (zero + scaled).clamp(-128, 127) as i8;
        }
    }
}

/// The value under an output; `None` outside of the map.
fn value_at(part: &Part, values: &[i8], row: usize, column: usize, channel: usize) -> Option<i8> {
    let y = part.origin[0] as isize + row as isize;
    let x = part.origin[1] as isize + column as isize;
    let map = part.input;
    if y < 0 || y >= map.height as isize || x < 0 || x >= map.width as isize {
        return None;
    }
    Some(values[y as usize * map.row_len() + x as usize * map.channels as usize + channel])
}
