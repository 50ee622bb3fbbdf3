//! The example firmware, built for a board with a model planned for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use infer::{Model, ModelError};
use thiserror::Error;

use super::board::{Board, BoardError, UsbPort, firmware_folder};
use crate::model_file;
use crate::plain_model::PlainModel;
use crate::plan::{Build, FastestError, Features, Loading, fastest};

/// Names another cargo for the firmware, where rustup's Rust cannot build for Cortex-M: see
/// `ci.sh`.
const CARGO_VARIABLE: &str = "KINDLING_FIRMWARE_CARGO";

/// The firmware's feature that makes the debug probe the line.
const RTT: &str = "rtt";

/// Why there is no firmware.
#[derive(Debug, Error)]
pub enum FirmwareError {
    /// The board.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The model file is none.
    #[error("the model is refused: {0}")]
    Model(ModelError),
    /// The model does not fit.
    #[error("{board}: {cause}; the board's board.toml states its limits")]
    Plan {
        /// The board.
        board: String,
        /// By how much.
        cause: FastestError,
    },
    /// Files in between.
    #[error("{}: cannot be written: {cause}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Cargo cannot be started.
    #[error("{cargo} cannot be started: {cause}")]
    NoCargo {
        /// The program.
        cargo: String,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Cargo failed.
    #[error(
        "the firmware for {board} cannot be built; if the compiler's target is missing: ./ci.sh \
            setup, or rustup target add {target}\n{said}"
    )]
    Build {
        /// The board.
        board: String,
        /// The compiler's target.
        target: String,
        /// The end of what cargo said.
        said: String,
    },
}

/// A built firmware.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// The program.
    pub elf: PathBuf,
    /// The model in it.
    pub model: Vec<u8>,
}

/// A model planned for a board, and the firmware that the plan asks for.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The model file.
    pub model: Vec<u8>,
    build: Build,
    features: Features,
    /// What the server talks over.
    pub line: ServerLine,
}

/// What the server talks over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerLine {
    /// The board's serial line.
    Uart,
    /// A debug probe.
    Rtt,
    /// The chip's own USB port.
    Usb,
}

/// What of a build depends on the line.
struct LineBuild<'b> {
    feature: Option<&'b str>,
    target: &'b str,
    /// The core, where it is not the one that the firmware's configuration compiles the target for.
    cpu: Option<&'b str>,
}

impl Planned {
    /// The model in `file`, planned for the board's core and budget, with the same answers.
    ///
    /// # Errors
    /// A file that is no model, or a board that is too small for it.
    pub fn new(board: &Board, file: &[u8]) -> Result<Self, FirmwareError> {
        let model = PlainModel::of(&Model::from_bytes(file).map_err(FirmwareError::Model)?);
        let (core, budget) = board.plan_target()?;
        let problem = |cause| FirmwareError::Plan { board: board.id.clone(), cause };
        let plan = fastest(&model, core, Loading::OnChip, budget).map_err(problem)?;
        let file =
            model_file::write(&model, &plan.choices).map_err(|error| problem(error.into()))?;
        // Where other models may come, the firmware has all kernels, and is fast.
        let all = (Build::Fast, Features::all());
        let (build, features) = if board.lean { (plan.build, plan.features) } else { all };
        Ok(Self { model: file, build, features, line: ServerLine::Uart })
    }
}

/// Builds the firmware's `program` for `board` with the model inside.
///
/// # Errors
/// Whatever keeps it from being built.
pub fn build(board: &Board, program: &str, planned: Planned) -> Result<Firmware, FirmwareError> {
    let root = firmware_folder();
    let folder = root.join("target/device").join(&board.id);
    let (model_file, elf) = (folder.join("model.kndl"), folder.join(format!("{program}.elf")));
    let problem = |path: &Path| {
        let path = path.to_owned();
        move |cause| FirmwareError::Write { path, cause }
    };
    fs::create_dir_all(&folder).map_err(problem(&folder))?;
    // Boards with the same core are built into the same place: one build at a time, until its
    // program is copied away.
    let lock_path = root.join("target/device/lock");
    let lock = fs::File::create(&lock_path).map_err(problem(&lock_path))?;
    lock.lock().map_err(problem(&lock_path))?;
    write_if_new(&model_file, &planned.model).map_err(problem(&model_file))?;
    let line = planned.line.build(board)?;
    run_cargo(board, program, &planned, &line, &model_file)?;
    let built = root.join("target").join(line.target).join(planned.build.profile()).join(program);
    fs::copy(built, &elf).map_err(problem(&elf))?;
    Ok(Firmware { elf, model: planned.model })
}

/// A file whose time changes makes cargo build anew.
fn write_if_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) { Ok(()) } else { fs::write(path, bytes) }
}

impl ServerLine {
    fn build(self, board: &Board) -> Result<LineBuild<'_>, BoardError> {
        let target = &*board.target;
        Ok(match self {
            Self::Uart => LineBuild { feature: None, target, cpu: None },
            Self::Rtt => LineBuild { feature: Some(RTT), target, cpu: None },
            Self::Usb => board.usb_port()?.build(target),
        })
    }
}

impl UsbPort {
    fn build<'b>(&'b self, board_target: &'b str) -> LineBuild<'b> {
        let target = self.target.as_deref().unwrap_or(board_target);
        LineBuild { feature: Some(&self.feature), target, cpu: self.cpu.as_deref() }
    }
}

fn run_cargo(
    board: &Board,
    program: &str,
    planned: &Planned,
    line: &LineBuild<'_>,
    model: &Path,
) -> Result<(), FirmwareError> {
    let cargo = env::var(CARGO_VARIABLE).unwrap_or_else(|_| "cargo".to_owned());
    let parts = planned.features.names().into_iter().map(|name| format!("infer/{name}"));
    let features: Vec<String> =
        parts.chain(board.feature.clone()).chain(line.feature.map(str::to_owned)).collect();
    let mut command = Command::new(&cargo);
    command.current_dir(firmware_folder()).args(["build", "--quiet", "--bin", program]);
    command.args(["--profile", planned.build.profile(), "--target", line.target]);
    command.args(["--no-default-features", "--features", &features.join(",")]);
    let model = fs::canonicalize(model).unwrap_or_else(|_| model.to_owned());
    command.env("KINDLING_BOARD", &board.id).env("KINDLING_MODEL", model);
    // What an outer cargo sets for host crates is not meant for the firmware.
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
    if let Some(cpu) = line.cpu {
        // Comes behind the flags of the firmware's own configuration, and the last word on the core
        // counts.
        let target = line.target.to_uppercase().replace(['-', '.'], "_");
        command.env(format!("CARGO_TARGET_{target}_RUSTFLAGS"), format!("-Ctarget-cpu={cpu}"));
    }
    let output = command.output().map_err(|cause| FirmwareError::NoCargo { cargo, cause })?;
    if output.status.success() {
        return Ok(());
    }
    let (board, target) = (board.id.clone(), line.target.to_owned());
    Err(FirmwareError::Build {
        board,
        target,
        said: last_lines(&String::from_utf8_lossy(&output.stderr)),
    })
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
