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
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + ((self.0 >> 33) % (high - low + 1) as u64) as u16
    }

    fn one_of<Item: Copy>(&mut self, items: &[Item]) -> Item {
        items[self.within(0, items.len() as u16 - 1) as usize]
    }

    fn weight(&mut self) -> i8 {
        self.within(0, 254) as i8
    }
}

/// A model whose first layer `choice` computes; a pooling is followed by a small dense layer,
/// because no model goes without weights.
pub fn model(random: &mut Random, choice: Choice) -> PlainModel {
    loop {
        let layer = match choice {
            Choice::Conv(algorithm) => conv(random, algorithm),
            Choice::MaxPool => max_pool(random),
            Choice::Dense(algorithm) => dense(random, algorithm),
        };
        let model = alone(random, layer);
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
        LayerKind::Conv(conv) => {
            conv.output.height as u64 * conv.output.width as u64 * conv.window() as u64
        }
        LayerKind::MaxPool(_) | LayerKind::Dense(_) => 1,
    }
}

const QUANT: OutputQuant = OutputQuant { scale: 1.0, zero_point: -128 };

fn conv(random: &mut Random, algorithm: Algorithm) -> PlainLayer {
    let any = matches!(
        algorithm,
        Algorithm::Direct
            | Algorithm::DirectInPlace
            | Algorithm::DirectPaired
            | Algorithm::DirectVector
    );
    let single = algorithm == Algorithm::SingleChannel;
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

/// A model of one layer of a shape that nobody would choose, which takes much time for the little
/// that it computes; a pooling is followed by a dense layer.
pub fn extreme(random: &mut Random, choice: Choice) -> PlainModel {
    loop {
        let layer = match choice {
            Choice::Conv(algorithm) => extreme_conv(random, algorithm),
            Choice::MaxPool => extreme_max_pool(random),
            Choice::Dense(_) => extreme_dense(random),
        };
        let is_small =
            |layer: &PlainLayer| layer.input.len() <= 20_000 && layer.output.len() <= 20_000;
        if is_small(&layer) && is_quick(&layer, choice) && layer.packed(choice).is_ok() {
            return alone(random, layer);
        }
    }
}

fn is_quick(layer: &PlainLayer, choice: Choice) -> bool {
    const OPERATIONS_MAX: u64 = 150_000;
    const SCRATCH_BYTES_MAX: usize = 100_000;
    let kind = layer.kind(choice);
    let operations = match kind {
        LayerKind::Conv(conv) => (conv.output.len() * conv.window()) as u64 * conv.taps() as u64,
        LayerKind::MaxPool(pool) => {
            (pool.output.len() * pool.size[0] as usize * pool.size[1] as usize) as u64
        }
        LayerKind::Dense(dense) => dense.input.len() as u64 * dense.units as u64,
    };
    operations <= OPERATIONS_MAX && kind.scratch_bytes() <= SCRATCH_BYTES_MAX
}

fn extreme_conv(random: &mut Random, algorithm: Algorithm) -> PlainLayer {
    let is_winograd = matches!(
        algorithm,
        Algorithm::WinogradF2
            | Algorithm::WinogradF4
            | Algorithm::WinogradF2OnTheFly
            | Algorithm::WinogradF4OnTheFly
    );
    let is_single = algorithm == Algorithm::SingleChannel;
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
    let kind = PlainKind::Conv { kernel, stride, origin, pool, quant: QUANT };
    let taps = kernel[0] as usize * kernel[1] as usize * channels as usize;
    with_numbers(random, input, output, kind, taps)
}

/// Sides of outputs of extreme layers.
const EXTREME_SIDES: [u16; 7] = [1, 1, 2, 3, 9, 40, 200];

fn extreme_max_pool(random: &mut Random) -> PlainLayer {
    let size = [random.one_of(&[1, 1, 2, 40]), random.one_of(&[1, 1, 2, 40])];
    let stride = [random.one_of(&[1, 2, 7]), random.one_of(&[1, 2, 7])];
    let output = Shape::new(
        random.one_of(&EXTREME_SIDES),
        random.one_of(&EXTREME_SIDES),
        random.one_of(&[1, 1, 2, 16, 33]),
    );
    let side = |outputs: u16, axis: usize| (outputs - 1) * stride[axis] as u16 + size[axis] as u16;
    let input = Shape::new(side(output.height, 0), side(output.width, 1), output.channels);
    with_numbers(random, input, output, PlainKind::MaxPool { size, stride }, 0)
}

fn extreme_dense(random: &mut Random) -> PlainLayer {
    let inputs = random.one_of(&[1, 2, 4, 8, 20, 400]);
    let output = Shape::vector(random.one_of(&[1, 2, 3, 4, 5, 300]));
    with_numbers(
        random,
        Shape::vector(inputs),
        output,
        PlainKind::Dense { quant: QUANT },
        inputs as usize,
    )
}

/// The model of one layer; a pooling is followed by a small dense layer, because no model goes
/// without weights.
fn alone(random: &mut Random, layer: PlainLayer) -> PlainModel {
    let (image, output) = (layer.input, layer.output);
    let mut layers = vec![layer];
    if layers[0].channels.is_empty() {
        let kind = PlainKind::Dense { quant: QUANT };
        layers.push(with_numbers(random, output, Shape::vector(2), kind, output.len()));
    }
    PlainModel {
        image,
        map: image,
        origin: [0, 0],
        scale: 1.0,
        layers,
        version: 0,
        self_test: None,
    }
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
    let inputs: u16 =
        if algorithm == DenseAlgorithm::Rows { inputs } else { inputs.next_multiple_of(4) };
    let output = Shape::vector(random.one_of(&[2, 4, 10, 13, 32, 64, 100, 200, 500]));
    with_numbers(
        random,
        Shape::vector(inputs),
        output,
        PlainKind::Dense { quant: QUANT },
        inputs as usize,
    )
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
    // A sum of n products of about 50 * 64 has a spread of 3200 * sqrt(n): to be about 60 of the
    // output's steps.
    let multiplier = 60.0 / (3200.0 * (weights_per_channel.max(1) as f64).sqrt()) * 4_294_967_296.0;
    let channel = ChannelParameters { bias: 0, multiplier: multiplier as i32 };
    let (name, input_zero_point) = ("layer".to_owned(), infer::quant::INPUT_ZERO_POINT);
    PlainLayer {
        name,
        input,
        input_zero_point,
        output,
        kind,
        channels: vec![channel; count],
        weights,
    }
}
