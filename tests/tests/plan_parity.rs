//! The planner's plans for each core class on the emulated core: the scores of all images are those of the reference kernels.
//!
//! Usually the fastest plan for each core answers a few images, or as many as `KINDLING_PARITY_IMAGES` says; with
//! `KINDLING_PARITY_PLANS=all` every plan of the benchmark does. `./ci.sh parity` sets both.

use std::{env, fs};

use tests::firmware;
use tests::limits::{self, CORES};
use tests::plans::{reference_scores, tutorial};
use trainer::data::DataDir;
use trainer::model_file::write;
use trainer::plan::{Loading, front_of};

/// Images unless the environment says otherwise.
const IMAGES: usize = 25;

#[test]
fn plans_of_every_core_give_the_bytes_of_the_reference() {
    let all = env::var("KINDLING_PARITY_PLANS").is_ok_and(|value| value == "all");
    let wanted = env::var("KINDLING_PARITY_IMAGES");
    let count = wanted.map_or(IMAGES, |count| count.parse().expect("a number"));
    let test = DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..count.min(test.len()) * test.shape.len()];
    let model = tutorial();
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), images);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (core, board, class) in CORES {
        let front = front_of(&model, class, Loading::OnChip).expect("plans");
        for (name, plan) in
            limits::plans(core, &front, Loading::OnChip).into_iter().take(if all { usize::MAX } else { 1 })
        {
            let path = folder.path().join("planned.kndl");
            let file = write(&model, &plan.choices).expect("a plan of the front");
            fs::write(&path, file).expect("the temporary folder can be written");
            let answers = firmware::answers(board, &path, images, 10);
            let scores: Vec<i8> = answers.iter().flat_map(|answer| answer.scores.clone()).collect();
            assert!(
                scores == reference,
                "other scores than the reference's: {core}, {name}, {:?}",
                plan.choices
            );
            println!("{core}, {name}: {} images, {} instructions", answers.len(), answers[0].instructions);
        }
    }
}
