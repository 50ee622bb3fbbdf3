//! Random convolutions.

use infer::{Conv, Shape};
use trainer::ops::PlainKind;
use trainer::ops::conv::{Algorithm, Plain};
use trainer::plain_model::PlainLayer;

use super::{EXTREME_SIDES, Random, with_numbers};

/// A convolution that the algorithm computes, of a common shape.
pub fn layer(random: &mut Random, algorithm: Algorithm) -> PlainLayer {
    let any = matches!(
        algorithm,
        Algorithm::Direct
            | Algorithm::DirectInPlace
            | Algorithm::DirectPaired
            | Algorithm::DirectPairedInt4
            | Algorithm::DirectPairedWide
            | Algorithm::DirectVector
            | Algorithm::DirectVectorInt4
    );
    let single = matches!(algorithm, Algorithm::SingleChannel | Algorithm::SingleChannelInt4);
    let channels = match (any, single) {
        (true, _) => random.one_of(&[1, 1, 2, 3, 4, 5, 8, 11, 16, 24, 32, 64]),
        (_, true) => 1,
        _ => 8 * random.within(1, 8),
    };
    let filters =
        random.one_of(&[2, 4, 6, 8, 10, 16, 24, 32, 48, 64]) + u16::from(any) * random.within(0, 1);
    let kernel =
        if any { random.one_of(&[[1, 1], [3, 3], [3, 3], [5, 5], [2, 3]]) } else { [3, 3] };
    let stride = if any { random.one_of(&[[1, 1], [1, 1], [2, 2]]) } else { [1, 1] };
    let pools: &[[u8; 2]] = match (any, single) {
        (true, _) => &[[1, 1], [2, 2], [2, 2], [3, 3], [2, 3]],
        (_, true) => &[[2, 2]],
        _ => &[[1, 1], [2, 2], [2, 2]],
    };
    let (mut pool, mut padding) = (random.one_of(pools), random.one_of(&[0, 0, 1]) as i16);
    let mut output = Shape::new(random.within(1, 14), random.within(1, 14), filters);
    let mut kernel = kernel;
    if any && random.within(0, 2) == 0 {
        // Few pixels of a row of a stream, whose patches lie in one piece.
        (pool, padding) = ([1, 1], 0);
        kernel = random.one_of(&[[1, 1], [1, 1], [3, 1]]);
        output = Shape::new(random.within(1, 2), random.one_of(&[1, 1, 2, 3]), filters);
    }
    let side = |outputs: u16, axis: usize| {
        let convolved = outputs * pool[axis] as u16;
        ((convolved - 1) * stride[axis] as u16 + kernel[axis] as u16)
            .saturating_sub(2 * padding as u16)
            .max(1)
    };
    let input = Shape::new(side(output.height, 0), side(output.width, 1), channels);
    let kind =
        PlainKind::Conv(Plain { kernel, stride, dilation: [1, 1], origin: [-padding; 2], pool });
    let taps = kernel[0] as usize * kernel[1] as usize * channels as usize;
    with_numbers(random, input, output, kind, taps)
}

/// A convolution of a shape that nobody would choose.
pub fn extreme(random: &mut Random, algorithm: Algorithm) -> PlainLayer {
    let is_winograd = matches!(
        algorithm,
        Algorithm::WinogradF2
            | Algorithm::WinogradF4
            | Algorithm::WinogradF2OnTheFly
            | Algorithm::WinogradF4OnTheFly
    );
    let is_single = matches!(algorithm, Algorithm::SingleChannel | Algorithm::SingleChannelInt4);
    let is_any = !is_winograd && !is_single;
    let channels = if is_winograd {
        random.one_of(&[8, 16])
    } else if is_single {
        1
    } else {
        random.one_of(&[1, 1, 2, 3, 8, 17])
    };
    let filters = if is_any { random.one_of(&[1, 2, 3, 8]) } else { random.one_of(&[2, 4]) };
    let mut sides = |of: &[u8]| [random.one_of(of), random.one_of(of)];
    let kernel = if is_any { sides(&[1, 1, 2, 3, 7, 30]) } else { [3, 3] };
    let stride = if is_any { sides(&[1, 1, 2, 5]) } else { [1, 1] };
    let pool = if is_any {
        sides(&[1, 1, 2, 3, 9])
    } else if is_single {
        [2, 2]
    } else {
        [random.one_of(&[1, 2]); 2]
    };
    let padding = [random.one_of(&[0, 0, 1, 2, 20]), random.one_of(&[0, 0, 1, 2, 20])];
    let output = Shape::new(random.one_of(&EXTREME_SIDES), random.one_of(&EXTREME_SIDES), filters);
    let read = |outputs: u16, axis: usize| {
        (outputs * pool[axis] as u16 - 1) * stride[axis] as u16 + kernel[axis] as u16
    };
    let side = |outputs: u16, axis: usize| {
        read(outputs, axis).saturating_sub(2 * padding[axis] as u16).max(1)
    };
    let input = Shape::new(side(output.height, 0), side(output.width, 1), channels);
    // Sometimes nothing but padding lies under the kernel.
    let far = random.one_of(&[0, 0, 0, 1000]);
    let origin = padding.map(|padding: i16| -padding - far);
    let kind = PlainKind::Conv(Plain { kernel, stride, dilation: [1, 1], origin, pool });
    let taps = kernel[0] as usize * kernel[1] as usize * channels as usize;
    with_numbers(random, input, output, kind, taps)
}

/// Multiply-accumulates.
pub fn operations(conv: &Conv<'_>) -> u64 {
    (conv.output.len() * conv.window()) as u64 * conv.taps() as u64
}
