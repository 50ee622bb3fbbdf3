//! Random sums: of a part of the image and a part of a copy of it.

use infer::format::Scaling;
use infer::quant::Factor;
use infer::{Add, Shape};
use trainer::ops::PlainKind;
use trainer::ops::add::{Algorithm, Plain};
use trainer::plain_model::{Edge, PlainLayer};

use super::{EXTREME_SIDES, Random, with_numbers};

/// A sum of a common shape.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let output = Shape::new(random.within(1, 14), random.within(1, 14), random.within(1, 64));
    let spare = random.one_of(&[[0, 0], [0, 0], [1, 0], [1, 2]]);
    sum(random, output, spare)
}

/// A sum of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let side = |random: &mut Random| random.one_of(&EXTREME_SIDES);
    let (height, width) = (side(random), side(random));
    let output = Shape::new(height, width, random.one_of(&[1, 1, 2, 16, 33]));
    let spare = [random.one_of(&[0, 1, 30]), random.one_of(&[0, 1, 30])];
    sum(random, output, spare)
}

/// The sum of the first rows and columns and the last ones of a map that has some more.
fn sum(random: &mut Random, output: Shape, spare: [u16; 2]) -> PlainLayer {
    let input = Shape::new(output.height + spare[0], output.width + spare[1], output.channels);
    let multipliers = [random.within(1, 9000) as i16, 9000];
    let scaling = Scaling::Once { multipliers, shift: 14 };
    let kind = PlainKind::Add(Plain { origins: [[0, 0], spare], scaling });
    let mut layer = with_numbers(random, input, output, kind, 0);
    layer.inputs.push(Edge { number: 1, ..layer.inputs[0] });
    layer
}

/// A quarter of the common scale, of which the output has two steps.
pub fn twice() -> Scaling {
    let factor = |shift| Factor { multiplier: 1 << 30, shift };
    Scaling::twice(1, [factor(-1), factor(-18)])
}

/// Sums.
pub fn operations(add: &Add) -> u64 {
    add.output.len() as u64
}
