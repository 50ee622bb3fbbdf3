//! Random maxima and minima: of a part of the image and a part of a copy of it.

use infer::{Extremum, Shape};
use trainer::ops::PlainKind;
use trainer::ops::extremum::{Algorithm, Plain};
use trainer::plain_model::{Edge, PlainLayer};

use super::{EXTREME_SIDES, Random, with_numbers};

/// One of a common shape.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let output = Shape::new(random.within(1, 14), random.within(1, 14), random.within(1, 64));
    let spare = random.one_of(&[[0, 0], [0, 0], [1, 0], [1, 2]]);
    extremum(random, output, spare)
}

/// One of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let (height, width) = (random.one_of(&EXTREME_SIDES), random.one_of(&EXTREME_SIDES));
    let output = Shape::new(height, width, random.one_of(&[1, 1, 2, 16, 33]));
    let spare = [random.one_of(&[0, 1, 30]), random.one_of(&[0, 1, 30])];
    extremum(random, output, spare)
}

/// That of the first rows and columns and the last ones of a map that has some more.
fn extremum(random: &mut Random, output: Shape, spare: [u16; 2]) -> PlainLayer {
    let input = Shape::new(output.height + spare[0], output.width + spare[1], output.channels);
    let (multipliers, is_least) = ([random.within(1, 9000) as i16, 9000], random.within(0, 1) == 1);
    let plain = Plain { origins: [[0, 0], spare], multipliers, shift: 14, is_least };
    let mut layer = with_numbers(random, input, output, PlainKind::Extremum(plain), 0);
    layer.inputs.push(Edge { number: 1, ..layer.inputs[0] });
    layer
}

/// Comparisons.
pub fn operations(extremum: &Extremum) -> u64 {
    extremum.output.len() as u64
}
