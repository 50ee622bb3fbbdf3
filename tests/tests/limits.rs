//! Stack and time stay within what `docs/limits.md` says.

use std::fs;
use std::path::Path;

use tests::call_graph::Program;
use tests::firmware::{self, Board, EVERY_CORE, M0, M3, M4, M7, M33, M55};
use tests::measure::counts;
use tests::plans::tutorial;
use trainer::model_file::write;
use trainer::plan::{Budget, Core, Loading, front_of};

/// Name, board and cost class of each core, in the order of the document's tables.
const CORES: [(&str, Board, Core); 6] = [
    ("M0", M0, Core::M0),
    ("M3", M3, Core::M3),
    ("M4", M4, Core::M4),
    ("M7", M7, Core::M4),
    ("M33", M33, Core::M33),
    ("M55", M55, Core::M55),
];

/// Left out of the time test, whose firmware is built for each model, unless `KINDLING_LIMITS=all`.
const SAME_KERNELS_AS_M4: [&str; 2] = ["M7", "M33"];

fn all_cores() -> bool {
    std::env::var("KINDLING_LIMITS").is_ok_and(|value| value == "all")
}

/// The numbers of the row that begins with `| name |` in the section `heading` of the document.
fn documented(heading: &str, name: &str) -> Vec<u32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md");
    let text = fs::read_to_string(path).expect("docs/limits.md");
    let section = text.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let row = section.lines().find(|line| line.starts_with(&format!("| {name} |"))).expect("the row");
    let number = |cell: &str| cell.trim().replace(',', "").parse().ok();
    row.split('|').filter_map(number).collect()
}

#[test]
fn stack_stays_within_the_documented_bytes() {
    let model = tutorial();
    for (name, board, core) in CORES {
        let plans = front_of(&model, core, Loading::OnChip).expect("plans");
        let fastest =
            &plans[Budget { flash: Some(512 << 10), ram: Some(16 << 10) }.choose(&plans).expect("fits")];
        let files =
            [model.direct(), fastest.choices.clone()].map(|choices| write(&model, &choices).expect("a plan"));
        let measured = counts(board, &files, &[]);
        let load = measured.iter().map(|counts| counts.load_stack_bytes).max().expect("two models");
        let run = measured.iter().map(|counts| counts.stack_bytes).max().expect("two models");
        println!("| {name} | {load} | {run} |");
        let [load_limit, run_limit, bound] = documented("Stack", name)[..] else {
            panic!("three numbers of {name}")
        };
        assert!(
            load <= load_limit,
            "{name}: {load} bytes of stack to load, docs/limits.md says {load_limit}"
        );
        assert!(run <= run_limit, "{name}: {run} bytes of stack to run, docs/limits.md says {run_limit}");
        assert!(
            load.max(run) <= bound,
            "{name}: {load} and {run} measured, {bound} ought to be the most there can be"
        );
    }
}

#[test]
fn no_way_through_the_program_takes_more_stack_than_documented() {
    for (name, board, _) in CORES {
        let program = fs::read(firmware::program_with_stack_sizes(board)).expect("the program");
        let deepest = Program::read(&program).and_then(|program| program.deepest("answer"));
        let deepest = deepest.unwrap_or_else(|error| panic!("{name}: no bound: {error}"));
        println!("{name}: at most {} bytes of stack, on this way:", deepest.bytes);
        deepest.way.iter().for_each(|(function, bytes)| println!("{bytes:>8} {function}"));
        let limit = documented("Stack", name)[2];
        assert!(
            deepest.bytes as u32 <= limit,
            "{name}: {} bytes, docs/limits.md says {limit}",
            deepest.bytes
        );
    }
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
fn every_image_takes_the_same_time_to_within_the_documented_spread() {
    let model = tutorial();
    let images = images(model.image.len());
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (board, (name, _, core)) in EVERY_CORE.into_iter().zip(CORES) {
        if SAME_KERNELS_AS_M4.contains(&name) && !all_cores() {
            continue;
        }
        let plans = front_of(&model, core, Loading::OnChip).expect("plans");
        let fastest =
            &plans[Budget { flash: Some(512 << 10), ram: Some(16 << 10) }.choose(&plans).expect("fits")];
        let mut spread = Vec::new();
        for choices in [model.direct(), fastest.choices.clone()] {
            let path = folder.path().join("model.kndl");
            fs::write(&path, write(&model, &choices).expect("a plan")).expect("the folder can be written");
            if board.name == "microbit" && fs::metadata(&path).expect("the model").len() > 150_000 {
                spread.push(0); // larger than the chip's flash
                continue;
            }
            let answers = firmware::answers(board, &path, &images, 10);
            let least = answers.iter().map(|answer| answer.instructions).min().expect("answers");
            let most = answers.iter().map(|answer| answer.instructions).max().expect("answers");
            println!("{name}: {least} to {most} instructions");
            spread.push(((most - least) as u64 * 10_000).div_ceil(most as u64) as u32);
        }
        println!("| {name} | {} | {} |", spread[0], spread[1]);
        let limits = documented("Time", name);
        for (found, limit) in spread.iter().zip(&limits) {
            assert!(
                found <= limit,
                "{name}: images differ by {found} of 10,000, docs/limits.md says {limit}"
            );
        }
        assert_eq!(limits.len(), spread.len(), "{name}: numbers in docs/limits.md");
    }
}
