//! Builds the example firmware with a given model and runs it in QEMU on a file of images.

pub(crate) mod cargo;

use std::fs;
use std::path::{Path, PathBuf};

use cargo::{cargo, cargo_for, emulator, output, program, refused, said, with_model};
use tempfile::TempPath;
use trainer::plan::{Build, Features, Loading};

/// Bytes that hold the instructions of a run, after the scores.
const INSTRUCTION_BYTES: usize = 4;

/// A board that the emulator has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// As `KINDLING_BOARD` takes it.
    pub name: &'static str,
    /// The compiler's target.
    pub target: &'static str,
    /// Feature of the firmware that names the core, where the target does not.
    pub feature: Option<&'static str>,
}

/// Armv6-M code, as on a Cortex-M0, on a machine with more memory than those have.
pub const M0: Board = Board { name: "mps2-an385", target: "thumbv6m-none-eabi", feature: None };

/// The emulated Cortex-M3.
pub const M3: Board = Board { name: "mps2-an385", target: "thumbv7m-none-eabi", feature: None };

/// The emulated Cortex-M4.
pub const M4: Board = Board { name: "mps2-an386", target: "thumbv7em-none-eabihf", feature: None };

/// The emulated Cortex-M7.
pub const M7: Board = Board { name: "mps2-an500", target: "thumbv7em-none-eabihf", feature: None };

/// The emulated Cortex-M33. Its target is the one without FPU: the other is built for a Cortex-M55,
/// with instructions that an M33 has not.
pub const M33: Board =
    Board { name: "mps2-an505", target: "thumbv8m.main-none-eabi", feature: Some("cortex-m33") };

/// The emulated Cortex-M55.
pub const M55: Board =
    Board { name: "mps3-an547", target: "thumbv8m.main-none-eabihf", feature: Some("cortex-m55") };

/// One emulated board of each core class that the firmware runs on: M0, M3, M4, M7, M33, M55.
pub const EVERY_CORE: [Board; 6] = [
    Board { name: "microbit", target: "thumbv6m-none-eabi", feature: None },
    M3,
    M4,
    Board { name: "mps2-an500", target: "thumbv7em-none-eabihf", feature: None },
    Board { name: "mps2-an505", target: "thumbv8m.main-none-eabi", feature: Some("cortex-m33") },
    M55,
];

/// How the firmware is built: which parts of `infer` it has, and how it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// How it is compiled.
    pub build: Build,
    /// The parts of `infer`.
    pub features: Features,
}

impl Variant {
    /// With all parts.
    pub fn complete(build: Build) -> Self {
        Self { build, features: Features::all() }
    }
}

/// What the chip said of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipAnswer {
    /// The int8 scores.
    pub scores: Vec<i8>,
    /// Instructions of the run, to within one tick of the counter.
    pub instructions: u32,
}

/// Builds the firmware for `board` with `model` compiled in, and lets it answer `images`, raw and
/// one after the other.
///
/// # Panics
/// With what went wrong and what to do, when the firmware cannot be built or run: a parity test
/// without a chip is no test.
pub fn answers(board: Board, model: &Path, images: &[u8], classes: usize) -> Vec<ChipAnswer> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (from, to) = (folder.path().join("images"), folder.path().join("answers"));
    fs::write(&from, images).expect("the temporary folder can be written");
    run(board, model, &[&from, &to]);
    let answers = fs::read(&to).expect("the firmware wrote its answers");
    let answer = |bytes: &[u8]| {
        let (scores, instructions) = bytes.split_at(classes);
        ChipAnswer {
            scores: scores.iter().map(|score| *score as i8).collect(),
            instructions: u32::from_le_bytes(instructions.try_into().expect("four bytes")),
        }
    };
    answers.chunks_exact(classes + INSTRUCTION_BYTES).map(answer).collect()
}

/// Builds and runs the firmware; what it printed.
///
/// # Panics
/// As [`answers`].
pub fn run(board: Board, model: &Path, arguments: &[&Path]) -> String {
    let program = example(board, model);
    said(board, emulator(board, &program).args(arguments))
}

