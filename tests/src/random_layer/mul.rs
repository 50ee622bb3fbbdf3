//! Random products: of a part of the image and a part of a copy of it.

use infer::{Mul, Shape};
use trainer::ops::PlainKind;
use trainer::ops::mul::{Algorithm, Plain};
use trainer::plain_model::{Edge, PlainLayer};

use super::{EXTREME_SIDES, Random, with_numbers};

/// A product of a common shape.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let output = Shape::new(random.within(1, 14), random.within(1, 14), random.within(1, 64));
    let spare = random.one_of(&[[0, 0], [0, 0], [1, 0], [1, 2]]);
    mul(random, output, spare)
}

/// A product of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let (height, width) = (random.one_of(&EXTREME_SIDES), random.one_of(&EXTREME_SIDES));
    let output = Shape::new(height, width, random.one_of(&[1, 1, 2, 16, 33]));
    let spare = [random.one_of(&[0, 1, 30]), random.one_of(&[0, 1, 30])];
    mul(random, output, spare)
}

/// The product of the first rows and columns and the last ones of a map that has some more.
fn mul(random: &mut Random, output: Shape, spare: [u16; 2]) -> PlainLayer {
    let input = Shape::new(output.height + spare[0], output.width + spare[1], output.channels);
    let origins = [[0, 0], spare];
    let kind = PlainKind::Mul(Plain { origins, multiplier: 1 << 24, shift: None });
    let mut layer = with_numbers(random, input, output, kind, 0);
    layer.inputs.push(Edge { number: 1, ..layer.inputs[0] });
    layer
}

/// Products.
pub fn operations(mul: &Mul) -> u64 {
    mul.output.len() as u64
}
