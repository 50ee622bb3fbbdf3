//! Random lookups.

use infer::{Lookup, Shape};
use trainer::ops::PlainKind;
use trainer::ops::lookup::{Algorithm, Plain};
use trainer::plain_model::PlainLayer;

use super::{EXTREME_SIDES, Random, with_numbers};

/// A lookup of a common shape.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let output = Shape::new(random.within(1, 14), random.within(1, 14), random.within(1, 64));
    let spare = random.one_of(&[[0, 0], [0, 0], [1, 0], [1, 2]]);
    lookup(random, output, spare)
}

/// A lookup of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let (height, width) = (random.one_of(&EXTREME_SIDES), random.one_of(&EXTREME_SIDES));
    let output = Shape::new(height, width, random.one_of(&[1, 1, 2, 16, 33]));
    let spare = [random.one_of(&[0, 1, 30]), random.one_of(&[0, 1, 30])];
    lookup(random, output, spare)
}

fn lookup(random: &mut Random, output: Shape, origin: [u16; 2]) -> PlainLayer {
    let (height, width) = (output.height + origin[0], output.width + origin[1]);
    let input = Shape::new(height, width, output.channels);
    let kind = PlainKind::Lookup(Plain { origin });
    let mut layer = with_numbers(random, input, output, kind, 0);
    layer.weights = (0..256).map(|_| random.weight()).collect();
    layer
}

/// Values that are looked up.
pub fn operations(lookup: &Lookup<'_>) -> u64 {
    lookup.output.len() as u64
}
