//! Stack and time stay within what `docs/limits.md` says.

use std::fs;
use std::sync::LazyLock;

use tests::call_graph::Program;
use tests::documented::numbers;
use tests::firmware::{self, Board, M0, M3, M4, M7, M33, M55, Variant};
use tests::measure::{Counts, built_in_counts, counts};
use tests::plans::tutorial;
use trainer::model_file::write;
use trainer::plan::{Budget, Build, Core, Loading, fastest};

/// Name, board and cost class of each core, in the order of the document's tables.
const CORES: [(&str, Board, Core); 6] = [
    ("M0", M0, Core::M0),
    ("M3", M3, Core::M3),
    ("M4", M4, Core::M4),
    ("M7", M7, Core::M4),
    ("M33", M33, Core::M33),
    ("M55", M55, Core::M55),
];

/// What a core takes for the tutorial's network.
struct Measured {
    name: &'static str,
    /// The model for any core, and the fastest plan within 512 KB of flash and 16 KB of RAM: both
    /// loaded.
    loaded: Vec<Counts>,
    /// The fastest plan within 128 KB and 16 KB, built in.
    built_in: Counts,
}

/// Both tests look at the same runs.
static MEASURED: LazyLock<Vec<Measured>> = LazyLock::new(|| CORES.map(measured).into());

fn measured((name, board, core): (&'static str, Board, Core)) -> Measured {
    let model = tutorial();
    let images = images(model.image.len());
    let fastest = |loading, flash| {
        let budget = Budget { flash: Some(flash), ram: Some(16 << 10) };
        fastest(&model, core, loading, budget).expect("a plan that fits").choices
    };
    let loaded = [model.direct(), fastest(Loading::OnChip, 512 << 10)];
    let files = loaded.map(|choices| write(&model, &choices).expect("a plan"));
    let built_in = write(&model, &fastest(Loading::BuiltIn, 128 << 10)).expect("a plan");
    let built_in = built_in_counts(board, Variant::complete(Build::Fast), &built_in, &images);
    Measured { name, loaded: counts(board, &files, &images), built_in }
}

/// Noise, all dark, all light, and a digit.
fn images(bytes: usize) -> Vec<u8> {
    let digits = fs::read(firmware::folder().join("digits/images.bin")).expect("the stored digits");
    let noise = (0..bytes as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8);
    let mut images: Vec<u8> = noise.collect();
    images.extend(vec![0; bytes]);
    images.extend(vec![255; bytes]);
    images.extend(&digits[..bytes]);
    images
}

#[test]
fn stack_stays_within_the_documented_bytes() {
    let mut exceeded = vec![];
    for Measured { name, loaded, built_in } in &*MEASURED {
        let load = loaded.iter().map(|counts| counts.load_stack_bytes).max().expect("two models");
        let run = loaded.iter().map(|counts| counts.stack_bytes).max().expect("two models");
        let built_in = built_in.stack_bytes;
        println!("| {name} | {load} | {run} | {built_in} |");
        let [load_limit, run_limit, built_in_limit, bound, built_in_bound] =
            numbers("Stack", name)[..]
        else {
            panic!("five numbers of {name}")
        };
        for (what, found, limit) in [
            ("to load", load, load_limit),
            ("to run", run, run_limit),
            ("to run what is built in", built_in, built_in_limit),
        ] {
            if found > limit {
                exceeded.push(format!("{name}: {found} bytes {what}, documented {limit}"));
            }
        }
        assert!(
            load.max(run) <= bound && built_in <= built_in_bound,
            "{name}: {load}, {run} and {built_in} measured, {bound} and {built_in_bound} must be \
                the most that is possible"
        );
    }
    assert!(exceeded.is_empty(), "more stack than docs/limits.md says:\n{}", exceeded.join("\n"));
}

#[test]
fn no_way_through_the_program_takes_more_stack_than_numbers() {
    let mut exceeded = vec![];
    for (name, board, _) in CORES {
        // The same compiler's target: the same code.
        let board = if board == M7 { M4 } else { board };
        let program = fs::read(firmware::program_with_stack_sizes(board)).expect("the program");
        let program = Program::read(&program).unwrap_or_else(|error| panic!("{name}: {error}"));
        let limits = numbers("Stack", name);
        for (entry, limit) in [("answer", limits[3]), ("answer_built_in", limits[4])] {
            let deepest = program.deepest(entry);
            let deepest = deepest.unwrap_or_else(|error| panic!("{name}: no bound: {error}"));
            println!("{name}: {entry}: at most {} bytes of stack, on this way:", deepest.bytes);
            deepest.way.iter().for_each(|(function, bytes)| println!("{bytes:>8} {function}"));
            if deepest.bytes as u32 > limit {
                exceeded.push(format!("{name}, {entry}: {}, documented {limit}", deepest.bytes));
            }
        }
    }
    assert!(exceeded.is_empty(), "more stack than docs/limits.md says:\n{}", exceeded.join("\n"));
}

#[test]
fn every_image_takes_the_same_time_to_within_the_documented_spread() {
    for Measured { name, loaded, built_in } in &*MEASURED {
        let spread: Vec<u32> =
            loaded.iter().chain([built_in]).map(|counts| spread(name, counts)).collect();
        let row: Vec<String> = spread.iter().map(u32::to_string).collect();
        println!("| {name} | {} |", row.join(" | "));
        let limits = numbers("Time", name);
        assert_eq!(limits.len(), spread.len(), "{name}: numbers in docs/limits.md");
        for (found, limit) in spread.iter().zip(&limits) {
            assert!(
                found <= limit,
                "{name}: images differ by {found} of 10,000, docs/limits.md says {limit}"
            );
        }
    }
}

/// Difference of the slowest and the fastest image in parts of 10,000.
fn spread(name: &str, counts: &Counts) -> u32 {
    let least = *counts.image_instructions.iter().min().expect("four images");
    let most = *counts.image_instructions.iter().max().expect("four images");
    println!("{name}: {least} to {most} instructions");
    ((most - least) as u64 * 10_000).div_ceil(most as u64) as u32
}
