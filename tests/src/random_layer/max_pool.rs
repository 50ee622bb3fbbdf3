//! Random poolings.

use infer::{MaxPool, Shape};
use trainer::ops::PlainKind;
use trainer::ops::max_pool::{Algorithm, Plain};
use trainer::plain_model::PlainLayer;

use super::{EXTREME_SIDES, Random, with_numbers};

/// A pooling of a common shape.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let size = random.one_of(&[[2, 2], [3, 3], [2, 1]]);
    let stride = random.one_of(&[[1, 1], [2, 2]]);
    let output = Shape::new(random.within(1, 14), random.within(1, 14), random.within(1, 32));
    let side = |outputs: u16, axis: usize| (outputs - 1) * stride[axis] as u16 + size[axis] as u16;
    let input = Shape::new(side(output.height, 0), side(output.width, 1), output.channels);
    with_numbers(
        random,
        input,
        output,
        PlainKind::MaxPool(Plain { size, stride, origin: [0, 0] }),
        0,
    )
}

/// A pooling of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let size = [random.one_of(&[1, 1, 2, 40]), random.one_of(&[1, 1, 2, 40])];
    let stride = [random.one_of(&[1, 2, 7]), random.one_of(&[1, 2, 7])];
    let output = Shape::new(
        random.one_of(&EXTREME_SIDES),
        random.one_of(&EXTREME_SIDES),
        random.one_of(&[1, 1, 2, 16, 33]),
    );
    let side = |outputs: u16, axis: usize| (outputs - 1) * stride[axis] as u16 + size[axis] as u16;
    let input = Shape::new(side(output.height, 0), side(output.width, 1), output.channels);
    with_numbers(
        random,
        input,
        output,
        PlainKind::MaxPool(Plain { size, stride, origin: [0, 0] }),
        0,
    )
}

/// Comparisons.
pub fn operations(pool: &MaxPool) -> u64 {
    (pool.output.len() * pool.size[0] as usize * pool.size[1] as usize) as u64
}
