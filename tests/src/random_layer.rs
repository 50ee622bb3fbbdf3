//! Small models with random sizes, to measure what a layer costs.

use infer::format::{Algorithm, DenseAlgorithm, OutputQuant};
use infer::quant::ChannelParameters;
use infer::{LayerKind, Shape};
use trainer::plain_model::{Choice, PlainKind, PlainLayer, PlainModel};

/// Most multiply-accumulates of a layer: keeps the emulator's time short.
const MACS_MAX: u64 = 3_000_000;

/// Most weights of a layer.
const WEIGHTS_MAX: usize = 40_000;

/// Numbers that are the same in every run.
pub struct Random(u64);

impl Random {
    /// The numbers that belong to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `low` to `high`.
    pub fn within(&mut self, low: u16, high: u16) -> u16 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + ((self.0 >> 33) % (high - low + 1) as u64) as u16
    }

    fn one_of<Item: Copy>(&mut self, items: &[Item]) -> Item {
        items[self.within(0, items.len() as u16 - 1) as usize]
    }

    fn weight(&mut self) -> i8 {
        self.within(0, 254) as i8
    }
}

/// A model whose first layer `choice` computes; a pooling is followed by a small dense layer, because no model goes without
/// weights.
pub fn model(random: &mut Random, choice: Choice) -> PlainModel {
    loop {
        let layer = match choice {
            Choice::Conv(algorithm) => conv(random, algorithm),
            Choice::MaxPool => max_pool(random),
            Choice::Dense(algorithm) => dense(random, algorithm),
        };
        let (image, output) = (layer.input, layer.output);
        let mut layers = vec![layer];
        if choice == Choice::MaxPool {
            let kind = PlainKind::Dense { quant: QUANT };
            layers.push(with_numbers(random, output, Shape::vector(2), kind, output.len()));
        }
        let model =
            PlainModel { image, map: image, origin: [0, 0], scale: 1.0, layers, version: 0, self_test: None };
        if is_small(&model.layers[0], choice) {
            return model;
        }
    }
}

fn is_small(layer: &PlainLayer, choice: Choice) -> bool {
    let macs = layer.weights.len() as u64 * pixels_per_weight(layer);
    let scratch = layer.kind(choice).scratch_bytes();
    macs <= MACS_MAX
        && layer.weights.len() <= WEIGHTS_MAX
        && layer.input.len() <= 60_000
        && scratch < 100_000
        && layer.packed(choice).is_ok()
}

fn pixels_per_weight(layer: &PlainLayer) -> u64 {
    match layer.kind(layer.choices()[0]) {
        LayerKind::Conv(conv) => conv.output.height as u64 * conv.output.width as u64 * conv.window() as u64,
        LayerKind::MaxPool(_) | LayerKind::Dense(_) => 1,
    }
}

const QUANT: OutputQuant = OutputQuant { scale: 1.0, zero_point: -128 };

fn conv(random: &mut Random, algorithm: Algorithm) -> PlainLayer {
    let any = matches!(
        algorithm,
        Algorithm::Direct | Algorithm::DirectInPlace | Algorithm::DirectPaired | Algorithm::DirectVector
    );
    let single = algorithm == Algorithm::SingleChannel;
    let channels = match (any, single) {
        (true, _) => random.one_of(&[1, 1, 2, 3, 4, 5, 8, 11, 16, 24, 32, 64]),
        (_, true) => 1,
        _ => 8 * random.within(1, 8),
    };
    let filters = random.one_of(&[2, 4, 6, 8, 10, 16, 24, 32, 48, 64]) + u16::from(any) * random.within(0, 1);
    let kernel = if any { random.one_of(&[[1, 1], [3, 3], [3, 3], [5, 5], [2, 3]]) } else { [3, 3] };
    let stride = if any { random.one_of(&[[1, 1], [1, 1], [2, 2]]) } else { [1, 1] };
    let pools: &[[u8; 2]] = match (any, single) {
        (true, _) => &[[1, 1], [2, 2], [2, 2], [3, 3], [2, 3]],
        (_, true) => &[[2, 2]],
        _ => &[[1, 1], [2, 2], [2, 2]],
    };
    let (pool, padding) = (random.one_of(pools), random.one_of(&[0, 0, 1]) as i16);
    let output = Shape::new(random.within(1, 14), random.within(1, 14), filters);
    let side = |outputs: u16, axis: usize| {
        let convolved = outputs * pool[axis] as u16;
        ((convolved - 1) * stride[axis] as u16 + kernel[axis] as u16)
            .saturating_sub(2 * padding as u16)
            .max(1)
    };
    let input = Shape::new(side(output.height, 0), side(output.width, 1), channels);
    let kind = PlainKind::Conv { kernel, stride, origin: [-padding; 2], pool, quant: QUANT };
    let taps = kernel[0] as usize * kernel[1] as usize * channels as usize;
    with_numbers(random, input, output, kind, taps)
}

fn max_pool(random: &mut Random) -> PlainLayer {
    let size = random.one_of(&[[2, 2], [3, 3], [2, 1]]);
    let stride = random.one_of(&[[1, 1], [2, 2]]);
    let output = Shape::new(random.within(1, 14), random.within(1, 14), random.within(1, 32));
    let side = |outputs: u16, axis: usize| (outputs - 1) * stride[axis] as u16 + size[axis] as u16;
    let input = Shape::new(side(output.height, 0), side(output.width, 1), output.channels);
    with_numbers(random, input, output, PlainKind::MaxPool { size, stride }, 0)
}

fn dense(random: &mut Random, algorithm: DenseAlgorithm) -> PlainLayer {
    let inputs = random.one_of(&[4, 9, 16, 33, 64, 100, 128, 250, 256, 500]);
    let inputs: u16 = if algorithm == DenseAlgorithm::Rows { inputs } else { inputs.next_multiple_of(4) };
    let output = Shape::vector(random.one_of(&[2, 4, 10, 13, 32, 64, 100, 200, 500]));
    with_numbers(random, Shape::vector(inputs), output, PlainKind::Dense { quant: QUANT }, inputs as usize)
}

/// The layer with random weights, and multipliers that spread the outputs over int8.
fn with_numbers(
    random: &mut Random,
    input: Shape,
    output: Shape,
    kind: PlainKind,
    weights_per_channel: usize,
) -> PlainLayer {
    let count = if weights_per_channel == 0 { 0 } else { output.channels as usize };
    let weights = (0..count * weights_per_channel).map(|_| random.weight()).collect();
    // A sum of n products of about 50 * 64 has a spread of 3200 * sqrt(n): to be about 60 of the output's steps.
    let multiplier = 60.0 / (3200.0 * (weights_per_channel.max(1) as f64).sqrt()) * 4_294_967_296.0;
    let channel = ChannelParameters { bias: 0, multiplier: multiplier as i32 };
    let (name, input_zero_point) = ("layer".to_owned(), infer::quant::INPUT_ZERO_POINT);
    PlainLayer { name, input, input_zero_point, output, kind, channels: vec![channel; count], weights }
}
