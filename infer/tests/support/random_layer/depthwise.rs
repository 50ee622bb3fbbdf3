//! Random depthwise convolutions.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{DepthwiseRecord, OutputQuant, Tensor};
#[cfg(not(target_os = "none"))]
use infer::packing::WeightBits;
use infer::quant::{ChannelParameters, Rounding};
#[cfg(not(target_os = "none"))]
use infer::schedule::INPUTS_MAX;
use infer::{Depthwise, LayerKind, Shape};

#[cfg(not(target_os = "none"))]
use super::made::{Made, parameters, quant, weights, window};
use super::{Counted, Filling, Numbers, Only, Pattern, QUANT, Random, fill_channels, most};

/// The way to compute it.
pub type Way = Only;
pub const WAYS: &[Way] = &[Only];

/// A layer that is measured.
struct Measured {
    name: &'static str,
    input: Shape,
    output: Shape,
    kernel: [u8; 2],
    stride: u8,
    /// Rows and columns of padding before the map.
    padding: i16,
}

/// 3x3 without padding, layers as of a DS-CNN and of MobileNets, a long kernel, and a row of a
/// stream.
const MEASURED: [Measured; 6] = [
    measured_layer("inside", [14, 14, 64], [12, 12], [3, 3], 1, 0),
    measured_layer("ds-cnn", [25, 5, 64], [25, 5], [3, 3], 1, 1),
    measured_layer("mobilenet", [44, 44, 8], [44, 44], [3, 3], 1, 1),
    measured_layer("stride 2", [24, 24, 24], [12, 12], [3, 3], 2, 0),
    measured_layer("5x1", [30, 1, 128], [26, 1], [5, 1], 1, 0),
    measured_layer("pixel", [10, 1, 128], [1, 1], [10, 1], 1, 0),
];

const fn measured_layer(
    name: &'static str,
    [height, width, channels]: [u16; 3],
    [rows, columns]: [u16; 2],
    kernel: [u8; 2],
    stride: u8,
    padding: i16,
) -> Measured {
    let input = Shape::new(height, width, channels);
    let output = Shape::new(rows, columns, channels);
    Measured { name, input, output, kernel, stride, padding }
}

/// A random depthwise convolution, with its numbers and its input.
pub fn any<'b>(
    random: &mut Random,
    _: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let mut side = |limit| 1 + random.below(limit) as u16;
    let (height, width, channels) = (side(11), side(11), side(most(40, 5)));
    let output = [side(most(10, 3)), side(most(10, 3))];
    let [any, stride] = [[side(5), side(5)], [side(3), side(3)]].map(|two| two.map(|n| n as u8));
    // Cores have loops of their own for 3x3.
    let kernel = if side(2) == 1 { [3, 3] } else { any };
    let multiplier = if side(3) == 1 { side(3) } else { 1 };
    let origin = [random.below(7) as i16 - 5, random.below(7) as i16 - 5];
    let mut record = DepthwiseRecord { input: 0, kernel, stride, origin };
    let mut shapes = [
        Shape::new(height, width, channels),
        Shape::new(output[0], output[1], channels * multiplier),
    ];
    if random.below(3) == 0 {
        // 3x3 with steps of one and as much padding as it takes, or less.
        let [before, after] = [0, 1].map(|_| [random.below(2) as u16, random.below(2) as u16]);
        (record.kernel, record.stride) = ([3, 3], [1, 1]);
        record.origin = before.map(|padding| -(padding as i16));
        let made = |side: u16, axis: usize| (side + before[axis] + after[axis]).max(3) - 2;
        let (height, width) = (made(height, 0), made(width, 1));
        shapes[1] = Shape::new(height, width, channels * multiplier);
    } else if random.below(3) == 0 {
        // A row of a stream, one pixel inside of the map, has a loop of its own.
        (record.kernel, record.origin) = (random.pick(&[kernel, [height as u8, 1]]), [0, 0]);
        let [rows, columns] = record.kernel.map(u16::from);
        shapes = [Shape::new(rows, columns, channels), Shape::new(1, 1, channels)];
    }
    let mut zero_point = || random.pick(&[-128, -128, -7, 0, 127]);
    let tensors = shapes.map(|shape| {
        let quant = OutputQuant { scale: 1.0, zero_point: zero_point() };
        Tensor { shape, quant }
    });
    let filling = Filling::any(random, pattern, true);
    fill(random, &record, tensors, filling, values, numbers)
}

