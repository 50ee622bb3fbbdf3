//! Random average poolings.

use infer::{AveragePool, Shape};
use trainer::ops::PlainKind;
use trainer::ops::average_pool::{Algorithm, Plain};
use trainer::plain_model::PlainLayer;

use super::{EXTREME_SIDES, Random, with_numbers};

/// An average pooling of a common shape, over windows or over a whole map.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let channels = random.one_of(&[1, 3, 8, 13, 16, 32, 64]);
    let (height, width) = (random.within(1, 14), random.within(1, 14));
    if random.within(0, 1) == 0 {
        return average(random, Shape::vector(channels), [height, width], [1, 1]);
    }
    let size = random.one_of(&[[2, 2], [3, 3], [2, 1]]);
    let stride = random.one_of(&[[1, 1], [2, 2]]);
    average(random, Shape::new(height, width, channels), size, stride)
}

/// An average pooling of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let size = [random.one_of(&[1, 1, 2, 40]), random.one_of(&[1, 1, 2, 300])];
    let stride = [random.one_of(&[1, 2, 7]), random.one_of(&[1, 2, 7])];
    let (height, width) = (random.one_of(&EXTREME_SIDES), random.one_of(&EXTREME_SIDES));
    let output = Shape::new(height, width, random.one_of(&[1, 1, 2, 16, 33]));
    average(random, output, size, stride)
}

fn average(random: &mut Random, output: Shape, size: [u16; 2], stride: [u8; 2]) -> PlainLayer {
    let side = |outputs: u16, axis: usize| (outputs - 1) * stride[axis] as u16 + size[axis];
    let input = Shape::new(side(output.height, 0), side(output.width, 1), output.channels);
    let kind = PlainKind::AveragePool(Plain { size, stride, origin: [0, 0] });
    with_numbers(random, input, output, kind, 0)
}

/// Additions.
pub fn operations(pool: &AveragePool) -> u64 {
    pool.output.len() as u64 * pool.size[0] as u64 * pool.size[1] as u64
}
