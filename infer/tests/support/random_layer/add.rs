//! Random sums.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{AddRecord, OutputQuant, Scaling, Tensor};
use infer::quant::{Factor, Rounding};
use infer::{Add, LayerKind, Shape};

#[cfg(not(target_os = "none"))]
use super::made::{Made, quant};
use super::{Counted, Filling, Numbers, Only, Pattern, QUANT, Random, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// Maps whose sums are measured: those of a ResNet-8.
const MEASURED: [(&str, Shape); 3] = [
    ("add1", Shape::new(31, 32, 16)),
    ("add2", Shape::new(16, 16, 32)),
    ("add3", Shape::new(8, 8, 64)),
];

/// A random sum with its inputs, of which it reads all or a part.
pub fn any(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> LayerKind<'static> {
    let mut side = |limit| 1 + random.below(limit) as u16;
    let output = Shape::new(side(most(6, 3)), side(most(9, 3)), side(most(40, 5)));
    let is_whole = random.below(2) == 0;
    let mut side = |limit| if is_whole { 0 } else { random.below(limit) as u16 };
    let origins = [[side(3), side(3)], [side(3), side(3)]];
    let shapes = origins.map(|[row, column]| {
        let (height, width) = (output.height + row, output.width + column);
        Shape::new(height + side(3), width + side(3), output.channels)
    });
    let scaling = match super::rounding(random, true) {
        Rounding::Once => once(random),
        Rounding::Twice => twice(random),
    };
    let record = AddRecord { inputs: [0, 1], origins, scaling };
    let tensors = shapes.map(|shape| Tensor { shape, quant: any_quant(random) });
    let output = Tensor { shape: output, quant: any_quant(random) };
    fill(random, pattern, [first, second], shapes);
    LayerKind::Add(Add::of(&record, &tensors, output))
}

/// The sum of a tensor and any other of as many channels; the rows and columns that both have.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], first: u8) -> Option<Made> {
    let read = tensors[first as usize];
    let fits = |other: &u8| {
        *other != first && tensors[*other as usize].shape.channels == read.shape.channels
    };
    let others: Vec<u8> = (0..tensors.len() as u8).filter(fits).collect();
    let second = *others.get(random.below(others.len().max(1) as u32) as usize)?;
    let (a, b) = (read.shape, tensors[second as usize].shape);
    let shape = Shape::new(a.height.min(b.height), a.width.min(b.width), a.channels);
    let mut spare = |input: u16, output: u16| random.below((input - output + 1) as u32) as u16;
    let origins =
        [a, b].map(|map| [spare(map.height, shape.height), spare(map.width, shape.width)]);
    let (inputs, scaling) =
        ([first, second], Scaling::Once { multipliers: [9000, 14_000], shift: 14 });
    let operator = OperatorRecord::Add(AddRecord { inputs, origins, scaling });
    let output = Tensor { shape, quant: quant(random.int8()) };
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

/// The sum of two whole maps.
pub fn measured(
    random: &mut Random,
    index: usize,
    _: Way,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> Option<Counted<'static>> {
    let (shape, Filling { rounding, .. }) = Filling::measured(index);
    let (name, shape) = *MEASURED.get(shape)?;
    let scaling = match rounding {
        Rounding::Once => Scaling::Once { multipliers: [20_000, 31_000], shift: 15 },
        Rounding::Twice => {
            let factor = |shift| Factor { multiplier: 1_400_000_000, shift };
            Scaling::twice(0, [factor(-1), factor(-18)])
        }
    };
    let record = AddRecord { inputs: [0, 1], origins: [[0, 0]; 2], scaling };
    fill(random, Pattern::Random, [first, second], [shape; 2]);
    let tensor = Tensor { shape, quant: QUANT };
    Some((name, Some(LayerKind::Add(Add::of(&record, &[tensor; 2], tensor)))))
}

fn once(random: &mut Random) -> Scaling {
    let shift = 1 + random.below(23) as u8;
    let largest = random.pick(&[1, 400, i16::MAX]);
    let mut multiplier = || 1 + random.below(largest as u32) as i16;
    Scaling::Once { multipliers: [multiplier(), multiplier()], shift }
}

/// The output's factor leaves values that end within int8 or not; at times it shifts to the left.
fn twice(random: &mut Random) -> Scaling {
    let of_input = random.pick(&[0, 0, -1, -7, -31]);
    let of_sum = random.pick(&[-18, -18, -18, -19, -30, 0, 3]);
    let factors = [of_input, of_sum].map(|shift| {
        let normal = 1 << 30 | (random.next() >> 2) as i32;
        let multiplier = random.pick(&[normal, normal, 1 << 30, i32::MAX, 0]);
        Factor { multiplier, shift }
    });
    Scaling::twice(random.below(2) as u8, factors)
}

fn any_quant(random: &mut Random) -> OutputQuant {
    OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, -7, 0, 127]) }
}

fn fill(random: &mut Random, pattern: Pattern, maps: [&mut [i8]; 2], shapes: [Shape; 2]) {
    for (values, shape) in maps.into_iter().zip(shapes) {
        super::fill(random, pattern, shape, values);
    }
}
