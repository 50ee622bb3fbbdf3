//! Networks of odd shapes through the whole path: trained for a moment, quantised, written, loaded,
//! run by every kernel set, and close to the float model they came from.

use infer::{Model, Portable, Reference, Session, Shape};
use tests::firmware::{self, M4};
use tests::networks::{ODD, Odd};
use trainer::data::Dataset;
use trainer::evaluate::evaluate;
use trainer::export::export;
use trainer::model_file::ModelTable;
use trainer::network::Network;
use trainer::recipe::{Error, Optimizer, Recipe, Schedule, Task};
use trainer::train::{BatchReport, EpochReport, FloatModel, Observer, TrainOptions, train};

/// Classes of the made-up data: which quarter of the image is bright.
const CLASSES: usize = 4;

/// Images of each network that are compared between kernel sets, and between chip and host.
const COMPARED_IMAGES: usize = 40;

struct Quiet;

impl Observer for Quiet {
    fn batch(&mut self, _: &BatchReport) {}

    fn epoch(&mut self, _: &EpochReport) {}

    fn stop(&self) -> bool {
        false
    }
}

/// Noise with one bright quarter.
fn data(shape: Shape, images: usize) -> Dataset {
    let mut state = 1u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let labels: Vec<u8> = (0..images).map(|image| (image % CLASSES) as u8).collect();
    let mut pixels = Vec::new();
    for label in &labels {
        for (row, column) in
            (0..shape.height).flat_map(|row| (0..shape.width).map(move |column| (row, column)))
        {
            let quarter = 2 * (row >= shape.height / 2) as u8 + (column >= shape.width / 2) as u8;
            let bright = if quarter == *label { 120 } else { 0 };
            pixels.extend((0..shape.channels).map(|_| noise() / 2 + bright));
        }
    }
    Dataset { shape, pixels, labels, classes: CLASSES, targets: vec![] }
}

fn trained(network: &Network, data: &Dataset) -> FloatModel {
    let recipe = Recipe {
        task: Task::Classify,
        label_smoothing: 0.0,
        error: Error::Squared,
        threshold_quantile: 0.99,
        epochs: 4,
        quantised_epochs: 0,
        batch: 32,
        optimizer: Optimizer::Rmsprop {
            learning_rate: 0.003,
            rho: 0.9,
            epsilon: 1e-7,
            epsilon_in_root: false,
        },
        schedule: Schedule::Constant,
        held_out: 0,
        class_weights: Default::default(),
        weight_decay: 0.0,
        batch_norm: None,
        augment: None,
        augment_series: None,
        early_stopping: None,
        average: None,
    };
    train(network, &recipe, data, &TrainOptions { seed: 0, threads: 2 }, &mut Quiet)
        .expect("it trains")
        .model
}

fn scores<Set: infer::Kernels>(file: &[u8], image: &[u8]) -> Vec<i8> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    session.run_with::<Set>(image, &mut ()).expect("the model's image").values().to_vec()
}

fn check(odd: &Odd) {
    let network = odd.network();
    let data = data(network.input.shape(), 600);
    let model = trained(&network, &data);
    let exported = export(&model, &data).unwrap_or_else(|error| panic!("{}: {error}", odd.name));
    let evaluation = evaluate(&model, &exported.bytes, &data, 2).expect("it runs");
    let share = |count: usize| count as f64 / data.len() as f64;
    assert!(share(evaluation.float_correct) > 0.9, "{}: {evaluation:?}", odd.name);
    assert!(
        share(evaluation.agreeing) > 0.98,
        "{}: int8 and float agree on {}",
        odd.name,
        evaluation.agreeing
    );
    for index in 0..COMPARED_IMAGES {
        let image = data.image(index);
        let reference = scores::<Reference>(&exported.bytes, image);
        assert_eq!(
            scores::<Portable>(&exported.bytes, image),
            reference,
            "{}, image {index}",
            odd.name
        );
        assert_eq!(evaluation.int8.answers[index].scores, reference, "{}, image {index}", odd.name);
    }
    check_on_chip(odd, &data, &exported.bytes);
}

