//! Random products.

#[cfg(not(target_os = "none"))]
use infer::format::{AddRecord, OperatorRecord};
use infer::format::{MulRecord, OutputQuant, Tensor};
use infer::quant::Rounding;
use infer::{LayerKind, Mul, Shape};

#[cfg(not(target_os = "none"))]
use super::add;
#[cfg(not(target_os = "none"))]
use super::made::Made;
use super::{Counted, Numbers, Only, Pattern, QUANT, Random, fill, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// A random product with its inputs, of which it reads all or a part; the second may be a pixel.
pub fn any(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> LayerKind<'static> {
    let mut side = |limit| 1 + random.below(limit) as u16;
    let output = Shape::new(side(most(6, 3)), side(most(9, 3)), side(most(40, 5)));
    let is_by_channel = random.below(3) == 0;
    let mut spare = |limit| random.below(limit) as u16;
    let mut origins = [[spare(3), spare(3)], [spare(3), spare(3)]];
    let mut shapes = origins.map(|[row, column]| {
        let (height, width) = (output.height + row, output.width + column);
        Shape::new(height + spare(2), width + spare(2), output.channels)
    });
    if is_by_channel {
        (origins[1], shapes[1]) = ([0, 0], Shape::vector(output.channels));
    }
    let (multiplier, shift) = match super::rounding(random, true) {
        Rounding::Once => (random.pick(&[1, 1 << 20, 1 << 26, i32::MAX]), None),
        Rounding::Twice => {
            let multiplier = random.pick(&[0, 1 << 30, 0x5a5a_5a5a, i32::MAX]);
            (multiplier, Some(random.pick(&[-31, -9, -8, -7, 0, 14])))
        }
    };
    let record = MulRecord { inputs: [0, 1], origins, multiplier, shift };
    let mut quant =
        || OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, -7, 0, 127]) };
    let tensors = shapes.map(|shape| Tensor { shape, quant: quant() });
    let output = Tensor { shape: output, quant: quant() };
    fill(random, pattern, shapes[0], first);
    fill(random, pattern, shapes[1], second);
    LayerKind::Mul(Mul::of(&record, &tensors, output))
}

/// The product of a tensor and any other of as many channels, or of one pixel.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], first: u8) -> Option<Made> {
    let Made { operator: OperatorRecord::Add(record), mut output, .. } =
        add::in_graph(random, tensors, first)?
    else {
        return None;
    };
    let AddRecord { inputs, mut origins, .. } = record;
    let [a, b] = inputs.map(|input| tensors[input as usize].shape);
    if [b.height, b.width] == [1, 1] {
        (origins, output.shape) = ([[0, 0]; 2], a);
    }
    let operator =
        OperatorRecord::Mul(MulRecord { inputs, origins, multiplier: 1 << 25, shift: None });
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

/// The product of two maps, and of a map with a pixel.
pub fn measured(
    random: &mut Random,
    index: usize,
    _: Way,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> Option<Counted<'static>> {
    let shape = Shape::new(16, 16, 32);
    let (name, other) = *[("mul", shape), ("mul by channel", Shape::vector(32))].get(index)?;
    fill(random, Pattern::Random, shape, first);
    fill(random, Pattern::Random, other, second);
    let tensor = |shape| Tensor { shape, quant: QUANT };
    let origins = [[0, 0]; 2];
    let record = MulRecord { inputs: [0, 1], origins, multiplier: 1 << 24, shift: None };
    let mul = Mul::of(&record, &[tensor(shape), tensor(other)], tensor(shape));
    Some((name, Some(LayerKind::Mul(mul))))
}
