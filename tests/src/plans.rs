//! Models to plan and plans to measure.

use std::num::NonZero;
use std::{fs, thread};

use infer::{Model, Reference, Session};
use trainer::calibrate::Range;
use trainer::export::plain_model;
use trainer::float_model::{FloatModel, StageWeights};
use trainer::graph::Stage;
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::network::Network;
use trainer::ops::Operator;
use trainer::plain_model::{Choice, Choices, PlainLayer, PlainModel};
use trainer::plan::Plan;
use trainer::quantize::quantize;

use crate::firmware;
use crate::random_layer::Random;

/// The tutorial's network as the example firmware has it, without the image that a chip tests
/// itself with: that is no part of what plans are compared by.
///
/// # Panics
/// When the file of the repository is damaged.
pub fn tutorial() -> PlainModel {
    PlainModel { self_test: None, ..tutorial_with_self_test() }
}

/// The tutorial's network as the example firmware has it.
///
/// # Panics
/// When the file of the repository is damaged.
pub fn tutorial_with_self_test() -> PlainModel {
    let file =
        fs::read(firmware::folder().join("model/tutorial.kndl")).expect("the firmware's model");
    PlainModel::of(&Model::from_bytes(&file, &mut ModelTable::new()).expect("a model"))
}

/// The tutorial's model file as version `version`, with other weights, and a self-test that fits
/// them.
pub fn another_tutorial(version: u32) -> Vec<u8> {
    let mut model = tutorial_with_self_test();
    model.version = version;
    model.layers.last_mut().expect("layers").channels[3].bias += 20_000;
    let image = model.self_test.take().expect("the tutorial's model has a self-test").image;
    model.self_test = Some(image.into());
    write(&model, &model.direct()).expect("a model")
}

/// A network with random weights.
///
/// # Panics
/// When it cannot be built.
pub fn untrained(network: &Network) -> PlainModel {
    let mut random = Random::new(5);
    let stages = network.stages().expect("a network");
    let weights = stages.iter().map(|stage| stage_weights(stage, &mut random)).collect();
    let model = FloatModel { network: network.clone(), stages: weights };
    let ranges = vec![Range { min: -2.0, max: 2.0 }; stages.len()];
    let quant = quantize(&model, &ranges).expect("finite numbers");
    plain_model(&model, quant, network.input.shape()).expect("a model")
}

fn stage_weights(stage: &Stage, random: &mut Random) -> StageWeights {
    let Some(shape) = stage.kind.weights() else { return StageWeights::default() };
    let size = 1.0 / (shape.taps as f32).sqrt();
    let mut weight = || (random.within(0, 2000) as f32 / 1000.0 - 1.0) * size;
    StageWeights {
        weights: (0..shape.values()).map(|_| weight()).collect(),
        bias: vec![0.0; shape.outputs],
    }
}

/// The scores of the reference kernels for images, raw and one after the other.
///
/// # Panics
/// When `file` is no model.
pub fn reference_scores(file: &[u8], images: &[u8]) -> Vec<i8> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let image_bytes = model.image_shape().len();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let part_bytes = (images.len() / image_bytes).div_ceil(threads).max(1) * image_bytes;
    thread::scope(|scope| {
        let model = &model;
        let parts = images.chunks(part_bytes).map(|part| scope.spawn(move || scores(model, part)));
        let parts: Vec<_> = parts.collect();
        parts.into_iter().flat_map(|part| part.join().expect("a part that was run")).collect()
    })
}

/// The scores of the images by one thread.
fn scores(model: &Model<'_>, images: &[u8]) -> Vec<i8> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(model, &mut arena).expect("a buffer of the right size");
    let mut scores = |image| {
        let scores = session.run_with::<Reference>(image, &mut ()).expect("the model's image");
        scores.values().to_vec()
    };
    images.chunks(model.image_shape().len()).flat_map(&mut scores).collect()
}

/// All maps whole, and each algorithm in at least one of these for the layers that it can compute.
pub fn by_every_algorithm(model: &PlainModel) -> Vec<Choices> {
    let choice = |layer: &PlainLayer, number: usize| {
        let choices = layer.choices();
        let fits = |choice: &&Choice| layer.packed(**choice).is_ok();
        *choices.iter().cycle().skip(number % choices.len()).find(fits).expect("the direct one")
    };
    let layers = |number| model.layers.iter().map(|layer| choice(layer, number)).collect();
    let ways = model.layers.iter().map(|layer| layer.choices().len()).max().unwrap_or(0);
    (0..ways).map(|number| model.with_whole_tensors(layers(number))).collect()
}

/// At most `most` of the plans, evenly spread over the front.
pub fn spread(front: &[Plan], most: usize) -> Vec<&Plan> {
    let count = front.len().min(most);
    (0..count).map(|index| &front[index * (front.len() - 1) / (count - 1).max(1)]).collect()
}
