//! Random convolutions.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{Algorithm, ConvRecord, OutputQuant, Tensor};
use infer::packing::WeightBits;
use infer::schedule::INPUTS_MAX;
use infer::{Conv, LayerKind, LayerProblem, Shape};

#[cfg(not(target_os = "none"))]
use super::made::{Made, parameters, quant, weights, window};
use super::{Counted, Filling, Numbers, Pattern, QUANT, Random, fill_channels, in_bits, most};

/// The ways to compute it.
pub type Way = Algorithm;
pub const WAYS: &[Way] = &Algorithm::ALL;

/// A layer that is measured.
struct Measured {
    name: &'static str,
    input: Shape,
    output: Shape,
    kernel: u8,
    /// Rows and columns of padding before the map.
    padding: i16,
    pool: u8,
}

/// The tutorial's convolutions, without what pooling drops, then layers as of a ResNet-8, a DS-CNN
/// and MobileNets, and a row of a stream.
const MEASURED: [Measured; 8] = [
    pooled("conv1", Shape::new(22, 22, 1), Shape::new(10, 10, 32)),
    pooled("conv2", Shape::new(10, 10, 32), Shape::new(4, 4, 64)),
    pooled("conv3", Shape::new(4, 4, 64), Shape::new(1, 1, 64)),
    same("resnet", [16, 16, 32], 32, 3),
    same("pointwise", [25, 5, 64], 64, 1),
    same("pointwise of few", [32, 32, 8], 16, 1),
    same("pixel", [1, 1, 64], 64, 1),
    same("pointwise to many", [5, 3, 48], 132, 1),
];

const fn pooled(name: &'static str, input: Shape, output: Shape) -> Measured {
    Measured { name, input, output, kernel: 3, padding: 0, pool: 2 }
}

const fn same(
    name: &'static str,
    [height, width, channels]: [u16; 3],
    filters: u16,
    kernel: u8,
) -> Measured {
    let [input, output] = [Shape::new(height, width, channels), Shape::new(height, width, filters)];
    Measured { name, input, output, kernel, padding: kernel as i16 / 2, pool: 1 }
}

/// A random convolution that `algorithm` fits, with its numbers and its input.
pub fn any<'b>(
    random: &mut Random,
    algorithm: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let (record, tensors) = record(random, algorithm);
    let values = &mut values[..tensors[0].shape.len()];
    let filling = Filling::any(random, pattern, rounds_twice(&record));
    let conv = fill(random, &record, tensors, filling, values, numbers);
    LayerKind::Conv(conv.expect("the largest weights of these sizes stay in every range"))
}

/// A convolution of any map.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    let read = tensors[input as usize];
    let (kernel, stride, origin) = window(random);
    let pool = random.pick(&[[1, 1], [1, 1], [2, 2], [2, 1]]);
    let side = |map: u16, axis: usize| {
        let reach = map as i32 - 2 * origin[axis] as i32 - kernel[axis] as i32;
        (reach.max(0) / stride[axis] as i32 / pool[axis] as i32 + 1) as u16
    };
    let channels = random.pick(&[1, 2, 3, 8, 8]);
    let shape = Shape::new(side(read.shape.height, 0), side(read.shape.width, 1), channels);
    let output = Tensor { shape, quant: quant(random.int8()) };
    let (record, filters) = loop {
        let algorithm = random.pick(&Algorithm::ALL);
        let record = ConvRecord { input, kernel, stride, origin, pool, algorithm };
        let conv = Conv::of(&record, &[read; INPUTS_MAX], output);
        if algorithm.fits(&conv) {
            break (record, conv.filters());
        }
    };
    let bits = record.algorithm.weight_bits();
    let plain = weights(random, bits, filters.taps() * channels as usize);
    let mut packed = vec![0; filters.packed_bytes() as usize];
    filters.pack(&plain, &mut packed).unwrap();
    let channels = parameters(random, channels, filters.taps());
    Some(Made { operator: OperatorRecord::Conv(record), output, channels, weights: packed })
}

/// Whether the algorithm of a convolution computes two roundings.
pub fn rounds_twice(record: &ConvRecord) -> bool {
    match record.algorithm {
        Algorithm::SingleChannel => false,
        algorithm if algorithm.weight_bits() == WeightBits::Four => false,
        Algorithm::DirectVector => record.pool == [1, 1],
        _ => true,
    }
}

/// A layer whose instructions are counted.
pub fn measured<'b>(
    random: &mut Random,
    index: usize,
    algorithm: Way,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> Option<Counted<'b>> {
    let (shape, filling) = Filling::measured(index);
    let Measured { name, input, output, kernel, padding, pool } = *MEASURED.get(shape)?;
    let (kernel, pool, origin) = ([kernel; 2], [pool; 2], [-padding; 2]);
    let record = ConvRecord { input: 0, kernel, stride: [1, 1], origin, pool, algorithm };
    let tensors = [input, output].map(|shape| Tensor { shape, quant: QUANT });
    let values = &mut values[..input.len()];
    let conv = fill(random, &record, tensors, filling, values, numbers);
    Some((name, conv.ok().map(LayerKind::Conv)))
}

