//! Random softmaxes.

use infer::format::{OutputQuant, Tensor};
use infer::quant::Factor;
use infer::{Shape, Softmax};
use trainer::ops::PlainKind;
use trainer::ops::softmax::{Algorithm, Plain};
use trainer::plain_model::PlainLayer;

use super::{Random, with_numbers};

/// A softmax of a common shape.
pub fn layer(random: &mut Random, _: Algorithm) -> PlainLayer {
    let pixels = random.one_of(&[[1, 1], [1, 1], [3, 4], [8, 8]]);
    let channels = random.within(2, 100);
    softmax(random, Shape::new(pixels[0], pixels[1], channels))
}

/// A softmax of a shape that nobody would choose.
pub fn extreme(random: &mut Random, _: Algorithm) -> PlainLayer {
    let shape = Shape::new(random.within(1, 9), random.within(1, 9), random.within(1, 20));
    softmax(random, shape)
}

/// With steps of a sixteenth, so that every value counts: what takes longest.
fn softmax(random: &mut Random, shape: Shape) -> PlainLayer {
    let factor = Factor { multiplier: 1 << 30, shift: 23 };
    let kind = PlainKind::Softmax(Plain { factor });
    let mut layer = with_numbers(random, shape, shape, kind, 0);
    let quant = OutputQuant { scale: 1.0 / 256.0, zero_point: -128 };
    layer.output = Tensor { shape, quant };
    layer
}

/// Exponentials.
pub fn operations(softmax: &Softmax) -> u64 {
    softmax.input.len() as u64
}
