//! The specification of a sum: one loop per index.

use super::{Add, HEADROOM_BITS, Kernels, Scaling, factors};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::ops::window::coordinates;

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel, with s = shift:
    ///     sum    = (a - zero of a) * multiplier of a + (b - zero of b) * multiplier of b
    ///     scaled = (sum + 2^(s-1)) >> s
    ///     output = clamp(zero of output + scaled, -128, 127)
    ///
    /// with two roundings, where a is the input with a factor:
    ///     scaled = factor of the sum(factor of a((a - zero of a) << 20) + ((b - zero of b) << 19))
    /// ```
    fn run(add: &Add, Buffers { input, second, output, .. }: Buffers<'_>) {
        let shape = add.output;
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let steps = |index: usize, values: &[i8]| {
                let [first_row, first_column] = add.origins[index].map(usize::from);
                let at = (first_row + row) * add.map(index).row_len()
                    + (first_column + column) * shape.channels as usize
                    + channel;
                values[at] as i32 - add.input_zero_points[index] as i32
            };
            let scaled = scaled(&add.scaling, [steps(0, input), steps(1, second)]);
            *out = (add.output_zero_point as i32 + scaled).clamp(-128, 127) as i8;
        }
    }
}

/// The sum in steps of the output.
fn scaled(scaling: &Scaling, [a, b]: [i32; 2]) -> i32 {
    match *scaling {
        Scaling::Once { multipliers: [of_a, of_b], shift } => {
            let sum = a * of_a as i32 + b * of_b as i32;
            (sum + (1 << (shift - 1))) >> shift
        }
        Scaling::Twice { scaled, multipliers, shifts } => {
            let [input, sum] = factors(&multipliers, &shifts);
            let (scaled, halved) = if scaled == 0 { (a, b) } else { (b, a) };
            sum.scale(input.scale(scaled << HEADROOM_BITS) + (halved << (HEADROOM_BITS - 1)))
        }
    }
}
