//! Random maps side by side, and paddings.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{ConcatRecord, OutputQuant, PartRecord, Tensor};
use infer::{Concat, LayerKind, Shape};

#[cfg(not(target_os = "none"))]
use super::made::{Made, quant};
use super::{Counted, Numbers, Only, Pattern, QUANT, Random, fill, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// One map or two, of each all or a part within a border or without.
pub fn any(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> LayerKind<'static> {
    let mut side = |limit| 1 + random.below(limit) as u16;
    let (height, width) = (side(most(6, 3)), side(most(9, 3)));
    let channels = [side(most(20, 5)), side(most(20, 5))];
    let count = 1 + random.below(2) as usize;
    let shift = 1 + random.below(23) as u8;
    let (mut parts, mut tensors) =
        ([None; 2], [Tensor { shape: Shape::vector(1), quant: QUANT }; 2]);
    for (input, values) in [first, second].into_iter().enumerate().take(count) {
        let mut origin = || random.below(5) as i16 - 2;
        let origin = [origin(), origin()];
        let side = |outputs: u16, origin: i16| (outputs as i16 + origin).max(1) as u16;
        let mut shape =
            Shape::new(side(height, origin[0]), side(width, origin[1]), channels[input]);
        // Fewer rows than there are outputs: a border at the end.
        shape.height = shape.height.saturating_sub(random.below(3) as u16).max(1);
        let identity = (1u32 << shift).min(i16::MAX as u32) as i16;
        let multiplier = random.pick(&[identity, 1, 400, i16::MAX]);
        let zero_point = random.pick(&[-128, -128, -7, 0, 127]);
        fill(random, pattern, shape, values);
        tensors[input] = Tensor { shape, quant: OutputQuant { scale: 1.0, zero_point } };
        parts[input] = Some(PartRecord { input: input as u8, origin, multiplier });
    }
    let [Some(first), second] = parts else { unreachable!("a part at least") };
    let channels = channels[..count].iter().sum();
    let quant = OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, -7, 0, 127]) };
    let output = Tensor { shape: Shape::new(height, width, channels), quant };
    LayerKind::Concat(Concat::of(&ConcatRecord { first, second, shift }, &tensors, output))
}

/// A tensor within a border, alone or with any other.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], first: u8) -> Option<Made> {
    let read = tensors[first as usize];
    let others = (0..tensors.len() as u8).filter(|other| *other != first);
    let others: Vec<u8> = others.collect();
    let second = others.get(random.below(2 * others.len().max(1) as u32) as usize).copied();
    let Shape { height, width, .. } = read.shape;
    let (height, width) = (height + random.below(4) as u16, width + random.below(3) as u16);
    let mut part = |input| {
        let origin = [-(random.below(4) as i16), 1 - random.below(3) as i16];
        PartRecord { input, origin, multiplier: random.pick(&[1 << 14, 9000]) }
    };
    let record = ConcatRecord { first: part(first), second: second.map(part), shift: 14 };
    let more = second.map_or(0, |second| tensors[second as usize].shape.channels);
    let channels = read.shape.channels + more;
    if channels > 40 {
        return None;
    }
    let quant = quant(random.pick(&[-128, read.quant.zero_point]));
    let output = Tensor { shape: Shape::new(height, width, channels), quant };
    let operator = OperatorRecord::Concat(record);
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

/// Two maps as they are, two that are scaled, and a map within a border.
pub fn measured(
    random: &mut Random,
    index: usize,
    _: Way,
    [first, second]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> Option<Counted<'static>> {
    let (name, multiplier, border) =
        *[("concat", 1 << 14, 0), ("concat scaled", 12_000, 0), ("pad", 1 << 14, 1)].get(index)?;
    let shape = Shape::new(15, 16, 32);
    fill(random, Pattern::Random, shape, first);
    fill(random, Pattern::Random, shape, second);
    let tensor = |shape| Tensor { shape, quant: QUANT };
    let part = |input| PartRecord { input, origin: [-border, -border], multiplier };
    let second = (border == 0).then_some(part(1));
    let [height, width] = [15, 16].map(|side| side + 2 * border as u16);
    let output = Shape::new(height, width, if border == 0 { 64 } else { 32 });
    let record = ConcatRecord { first: part(0), second, shift: 14 };
    let concat = Concat::of(&record, &[tensor(shape); 2], tensor(output));
    Some((name, Some(LayerKind::Concat(concat))))
}
