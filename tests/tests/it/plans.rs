//! Plans on the emulated chip: each gives the reference's scores, byte for byte, and takes as many
//! instructions as was predicted.
//!
//! `KINDLING_PARITY_PLANS=all` runs every plan of the front rather than a spread of them.

use std::env;

use tests::firmware::{Board, M0, M3, M4, M33, M55};
use tests::limits;
use tests::measure::counts;
use tests::networks::{ODD, Odd};
use tests::plans::{reference_scores, spread, tutorial, tutorial_with_self_test, untrained};
use trainer::data::DataDir;
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;
use trainer::plan::{Budget, Build, Core, Costs, Loading, Plan, front, front_of};

/// Images that every plan answers.
const IMAGES: usize = 100;

/// Plans of a front, unless all are asked for.
const PLANS: usize = 12;

/// How far off a prediction may be: for the tutorial's network, and for odd ones.
const TUTORIAL_ERROR: f64 = 0.05;
const ODD_ERROR: f64 = 0.15;

/// A board of each class of cores.
const BOARDS: [(Board, Core); 5] =
    [(M0, Core::M0), (M3, Core::M3), (M4, Core::M4), (M33, Core::M33), (M55, Core::M55)];

fn files(model: &PlainModel, plans: &[&Plan]) -> Vec<Vec<u8>> {
    plans.iter().map(|plan| write(model, &plan.choices).expect("a plan of the front")).collect()
}

/// Plans that were predicted too far off.
fn off(plans: &[&Plan], totals: impl Iterator<Item = u32>, most: f64) -> Vec<String> {
    let error = |(plan, total): (&&Plan, u32)| {
        let error = plan.instructions / total as f64 - 1.0;
        println!(
            "{total:>10} instructions, prediction {:+.1} %: {:?}",
            100.0 * error,
            plan.choices
        );
        (error.abs() > most)
            .then(|| format!("{:?}: {total}, predicted {}", plan.choices, plan.instructions))
    };
    plans.iter().zip(totals).filter_map(error).collect()
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
    let off = off(&plans, measured.iter().map(|counts| counts.total), TUTORIAL_ERROR);
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
    let wrong = off(&plans, measured.iter().map(|counts| counts.total), ODD_ERROR);
    wrong.into_iter().map(|plan| format!("{core:?}, {}: {plan}", odd.name)).collect()
}

/// How far off the bytes of code may be.
const CODE_ERROR: f64 = 0.05;

