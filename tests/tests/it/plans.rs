//! Plans on the emulated chip: each gives the reference's scores, byte for byte, and takes as many
//! instructions as was predicted, in the whole and in its longest step.
//!
//! `KINDLING_PARITY_PLANS=all` runs every plan of the front rather than a spread of them.

use std::env;

use tests::firmware::{Board, M0, M3, M4, M33, M55};
use tests::limits;
use tests::measure::{Counts, counts};
use tests::networks::{ODD, Odd};
use tests::plans::{reference_scores, spread, tutorial, tutorial_with_self_test, untrained};
use trainer::data::DataDir;
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;
use trainer::plan::{Budget, Build, Core, Costs, Loading, Plan, front, front_of};

use crate::tools::measured;
use crate::tools::measured::Row;

/// Images that every plan answers.
const IMAGES: usize = 100;

/// Plans of a front, unless all are asked for.
const PLANS: usize = 12;

/// How far off a prediction may be: for the tutorial's network, and for odd ones.
const TUTORIAL_ERROR: f64 = 0.05;
const ODD_ERROR: f64 = 0.15;

/// How much longer, and how much shorter, the longest step may be than was predicted. A prediction
/// is of rows that have all their neighbours.
const STEP_LONGER: f64 = 0.2;
const STEP_SHORTER: f64 = 0.25;

/// A board of each class of cores.
const BOARDS: [(Board, Core); 5] =
    [(M0, Core::M0), (M3, Core::M3), (M4, Core::M4), (M33, Core::M33), (M55, Core::M55)];

fn files(model: &PlainModel, plans: &[&Plan]) -> Vec<Vec<u8>> {
    plans.iter().map(|plan| write(model, &plan.choices).expect("a plan of the front")).collect()
}

/// Plans that were predicted too far off.
fn off(plans: &[&Plan], measured: &[Counts], most: f64) -> Vec<String> {
    let error = |(plan, counts): (&&Plan, &Counts)| {
        let (total, step) = (counts.total, counts.longest_step);
        let error = plan.instructions / f64::from(total) - 1.0;
        let step_error = step_error(plan, step);
        println!(
            "{total:>10} instructions, prediction {:+.1} %; longest step {step}, \
                {:+.1} % more than predicted: {:?}",
            100.0 * error,
            100.0 * step_error,
            plan.choices
        );
        (error.abs() > most || !is_near(step_error)).then(|| {
            let predicted = (plan.instructions, plan.longest_step);
            format!("{:?}: {total}, longest step {step}, predicted {predicted:?}", plan.choices)
        })
    };
    plans.iter().zip(measured).filter_map(error).collect()
}

/// How much longer the longest step is than was predicted, as a part of the prediction.
fn step_error(plan: &Plan, step: u32) -> f64 {
    f64::from(step) / plan.longest_step - 1.0
}

fn is_near(step_error: f64) -> bool {
    (-STEP_SHORTER..=STEP_LONGER).contains(&step_error)
}

#[test]
fn every_plan_of_the_tutorial_is_exact_and_as_fast_as_predicted() {
    let model = tutorial();
    let front = front(&model, &Costs::of(Core::M4, Build::Fast), Build::Fast, Loading::OnChip)
        .expect("plans");
    let all = env::var("KINDLING_PARITY_PLANS").is_ok_and(|value| value == "all");
    let plans = spread(&front, if all { usize::MAX } else { PLANS });
    let test =
        DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..IMAGES * test.shape.len()];
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), images);
    let measured = counts(M4, &files(&model, &plans), images);
    assert_eq!(measured.len(), plans.len());
    for (plan, counts) in plans.iter().zip(&measured) {
        assert!(
            counts.scores == reference,
            "other scores than the reference's: {:?}",
            plan.choices
        );
    }
    let off = off(&plans, &measured, TUTORIAL_ERROR);
    assert!(off.is_empty(), "predicted too far off:\n{}", off.join("\n"));
}

#[test]
fn odd_networks_are_exact_and_about_as_fast_as_predicted() {
    let wrong: Vec<String> = BOARDS
        .into_iter()
        .flat_map(|(board, core)| ODD.iter().flat_map(move |odd| odd_off(board, core, odd)))
        .collect();
    assert!(wrong.is_empty(), "predicted too far off:\n{}", wrong.join("\n"));
}

