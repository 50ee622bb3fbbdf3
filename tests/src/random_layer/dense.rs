//! Random dense layers.

use infer::{Dense, Shape};
use trainer::ops::PlainKind;
use trainer::ops::dense::{Algorithm, Plain};
use trainer::plain_model::PlainLayer;

use super::{Random, with_numbers};

/// A dense layer that the algorithm computes, of a common shape.
pub fn layer(random: &mut Random, algorithm: Algorithm) -> PlainLayer {
    let inputs = random.one_of(&[4, 9, 16, 33, 64, 100, 128, 250, 256, 500]);
    let has_rows = matches!(algorithm, Algorithm::Rows | Algorithm::RowsInt4);
    let inputs: u16 = if has_rows { inputs } else { inputs.next_multiple_of(4) };
    let output = Shape::vector(random.one_of(&[2, 4, 10, 13, 32, 64, 100, 200, 500]));
    with_numbers(random, Shape::vector(inputs), output, PlainKind::Dense(Plain), inputs as usize)
}

/// A dense layer of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let inputs = random.one_of(&[1, 2, 4, 8, 20, 400]);
    let output = Shape::vector(random.one_of(&[1, 2, 3, 4, 5, 300]));
    with_numbers(random, Shape::vector(inputs), output, PlainKind::Dense(Plain), inputs as usize)
}

/// Multiply-accumulates.
pub fn operations(dense: &Dense<'_>) -> u64 {
    dense.input.len() as u64 * dense.units as u64
}

/// Gives a layer with two roundings a multiplier and a shift of each unit: those of random layers
/// are all the same.
pub fn part_factors(layer: &mut PlainLayer) {
    if let Some(channel) = layer.channels.last_mut() {
        channel.multiplier = channel.multiplier.max((1 << 30) + 1) - 1;
    }
}
