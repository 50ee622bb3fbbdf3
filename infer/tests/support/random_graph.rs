//! Random acyclic graphs of every operator.

// Each test file uses its part of it.
#![allow(dead_code)]

use infer::format::{
    AddRecord, Algorithm, AveragePoolRecord, ConcatRecord, ConvRecord, DenseAlgorithm, DenseRecord,
    DepthwiseRecord, DilatedRecord, LookupRecord, MaxPoolRecord, MulRecord, OperatorRecord,
    OutputQuant, PartRecord, Scaling, SoftmaxRecord, Tensor,
};
use infer::ops::{Kind, Record};
use infer::quant::{ChannelParameters, Factor};
use infer::schedule::INPUTS_MAX;
use infer::{Conv, Dense, Depthwise, LayerKind, Shape};

use crate::random_layer::Random;
use crate::support::channel;
use crate::support::graph::{Graph, Layer};

/// As [`graph`], of layers whose rows read no padding after the last row of what they read, and
/// which make all rows that they can.
pub fn stream(random: &mut Random) -> Graph {
    let shape = Shape::new(4 + random.below(20) as u16, 1 + random.below(4) as u16, 4);
    loop {
        let mut graph = Graph::new(Tensor { shape, quant: quant(-128) });
        let layers = 1 + random.below(9) as usize;
        while graph.layers.len() < layers {
            add_layer(random, &mut graph, &causal);
        }
        graph.outputs = with_one_that_is_read(random, &graph);
        if graph.outputs.len() <= infer::format::OUTPUTS_MAX {
            return graph;
        }
    }
}

/// The layer with as many rows as its inputs have whole windows for.
fn causal(graph: &Graph, mut made: Made) -> Option<Made> {
    let mut inputs = [graph.image; INPUTS_MAX];
    for (input, number) in inputs.iter_mut().zip(made.operator.inputs().iter()) {
        *input = tensor(graph, number as u8);
    }
    let kind = LayerKind::of_record(&made.operator, &inputs, made.output);
    let rows = (0..made.operator.inputs().count()).map(|input| {
        let window = kind.row_window(input);
        let more = inputs[input].shape.height as i32 - window.origin - window.reach as i32;
        match kind.reduces() {
            Some(_) => 1,
            None if more < 0 => 0,
            None => (more as u32).checked_div(window.step).map_or(u16::MAX, |more| more as u16 + 1),
        }
    });
    made.output.shape.height = rows.min()?;
    (made.output.shape.height > 0).then_some(made)
}

/// A random graph whose tensors are held whole: layers of every operator that read any tensor
/// before, those first that nothing reads; what is read by none is an output, and one in the middle
/// may be.
pub fn graph(random: &mut Random) -> Graph {
    let side = |random: &mut Random| 3 + random.below(14) as u16;
    let shape = Shape::new(side(random), side(random), random.pick(&[1, 2, 3, 8]));
    loop {
        let mut graph = Graph::new(Tensor { shape, quant: quant(-128) });
        for _ in 0..2 + random.below(9) {
            add_layer(random, &mut graph, &|_, made| Some(made));
        }
        if graph.layers.is_empty() {
            continue;
        }
        let outputs = with_one_that_is_read(random, &graph);
        if outputs.len() <= infer::format::OUTPUTS_MAX {
            graph.outputs = outputs;
            return graph;
        }
    }
}

/// The tensors that nothing reads, and at times one that is read too.
fn with_one_that_is_read(random: &mut Random, graph: &Graph) -> Vec<u8> {
    let mut outputs = unread(graph);
    let middle = 1 + random.below(graph.layers.len() as u32) as u8;
    if random.below(2) == 0 && !outputs.contains(&middle) {
        outputs.push(middle);
    }
    outputs
}

pub fn quant(zero_point: i8) -> OutputQuant {
    OutputQuant { scale: 1.0, zero_point }
}

/// The layers' tensors that no layer reads.
fn unread(graph: &Graph) -> Vec<u8> {
    let is_read = |tensor: &u8| {
        let reads =
            |layer: &Layer| layer.operator.inputs().iter().any(|read| read == *tensor as usize);
        graph.layers.iter().any(reads)
    };
    (1..=graph.layers.len() as u8).filter(|tensor| !is_read(tensor)).collect()
}

fn tensor(graph: &Graph, number: u8) -> Tensor {
    match number.checked_sub(1) {
        None => graph.image,
        Some(layer) => graph.layers[layer as usize].output,
    }
}

