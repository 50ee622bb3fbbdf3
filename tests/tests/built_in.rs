//! Models that are built into the firmware, without a loader: the same scores, and a build error where a part of `infer` is missing.

use std::fs;

use infer::features::Feature;
use tests::firmware::{self, M0, M4, Variant};
use tests::measure::built_in_counts;
use tests::plans::{reference_scores, tutorial};
use trainer::data::DataDir;
use trainer::model_file::write;
use trainer::plan::{Budget, Build, Core, Features, Loading, fastest};

const IMAGES: usize = 50;

/// Plans for it are of other algorithms on each core.
const BUDGET: Budget = Budget { flash: Some(128 << 10), ram: Some(16 << 10) };

#[test]
fn a_built_in_model_gives_the_scores_of_the_reference() {
    let model = tutorial();
    let test = DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..IMAGES * test.shape.len()];
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), images);
    for (board, core) in [(M4, Core::M4), (M0, Core::M0)] {
        let plan = fastest(&model, core, Loading::BuiltIn, BUDGET).expect("a plan that fits");
        let variant = Variant { build: plan.build, features: plan.features };
        let file = write(&model, &plan.choices).expect("a plan of the front");
        let counts = built_in_counts(board, variant, &file, images);
        assert!(
            counts.scores == reference,
            "{core:?}: other scores than the reference's: {:?}",
            plan.choices
        );
        let error = plan.instructions / counts.total as f64 - 1.0;
        assert!(
            error.abs() < 0.05,
            "{core:?}: {} instructions, predicted {}",
            counts.total,
            plan.instructions
        );
    }
}

#[test]
fn a_part_that_is_missing_is_a_build_error() {
    let model = tutorial();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("direct.kndl");
    fs::write(&path, write(&model, &model.direct()).expect("a model")).expect("the folder can be written");
    let refused = |features: &[Feature]| {
        let features = Features::from_iter(features.iter().copied());
        firmware::built_in_refused(M4, Variant { build: Build::Small, features }, &path)
    };
    assert_eq!(refused(&[Feature::Direct, Feature::DenseRows]), None);
    let said = refused(&[Feature::Direct, Feature::DenseQuads]).expect("a build error");
    assert!(said.contains("the model needs a part of `infer` that is not built"), "{said}");
}
