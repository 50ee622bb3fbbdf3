//! Small models with random sizes, to measure what a layer costs.

use infer::features::Feature;
use infer::format::{OutputQuant, Tensor};
use infer::packing::WeightBits;
use infer::quant::ChannelParameters;
use infer::{LayerKind, Shape};
use trainer::ops::dense::Plain;
use trainer::ops::max_pool::Plain as Pooling;
use trainer::ops::{Choice, PlainKind};
use trainer::plain_model::{Edge, PlainInterface, PlainLayer, PlainModel};

/// Makes the random layers of all operators: those of each lie in a file of its module's name, of a
/// common shape and of one that nobody would choose.
macro_rules! random_layers {
    (
        operators: $($Operator:ident: $operator:ident),+;
        imported: $($Imported:ident: $imported:ident),+;
        layers: $($layers:tt)+
    ) => {
        $(mod $operator;)+
        $(mod $imported;)+

        /// A layer of a common shape, which `choice` computes.
        fn common(random: &mut Random, choice: Choice) -> PlainLayer {
            match choice {
                $(Choice::$Operator(algorithm) => $operator::layer(random, algorithm),)+
                $(Choice::$Imported(algorithm) => $imported::layer(random, algorithm),)+
            }
        }

        /// A layer of a shape that nobody would choose, which `choice` computes if it fits.
        fn uncommon(random: &mut Random, choice: Choice) -> PlainLayer {
            match choice {
                $(Choice::$Operator(algorithm) => $operator::extreme(random, algorithm),)+
                $(Choice::$Imported(algorithm) => $imported::extreme(random, algorithm),)+
            }
        }

        /// What takes the layer's time: multiply-accumulates or comparisons.
        fn operations(kind: &LayerKind<'_>) -> u64 {
            match kind {
                $(LayerKind::$Operator(layer) => $operator::operations(layer),)+
                $(LayerKind::$Imported(layer) => $imported::operations(layer),)+
                LayerKind::Dilated(dilated) => conv::operations(dilated.conv()),
                // The trainer's list is as long as that of `infer`.
                other => unreachable!("{:?}", other.kind()),
            }
        }
    };
}

trainer::list_of_operators!(random_layers);

/// Most operations of a layer: keeps the emulator's time short.
const OPERATIONS_MAX: u64 = 3_000_000;

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

    /// A weight as converters write them: none is -128.
    fn weight(&mut self) -> i8 {
        (self.within(0, 254) as i16 - i8::MAX as i16) as i8
    }
}

/// The layer of a model that `choice` computes, if it is one of [`model`] or [`extreme`].
pub fn measured(model: &PlainModel, choice: Choice) -> usize {
    let is_measured = |layer: &PlainLayer| layer.choices().contains(&choice);
    model.layers.iter().position(is_measured).unwrap_or(0)
}

/// A model of one layer, which `choice` computes; one that reads two maps follows a copy of the
/// image; one without weights is followed by a small
/// dense layer, because no model goes without.
pub fn model(random: &mut Random, choice: Choice) -> PlainModel {
    loop {
        let layer = with_bits_of(choice, common(random, choice));
        let model = alone(random, layer);
        if is_small(&model.layers[measured(&model, choice)], choice) {
            return model;
        }
    }
}

/// The model with two roundings and the same factors; `None` where `choice` does not compute it, or
/// nothing is rounded. Outputs of the last layer are not always those of a ReLU, for which some
/// loops are faster.
pub fn rounded_twice(mut model: PlainModel, choice: Choice) -> Option<PlainModel> {
    let index = measured(&model, choice);
    for layer in &mut model.layers {
        for channel in &mut layer.channels {
            let shift = channel.multiplier.leading_zeros() as i8 - 1;
            (channel.multiplier, channel.shift) = (channel.multiplier << shift, Some(-1 - shift));
        }
        if matches!(layer.kind, PlainKind::Dense(_)) && layer.output.shape.channels % 8 < 4 {
            dense::part_factors(layer);
        }
        if let PlainKind::Add(add) = &mut layer.kind {
            add.scaling = add::twice();
        }
    }
    if let [.., last] = &mut model.layers[..]
        && last.output.shape.height.is_multiple_of(3)
    {
        last.output.quant.zero_point = -9;
    }
    let layer = &model.layers[index];
    let rounds = layer.kind(choice).needs(Feature::TwoRoundings) || !layer.channels.is_empty();
    (rounds && layer.packed(choice).is_ok()).then_some(model)
}

