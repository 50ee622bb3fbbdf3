//! Random average poolings.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{AveragePoolRecord, OutputQuant, Tensor};
use infer::{AveragePool, LayerKind, Shape};

#[cfg(not(target_os = "none"))]
use super::made::{Made, window};
use super::{Counted, Numbers, Only, Pattern, QUANT, Random, fill, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// Maps whose averages are measured: those that end a ResNet-8, a DS-CNN and a MobileNet.
const MEASURED: [(&str, Shape); 3] = [
    ("average 8x8x64", Shape::new(8, 8, 64)),
    ("average 25x5x64", Shape::new(25, 5, 64)),
    ("average 3x3x256", Shape::new(3, 3, 256)),
];

/// A random pooling whose windows may overlap, leave rows and columns out or begin in padding; its
/// input is at the start of `values`.
pub fn any(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> LayerKind<'static> {
    let mut sides = |limit| [1 + random.below(limit) as u16, 1 + random.below(limit) as u16];
    let (size, stride, outputs) = (sides(4), sides(3), sides(most(5, 3)));
    let channels = 1 + random.below(most(20, 5)) as u16;
    let mut side = |axis: usize| {
        let before = random.below(size[axis] as u32) as i16;
        let reach = (outputs[axis] - 1) * stride[axis] + size[axis];
        // The last window has a pixel at least.
        let cut = random.below(size[axis] as u32) as u16;
        ((reach - before as u16).saturating_sub(cut).max(1) + random.below(3) as u16, -before)
    };
    let ((height, top), (width, left)) = (side(0), side(1));
    let input = Shape::new(height, width, channels);
    let output = Shape::new(outputs[0], outputs[1], channels);
    fill(random, pattern, input, values);
    let stride = stride.map(|step| step as u8);
    let record = AveragePoolRecord { input: 0, size, stride, origin: [top, left] };
    let tensor = |shape| Tensor { shape, quant: OutputQuant { scale: 1.0, zero_point: 0 } };
    LayerKind::AveragePool(AveragePool::of(&record, &[tensor(input); 2], tensor(output)))
}

/// Averages over windows that each have a pixel at least, or over the whole map.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    let read = tensors[input as usize];
    let Shape { height, width, channels } = read.shape;
    let is_global = random.below(2) == 0;
    let (kernel, stride, origin) = window(random);
    let (size, stride, origin) = match is_global {
        true => ([height + 1, width], [1, 1], [-(random.below(2) as i16), 0]),
        false => (kernel.map(u16::from), stride, origin),
    };
    let side = |map: u16, axis: usize| match is_global {
        true => 1,
        false => (map as i32 - 1 - origin[axis] as i32) as u16 / stride[axis] as u16 + 1,
    };
    let shape = Shape::new(side(height, 0), side(width, 1), channels);
    let record = AveragePoolRecord { input, size, stride, origin };
    let output = Tensor { shape, quant: read.quant };
    let operator = OperatorRecord::AveragePool(record);
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

/// The average of a whole map.
pub fn measured(
    random: &mut Random,
    index: usize,
    _: Way,
    [values, _]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> Option<Counted<'static>> {
    let (name, input) = *MEASURED.get(index)?;
    fill(random, Pattern::Random, input, values);
    let size = [input.height, input.width];
    let record = AveragePoolRecord { input: 0, size, stride: [1, 1], origin: [0, 0] };
    let tensor = |shape| Tensor { shape, quant: QUANT };
    let output = tensor(Shape::vector(input.channels));
    let pool = AveragePool::of(&record, &[tensor(input); 2], output);
    Some((name, Some(LayerKind::AveragePool(pool))))
}