/// A depthwise convolution of any map.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    let read = tensors[input as usize];
    let (kernel, stride, origin) = window(random);
    let side = |map: u16, axis: usize| {
        let reach = map as i32 - 2 * origin[axis] as i32 - kernel[axis] as i32;
        (reach.max(0) / stride[axis] as i32 + 1) as u16
    };
    let channels = read.shape.channels * random.pick(&[1, 1, 2]);
    let shape = Shape::new(side(read.shape.height, 0), side(read.shape.width, 1), channels);
    let output = Tensor { shape, quant: quant(random.int8()) };
    let record = DepthwiseRecord { input, kernel, stride, origin };
    let taps = Depthwise::of(&record, &[read; INPUTS_MAX], output).taps();
    let weights = weights(random, WeightBits::Eight, taps * channels as usize);
    let weights = weights.iter().map(|w| *w as u8).collect();
    let channels = parameters(random, channels, taps);
    Some(Made { operator: OperatorRecord::Depthwise(record), output, channels, weights })
}

/// Makes multipliers of means of those of all channels: what is left when they are divided.
fn divide_multipliers(numbers: &mut [u8]) {
    for bytes in numbers.as_chunks_mut().0 {
        let mut channel = ChannelParameters::from_le_bytes(bytes);
        channel.multiplier -= channel.multiplier / 3;
        *bytes = channel.to_le_bytes();
    }
}

/// A layer whose instructions are counted.
pub fn measured<'b>(
    random: &mut Random,
    index: usize,
    _: Way,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> Option<Counted<'b>> {
    let (shape, filling) = Filling::measured(index);
    let Measured { name, input, output, kernel, stride, padding } = *MEASURED.get(shape)?;
    let record = DepthwiseRecord { input: 0, kernel, stride: [stride; 2], origin: [-padding; 2] };
    let tensors = [input, output].map(|shape| Tensor { shape, quant: QUANT });
    Some((name, Some(fill(random, &record, tensors, filling, values, numbers))))
}

/// Fills the buffers with numbers for a depthwise convolution.
fn fill<'b>(
    random: &mut Random,
    record: &DepthwiseRecord,
    [input, output]: [Tensor; 2],
    filling: Filling,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let (map, row_len) = (input.shape, input.shape.row_len());
    for (index, value) in values[..map.len()].iter_mut().enumerate() {
        *value = filling.pattern.input(
            random,
            0,
            index / row_len,
            index % row_len / map.channels as usize,
        );
    }
    let depthwise = Depthwise::of(record, &[input; 2], output);
    let (taps, channels) = (depthwise.taps(), output.shape.channels as usize);
    let weights = &mut numbers.weights[..taps * channels];
    let packed = &mut numbers.packed.0[..taps * channels];
    for (index, weight) in weights.iter_mut().enumerate() {
        let (channel, tap) = (index / taps, index % taps);
        let columns = record.kernel[1] as usize;
        *weight = filling.pattern.weight(random, 0, tap / columns, tap % columns);
        packed[depthwise.weight_place(channel, tap)] = *weight as u8;
    }
    let parameters = &mut numbers.channels.0[..filling.rounding.channel_bytes() * channels];
    fill_channels(random, filling, weights, taps, parameters);
    if filling.rounding == Rounding::Twice && filling.has_rare && random.below(2) == 0 {
        divide_multipliers(&mut parameters[..ChannelParameters::BYTES * channels]);
    }
    let in_range = "the largest weights of these sizes stay in range";
    LayerKind::Depthwise(depthwise.with_numbers(parameters, packed).expect(in_range))
}