/// Builds and runs the firmware, which must end with a failure; what it printed.
///
/// # Panics
/// When the firmware succeeds.
pub fn run_refused(board: Board, model: &Path, arguments: &[&Path]) -> String {
    let program = example(board, model);
    let (succeeded, stdout, _) = output(emulator(board, &program).args(arguments));
    assert!(!succeeded, "the firmware for {} accepted {arguments:?}\n{stdout}", board.name);
    stdout
}

fn example(board: Board, model: &Path) -> TempPath {
    let is_small = board == EVERY_CORE[0];
    let (profile, features): (_, &[&str]) =
        if is_small { (Build::Small, &[]) } else { (Build::Fast, &[IMPORTED]) };
    let mut command = cargo(board, "build", features);
    with_model(&mut command, model).args(["--profile", profile.profile()]);
    command.args(["--bin", "firmware-example"]);
    program(board, command, "firmware-example")
}

/// Builds the firmware with a model that it must refuse; what cargo said.
///
/// # Panics
/// When it is built.
pub fn build_refused(board: Board, model: &Path) -> String {
    let mut command = cargo(board, "build", &[]);
    let said = refused(board, command.arg("--release").env("KINDLING_MODEL", model));
    said.unwrap_or_else(|| panic!("the firmware for {} was built with a bad model", board.name))
}

/// Builds the program of [`measure_built_in`]; what cargo said when it could not be built.
///
/// # Panics
/// When cargo cannot be started.
pub fn built_in_refused(board: Board, variant: Variant, model: &Path) -> Option<String> {
    let mut command = cargo_for(board, "build", variant, &["measure"]);
    refused(board, with_model(&mut command, model).args(["--bin", "built_in"]))
}

/// Feature of the firmware for imported networks: every emulated board has room for it but the
/// micro:bit.
const IMPORTED: &str = "imported";

/// Most seconds of an emulator that answers ten thousand images: two hours.
const LONG_RUN_SECONDS: &str = "7200";

/// Builds the program of [`measure`]; its ELF file.
///
/// # Panics
/// As [`answers`].
pub fn measuring_program(board: Board, variant: Variant) -> TempPath {
    let mut command = cargo_for(board, "build", variant, &["measure"]);
    command.args(["--bin", "measure"]);
    program(board, command, "measure")
}

/// Builds the program of [`measure_built_in`]; its ELF file.
///
/// # Panics
/// As [`answers`].
pub fn built_in_program(board: Board, variant: Variant, model: &Path) -> TempPath {
    let mut command = cargo_for(board, "build", variant, &["measure"]);
    with_model(&mut command, model).args(["--bin", "built_in"]);
    program(board, command, "built_in")
}

/// Runs one of these two, told to count nothing, in an emulator that cannot count and is faster for
/// it.
///
/// # Panics
/// When it fails.
pub fn run_without_counting(board: Board, program: &Path, arguments: &[&Path]) {
    let mut command = emulator(board, program);
    command.args(arguments).env("KINDLING_EMULATOR_COUNTS", "no");
    command.env("KINDLING_EMULATOR_SECONDS", LONG_RUN_SECONDS);
    said(board, &mut command);
}

/// Builds and runs the program that measures many models: see `firmware-example/src/bin/measure.rs`
/// for its arguments.
///
/// # Panics
/// As [`answers`].
pub fn measure(board: Board, variant: Variant, arguments: &[&Path]) -> String {
    let program = measuring_program(board, variant);
    said(board, emulator(board, &program).args(arguments))
}

/// Builds and runs the program that measures the one model that is built in: see
/// `firmware-example/src/bin/built_in.rs` for its arguments.
///
/// # Panics
/// As [`answers`].
pub fn measure_built_in(
    board: Board,
    variant: Variant,
    model: &Path,
    arguments: &[&Path],
) -> String {
    let program = built_in_program(board, variant, model);
    said(board, emulator(board, &program).args(arguments))
}