/// A random convolution that `algorithm` fits, with the tensors that it reads and makes.
pub fn record(random: &mut Random, algorithm: Algorithm) -> (ConvRecord, [Tensor; 2]) {
    let vector = matches!(algorithm, Algorithm::DirectVector | Algorithm::DirectVectorInt4);
    let any = vector
        || matches!(
            algorithm,
            Algorithm::Direct
                | Algorithm::DirectInPlace
                | Algorithm::DirectPaired
                | Algorithm::DirectPairedInt4
                | Algorithm::DirectPairedWide
        );
    let single = matches!(algorithm, Algorithm::SingleChannel | Algorithm::SingleChannelInt4);
    let input = Shape::new(
        3 + random.below(11) as u16,
        3 + random.below(11) as u16,
        if single {
            1
        } else if any {
            1 + random.below(most(20, 5)) as u16
        } else {
            [8, 16, 24, 32, 72][random.below(most(5, 2)) as usize]
        },
    );
    let mut sides = |limit| [1 + random.below(limit) as u8, 1 + random.below(limit) as u8];
    let (kernel, stride, pool) = if any {
        (sides(5), sides(3), if vector && sides(2)[0] == 1 { [1, 1] } else { sides(3) })
    } else {
        ([3, 3], [1, 1], if single || sides(2)[0] == 1 { [2, 2] } else { [1, 1] })
    };
    let origin = [random.below(4) as i16 - 2, random.below(4) as i16 - 2];
    let channels = if (any && !vector) || single {
        1 + random.below(9) as u16
    } else if algorithm == Algorithm::DirectVector && pool == [1, 1] {
        2 + random.below(8) as u16
    } else {
        2 + 2 * random.below(4) as u16
    };
    // Whole tiles have loops of their own.
    let tiles = if any || single { 1 } else { random.pick(&[1, 4, 4]) };
    let mut side = || tiles * (1 + random.below(most(6, 3)) as u16 / tiles);
    let mut output = Shape::new(side(), side(), channels);
    let (mut input, mut kernel, mut pool, mut origin) = (input, kernel, pool, origin);
    let mut stride = stride;
    if any && random.below(3) == 0 {
        // A row of pixels inside of the map, often one alone, whose patches often lie in one piece:
        // these have loops of their own.
        let width = random.pick(&[1, 1, 1, 2, 3, 5, 6]);
        (pool, origin) = ([1, 1], [0, 0]);
        kernel = random.pick(&[[1, 1], [1, 1], [kernel[0], 1], kernel]);
        output = Shape::new(1, width, 2 * channels);
        let of_row = (width - 1) * stride[1] as u16 + kernel[1] as u16;
        input = Shape::new(kernel[0] as u16, of_row, 2 * input.channels);
    }
    if any && random.below(6) == 0 {
        // Pixels of a map that has more rows than are read.
        let (height, width) = (1 + random.below(4) as u16, 1 + random.below(6) as u16);
        (pool, origin, kernel, stride) = ([1, 1], [0, 0], [1, 1], [1, 1]);
        output = Shape::new(height, width, channels);
        input = Shape::new(height + 1 + random.below(6) as u16, width, input.channels);
    }
    if vector && random.below(3) == 0 {
        // Kernel rows of whole vectors, and of many, are read where they lie.
        input.channels = match kernel {
            [1, 1] => random.pick(&[16, 48, 80]),
            _ => random.pick(&[16, 32]),
        };
    }
    let output_quant =
        OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, 0, 5, 127]) };
    let record = ConvRecord { input: 0, kernel, stride, origin, pool, algorithm };
    let quant = OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -7, 0, 127]) };
    let tensors = [Tensor { shape: input, quant }, Tensor { shape: output, quant: output_quant }];
    (record, tensors)
}

/// Fills the buffers with numbers for a convolution; `Err` when they leave the algorithm's range.
pub fn fill<'b>(
    random: &mut Random,
    record: &ConvRecord,
    [input, output]: [Tensor; 2],
    filling: Filling,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> Result<Conv<'b>, LayerProblem> {
    let conv = Conv::of(record, &[input; INPUTS_MAX], output);
    let input = input.shape;
    let tile = usize::from(matches!(
        record.algorithm,
        Algorithm::WinogradF4 | Algorithm::WinogradF4OnTheFly
    ));
    let row_len = input.row_len();
    for (index, value) in values.iter_mut().enumerate() {
        *value = filling.pattern.input(
            random,
            tile,
            index / row_len,
            index % row_len / input.channels as usize,
        );
    }
    let filters = conv.filters();
    let weights = &mut numbers.weights[..filters.taps() * filters.output_channels as usize];
    for (index, weight) in weights.iter_mut().enumerate() {
        let pixel = index % filters.taps() / input.channels as usize;
        let columns = filters.kernel[1] as usize;
        let any = filling.pattern.weight(random, tile, pixel / columns, pixel % columns);
        let any = if filling.has_lowest { any } else { any.max(-i8::MAX) };
        *weight = in_bits(any, record.algorithm.weight_bits());
    }
    let channel_bytes = filling.rounding.channel_bytes() * filters.output_channels as usize;
    let channels = &mut numbers.channels.0[..channel_bytes];
    fill_channels(random, filling, weights, filters.taps(), channels);
    let packed = &mut numbers.packed.0[..filters.packed_bytes() as usize];
    filters.pack(weights, packed).expect("the sizes are right");
    conv.with_numbers(channels, packed)
}
