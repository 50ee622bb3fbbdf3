//! Pooling in plain safe Rust, for every core; no panics.

use super::{Kernels, MaxPool};
#[cfg(not(kindling_backend = "portable"))]
use crate::features::Feature;
use crate::ops::operator::Buffers;
#[cfg(not(kindling_backend = "portable"))]
use crate::ops::sets::CortexM;
use crate::ops::sets::Portable;
use crate::ops::window;

impl Kernels for Portable {
    /// ```text
    /// for each output pixel:
    ///     for each row of its window, for each pixel of that:
    ///         output = max(output, pixel), channel by channel
    /// ```
    fn run(pool: &MaxPool, Buffers { input, output, .. }: Buffers<'_>) {
        let channels = (pool.output.channels as usize).max(1);
        for (row, out_row) in (0..).zip(output.chunks_exact_mut(pool.output.row_len().max(1))) {
            for (column, out) in (0..).zip(out_row.chunks_exact_mut(channels)) {
                largest_of_window(pool, input, row, column, out);
            }
        }
    }
}

#[cfg(not(kindling_backend = "portable"))]
impl Kernels for CortexM {
    fn run(pool: &MaxPool, buffers: Buffers<'_>) {
        if Feature::MaxPool.is_built() {
            <Portable as Kernels>::run(pool, buffers);
        }
    }
}

/// All channels of one output pixel.
fn largest_of_window(pool: &MaxPool, input: &[i8], row: i32, column: i32, out: &mut [i8]) {
    let channels = pool.input.channels as usize;
    out.fill(i8::MIN);
    for i in 0..pool.size[0] as i32 {
        let y = pool.origin[0] as i32 + row * pool.stride[0] as i32 + i;
        let source = window::row(input, pool.input, y);
        let x = pool.origin[1] as usize + column as usize * pool.stride[1] as usize;
        let start = x * channels;
        let pixels = source.get(start..).unwrap_or_default().chunks_exact(channels.max(1));
        for pixel in pixels.take(pool.size[1] as usize) {
            for (largest, value) in out.iter_mut().zip(pixel) {
                *largest = (*largest).max(*value);
            }
        }
    }
}
