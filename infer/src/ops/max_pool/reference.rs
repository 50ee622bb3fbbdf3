//! The specification of a pooling: one loop per index.

use super::{Kernels, MaxPool};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::ops::window::coordinates;

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel:
    ///     output = max over the window of input
    /// ```
    fn run(pool: &MaxPool, Buffers { input, output, .. }: Buffers<'_>) {
        let shape = pool.output;
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let window = coordinates(pool.size[0] as u16, pool.size[1] as u16, 1);
            let value = |[i, j, _]: [usize; 3]| {
                let y = pool.origin[0] as usize + row * pool.stride[0] as usize + i;
                let x = pool.origin[1] as usize + column * pool.stride[1] as usize + j;
                input[y * pool.input.row_len() + x * pool.input.channels as usize + channel]
            };
            *out = window.map(value).max().unwrap_or(i8::MIN);
        }
    }
}