/// Plans of an odd network that were predicted too far off on a core.
fn odd_off(board: Board, core: Core, odd: &Odd) -> Vec<String> {
    let model = untrained(&odd.network());
    let front =
        front(&model, &Costs::of(core, Build::Fast), Build::Fast, Loading::OnChip).expect("plans");
    let plans = spread(&front, 4);
    let mut random = tests::random_layer::Random::new(9);
    let images: Vec<u8> =
        (0..20 * model.image.len()).map(|_| random.within(0, 255) as u8).collect();
    let reference = reference_scores(&write(&model, &model.direct()).expect("a model"), &images);
    let measured = counts(board, &files(&model, &plans), &images);
    for (plan, counts) in plans.iter().zip(&measured) {
        assert!(
            counts.scores == reference,
            "{core:?}, {}: other scores than the reference's: {:?}",
            odd.name,
            plan.choices
        );
    }
    println!("{core:?}, {}:", odd.name);
    let wrong = off(&plans, &measured, ODD_ERROR);
    wrong.into_iter().map(|plan| format!("{core:?}, {}: {plan}", odd.name)).collect()
}

/// How far off the bytes of code may be.
const CODE_ERROR: f64 = 0.05;

/// The counts are those of `docs/benchmarks.json`: `cargo run --release -p tools --bin bench` makes
/// them.
#[test]
fn predictions_are_near_the_stored_counts() {
    let (model, rows) = (tutorial(), measured().plans);
    let is_of = |row: &Row, name: &str, loading: Loading| {
        row.core == name && row.built_in == (loading == Loading::BuiltIn)
    };
    for (name, _, class) in limits::CORES {
        for loading in Loading::ALL {
            let front = front_of(&model, class, loading).expect("plans");
            let plans = limits::plans(name, &front, loading);
            let counted: Vec<&Row> = rows.iter().filter(|row| is_of(row, name, loading)).collect();
            assert_eq!(counted.len(), plans.len(), "{name}, {loading:?}: rows");
            for (row, (limit, plan)) in counted.into_iter().zip(plans) {
                assert_eq!(row.plan, limit, "{name}, {loading:?}");
                check_prediction(row, plan);
            }
        }
    }
}

fn check_prediction(row: &Row, plan: &Plan) {
    let Row { core, plan: limit, built_in, instructions, code_bytes, .. } = row;
    let name = format!("{core}, {limit}, built in: {built_in}");
    let plan_code = plan.code_bytes + plan.loading.layer_bytes(plan.choices.layers.len());
    let near = |predicted: f64, counted: f64, error: f64| {
        let is_near = (predicted / counted - 1.0).abs() < error;
        assert!(is_near, "{name}: {counted}, predicted {predicted}");
    };
    near(plan.instructions, f64::from(*instructions), TUTORIAL_ERROR);
    let step = row.longest_step_instructions;
    assert!(is_near(step_error(plan, step)), "{name}: {step}, predicted {}", plan.longest_step);
    near(plan_code as f64, *code_bytes as f64, CODE_ERROR);
    let (flash, choices) = (code_bytes + plan.model_bytes, &plan.choices);
    assert!(
        flash <= limits::flash_bytes(limit),
        "{name}: {flash} bytes, {plan_code} of code were predicted: {choices:?}"
    );
}

/// Plans are counted without writing their files.
#[test]
fn the_sizes_of_a_plan_are_those_of_its_file() {
    let odd = ODD.iter().map(|odd| untrained(&odd.network()));
    for model in odd.chain([tutorial(), tutorial_with_self_test()]) {
        for loading in Loading::ALL {
            let front = front_of(&model, Core::M4, loading).expect("plans");
            for plan in spread(&front, 40) {
                let file = write(&model, &plan.choices).expect("a plan of the front");
                let mut table = ModelTable::new();
                let arena_bytes =
                    infer::Model::from_bytes(&file, &mut table).expect("a model").arena_bytes();
                assert_eq!(
                    (plan.model_bytes, plan.ram),
                    (file.len(), arena_bytes),
                    "{:?}",
                    plan.choices
                );
            }
        }
    }
}

#[test]
fn a_chip_with_little_memory_gets_a_smaller_plan_and_a_chip_with_less_is_refused_with_numbers() {
    let model = tutorial();
    let front = front(&model, &Costs::of(Core::M4, Build::Fast), Build::Fast, Loading::OnChip)
        .expect("plans");
    let choose =
        |flash: usize, ram: usize| Budget { flash: Some(flash), ram: Some(ram) }.choose(&front);
    let (large, small) =
        (choose(512 << 10, 16 << 10).expect("fits"), choose(256 << 10, 7 << 10).expect("fits"));
    assert!(front[large].instructions < front[small].instructions);
    assert!(front[small].flash <= 256 << 10 && front[small].ram <= 7 << 10);
    let message = choose(64 << 10, 16 << 10).expect_err("too small").to_string();
    assert!(message.contains("bytes of flash") && !message.contains("RAM"), "{message}");
}
