//! What is left out changes no answer, and is what there is to leave out.

use std::path::Path;
use std::{env, fs};

use infer::format::{OutputQuant, Tensor};
use infer::packing::WeightBits;
use infer::{Model, Reference, Session, Shape, ValueType};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::import::model::plain_model;
use crate::import::tflite;
use crate::model_file::{ModelTable, write};
use crate::ops::{PlainKind, average_pool, concat, conv, dense, depthwise, lookup};

/// Zero point of all maps.
const ZERO: i8 = -128;

fn tensor([height, width, channels]: [u16; 3]) -> Tensor {
    Tensor {
        shape: Shape::new(height, width, channels),
        quant: OutputQuant { scale: 0.1, zero_point: ZERO },
    }
}

fn within(random: &mut ChaCha8Rng, values: u32) -> u32 {
    random.next_u32() % values
}

fn weights(random: &mut ChaCha8Rng, count: usize) -> Vec<i8> {
    (0..count).map(|_| random.next_u32() as i8).collect()
}

/// Parameters of which every other channel, by chance, makes one value: one multiplies by nearly
/// nothing, one is far below the least value.
fn channels(random: &mut ChaCha8Rng, count: u16) -> Vec<ChannelParameters> {
    let mut channel = || {
        let bias = within(random, 2000) as i32;
        let some = ChannelParameters { bias, multiplier: 1 << 21, shift: None };
        match within(random, 4) {
            0 => ChannelParameters { multiplier: 1 << 5, ..some },
            1 => ChannelParameters { bias: -2_000_000, ..some },
            _ => some,
        }
    };
    (0..count).map(|_| channel()).collect()
}

/// A layer after `inputs` that makes maps of this size.
fn layer(
    random: &mut ChaCha8Rng,
    kind: PlainKind,
    inputs: &[Edge],
    output: [u16; 3],
    taps: usize,
) -> PlainLayer {
    let count = if taps > 0 { output[2] } else { 0 };
    PlainLayer {
        name: "layer".to_owned(),
        inputs: inputs.to_vec(),
        output: tensor(output),
        kind,
        channels: channels(random, count),
        weights: weights(random, taps * usize::from(count)),
        bits: WeightBits::Eight,
    }
}

fn conv_kind(kernel: u8) -> PlainKind {
    let origin = [-i16::from(kernel / 2); 2];
    let (kernel, stride) = ([kernel; 2], [1, 1]);
    PlainKind::Conv(conv::Plain { kernel, stride, dilation: [1, 1], origin, pool: [1, 1] })
}

/// The same network with another zero point of all maps but the image, so that values that are cut
/// off are not the padding's.
fn with_zero(mut model: PlainModel, zero_point: i8) -> PlainModel {
    for layer in &mut model.layers {
        layer.output.quant.zero_point = zero_point;
        for edge in layer.inputs.iter_mut().filter(|edge| edge.number > 0) {
            edge.tensor.quant.zero_point = zero_point;
        }
    }
    model
}

/// A padded convolution, a depthwise and a pointwise one, a table, a map beside another, an average
/// and a dense layer.
fn network(seed: u64) -> PlainModel {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let (side, first, second) = (6, 8, 5 + within(random, 5) as u16);
    let maps = [[side, side, 2], [side, side, first], [side, side, first], [side, side, second]];
    let edge = |number: usize, map: [u16; 3]| Edge { number, tensor: tensor(map) };
    let [image, wide, own, narrow] = [0, 1, 2, 3].map(|number| edge(number, maps[number]));
    let (table, pair) = (edge(4, maps[3]), edge(5, [side, side, second + first]));
    let mean = edge(6, [1, 1, second + first]);
    let own_kind =
        PlainKind::Depthwise(depthwise::Plain { kernel: [3; 2], stride: [1; 2], origin: [-1; 2] });
    let size = [side; 2];
    let average = average_pool::Plain { size, stride: [side as u8; 2], origin: [0; 2] };
    let beside =
        concat::Plain { count: 2, origins: [[0; 2]; 2], multipliers: [1 << 14; 2], shift: 14 };
    let mut layers = vec![
        layer(random, conv_kind(3), &[image], maps[1], 18),
        layer(random, own_kind, &[wide], maps[2], 9),
        layer(random, conv_kind(1), &[own], maps[3], first.into()),
        layer(random, PlainKind::Lookup(lookup::Plain { origin: [0; 2] }), &[narrow], maps[3], 0),
        layer(random, PlainKind::Concat(beside), &[table, own], [side, side, second + first], 0),
        layer(random, PlainKind::AveragePool(average), &[pair], [1, 1, second + first], 0),
        layer(random, PlainKind::Dense(dense::Plain), &[mean], [1, 1, 4], (second + first).into()),
    ];
    layers[3].weights = weights(random, 256);
    if seed.is_multiple_of(2) {
        // Without what holds its inputs whole.
        layers.drain(4..6);
        let mean = Edge { number: 4, tensor: tensor(maps[3]) };
        let taps = side * side * second;
        layers[4] = layer(random, PlainKind::Dense(dense::Plain), &[mean], [1, 1, 4], taps.into());
    }
    let outputs = vec![layers.len()];
    let interface = ValueType::Int8.into();
    PlainModel {
        image: image.tensor.shape,
        interface,
        origin: [0, 0],
        input: image.tensor,
        layers,
        outputs,
        version: 0,
        self_test: None,
        metadata: vec![],
    }
}