/// A layer more, if it can read the tensors that come to hand, and can be adapted.
fn add_layer(random: &mut Random, graph: &mut Graph, adapt: &dyn Fn(&Graph, Made) -> Option<Made>) {
    let unread = unread(graph);
    let input = match unread.is_empty() || random.below(3) == 0 {
        true => random.below(graph.layers.len() as u32 + 1) as u8,
        false => random.pick(&unread),
    };
    let read = tensor(graph, input);
    let made = match random.pick(Kind::ALL) {
        Kind::Conv => Some(conv(random, input, read)),
        Kind::MaxPool => max_pool(random, input, read),
        Kind::Dense if random.below(3) > 0 => None, // few layers can read what it makes
        Kind::Dense => Some(dense(random, input, read)),
        Kind::Depthwise => Some(depthwise(random, input, read)),
        Kind::Add => add(random, graph, input),
        Kind::Softmax if random.below(3) > 0 => None, // nearly all that it makes is -128
        Kind::Softmax => Some(softmax(random, input, read)),
        Kind::AveragePool => Some(average_pool(random, input, read)),
        Kind::Lookup => Some(lookup(random, input, read)),
        Kind::Concat => concat(random, graph, input),
        Kind::Mul => mul(random, graph, input),
        Kind::Dilated => dilated(random, input, read),
    };
    let made = made.and_then(|made| adapt(graph, made));
    if let Some(Made { operator, output, channels, weights }) = made {
        *graph = graph.clone().with_numbers(operator, output, channels, weights);
    }
}

/// A layer with its numbers.
struct Made {
    operator: OperatorRecord,
    output: Tensor,
    channels: Vec<ChannelParameters>,
    weights: Vec<u8>,
}

fn conv(random: &mut Random, input: u8, read: Tensor) -> Made {
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
    let plain = weights(random, filters.taps() * channels as usize);
    let mut packed = vec![0; filters.packed_bytes() as usize];
    filters.pack(&plain, &mut packed).unwrap();
    let channels = parameters(random, channels, filters.taps());
    Made { operator: OperatorRecord::Conv(record), output, channels, weights: packed }
}

fn depthwise(random: &mut Random, input: u8, read: Tensor) -> Made {
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
    let weights = weights(random, taps * channels as usize).iter().map(|w| *w as u8).collect();
    let channels = parameters(random, channels, taps);
    Made { operator: OperatorRecord::Depthwise(record), output, channels, weights }
}

/// Kernel, stride and origin of a window.
fn window(random: &mut Random) -> ([u8; 2], [u8; 2], [i16; 2]) {
    let kernel = random.pick(&[[3, 3], [3, 3], [1, 1], [2, 3], [5, 1]]);
    let stride = random.pick(&[[1, 1], [1, 1], [2, 2], [1, 2]]);
    let before = |side: u8, random: &mut Random| -(random.below(side as u32) as i16);
    (kernel, stride, [before(kernel[0], random), before(kernel[1], random)])
}

