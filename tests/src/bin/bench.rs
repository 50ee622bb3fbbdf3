//! Measures the tutorial's network on every core class in the emulator: `cargo run --release -p tests --bin bench [CORE]...`.
//!
//! Writes `target/bench/mcu.json`: for each core and each plan a limit asks for, instructions (not cycles), bytes of code, model,
//! working memory and stack, and whether all answers were the reference's.

use std::path::Path;
use std::{env, fs};

use infer::{Model, Reference, Session};
use serde::Serialize;
use tests::code_size::flash_bytes;
use tests::firmware::{self, Board};
use tests::measure::counts;
use tests::plans::tutorial;
use trainer::data::DataDir;
use trainer::model_file::write;
use trainer::plan::{Budget, Core, Costs, Plan, front};

/// Images that each plan answers.
const IMAGES: usize = 100;

/// Name, board and cost class of each core.
const CORES: [(&str, Board, Core); 6] = [
    ("m0", firmware::M0, Core::M0),
    ("m3", firmware::M3, Core::M3),
    ("m4", firmware::M4, Core::M4),
    ("m7", firmware::M7, Core::M4),
    ("m33", firmware::M33, Core::M4),
    ("m55", firmware::M55, Core::M55),
];

#[derive(Serialize)]
struct Row {
    core: &'static str,
    plan: &'static str,
    layers: Vec<String>,
    instructions: u32,
    predicted_instructions: u64,
    code_bytes: usize,
    model_bytes: usize,
    arena_bytes: usize,
    stack_bytes: u32,
    exact: bool,
}

fn main() {
    let asked: Vec<String> = env::args().skip(1).collect();
    let chosen = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let test = DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..IMAGES * test.shape.len()];
    let cores = CORES.into_iter().filter(|(name, ..)| chosen(name));
    let rows: Vec<Row> = cores.flat_map(|(name, board, core)| rows(name, board, core, images)).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    fs::create_dir_all(&folder).expect("target/bench can be made");
    let json = serde_json::to_string_pretty(&rows).expect("numbers and names");
    fs::write(folder.join("mcu.json"), json).expect("target/bench can be written");
}

fn rows(core: &'static str, board: Board, class: Core, images: &[u8]) -> Vec<Row> {
    let model = tutorial();
    let elf = fs::read(firmware::bare_program(board)).expect("the program that was built");
    let code_bytes = flash_bytes(&elf).expect("an ELF file");
    let front = front(&model, &Costs::of(class)).expect("plans");
    let plans = named(&front);
    let files: Vec<Vec<u8>> =
        plans.iter().map(|(_, plan)| write(&model, &plan.choices).expect("a plan of the front")).collect();
    let reference = reference_scores(&files[0], images);
    let row = |(((plan_name, plan), file), counts): ((&(&'static str, &Plan), &Vec<u8>), _)| {
        let counts: tests::measure::Counts = counts;
        let row = Row {
            core,
            plan: plan_name,
            layers: plan.choices.layers.iter().map(|choice| format!("{choice:?}")).collect(),
            instructions: counts.total,
            predicted_instructions: plan.instructions.round() as u64,
            code_bytes,
            model_bytes: file.len(),
            arena_bytes: plan.ram,
            stack_bytes: counts.stack_bytes,
            exact: counts.scores == reference,
        };
        println!("{}", serde_json::to_string(&row).expect("numbers and names"));
        row
    };
    plans.iter().zip(&files).zip(counts(board, &files, images)).map(row).collect()
}

/// The plans that the limits ask for.
fn named(front: &[Plan]) -> Vec<(&'static str, &Plan)> {
    let within = |flash: usize, ram: usize| {
        let budget = Budget { flash: Some(flash << 10), ram: Some(ram << 10) };
        budget.choose(front).ok().map(|index| &front[index])
    };
    let named = [
        ("512K flash, 16K RAM", within(512, 16)),
        ("256K flash, 16K RAM", within(256, 16)),
        ("128K flash, 16K RAM", within(128, 16)),
        ("smallest RAM", front.iter().min_by_key(|plan| (plan.ram, plan.instructions as u64))),
        ("smallest flash", front.iter().min_by_key(|plan| (plan.flash, plan.instructions as u64))),
    ];
    named.into_iter().filter_map(|(name, plan)| Some((name, plan?))).collect()
}

fn reference_scores(file: &[u8], images: &[u8]) -> Vec<i8> {
    let model = Model::from_bytes(file).expect("a model");
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    let mut scores = |image| {
        let scores = session.run_with::<Reference>(image, &mut ()).expect("the model's image");
        scores.values().to_vec()
    };
    images.chunks(model.image_shape().len()).flat_map(&mut scores).collect()
}
