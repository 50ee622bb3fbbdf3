//! Cargo and the emulator as commands. In each of two folders one program is built at a time, and
//! what cargo built is copied: the next build replaces it, and tests run at the same time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, fs};

use infer::wire::model_id;
use tempfile::TempPath;
use trainer::device::firmware::built_program;

use super::{Board, Variant, folder};

/// A folder that cargo builds in. Programs are linked by one thread, so two of them take two cores.
struct Lane {
    /// Within the firmware's workspace.
    folder: &'static str,
    /// Held while cargo builds, and until what it built is copied.
    building: Mutex<()>,
}

/// The usual folder, and another.
static LANES: [Lane; 2] = [
    Lane { folder: "target", building: Mutex::new(()) },
    Lane { folder: "target/second", building: Mutex::new(()) },
];

impl Lane {
    /// That of a board: each compiler's target has one, as in `firmware-example/setup.sh`.
    fn of(board: Board) -> &'static Self {
        let is_first = ["thumbv6m", "thumbv7em"].iter().any(|core| board.target.starts_with(core));
        if is_first { &LANES[0] } else { &LANES[1] }
    }

    /// Alone with cargo; a thread that panicked leaves nothing half-done here.
    fn alone(&self) -> MutexGuard<'_, ()> {
        self.building.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy of a file, which goes with this value.
pub(crate) fn copied(from: &Path) -> TempPath {
    let copy = tempfile::NamedTempFile::new().expect("a temporary file").into_temp_path();
    fs::copy(from, &copy).expect("what was built can be copied");
    copy
}

/// Builds a program; a copy of it. What was built in this process is not built again: many tests
/// ask for the same program, and cargo would have to look whether it is new.
pub fn program(board: Board, mut command: Command, name: &str) -> TempPath {
    let asked = asked(&command, name);
    if let Some(program) = built(&asked) {
        return written(&program);
    }
    let _alone = Lane::of(board).alone();
    // Another thread may have built it since.
    let program = built(&asked).unwrap_or_else(|| {
        let messages = said(board, &mut command);
        let path = built_program(&messages, name).expect("cargo tells what it builds");
        let program: Program = fs::read(path).expect("what was built can be read").into();
        BUILT.lock().unwrap_or_else(PoisonError::into_inner).insert(asked, program.clone());
        program
    });
    written(&program)
}

/// An ELF file.
type Program = Arc<[u8]>;

/// What was built in this process.
static BUILT: Mutex<BTreeMap<String, Program>> = Mutex::new(BTreeMap::new());

/// The program that a command of cargo's builds, in words: its arguments and its environment.
fn asked(command: &Command, name: &str) -> String {
    let (arguments, variables) = (command.get_args(), command.get_envs());
    format!("{name}: {:?}, {:?}", arguments.collect::<Vec<_>>(), variables.collect::<Vec<_>>())
}

fn built(asked: &str) -> Option<Program> {
    BUILT.lock().unwrap_or_else(PoisonError::into_inner).get(asked).cloned()
}

fn written(program: &Program) -> TempPath {
    let copy = tempfile::NamedTempFile::new().expect("a temporary file").into_temp_path();
    fs::write(&copy, program).expect("the temporary file can be written");
    copy
}

/// What cargo said of a build that failed; `None` when it did not.
pub fn refused(board: Board, command: &mut Command) -> Option<String> {
    let _alone = Lane::of(board).alone();
    let (succeeded, _, stderr) = output(command);
    (!succeeded).then_some(stderr)
}

/// Has the firmware built with the model in a file, whatever the file's time.
pub fn with_model<'c>(command: &'c mut Command, model: &Path) -> &'c mut Command {
    let id = model_id(&fs::read(model).expect("the model's file"));
    command.env("KINDLING_MODEL", model).env("KINDLING_MODEL_ID", format!("{id:08x}"))
}

/// The emulator with a program, to which arguments can be added.
pub fn emulator(board: Board, program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(folder()).arg("qemu.sh").arg(program).env("KINDLING_BOARD", board.name);
    command
}

/// Runs a command, which must succeed; what it printed.
pub fn said(board: Board, command: &mut Command) -> String {
    let (succeeded, stdout, stderr) = output(command);
    assert!(
        succeeded,
        "the firmware for {} failed; if a tool is missing, run `./ci.sh setup`\n{stdout}{stderr}",
        board.name,
    );
    stdout
}

/// Runs a command; whether it succeeded, and what it printed.
pub fn output(command: &mut Command) -> (bool, String, String) {
    let output = command.output().expect("cargo and a shell can be started");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), said(&output.stdout), said(&output.stderr))
}

/// A cargo command for a variant of the firmware.
pub fn cargo_for(board: Board, subcommand: &str, variant: Variant, features: &[&str]) -> Command {
    let parts = variant.features.names().into_iter().map(|name| format!("infer/{name}"));
    let all: Vec<String> = features.iter().map(|name| (*name).to_owned()).chain(parts).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let mut command = cargo(board, subcommand, &all);
    command.args(["--no-default-features", "--profile", variant.build.profile()]);
    command
}

/// A cargo command for the firmware's workspace. `KINDLING_FIRMWARE_CARGO` names another cargo,
/// where rustup's Rust cannot build for Cortex-M.
pub fn cargo(board: Board, subcommand: &str, features: &[&str]) -> Command {
    let mut command =
        Command::new(env::var_os("KINDLING_FIRMWARE_CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder()).args([subcommand, "--quiet"]);
    command.args(["--target", board.target]).env("KINDLING_BOARD", board.name);
    command.env("CARGO_TARGET_DIR", folder().join(Lane::of(board).folder));
    command.arg("--message-format=json-render-diagnostics");
    // What the outer cargo sets for host crates is not meant for the firmware.
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
    command.env_remove("KINDLING_CPU");
    // Incremental builds inline less: counts and stacks would depend on who builds.
    command.env("CARGO_INCREMENTAL", "0");
    let features: Vec<&str> = features.iter().copied().chain(board.feature).collect();
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    command
}