fn check_on_chip(odd: &Odd, data: &Dataset, file: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("odd.kndl");
    std::fs::write(&path, file).expect("the temporary folder can be written");
    let images = &data.pixels[..COMPARED_IMAGES * data.shape.len()];
    let chip = firmware::answers(M4, &path, images, CLASSES);
    assert_eq!(chip.len(), COMPARED_IMAGES, "{}", odd.name);
    for (index, answer) in chip.iter().enumerate() {
        let reference = scores::<Reference>(file, data.image(index));
        assert_eq!(answer.scores, reference, "{}, image {index} on {}", odd.name, M4.name);
    }
}

#[test]
fn every_odd_network_works() {
    ODD.iter().for_each(check);
}

#[test]
fn what_cannot_be_built_is_refused_with_name_and_shapes() {
    let refused = |layers: &str| {
        let text = format!("input = {{ height = 6, width = 6, channels = 1 }}\nlayer = [{layers}]");
        let network: Network = toml::from_str(&text).expect("a description");
        network.stages().expect_err("no network").to_string()
    };
    let conv = r#"{ type = "conv", filters = 4, kernel = 3, name = "first" }"#;
    let message = refused(&format!(
        r#"{conv}, {{ type = "conv", filters = 4, kernel = 5, name = "second" }}"#
    ));
    assert!(
        message.contains("layer 2 'second': a 5x5 window does not fit its input of 4x4x4"),
        "{message}"
    );
    let message = refused(&format!(r#"{conv}, {{ type = "max_pool", size = 5 }}"#));
    assert!(message.contains("layer 2 'pool1'"), "{message}");
    assert!(refused(r#"{ type = "conv", filters = 0, kernel = 3 }"#).contains("filters is 0"));
    assert!(
        refused(r#"{ type = "conv", filters = 1, kernel = 3, stride = 0 }"#)
            .contains("stride is 0")
    );
    assert!(refused(r#"{ type = "relu" }, { type = "dense", units = 2 }"#).contains("remove it"));
    assert!(
        refused(r#"{ type = "softmax" }, { type = "dense", units = 2 }"#)
            .contains("must be the last")
    );
    assert!(refused("").contains("no layer that computes anything"));
    assert!(
        refused(r#"{ type = "dense", units = 65535 }, { type = "dense", units = 65535 }"#)
            .contains("limit")
    );
}

#[test]
fn a_thousand_mutated_models_stay_within_bounds() {
    let odd = &ODD[2];
    let data = data(odd.network().input.shape(), 120);
    let file = export(&trained(&odd.network(), &data), &data).expect("it exports").bytes;
    let header_and_records = 400.min(file.len());
    let mut state = 7u64;
    let mut random = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut accepted = 0;
    for round in 0..1_000 {
        let mut mutated = file.clone();
        for _ in 0..1 + round % 3 {
            let range = if round % 2 == 0 { header_and_records } else { file.len() };
            mutated[random() % range] = random() as u8;
        }
        let checksum = infer::format::checksum(&mutated[16..]);
        mutated[12..16].copy_from_slice(&checksum.to_le_bytes());
        accepted += runs_if_accepted(&mutated) as usize;
    }
    assert!((100..1_000).contains(&accepted), "{accepted} accepted");
}

fn runs_if_accepted(file: &[u8]) -> bool {
    let mut table = ModelTable::new();
    let Ok(model) = Model::from_bytes(file, &mut table) else { return false };
    let (image, arena, macs) = (model.image_shape().len(), model.arena_bytes(), model.macs());
    if image.max(arena) <= 1 << 24 && macs <= 1 << 30 {
        let mut arena = vec![0; arena];
        let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
        session.run(&vec![99u8; image]).expect("the model's image");
    }
    true
}
