//! Random maps side by side, and paddings.

use infer::{Concat, Shape};
use trainer::ops::PlainKind;
use trainer::ops::concat::{Algorithm, Plain};
use trainer::plain_model::{Edge, PlainLayer};

use super::{EXTREME_SIDES, Random, with_numbers};

/// Maps of a common shape side by side, or one within a border.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let input = Shape::new(random.within(1, 14), random.within(1, 14), random.within(1, 48));
    let border = random.one_of(&[[0, 0], [0, 0], [1, 1], [1, 2]]);
    concat(random, input, border)
}

/// Maps of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let (height, width) = (random.one_of(&EXTREME_SIDES), random.one_of(&EXTREME_SIDES));
    let input = Shape::new(height, width, random.one_of(&[1, 1, 2, 16, 33]));
    let border = [random.one_of(&[0, 1, 30]), random.one_of(&[0, 1, 30])];
    concat(random, input, border)
}

/// One map or two within the same border, of which each is scaled or not.
fn concat(random: &mut Random, input: Shape, border: [u16; 2]) -> PlainLayer {
    let count = random.within(1, 2);
    let (height, width) = (input.height + 2 * border[0], input.width + 2 * border[1]);
    let output = Shape::new(height, width, count * input.channels);
    let multipliers = [random.one_of(&[1 << 14, 9000]), random.one_of(&[1 << 14, 9000])];
    let (count, origins) = (count as usize, [border.map(|zeros| -(zeros as i16)); 2]);
    let kind = PlainKind::Concat(Plain { count, origins, multipliers, shift: 14 });
    let mut layer = with_numbers(random, input, output, kind, 0);
    if count == 2 {
        layer.inputs.push(Edge { number: 1, ..layer.inputs[0] });
    }
    layer
}

/// Values that are moved.
pub fn operations(concat: &Concat) -> u64 {
    concat.output.len() as u64
}
