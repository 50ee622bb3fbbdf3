//! Random poolings.

use infer::format::OutputQuant;
#[cfg(not(target_os = "none"))]
use infer::format::{MaxPoolRecord, OperatorRecord, Tensor};
use infer::{LayerKind, MaxPool, Shape};

#[cfg(not(target_os = "none"))]
use super::made::Made;
use super::{Counted, Numbers, Only, Pattern, Random, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// A random pooling whose windows may overlap or leave rows and columns out; its input is at the
/// start of `values`.
pub fn any(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> LayerKind<'static> {
    let mut sides = |limit| [1 + random.below(limit) as u8, 1 + random.below(limit) as u8];
    let (size, stride, outputs) = (sides(4), sides(3), sides(most(5, 3)));
    let channels = 1 + random.below(most(20, 5)) as u16;
    let origin = [random.below(3) as u16, random.below(3) as u16];
    let side = |axis: usize, spare: u16| {
        origin[axis] + (outputs[axis] as u16 - 1) * stride[axis] as u16 + size[axis] as u16 + spare
    };
    let (height, width) = (side(0, random.below(3) as u16), side(1, random.below(3) as u16));
    let input = Shape::new(height, width, channels);
    let output = Shape::new(outputs[0].into(), outputs[1].into(), channels);
    for (index, value) in values[..input.len()].iter_mut().enumerate() {
        let column = index % input.row_len() / channels as usize;
        *value = pattern.input(random, 0, index / input.row_len(), column);
    }
    let quant = OutputQuant { scale: 1.0, zero_point: 0 };
    LayerKind::MaxPool(MaxPool { input, output, size, stride, origin, quant })
}

/// A pooling of any map that has a window.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    let read = tensors[input as usize];
    let (size, stride) = (random.pick(&[[2, 2], [1, 2], [3, 1]]), random.pick(&[[1, 1], [2, 2]]));
    let origin = [random.below(2) as u16, random.below(2) as u16];
    let side = |map: u16, axis: usize| {
        Some(map.checked_sub(origin[axis] + size[axis] as u16)? / stride[axis] as u16 + 1)
    };
    let Shape { height, width, channels } = read.shape;
    let shape = Shape::new(side(height, 0)?, side(width, 1)?, channels);
    let operator = OperatorRecord::MaxPool(MaxPoolRecord { input, size, stride, origin });
    let output = Tensor { shape, quant: read.quant };
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

/// None: nothing is counted of it alone.
pub fn measured(
    _: &mut Random,
    _: usize,
    _: Way,
    _: [&mut [i8]; 2],
    _: &mut Numbers,
) -> Option<Counted<'static>> {
    None
}