/// Builds and runs the program that runs models of any origin between guards, in a profile of the
/// firmware's: see `firmware-example/src/bin/fenced.rs` for its arguments. Whether it came to its
/// end, and what it printed.
///
/// # Panics
/// When it cannot be built.
pub fn fenced(board: Board, profile: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = cargo(board, "build", &["measure", IMPORTED]);
    command.args(["--profile", profile, "--bin", "fenced"]);
    let program = program(board, command, "fenced");
    let mut command = emulator(board, &program);
    let (ended, stdout, stderr) =
        output(command.args(arguments).env("KINDLING_EMULATOR_COUNTS", "no"));
    (ended, stdout + &stderr)
}

/// The program that runs a model, loads it before unless it is built in, and does nothing else: its
/// ELF file. Its size is the code size of plans.
///
/// # Panics
/// As [`answers`].
pub fn bare_program(board: Board, variant: Variant, loading: Loading) -> TempPath {
    let name = match loading {
        Loading::OnChip => "bare",
        Loading::BuiltIn => "bare_network",
    };
    let mut command = cargo_for(board, "build", variant, &[]);
    command.args(["--bin", name]);
    program(board, command, name)
}

/// Builds the program that does with a stream what [`bare_program`] does with a model.
///
/// # Panics
/// As [`answers`].
pub fn bare_stream_program(board: Board, variant: Variant) -> TempPath {
    let mut command = cargo_for(board, "build", variant, &[]);
    command.args(["--bin", "bare_stream"]);
    program(board, command, "bare_stream")
}

/// Builds and runs the program that follows a stream: see `firmware-example/src/bin/follow.rs` for
/// its arguments.
///
/// # Panics
/// As [`answers`].
pub fn follow(board: Board, variant: Variant, arguments: &[&Path]) -> String {
    let mut command = cargo_for(board, "build", variant, &["measure"]);
    command.args(["--bin", "follow"]);
    let program = program(board, command, "follow");
    said(board, emulator(board, &program).args(arguments))
}

/// Builds the program that updates its model and lets it install `new` in place of `factory`;
/// whether it did, and what it printed.
///
/// # Panics
/// When it cannot be built.
pub fn update(board: Board, factory: &Path, new: &Path) -> (bool, String) {
    let mut command = cargo(board, "build", &["update"]);
    with_model(&mut command, factory).args(["--release", "--bin", "update"]);
    let program = program(board, command, "update");
    let (did, stdout, _) = output(emulator(board, &program).arg(new));
    (did, stdout)
}

/// Builds the program that tries the flash driver of Nordic's chips and lets it install `model` on
/// the emulated micro:bit; whether it did, and what it printed.
///
/// # Panics
/// When it cannot be built.
pub fn nvmc(model: &Path) -> (bool, String) {
    let board = EVERY_CORE[0];
    let mut command = cargo(board, "build", &["update"]);
    with_model(&mut command, model).args(["--release", "--bin", "nvmc"]);
    let program = program(board, command, "nvmc");
    let (did, stdout, stderr) = output(&mut emulator(board, &program));
    (did, stdout + &stderr)
}

/// The program of the no-panic proof with the compiler's word on the frame of each function: its
/// ELF file.
///
/// # Panics
/// As [`answers`].
pub fn program_with_stack_sizes(board: Board) -> TempPath {
    program_that_may_panic(board, &["prove-no-panic", IMPORTED])
}

/// The program of the no-panic proof with these features added, linked whether a panic is
/// reachable or not.
///
/// # Panics
/// As [`answers`].
pub fn program_that_may_panic(board: Board, features: &[&str]) -> TempPath {
    let mut command = cargo(board, "rustc", features);
    // Build scripts look at this variable: in the usual folder all would be compiled anew, now and
    // without it the next time.
    command.env("RUSTC_BOOTSTRAP", "1").args(["--target-dir", "target/stack-sizes"]);
    command.args(["--release", "--bin", "no_panic", "--"]);
    command.args(["-C", "link-arg=--defsym=a_panic_is_reachable=0", "-Z", "emit-stack-sizes"]);
    program(board, command, "no_panic")
}

/// The firmware's workspace.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-example")
}
