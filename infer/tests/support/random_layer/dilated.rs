//! Random convolutions whose taps lie apart.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{Algorithm, ConvRecord, DilatedRecord, Tensor};
use infer::{Dilated, LayerKind, Shape};

#[cfg(not(target_os = "none"))]
use super::made::Made;
use super::{Counted, Filling, Numbers, Pattern, QUANT, Random, conv};

/// The ways to compute it.
pub type Way = Algorithm;
pub const WAYS: &[Way] = &[
    Algorithm::Direct,
    Algorithm::DirectPaired,
    Algorithm::DirectInPlace,
    Algorithm::DirectPairedInt4,
    Algorithm::DirectPairedWide,
];

/// A random convolution with random steps between its taps.
pub fn any<'b>(
    random: &mut Random,
    algorithm: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let (conv, tensors) = conv::record(random, algorithm);
    let dilation = [1 + random.below(4) as u8, 1 + random.below(4) as u8];
    let values = &mut values[..tensors[0].shape.len()];
    let filling = Filling::any(random, pattern, conv::rounds_twice(&conv));
    filled(random, DilatedRecord { conv, dilation }, tensors, filling, values, numbers)
}

/// A convolution whose taps lie apart, of one that has no pooling.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    let made = conv::in_graph(random, tensors, input)?;
    let OperatorRecord::Conv(record) = made.operator else { unreachable!("a convolution") };
    let dilation = random.pick(&[[2, 1], [3, 1], [2, 2], [1, 3]]);
    let record = DilatedRecord { conv: record, dilation };
    let dilates = WAYS.contains(&record.conv.algorithm);
    dilates.then_some(Made { operator: OperatorRecord::Dilated(record), ..made })
}

/// A layer of a temporal convolutional network.
pub fn measured<'b>(
    random: &mut Random,
    index: usize,
    algorithm: Way,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> Option<Counted<'b>> {
    let shape = [Shape::new(128, 1, 16)].into_iter().nth(index)?;
    let (kernel, stride, origin, pool) = ([3, 1], [1, 1], [-8, 0], [1, 1]);
    let conv = ConvRecord { input: 0, kernel, stride, origin, pool, algorithm };
    let record = DilatedRecord { conv, dilation: [4, 1] };
    let tensors = [Tensor { shape, quant: QUANT }; 2];
    let values = &mut values[..shape.len()];
    let layer = filled(random, record, tensors, Filling::MEASURED, values, numbers);
    Some(("causal, dilated by 4", Some(layer)))
}

fn filled<'b>(
    random: &mut Random,
    record: DilatedRecord,
    tensors: [Tensor; 2],
    filling: Filling,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let conv = conv::fill(random, &record.conv, tensors, filling, values, numbers);
    let conv = conv.expect("the largest weights of these sizes stay in every range");
    let [channels, weights] = infer::ops::Operator::numbers(&conv);
    let [input, output] = tensors;
    let bare = Dilated::of(&record, &[input; 2], output);
    LayerKind::Dilated(bare.with_numbers(channels, weights).expect("numbers of the same sizes"))
}
