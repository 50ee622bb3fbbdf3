//! Random lookups.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{LookupRecord, OutputQuant, Tensor};
use infer::{LayerKind, Lookup, Shape};

#[cfg(not(target_os = "none"))]
use super::made::{Made, quant};
use super::{Counted, Numbers, Only, Pattern, QUANT, Random, fill, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// A random table, and a map of which it is asked all or a part.
pub fn any<'b>(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let mut side = |limit| 1 + random.below(limit) as u16;
    let output = Shape::new(side(most(8, 3)), side(most(9, 3)), side(most(40, 5)));
    let mut spare = |limit| random.below(limit) as u16;
    let origin = [spare(3), spare(3)];
    let (height, width) = (output.height + origin[0], output.width + origin[1]);
    let input = Shape::new(height + spare(3), width + spare(3), output.channels);
    fill(random, pattern, input, values);
    let quant = OutputQuant { scale: 1.0, zero_point: 3 };
    lookup(random, [input, output].map(|shape| Tensor { shape, quant }), origin, numbers)
}

/// A random table for all of a map but the first row or column.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    let read = tensors[input as usize];
    let Shape { height, width, channels } = read.shape;
    let origin = [height, width].map(|side| if side > 1 { random.below(2) as u16 } else { 0 });
    let shape = Shape::new(height - origin[0], width - origin[1], channels);
    let output = Tensor { shape, quant: quant(random.int8()) };
    let operator = OperatorRecord::Lookup(LookupRecord { input, origin });
    let weights = (0..256).map(|_| random.int8() as u8).collect();
    Some(Made { operator, output, channels: Vec::new(), weights })
}

/// A whole map.
pub fn measured<'b>(
    random: &mut Random,
    index: usize,
    _: Way,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> Option<Counted<'b>> {
    let shape = [Shape::new(16, 16, 32)].into_iter().nth(index)?;
    fill(random, Pattern::Random, shape, values);
    let tensor = Tensor { shape, quant: QUANT };
    Some(("lookup", Some(lookup(random, [tensor; 2], [0, 0], numbers))))
}

fn lookup<'b>(
    random: &mut Random,
    [input, output]: [Tensor; 2],
    origin: [u16; 2],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let table = &mut numbers.packed.0[..256];
    table.fill_with(|| random.int8() as u8);
    let bare = Lookup::of(&LookupRecord { input: 0, origin }, &[input; 2], output);
    LayerKind::Lookup(bare.with_table(table).expect("256 bytes"))
}
