//! Random maxima and minima.

#[cfg(not(target_os = "none"))]
use infer::format::{AddRecord, OperatorRecord};
use infer::format::{ExtremumRecord, OutputQuant, Tensor};
use infer::{Extremum, LayerKind, Shape};

#[cfg(not(target_os = "none"))]
use super::add;
#[cfg(not(target_os = "none"))]
use super::made::Made;
use super::{Counted, Numbers, Only, Pattern, QUANT, Random, fill, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// A random maximum or minimum with its inputs, of which it reads all or a part.
pub fn any(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> LayerKind<'static> {
    let mut side = |limit| 1 + random.below(limit) as u16;
    let output = Shape::new(side(most(6, 3)), side(most(9, 3)), side(most(40, 5)));
    let mut spare = |limit| random.below(limit) as u16;
    let origins = [[spare(3), spare(3)], [spare(3), spare(3)]];
    let shapes = origins.map(|[row, column]| {
        let (height, width) = (output.height + row, output.width + column);
        Shape::new(height + spare(2), width + spare(2), output.channels)
    });
    let mut multiplier = || random.pick(&[1, 1 << 14, 9000, i16::MAX]);
    let multipliers = [multiplier(), multiplier()];
    let (shift, is_least) = (random.pick(&[1, 14, 14, 15, 23]), random.pick(&[false, true]));
    let record = ExtremumRecord { inputs: [0, 1], origins, multipliers, shift, is_least };
    let mut quant =
        || OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, -7, 0, 127]) };
    let tensors = shapes.map(|shape| Tensor { shape, quant: quant() });
    let output = Tensor { shape: output, quant: quant() };
    fill(random, pattern, shapes[0], first);
    fill(random, pattern, shapes[1], second);
    LayerKind::Extremum(Extremum::of(&record, &tensors, output))
}

/// That of a tensor and any other of as many channels.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], first: u8) -> Option<Made> {
    let made = add::in_graph(random, tensors, first)?;
    let OperatorRecord::Add(AddRecord { inputs, origins, .. }) = made.operator else {
        return None;
    };
    let (multipliers, is_least) = ([9000, 14_000], random.pick(&[false, true]));
    let record = ExtremumRecord { inputs, origins, multipliers, shift: 14, is_least };
    Some(Made { operator: OperatorRecord::Extremum(record), ..made })
}

/// The maximum of two whole maps.
pub fn measured(
    random: &mut Random,
    index: usize,
    _: Way,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> Option<Counted<'static>> {
    if index > 0 {
        return None;
    }
    let shape = Shape::new(16, 16, 32);
    fill(random, Pattern::Random, shape, first);
    fill(random, Pattern::Random, shape, second);
    let tensor = Tensor { shape, quant: QUANT };
    let (origins, multipliers) = ([[0, 0]; 2], [9000, 14_000]);
    let record =
        ExtremumRecord { inputs: [0, 1], origins, multipliers, shift: 14, is_least: false };
    let extremum = Extremum::of(&record, &[tensor; 2], tensor);
    Some(("maximum", Some(LayerKind::Extremum(extremum))))
}
