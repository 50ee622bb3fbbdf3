//! Models that are built into the firmware, without a loader: the same scores, and a build error
//! where a part of `infer` is missing.

use std::fs;

use infer::features::Feature;
use tests::firmware::{self, Board, M0, M4, Variant};
use tests::measure::built_in_counts;
use tests::networks::{ODD, Odd};
use tests::plans::{reference_scores, tutorial, untrained};
use tests::random_layer::Random;
use trainer::data::DataDir;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;
use trainer::plan::{Budget, Build, Core, Features, Loading, Plan, fastest};

const IMAGES: usize = 50;

const CORES: [(Board, Core); 2] = [(M4, Core::M4), (M0, Core::M0)];

/// How far off a prediction may be: for the tutorial's network, and for odd ones.
const TUTORIAL_ERROR: f64 = 0.05;
const ODD_ERROR: f64 = 0.15;

/// Plans for it are of other algorithms on each core.
const BUDGET: Budget = Budget { flash: Some(128 << 10), ram: Some(16 << 10) };

#[test]
fn a_built_in_model_gives_the_scores_of_the_reference() {
    let model = tutorial();
    let test =
        DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..IMAGES * test.shape.len()];
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), images);
    for (board, core) in CORES {
        let plan = fastest(&model, core, Loading::BuiltIn, BUDGET).expect("a plan that fits");
        let error = error(board, &model, &plan, images, &reference);
        assert!(error.abs() < TUTORIAL_ERROR, "{core:?}: predicted {:+.1} % off", 100.0 * error);
    }
}

/// The error of the prediction, as a part of what was counted, of a plan that is built in and gives
/// the reference's scores.
fn error(board: Board, model: &PlainModel, plan: &Plan, images: &[u8], reference: &[i8]) -> f64 {
    let variant = Variant { build: plan.build, features: plan.features };
    let file = write(model, &plan.choices).expect("a plan of the front");
    let counts = built_in_counts(board, variant, &file, images);
    assert!(
        counts.scores == reference,
        "{board:?}: other scores than the reference's: {:?}",
        plan.choices
    );
    plan.instructions / counts.total as f64 - 1.0
}

/// Firmware is built for each network, so these are not all, and each is for one core: each calls
/// for other parts of `infer`.
const ODD_BUILT_IN: [&str; 4] = [
    "three channels, not square",
    "no convolution",
    "overlapping pooling, ReLU after it, pooling first",
    "nothing to leave out: same padding, even sizes",
];

#[test]
fn odd_networks_that_are_built_in_are_exact_and_about_as_fast_as_predicted() {
    let chosen: Vec<&Odd> = ODD.iter().filter(|odd| ODD_BUILT_IN.contains(&odd.name)).collect();
    assert_eq!(chosen.len(), ODD_BUILT_IN.len());
    let mut wrong = vec![];
    for (odd, (board, core)) in chosen.into_iter().zip(CORES.into_iter().cycle()) {
        let model = untrained(&odd.network());
        let mut random = Random::new(9);
        let images: Vec<u8> =
            (0..IMAGES * model.image.len()).map(|_| random.within(0, 255) as u8).collect();
        let reference =
            reference_scores(&write(&model, &model.direct()).expect("a model"), &images);
        let plan = fastest(&model, core, Loading::BuiltIn, Budget::default()).expect("a plan");
        let error = error(board, &model, &plan, &images, &reference);
        let line = format!("{core:?}, {}: predicted {:+.1} % off", odd.name, 100.0 * error);
        println!("{line}");
        wrong.extend((error.abs() > ODD_ERROR).then_some(line));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_part_that_is_missing_is_a_build_error() {
    let model = tutorial();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("direct.kndl");
    fs::write(&path, write(&model, &model.direct()).expect("a model"))
        .expect("the folder can be written");
    let refused = |features: &[Feature]| {
        let features = Features::from_iter(features.iter().copied());
        firmware::built_in_refused(M4, Variant { build: Build::Small, features }, &path)
    };
    assert_eq!(refused(&[Feature::Direct, Feature::DenseRows]), None);
    let said = refused(&[Feature::Direct, Feature::DenseQuads]).expect("a build error");
    assert!(said.contains("the model needs a part of `infer` that is not built"), "{said}");
}