fn answers(model: &PlainModel, images: &[u8]) -> Vec<i8> {
    let file = write(model, &model.direct()).expect("a model");
    let mut table = ModelTable::new();
    let model = Model::from_bytes(&file, &mut table).expect("a model");
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    let mut run = |image: &[u8]| {
        session.run_stored::<Reference>(image, &mut ()).expect("an image").values().to_vec()
    };
    images.chunks(model.image_shape().len()).flat_map(&mut run).collect()
}

#[test]
fn answers_keep_their_bytes() {
    let (mut whole, mut kept) = (0, 0);
    for seed in 0..200 {
        let model = with_zero(network(seed), [ZERO, 3, 127][seed as usize % 3]);
        let smaller = without_idle(&model);
        let mut images = vec![0; 4 * model.image.len()];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut images);
        assert_eq!(answers(&smaller, &images), answers(&model, &images), "network {seed}");
        assert_eq!(without_idle(&smaller), smaller, "network {seed}: nothing more");
        whole += Effort::of(&model).weights;
        kept += Effort::of(&smaller).weights;
    }
    println!("{kept} of {whole} weights are kept");
    assert!(kept < whole * 3 / 4, "{kept} of {whole} weights are kept");
}

/// One channel of three is far below the least value: it is always the zero point, which padding
/// has too, so it goes into the biases even of a padded layer.
#[test]
fn a_constant_goes_into_the_biases() {
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    let edges = [[4, 4, 1], [4, 4, 3]].map(tensor);
    let [image, map] = [0, 1].map(|number| Edge { number, tensor: edges[number] });
    let mut layers = vec![
        layer(random, conv_kind(1), &[image], [4, 4, 3], 1),
        layer(random, conv_kind(3), &[map], [4, 4, 1], 27),
    ];
    let some = ChannelParameters { bias: 10, multiplier: 1 << 24, shift: None };
    layers[0].channels = vec![some, ChannelParameters { bias: -1_000_000, ..some }, some];
    layers[0].weights = vec![5, 6, 7];
    layers[1].channels = vec![some];
    let model = PlainModel { layers, outputs: vec![2], input: edges[0], ..network(0) };
    let model = PlainModel { image: edges[0].shape, ..model };
    let smaller = without_idle(&model);
    let of_constant: i32 =
        model.layers[1].weights.iter().skip(1).step_by(3).map(|weight| i32::from(*weight)).sum();
    assert_eq!(smaller.layers[0].weights, [5, 7]);
    assert_eq!(smaller.layers[1].weights.len(), 18);
    assert_eq!(smaller.layers[1].channels[0].bias, 10 - 128 * of_constant);
    let kept = without_idle(&with_zero(model, 3)).layers[0].weights.len();
    assert_eq!(kept, 3, "-128 inside of the map and 3 outside is no constant");
}

