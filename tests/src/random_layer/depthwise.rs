//! Random depthwise convolutions.

use infer::{Depthwise, Shape};
use trainer::ops::PlainKind;
use trainer::ops::depthwise::{Algorithm, Plain};
use trainer::plain_model::PlainLayer;

use super::{EXTREME_SIDES, Random, with_numbers};

/// A depthwise convolution of a common shape.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let channels = random.one_of(&[1, 2, 3, 4, 5, 8, 11, 16, 24, 32, 64]);
    let multiplier = random.one_of(&[1, 1, 1, 2]);
    let kernel = random.one_of(&[[3, 3], [3, 3], [5, 5], [2, 3], [4, 1], [12, 1], [6, 5]]);
    let stride = random.one_of(&[[1, 1], [1, 1], [2, 2]]);
    let padding = [random.one_of(&[0, 1]); 2];
    if random.within(0, 2) == 0 {
        // A series, or a row of it as of a stream.
        let kernel = [random.within(1, 15) as u8, 1];
        let channels = random.one_of(&[8, 16, 24, 40, 64, 100, 128]);
        let height = random.within(2, 28);
        let output = Shape::new(random.one_of(&[1, 1, height]), 1, channels);
        return depthwise(random, channels, output, [kernel, [1, 1]], [0, 0], 0);
    }
    let output = Shape::new(random.within(1, 14), random.within(1, 14), channels * multiplier);
    depthwise(random, channels, output, [kernel, stride], padding, 0)
}

/// A depthwise convolution of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let channels = random.one_of(&[1, 1, 2, 3, 8, 17]);
    let mut sides = |of: &[u8]| [random.one_of(of), random.one_of(of)];
    let kernel = sides(&[1, 1, 2, 3, 7, 30]);
    let stride = sides(&[1, 1, 2, 5]);
    let padding = [random.one_of(&[0, 0, 1, 2, 20]), random.one_of(&[0, 0, 1, 2, 20])];
    let (height, width) = (random.one_of(&EXTREME_SIDES), random.one_of(&EXTREME_SIDES));
    let output = Shape::new(height, width, channels * random.one_of(&[1, 1, 3]));
    // Sometimes nothing but padding lies under the kernel.
    let far = random.one_of(&[0, 0, 0, 1000]);
    depthwise(random, channels, output, [kernel, stride], padding, far)
}

fn depthwise(
    random: &mut Random,
    channels: u16,
    output: Shape,
    [kernel, stride]: [[u8; 2]; 2],
    padding: [u16; 2],
    far: i16,
) -> PlainLayer {
    let side = |outputs: u16, axis: usize| {
        let read = (outputs - 1) * stride[axis] as u16 + kernel[axis] as u16;
        read.saturating_sub(2 * padding[axis]).max(1)
    };
    let input = Shape::new(side(output.height, 0), side(output.width, 1), channels);
    let origin = padding.map(|padding| -(padding as i16) - far);
    let kind = PlainKind::Depthwise(Plain { kernel, stride, origin });
    with_numbers(random, input, output, kind, kernel[0] as usize * kernel[1] as usize)
}

/// Multiply-accumulates.
pub fn operations(depthwise: &Depthwise<'_>) -> u64 {
    (depthwise.output.len() * depthwise.taps()) as u64
}
