//! Random softmaxes.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{OutputQuant, SoftmaxRecord, Tensor};
use infer::quant::Factor;
use infer::{LayerKind, Shape, Softmax};

#[cfg(not(target_os = "none"))]
use super::made::Made;
use super::{Counted, Numbers, Only, Pattern, QUANT, Random, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// Maps whose softmaxes are measured: the scores of a keyword network, and a long row.
const MEASURED: [(&str, Shape); 2] =
    [("12 classes", Shape::vector(12)), ("1000 classes", Shape::vector(1000))];

/// A random softmax with its input, whose steps stand for little or for much.
pub fn any(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> LayerKind<'static> {
    let mut side = |limit| 1 + random.below(limit) as u16;
    let input = Shape::new(side(most(4, 2)), side(most(4, 2)), side(most(40, 5)));
    let multiplier = 1 << 30 | (random.next() >> 2) as i32;
    let factor = Factor { multiplier, shift: random.pick(&[0, 18, 22, 24, 26, 30]) };
    for (index, value) in values[..input.len()].iter_mut().enumerate() {
        let column = index % input.row_len() / input.channels as usize;
        *value = pattern.input(random, 0, index / input.row_len(), column);
    }
    of(input, factor)
}

/// A softmax: seldom, since nearly all that it makes is -128.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    if random.below(3) > 0 {
        return None;
    }
    let read = tensors[input as usize];
    let factor = Factor { multiplier: 1 << 30, shift: random.pick(&[20, 23, 26]) };
    let operator = OperatorRecord::Softmax(SoftmaxRecord { input, factor });
    let quant = OutputQuant { scale: 1.0 / 256.0, zero_point: -128 };
    let output = Tensor { shape: read.shape, quant };
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

/// A softmax of values whose steps are a sixteenth.
pub fn measured(
    random: &mut Random,
    index: usize,
    _: Way,
    [values, _]: [&mut [i8]; 2],
    _: &mut Numbers,
) -> Option<Counted<'static>> {
    let (name, input) = *MEASURED.get(index)?;
    values[..input.len()].iter_mut().for_each(|value| *value = random.int8());
    Some((name, Some(of(input, Factor { multiplier: 1 << 30, shift: 23 }))))
}

fn of(shape: Shape, factor: Factor) -> LayerKind<'static> {
    let output = OutputQuant { scale: 1.0 / 256.0, zero_point: -128 };
    let record = SoftmaxRecord { input: 0, factor };
    let tensor = |quant| Tensor { shape, quant };
    LayerKind::Softmax(Softmax::of(&record, &[tensor(QUANT); 2], tensor(output)))
}