/// A layer on whose channels no answer depends is none.
#[test]
fn a_layer_that_nobody_reads_is_left_out() {
    let mut model = network(0);
    let last = model.layers.len() - 1;
    model.outputs = vec![3];
    assert_eq!(without_idle(&model).layers.len(), 3);
    assert_eq!(last, 4);
}

/// Two convolutions with the same numbers, each with the same table after it: the second pair is
/// the first once more. Where one layer reads both maps they stay two.
#[test]
fn what_is_computed_twice_is_computed_once() {
    let random = &mut ChaCha8Rng::seed_from_u64(5);
    let (image, map) = (tensor([4, 4, 2]), tensor([4, 4, 3]));
    let edge = |number: usize, tensor| Edge { number, tensor };
    let conv = layer(random, conv_kind(3), &[edge(0, image)], [4, 4, 3], 18);
    let table = PlainKind::Lookup(lookup::Plain { origin: [0; 2] });
    let mut looked_up = layer(random, table, &[edge(1, map)], [4, 4, 3], 0);
    looked_up.weights = (0..=u8::MAX).map(|value| value.cast_signed().saturating_abs()).collect();
    let again = PlainLayer { inputs: vec![edge(2, map)], ..looked_up.clone() };
    let dense = PlainKind::Dense(dense::Plain);
    let heads = [3, 4].map(|from| layer(random, dense, &[edge(from, map)], [1, 1, 4], 48));
    let [first, second] = heads;
    let layers = vec![conv.clone(), conv, looked_up, again, first, second];
    let model =
        PlainModel { image: image.shape, input: image, layers, outputs: vec![5, 6], ..network(0) };
    let smaller = without_idle(&model);
    let reads = |layer: &PlainLayer| layer.inputs[0].number;
    assert_eq!(smaller.layers.iter().map(reads).collect::<Vec<_>>(), [0, 1, 2, 2]);
    assert_eq!(smaller.outputs, [3, 4]);
    let mut images = vec![0; 4 * model.image.len()];
    random.fill_bytes(&mut images);
    for outputs in [[0, 1], [1, 0]] {
        let with = |model: &PlainModel| {
            let outputs = outputs.map(|at| model.outputs[at]).to_vec();
            answers(&PlainModel { outputs, ..model.clone() }, &images)
        };
        assert_eq!(with(&smaller), with(&model));
    }
    let mut joined = model.clone();
    let beside =
        concat::Plain { count: 2, origins: [[0; 2]; 2], multipliers: [1 << 14; 2], shift: 14 };
    let inputs = [edge(3, map), edge(4, map)];
    joined.layers.truncate(4);
    joined.layers.push(layer(random, PlainKind::Concat(beside), &inputs, [4, 4, 6], 0));
    joined.outputs = vec![5];
    assert_eq!(without_idle(&joined).layers.len(), 4, "the convolutions are one, the tables two");
}

/// The models of the firmware were trained here: nothing is left out, so they keep their bytes.
#[test]
fn models_of_the_firmware_stay_as_they_are() {
    let files: [&[u8]; 2] = [
        include_bytes!("../../../firmware-example/model/tutorial.kndl"),
        include_bytes!("../../../firmware-example/model/stream.kndl"),
    ];
    for file in files {
        let mut table = ModelTable::new();
        let model = PlainModel::of(&Model::from_bytes(file, &mut table).expect("a model"));
        assert_eq!(without_idle(&model), model);
    }
}

/// `KINDLING_MODELS` names a folder of MLPerf Tiny's networks. Half of `vww` is constant.
#[test]
fn public_networks() {
    let Some(folder) = env::var_os("KINDLING_MODELS") else {
        println!("skipped: KINDLING_MODELS names no folder of networks");
        return;
    };
    for (name, macs, weights) in [
        ("ad", 264_192, 264_192),
        ("ic", 12_501_632, 77_360),
        ("kws", 2_656_768, 22_016),
        ("sww", 826_368, 46_040),
        ("vww", 3_727_313, 29_066),
    ] {
        let file = fs::read(Path::new(&folder).join(format!("{name}.tflite"))).expect("a network");
        let whole = plain_model(&tflite::read(&file).expect("a network")).expect("a model");
        let kept = Effort::of(&without_idle(&whole));
        assert_eq!(kept, Effort { macs, weights }, "{name}, of {:?}", Effort::of(&whole));
    }
}