/// The layer with weights of as many bits as `choice` reads.
fn with_bits_of(choice: Choice, mut layer: PlainLayer) -> PlainLayer {
    layer.bits = choice.weight_bits();
    if layer.bits == WeightBits::Four {
        layer.weights.iter_mut().for_each(|weight| *weight >>= 4);
        // Sums are smaller by as much.
        layer.channels.iter_mut().for_each(|channel| channel.multiplier *= 16);
    }
    layer
}

fn is_small(layer: &PlainLayer, choice: Choice) -> bool {
    let kind = layer.kind(choice);
    operations(&kind) <= OPERATIONS_MAX
        && layer.weights.len() <= WEIGHTS_MAX
        && layer.input().len() <= 60_000
        && kind.scratch_bytes() < 100_000
        && layer.packed(choice).is_ok()
}

/// A model of one layer of a shape that nobody would choose, which takes much time for the little
/// that it computes; one without weights is followed by a dense layer.
pub fn extreme(random: &mut Random, choice: Choice) -> PlainModel {
    loop {
        let layer = with_bits_of(choice, uncommon(random, choice));
        let is_small = |layer: &PlainLayer| {
            layer.input().len() <= 20_000 && layer.output.shape.len() <= 20_000
        };
        if is_small(&layer) && is_quick(&layer, choice) && layer.packed(choice).is_ok() {
            return alone(random, layer);
        }
    }
}

fn is_quick(layer: &PlainLayer, choice: Choice) -> bool {
    const EXTREME_OPERATIONS_MAX: u64 = 150_000;
    const SCRATCH_BYTES_MAX: usize = 100_000;
    let kind = layer.kind(choice);
    operations(&kind) <= EXTREME_OPERATIONS_MAX && kind.scratch_bytes() <= SCRATCH_BYTES_MAX
}

const QUANT: OutputQuant = OutputQuant { scale: 1.0, zero_point: -128 };

/// Sides of outputs of extreme layers.
const EXTREME_SIDES: [u16; 7] = [1, 1, 2, 3, 9, 40, 200];

/// The model of one layer; one without weights is followed by a small dense layer, because no model
/// goes without.
fn alone(random: &mut Random, layer: PlainLayer) -> PlainModel {
    let (input, output) = (layer.inputs[0].tensor, layer.output);
    let (reads_two, has_weights) = (layer.inputs.len() == 2, !layer.channels.is_empty());
    let mut layers = vec![layer];
    if reads_two {
        let kind = Pooling { size: [1, 1], stride: [1, 1], origin: [0, 0] };
        let kind = PlainKind::MaxPool(kind);
        layers.insert(0, with_numbers(random, input.shape, input.shape, kind, 0));
    }
    if !has_weights {
        let (kind, taps) = (PlainKind::Dense(Plain), output.shape.len());
        let mut dense = with_numbers(random, output.shape, Shape::vector(2), kind, taps);
        dense.inputs[0] = Edge { number: layers.len(), tensor: output };
        layers.push(dense);
    }
    PlainModel {
        image: input.shape,
        interface: PlainInterface::default(),
        origin: [0, 0],
        input,
        outputs: vec![layers.len()],
        layers,
        version: 0,
        self_test: None,
        metadata: vec![],
    }
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
    let channel = ChannelParameters { bias: 0, multiplier: multiplier as i32, shift: None };
    let tensor = |shape| Tensor { shape, quant: QUANT };
    PlainLayer {
        name: "layer".to_owned(),
        inputs: vec![Edge { number: 0, tensor: tensor(input) }],
        output: tensor(output),
        kind,
        channels: vec![channel; count],
        weights,
        bits: WeightBits::Eight,
    }
}
