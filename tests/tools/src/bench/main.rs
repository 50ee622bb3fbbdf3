//! Measures the tutorial's network on every core class in the emulator, and on the host: `cargo run
//! --release -p tools --bin bench [CORE|host]...`; `bench page` writes the page anew from what was
//! measured last.
//!
//! For each limit of flash and working memory it takes the planner's plan, builds firmware with
//! just the parts that the plan needs, and counts. Writes `target/bench/mcu.json` and, when all
//! cores were asked for, `docs/benchmarks.json` and from it `docs/benchmarks.md`.

mod cmsis_nn;
#[path = "../code_size.rs"]
mod code_size;
mod host;
mod measured;
mod padded;
mod page;

use std::path::Path;
use std::{env, fs, process};

use code_size::code_bytes;
use measured::{Measured, Row};
use tests::firmware::{self, Board, Variant};
use tests::limits::{self, CORES};
use tests::measure::{Counts, built_in_counts, counts_of};
use tests::plans::{reference_scores, tutorial};
use trainer::data::DataDir;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;
use trainer::plan::{Loading, Plan, front_of};

/// Images that each plan answers.
const IMAGES: usize = 100;

/// Asks for the host among the cores.
const HOST: &str = "host";

/// Asks for the page alone.
const PAGE: &str = "page";

fn main() {
    let asked: Vec<String> = env::args().skip(1).collect();
    if asked == [PAGE] {
        return write_page(&last_measured());
    }
    let is_core = |asked: &&String| *asked == HOST || CORES.iter().any(|(name, ..)| name == asked);
    if let Some(unknown) = asked.iter().find(|asked| !is_core(asked)) {
        let cores = CORES.map(|(name, ..)| name).join(", ");
        eprintln!("error: {unknown}: no such core; there are {cores}, {HOST} and {PAGE}");
        process::exit(2);
    }
    let chosen = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let test =
        DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let images = &test.pixels[..IMAGES * test.shape.len()];
    let (model, mut all) = (tutorial(), vec![]);
    for (name, board, core) in CORES.into_iter().filter(|(name, ..)| chosen(name)) {
        for loading in Loading::ALL {
            let front = front_of(&model, core, loading).expect("plans");
            for (plan_name, plan) in limits::plans(name, &front, loading) {
                all.push(row((name, plan_name), board, &model, plan, images));
            }
        }
    }
    let host = host::measure(&write(&model, &model.direct()).expect("a model"), images);
    if chosen(HOST) {
        let (images, macs) = (host.images_per_second, host.macs_per_second);
        println!("host, {}: {images:.0} images/s, {macs:.3e} MAC/s", host.processor);
    }
    if all.is_empty() {
        return;
    }
    let json = serde_json::to_string_pretty(&all).expect("numbers and names");
    write_file("target/bench", "mcu.json", &json);
    if asked.is_empty() {
        let measured = Measured { plans: all, padded: padded::rows(&CORES), host };
        write_file("docs", "benchmarks.json", &measured.to_json());
        write_page(&measured);
    }
}

fn last_measured() -> Measured {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks.json");
    let json = fs::read_to_string(path).expect("docs/benchmarks.json");
    serde_json::from_str(&json).expect("docs/benchmarks.json as bench writes it")
}

fn write_page(measured: &Measured) {
    write_file("docs", "benchmarks.md", &page::text(measured));
}

/// Builds firmware for the plan and runs it.
fn row(
    (core, plan_name): (&'static str, &'static str),
    board: Board,
    model: &PlainModel,
    plan: &Plan,
    images: &[u8],
) -> Row {
    let variant = Variant { build: plan.build, features: plan.features };
    let program = fs::read(firmware::bare_program(board, variant, plan.loading))
        .expect("the program that was built");
    let file = write(model, &plan.choices).expect("a plan of the front");
    let counts = match plan.loading {
        Loading::OnChip => counts_of(board, variant, std::slice::from_ref(&file), images).remove(0),
        Loading::BuiltIn => built_in_counts(board, variant, &file, images),
    };
    let Counts { total, stack_bytes, load, load_stack_bytes, longest_step, scores, .. } = &counts;
    let layer_bytes = plan.loading.layer_bytes(plan.choices.layers.len());
    let row = Row {
        core: core.to_owned(),
        plan: plan_name.to_owned(),
        built_in: plan.loading == Loading::BuiltIn,
        layers: plan.choices.layers.iter().map(|choice| format!("{choice:?}")).collect(),
        held_rows: plan.choices.held_rows.clone(),
        opt_level: plan.build.opt_level().trim_matches('"').to_owned(),
        instructions: *total,
        load_instructions: *load,
        predicted_instructions: plan.instructions.round() as u64,
        longest_step_instructions: *longest_step,
        code_bytes: code_bytes(&program).expect("an ELF file") + layer_bytes,
        predicted_code_bytes: plan.code_bytes + layer_bytes,
        model_bytes: file.len(),
        arena_bytes: plan.ram,
        stack_bytes: *stack_bytes.max(load_stack_bytes),
        exact: *scores == reference_scores(&file, images),
    };
    println!("{}", serde_json::to_string(&row).expect("numbers and names"));
    row
}

/// Writes into a folder of the repository.
fn write_file(folder: &str, name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    fs::create_dir_all(&folder).expect("the repository can be written");
    fs::write(folder.join(name), text).expect("the repository can be written");
}
