//! The planner's plans for each core class on the emulated core: the scores of all images are those
//! of the reference kernels.
//!
//! Usually the fastest plan for each core answers a few images, or as many as
//! `KINDLING_PARITY_IMAGES` says; with `KINDLING_PARITY_PLANS=all` every plan of the benchmark
//! does, loaded or built in. `./ci.sh parity` sets both.
//!
//! Ways to run a layer are tried with one `opt-level` for each core, with the other on the next
//! day; with `KINDLING_PARITY_PLANS=all` with both.

use std::env;

use tests::day::today;
use tests::limits::{self, CORES};
use tests::parity::{Trial, covering, differing, distinct};
use tests::plans::{reference_scores, tutorial};
use trainer::data::DataDir;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;
use trainer::plan::{Build, Loading, Plan, front_of};

/// Images unless the environment says otherwise.
const IMAGES: usize = 25;

/// Images that plans answer which stand for all others of a front.
const IMAGES_OF_WAYS: usize = 10;

#[test]
fn plans_of_every_core_give_the_bytes_of_the_reference() {
    let wanted = env::var("KINDLING_PARITY_IMAGES");
    let count = wanted.map_or(IMAGES, |count| count.parse().expect("a number"));
    let test =
        DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let count = count.min(test.len());
    let images = &test.pixels[..count * test.shape.len()];
    let model = tutorial();
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), images);
    let trials = if all_are_asked_for() { every_plan(&model) } else { fastest_plans(&model) };
    println!("{} plans of the benchmark, {count} images each", trials.len());
    let mut trials = distinct(trials);
    // A run that is stopped has said the more, and the longest plans share the host's cores.
    trials.sort_by(|a, b| a.instructions.total_cmp(&b.instructions));
    let differing = differing(&trials, images, &reference);
    assert!(differing.is_empty(), "other scores than the reference's:\n{}", differing.join("\n"));
    println!(
        "{} different programs gave the reference's scores for {count} images each",
        trials.len()
    );
}

/// The front has hundreds of plans, which differ in how their layers are put together. That each
/// layer is exact however it is run shows that all of them are.
#[test]
fn every_way_to_run_a_layer_on_the_front_gives_the_bytes_of_the_reference() {
    let test =
        DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..IMAGES_OF_WAYS * test.shape.len()];
    let model = tutorial();
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), images);
    let mut trials = vec![];
    for (place, (core, board, class)) in CORES.into_iter().enumerate() {
        let front = front_of(&model, class, Loading::OnChip).expect("plans");
        let covering = covering(&front);
        println!("{core}: {} plans cover the {} of the front", covering.len(), front.len());
        let of_today = Build::ALL[(place + today() as usize) % Build::ALL.len()];
        let is_asked = |plan: &&Plan| all_are_asked_for() || plan.build == of_today;
        trials.extend(covering.into_iter().filter(is_asked).map(|plan| {
            let name = format!("{core}, opt-level {}, {:?}", plan.build.opt_level(), plan.choices);
            Trial::new(name, board, &model, plan).with_all_parts()
        }));
    }
    let differing = differing(&trials, images, &reference);
    assert!(differing.is_empty(), "other scores than the reference's:\n{}", differing.join("\n"));
}

fn all_are_asked_for() -> bool {
    env::var("KINDLING_PARITY_PLANS").is_ok_and(|value| value == "all")
}

fn every_plan(model: &PlainModel) -> Vec<Trial> {
    Loading::ALL.into_iter().flat_map(|loading| plans(model, loading, usize::MAX)).collect()
}

fn fastest_plans(model: &PlainModel) -> Vec<Trial> {
    plans(model, Loading::OnChip, 1)
}

/// The first `most` plans of each core in the benchmark.
fn plans(model: &PlainModel, loading: Loading, most: usize) -> Vec<Trial> {
    let mut trials = vec![];
    for (core, board, class) in CORES {
        let front = front_of(model, class, loading).expect("plans");
        let named = limits::plans(core, &front, loading).into_iter().take(most);
        let way = if loading == Loading::BuiltIn { "built in" } else { "loaded" };
        trials.extend(
            named.map(|(name, plan)| {
                Trial::new(format!("{core}, {name}, {way}"), board, model, plan)
            }),
        );
    }
    trials
}