/// Counted by `cargo run --release -p tools --bin bench`: core, limit, instructions, bytes of code.
const COUNTED: [(&str, Core, Loading, &str, u32, usize); 43] = [
    ("m0", Core::M0, Loading::OnChip, "512K flash, 16K RAM", 2_864_000, 43_668),
    ("m0", Core::M0, Loading::OnChip, "256K flash, 16K RAM", 3_759_640, 28_664),
    ("m0", Core::M0, Loading::OnChip, "128K flash, 16K RAM", 7_190_400, 23_128),
    (
        "m0",
        Core::M0,
        Loading::OnChip,
        "256K flash, 16K RAM with stack and image",
        3_759_640,
        28_664,
    ),
    ("m0", Core::M0, Loading::OnChip, "smallest RAM", 10_864_640, 29_924),
    ("m0", Core::M0, Loading::OnChip, "smallest flash", 13_959_960, 20_792),
    ("m0", Core::M0, Loading::BuiltIn, "128K flash, 16K RAM", 4_427_400, 26_452),
    ("m0", Core::M0, Loading::BuiltIn, "smallest RAM", 10_864_640, 13_512),
    ("m0", Core::M0, Loading::BuiltIn, "smallest flash", 13_838_440, 8_200),
    ("m3", Core::M3, Loading::OnChip, "512K flash, 16K RAM", 1_367_680, 42_320),
    ("m3", Core::M3, Loading::OnChip, "256K flash, 16K RAM", 1_685_880, 28_532),
    ("m3", Core::M3, Loading::OnChip, "128K flash, 16K RAM", 3_397_440, 23_108),
    ("m3", Core::M3, Loading::OnChip, "128K flash, 8K RAM with stack and image", 6_711_520, 21_768),
    ("m3", Core::M3, Loading::OnChip, "smallest RAM", 6_485_640, 30_412),
    ("m3", Core::M3, Loading::OnChip, "smallest flash", 5_712_640, 19_780),
    ("m3", Core::M3, Loading::BuiltIn, "128K flash, 16K RAM", 2_357_880, 21_396),
    (
        "m3",
        Core::M3,
        Loading::BuiltIn,
        "128K flash, 8K RAM with stack and image",
        4_831_080,
        13_972,
    ),
    ("m3", Core::M3, Loading::BuiltIn, "smallest RAM", 6_485_760, 12_684),
    ("m3", Core::M3, Loading::BuiltIn, "smallest flash", 5_712_160, 6_536),
    ("m4", Core::M4, Loading::OnChip, "512K flash, 16K RAM", 545_640, 44_616),
    ("m4", Core::M4, Loading::OnChip, "256K flash, 16K RAM", 812_200, 30_152),
    ("m4", Core::M4, Loading::OnChip, "128K flash, 16K RAM", 1_288_160, 27_236),
    ("m4", Core::M4, Loading::OnChip, "smallest RAM", 6_381_720, 29_192),
    ("m4", Core::M4, Loading::OnChip, "smallest flash", 7_864_000, 19_828),
    ("m4", Core::M4, Loading::BuiltIn, "128K flash, 16K RAM", 1_114_560, 20_176),
    ("m4", Core::M4, Loading::BuiltIn, "smallest RAM", 6_381_840, 12_220),
    ("m4", Core::M4, Loading::BuiltIn, "smallest flash", 7_863_520, 6_512),
    ("m33", Core::M33, Loading::OnChip, "512K flash, 16K RAM", 546_150, 44_816),
    ("m33", Core::M33, Loading::OnChip, "256K flash, 16K RAM", 813_700, 29_040),
    ("m33", Core::M33, Loading::OnChip, "128K flash, 16K RAM", 1_148_300, 27_084),
    ("m33", Core::M33, Loading::OnChip, "smallest RAM", 6_415_100, 29_512),
    ("m33", Core::M33, Loading::OnChip, "smallest flash", 5_712_650, 19_784),
    ("m33", Core::M33, Loading::BuiltIn, "128K flash, 16K RAM", 1_113_400, 20_064),
    ("m33", Core::M33, Loading::BuiltIn, "smallest RAM", 6_415_250, 12_388),
    ("m33", Core::M33, Loading::BuiltIn, "smallest flash", 5_712_150, 6_536),
    ("m55", Core::M55, Loading::OnChip, "512K flash, 32K RAM", 341_187, 29_380),
    ("m55", Core::M55, Loading::OnChip, "256K flash, 16K RAM", 341_187, 29_380),
    ("m55", Core::M55, Loading::OnChip, "128K flash, 16K RAM", 356_062, 21_712),
    ("m55", Core::M55, Loading::OnChip, "smallest RAM", 1_639_062, 26_456),
    ("m55", Core::M55, Loading::OnChip, "smallest flash", 4_358_000, 19_684),
    ("m55", Core::M55, Loading::BuiltIn, "128K flash, 16K RAM", 341_187, 11_708),
    ("m55", Core::M55, Loading::BuiltIn, "smallest RAM", 1_639_062, 9_464),
    ("m55", Core::M55, Loading::BuiltIn, "smallest flash", 4_357_562, 6_676),
];

#[test]
fn predictions_are_near_the_stored_counts() {
    let model = tutorial();
    for (class, loading) in
        Core::ALL.into_iter().flat_map(|core| Loading::ALL.map(|loading| (core, loading)))
    {
        let front = front_of(&model, class, loading).expect("plans");
        for (core, _, _, limit, instructions, code) in
            COUNTED.into_iter().filter(|row| (row.1, row.2) == (class, loading))
        {
            let plans = limits::plans(core, &front, loading);
            let (_, plan) =
                plans.iter().find(|(name, _)| *name == limit).expect("a plan for the limit");
            let plan_code = plan.code_bytes + loading.layer_bytes(plan.choices.layers.len());
            let near = |predicted: f64, counted: f64, error: f64| {
                let is_near = (predicted / counted - 1.0).abs() < error;
                assert!(is_near, "{core}, {loading:?}, {limit}: {counted}, predicted {predicted}");
            };
            near(plan.instructions, instructions.into(), TUTORIAL_ERROR);
            near(plan_code as f64, code as f64, CODE_ERROR);
            assert!(
                code + plan.model_bytes <= limits::flash_bytes(limit),
                "{core}, {loading:?}: not within {limit}"
            );
        }
    }
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
