//! Plans on the emulated chip: each gives the reference's scores, byte for byte, and takes as many instructions as was predicted.
//!
//! `KINDLING_PARITY_PLANS=all` runs every plan of the front rather than a spread of them.

use std::env;

use tests::firmware::M4;
use tests::measure::counts;
use tests::networks::ODD;
use tests::plans::{reference_scores, spread, tutorial, untrained};
use trainer::data::DataDir;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;
use trainer::plan::{Budget, Build, Core, Costs, Plan, front, front_of};

/// Images that every plan answers.
const IMAGES: usize = 100;

/// Plans of a front, unless all are asked for.
const PLANS: usize = 12;

/// How far off a prediction may be: for the tutorial's network, and for odd ones.
const TUTORIAL_ERROR: f64 = 0.05;
const ODD_ERROR: f64 = 0.15;

fn files(model: &PlainModel, plans: &[&Plan]) -> Vec<Vec<u8>> {
    plans.iter().map(|plan| write(model, &plan.choices).expect("a plan of the front")).collect()
}

/// Plans that were predicted too far off.
fn off(plans: &[&Plan], totals: impl Iterator<Item = u32>, most: f64) -> Vec<String> {
    let error = |(plan, total): (&&Plan, u32)| {
        let error = plan.instructions / total as f64 - 1.0;
        println!("{total:>10} instructions, prediction {:+.1} %: {:?}", 100.0 * error, plan.choices);
        (error.abs() > most).then(|| format!("{:?}: {total}, predicted {}", plan.choices, plan.instructions))
    };
    plans.iter().zip(totals).filter_map(error).collect()
}

#[test]
fn every_plan_of_the_tutorial_is_exact_and_as_fast_as_predicted() {
    let model = tutorial();
    let front = front(&model, &Costs::of(Core::M4, Build::Fast), Build::Fast).expect("plans");
    let all = env::var("KINDLING_PARITY_PLANS").is_ok_and(|value| value == "all");
    let plans = spread(&front, if all { usize::MAX } else { PLANS });
    let test = DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..IMAGES * test.shape.len()];
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), images);
    let measured = counts(M4, &files(&model, &plans), images);
    assert_eq!(measured.len(), plans.len());
    for (plan, counts) in plans.iter().zip(&measured) {
        assert!(counts.scores == reference, "other scores than the reference's: {:?}", plan.choices);
    }
    let off = off(&plans, measured.iter().map(|counts| counts.total), TUTORIAL_ERROR);
    assert!(off.is_empty(), "predicted too far off:\n{}", off.join("\n"));
}

#[test]
fn odd_networks_are_exact_and_about_as_fast_as_predicted() {
    let mut wrong = vec![];
    for odd in &ODD {
        let model = untrained(&odd.network());
        let front = front(&model, &Costs::of(Core::M4, Build::Fast), Build::Fast).expect("plans");
        let plans = spread(&front, 4);
        let mut random = tests::random_layer::Random::new(9);
        let images: Vec<u8> = (0..20 * model.image.len()).map(|_| random.within(0, 255) as u8).collect();
        let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), &images);
        let measured = counts(M4, &files(&model, &plans), &images);
        for (plan, counts) in plans.iter().zip(&measured) {
            assert!(
                counts.scores == reference,
                "{}: other scores than the reference's: {:?}",
                odd.name,
                plan.choices
            );
        }
        wrong.extend(off(&plans, measured.iter().map(|counts| counts.total), ODD_ERROR));
    }
    assert!(wrong.is_empty(), "predicted too far off:\n{}", wrong.join("\n"));
}

/// Counted by `cargo run --release -p tests --bin bench`: the fastest plan within 512K of flash and 16K of RAM, and the smallest.
const COUNTED: [(Core, u32, u32); 3] =
    [(Core::M0, 2_873_000, 5_604_440), (Core::M3, 1_378_880, 2_927_080), (Core::M4, 556_440, 1_902_320)];

#[test]
fn predictions_are_near_the_stored_counts() {
    let model = tutorial();
    for (core, fastest, smallest) in COUNTED {
        let front = front_of(&model, core).expect("plans");
        let budget = Budget { flash: Some(512 << 10), ram: Some(16 << 10) };
        let least = front.iter().min_by_key(|plan| (plan.flash, plan.instructions as u64)).expect("a plan");
        for (plan, counted) in [(&front[budget.choose(&front).expect("fits")], fastest), (least, smallest)] {
            let error = plan.instructions / counted as f64 - 1.0;
            assert!(error.abs() < TUTORIAL_ERROR, "{core:?}: {counted}, predicted {}", plan.instructions);
        }
    }
}

#[test]
fn a_chip_with_little_memory_gets_a_smaller_plan_and_a_chip_with_less_is_refused_with_numbers() {
    let model = tutorial();
    let front = front(&model, &Costs::of(Core::M4, Build::Fast), Build::Fast).expect("plans");
    let choose = |flash: usize, ram: usize| Budget { flash: Some(flash), ram: Some(ram) }.choose(&front);
    let (large, small) =
        (choose(512 << 10, 16 << 10).expect("fits"), choose(256 << 10, 7 << 10).expect("fits"));
    assert!(front[large].instructions < front[small].instructions);
    assert!(front[small].flash <= 256 << 10 && front[small].ram <= 7 << 10);
    let message = choose(64 << 10, 16 << 10).expect_err("too small").to_string();
    assert!(message.contains("bytes of flash") && !message.contains("RAM"), "{message}");
}