fn max_pool(random: &mut Random, input: u8, read: Tensor) -> Option<Made> {
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

/// Averages over windows that each have a pixel at least, or over the whole map.
fn average_pool(random: &mut Random, input: u8, read: Tensor) -> Made {
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
    Made { operator, output, channels: Vec::new(), weights: Vec::new() }
}

/// A convolution whose taps lie apart, of one that has no pooling.
fn dilated(random: &mut Random, input: u8, read: Tensor) -> Option<Made> {
    let made = conv(random, input, read);
    let OperatorRecord::Conv(record) = made.operator else { unreachable!("a convolution") };
    let dilation = random.pick(&[[2, 1], [3, 1], [2, 2], [1, 3]]);
    let record = DilatedRecord { conv: record, dilation };
    let dilates = matches!(
        record.conv.algorithm,
        Algorithm::Direct | Algorithm::DirectPaired | Algorithm::DirectInPlace
    );
    dilates.then_some(Made { operator: OperatorRecord::Dilated(record), ..made })
}

/// A random table for all of a map but the first row or column.
fn lookup(random: &mut Random, input: u8, read: Tensor) -> Made {
    let Shape { height, width, channels } = read.shape;
    let origin = [height, width].map(|side| if side > 1 { random.below(2) as u16 } else { 0 });
    let shape = Shape::new(height - origin[0], width - origin[1], channels);
    let output = Tensor { shape, quant: quant(random.int8()) };
    let operator = OperatorRecord::Lookup(LookupRecord { input, origin });
    let weights = (0..256).map(|_| random.int8() as u8).collect();
    Made { operator, output, channels: Vec::new(), weights }
}

/// A tensor within a border, alone or with any other.
fn concat(random: &mut Random, graph: &Graph, first: u8) -> Option<Made> {
    let read = tensor(graph, first);
    let others = (0..=graph.layers.len() as u8).filter(|other| *other != first);
    let others: Vec<u8> = others.collect();
    let second = others.get(random.below(2 * others.len().max(1) as u32) as usize).copied();
    let Shape { height, width, .. } = read.shape;
    let (height, width) = (height + random.below(4) as u16, width + random.below(3) as u16);
    let mut part = |input| {
        let origin = [-(random.below(4) as i16), 1 - random.below(3) as i16];
        PartRecord { input, origin, multiplier: random.pick(&[1 << 14, 9000]) }
    };
    let record = ConcatRecord { first: part(first), second: second.map(part), shift: 14 };
    let more = second.map_or(0, |second| tensor(graph, second).shape.channels);
    let channels = read.shape.channels + more;
    if channels > 40 {
        return None;
    }
    let quant = quant(random.pick(&[-128, read.quant.zero_point]));
    let output = Tensor { shape: Shape::new(height, width, channels), quant };
    let operator = OperatorRecord::Concat(record);
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

/// The product of a tensor and any other of as many channels, or of one pixel.
fn mul(random: &mut Random, graph: &Graph, first: u8) -> Option<Made> {
    let Made { operator: OperatorRecord::Add(record), mut output, .. } = add(random, graph, first)?
    else {
        return None;
    };
    let AddRecord { inputs, mut origins, .. } = record;
    let [a, b] = inputs.map(|input| tensor(graph, input).shape);
    if [b.height, b.width] == [1, 1] {
        (origins, output.shape) = ([[0, 0]; 2], a);
    }
    let operator =
        OperatorRecord::Mul(MulRecord { inputs, origins, multiplier: 1 << 25, shift: None });
    Some(Made { operator, output, channels: Vec::new(), weights: Vec::new() })
}

fn dense(random: &mut Random, input: u8, read: Tensor) -> Made {
    let units = 1 + random.below(9) as u16;
    let output = Tensor { shape: Shape::vector(units), quant: quant(random.int8()) };
    let (record, matrix) = loop {
        let algorithm = random.pick(&DenseAlgorithm::ALL);
        let record = DenseRecord { input, algorithm };
        let dense = Dense::of(&record, &[read; INPUTS_MAX], output);
        if algorithm.fits(&dense) {
            break (record, dense.matrix());
        }
    };
    let plain = weights(random, matrix.inputs * units as usize);
    let mut packed = vec![0; matrix.packed_bytes() as usize];
    matrix.pack(&plain, &mut packed).unwrap();
    let channels = parameters(random, units, matrix.inputs);
    Made { operator: OperatorRecord::Dense(record), output, channels, weights: packed }
}

/// The sum of a tensor and any other of as many channels; the rows and columns that both have.
fn add(random: &mut Random, graph: &Graph, first: u8) -> Option<Made> {
    let read = tensor(graph, first);
    let fits =
        |other: &u8| *other != first && tensor(graph, *other).shape.channels == read.shape.channels;
    let others: Vec<u8> = (0..=graph.layers.len() as u8).filter(fits).collect();
    let second = *others.get(random.below(others.len().max(1) as u32) as usize)?;
    let (a, b) = (read.shape, tensor(graph, second).shape);
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

fn softmax(random: &mut Random, input: u8, read: Tensor) -> Made {
    let factor = Factor { multiplier: 1 << 30, shift: random.pick(&[20, 23, 26]) };
    let operator = OperatorRecord::Softmax(SoftmaxRecord { input, factor });
    let quant = OutputQuant { scale: 1.0 / 256.0, zero_point: -128 };
    let output = Tensor { shape: read.shape, quant };
    Made { operator, output, channels: Vec::new(), weights: Vec::new() }
}

fn weights(random: &mut Random, count: usize) -> Vec<i8> {
    (0..count).map(|_| random.int8()).collect()
}

/// Multipliers with which many outputs of random weights lie between the ends of int8.
fn parameters(random: &mut Random, channels: u16, taps: usize) -> Vec<ChannelParameters> {
    let multiplier = ((1u64 << 32) / (64 * (taps as u64 + 4))) as i32;
    (0..channels).map(|_| channel(random.below(2000) as i32 - 1000, multiplier)).collect()
}

/// The graph with fewer rows of some tensors held.
pub fn hold_some(random: &mut Random, mut graph: Graph) -> Graph {
    let mut some = |height: u16, least: u32| match random.below(3) {
        0 => height,
        _ => height.min((least + random.below(6)) as u16),
    };
    graph.held_rows = some(graph.image.shape.height, 1);
    for (tensor, layer) in (1..).zip(&mut graph.layers) {
        let height = layer.output.shape.height;
        layer.held_rows = if graph.outputs.contains(&tensor) { height } else { some(height, 1) };
    }
    graph
}
