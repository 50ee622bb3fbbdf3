//! The specification of an average pooling: one loop per index.

use super::{AveragePool, Kernels};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::ops::window::coordinates;

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel:
    ///     sum    = sum over the window's pixels inside of the map of input
    ///     output = sum / how many these are, rounded to nearest, halves away from zero
    /// ```
    ///
    /// A slice that does not end the window keeps the sum itself: 32 bits, little endian.
    fn run(pool: &AveragePool, Buffers { input, output, .. }: Buffers<'_>) {
        let shape = pool.output;
        for (index, [row, column, channel]) in
            coordinates(shape.height, shape.width, shape.channels).enumerate()
        {
            let (mut sum, mut count) = (0, 0);
            for [i, j, _] in coordinates(pool.size[0], pool.size[1], 1) {
                let y = pool.origin[0] as isize + (row * pool.stride[0] as usize + i) as isize;
                let x = pool.origin[1] as isize + (column * pool.stride[1] as usize + j) as isize;
                if let Some(value) = value_at(pool, input, y, x, channel) {
                    sum += value as i32;
                    count += 1;
                }
            }
            let [before, after] = pool.other_rows.map(i32::from);
            if before > 0 {
                sum += sum_at(output, index);
            }
            if after > 0 {
                let bytes = sum.to_le_bytes().map(|byte| byte as i8);
                output[4 * index..4 * index + 4].copy_from_slice(&bytes);
            } else {
                let columns = (0..pool.size[1]).filter(|j| {
                    let x = pool.origin[1] as isize
                        + (column * pool.stride[1] as usize + *j as usize) as isize;
                    x >= 0 && x < pool.input.width as isize
                });
                count += before * columns.count() as i32;
                output[index] = ((sum.abs() + count / 2) / count * sum.signum()) as i8;
            }
        }
    }
}

fn value_at(pool: &AveragePool, input: &[i8], y: isize, x: isize, channel: usize) -> Option<i8> {
    let map = pool.input;
    if y < 0 || y >= map.height as isize || x < 0 || x >= map.width as isize {
        return None;
    }
    Some(input[y as usize * map.row_len() + x as usize * map.channels as usize + channel])
}

fn sum_at(sums: &[i8], index: usize) -> i32 {
    let bytes = [0, 1, 2, 3].map(|byte| sums[4 * index + byte] as u8);
    i32::from_le_bytes(bytes)
}
