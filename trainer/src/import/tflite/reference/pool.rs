//! `AVERAGE_POOL_2D` and `MAX_POOL_2D`: the mean or the largest of the values on the map. The zero
//! point stays.

use super::Kernel;
use super::error::Misfit;
use super::node::{Node, Output};
use super::taps::Taps;

/// A pooling; `combine` makes one value of those under the window.
pub struct Pool {
    taps: Taps,
    input: [usize; 4],
    output: [usize; 4],
    clamped: Output,
    combine: fn(&mut dyn Iterator<Item = i8>) -> i32,
}

impl Pool {
    pub fn new(
        node: Node<'_>,
        size: [usize; 2],
        combine: fn(&mut dyn Iterator<Item = i8>) -> i32,
    ) -> Result<Self, Misfit> {
        node.same_scale(1)?;
        let shape = |shape: &[usize]| shape.try_into().map_err(|_| Misfit::Count);
        Ok(Self {
            taps: Taps::new(node, size)?,
            input: shape(&node.input(0)?.shape)?,
            output: shape(&node.output()?.shape)?,
            clamped: node.clamped()?,
            combine,
        })
    }
}

impl Kernel for Pool {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let [_, map_rows, map_columns, channels] = self.input;
        let [batches, rows, columns, _] = self.output;
        let mut values = Vec::with_capacity(batches * rows * columns * channels);
        for batch in 0..batches {
            let map = &inputs[0][batch * map_rows * map_columns * channels..];
            for row in 0..rows {
                for column in 0..columns {
                    for channel in 0..channels {
                        let taps = self.taps.at(row, column);
                        let mut under = taps.map(|at| map[at.place * channels + channel]);
                        values.push(self.clamped.clamp((self.combine)(&mut under)));
                    }
                }
            }
        }
        values
    }
}

/// The mean, halves rounded away from zero: of the integers, not of what they stand for.
pub fn average(values: &mut dyn Iterator<Item = i8>) -> i32 {
    let (mut sum, mut count) = (0_i64, 0_i64);
    for value in values {
        (sum, count) = (sum + i64::from(value), count + 1);
    }
    let half = if sum > 0 { count / 2 } else { -(count / 2) };
    ((sum + half) / count.max(1)) as i32
}

pub fn maximum(values: &mut dyn Iterator<Item = i8>) -> i32 {
    values.max().unwrap_or(i8::MIN).into()
}
