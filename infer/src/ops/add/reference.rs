//! The specification of a sum: one loop per index.

use super::{Add, Kernels};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::ops::window::coordinates;

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel, with s = shift:
    ///     sum    = (a - zero of a) * multiplier of a + (b - zero of b) * multiplier of b
    ///     scaled = (sum + 2^(s-1)) >> s
    ///     output = clamp(zero of output + scaled, -128, 127)
    /// ```
    fn run(add: &Add, Buffers { input, second, output, .. }: Buffers<'_>) {
        let shape = add.output;
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let term = |index: usize, values: &[i8]| {
                let [first_row, first_column] = add.origins[index].map(usize::from);
                let at = (first_row + row) * add.inputs[index].row_len()
                    + (first_column + column) * shape.channels as usize
                    + channel;
                let value = values[at] as i32 - add.input_zero_points[index] as i32;
                value * add.multipliers[index] as i32
            };
            let sum = term(0, input) + term(1, second);
            let scaled = (sum + (1 << (add.shift - 1))) >> add.shift;
            *out = (add.output_quant.zero_point as i32 + scaled).clamp(-128, 127) as i8;
        }
    }
}
