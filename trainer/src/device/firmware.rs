//! The example firmware, built for a board with a model planned for it.

mod cargo;
mod identity;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use infer::wire::model_id;
use infer::{Model, ModelError};
use thiserror::Error;

use super::board::{Board, BoardError, UsbPort, firmware_folder};
use crate::model_file;
use crate::model_file::ModelTable;
use crate::plain_model::PlainModel;
use crate::plan::{Build, FastestError, Features, Loading, fastest, stream};
pub use cargo::built_program;
use identity::{Asked, WrongProgram};

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
    /// Cargo succeeded, and said nothing of the program.
    #[error("cargo has not said where it built {program}: is KINDLING_FIRMWARE_CARGO a cargo?")]
    NotReported {
        /// The program.
        program: String,
    },
    /// What was built is not what was asked for.
    #[error(
        "{} is not the program that was asked for: {problem}; \
         cargo clean in firmware-example has it built anew",
        elf.display()
    )]
    Wrong {
        /// The program.
        elf: PathBuf,
        /// What is wrong with it.
        problem: WrongProgram,
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

/// A built firmware, read back: its program holds the model and is for the board that were asked
/// for.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// The program.
    pub elf: PathBuf,
    /// The model in it.
    pub model: Vec<u8>,
    /// As long as this lives, nobody else builds for the board: `elf` stays what it is.
    _board: Arc<File>,
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

/// What a model is planned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Whole images.
    Images,
    /// A stream.
    Stream,
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
        Self::of(board, file, Runs::Images)
    }

    /// The model in `file`, planned for the board's core and budget and for what is asked of it.
    ///
    /// # Errors
    /// As [`Planned::new`], and a network that cannot be a stream.
    pub fn of(board: &Board, file: &[u8], runs: Runs) -> Result<Self, FirmwareError> {
        let model = PlainModel::of(
            &Model::from_bytes(file, &mut ModelTable::new()).map_err(FirmwareError::Model)?,
        );
        let (core, budget) = board.plan_target()?;
        let problem = |cause| FirmwareError::Plan { board: board.id.clone(), cause };
        let plan = match runs {
            Runs::Images => fastest(&model, core, Loading::OnChip, budget),
            Runs::Stream => stream::fastest(&model, core, Loading::OnChip, budget),
        };
        let plan = plan.map_err(problem)?;
        let file =
            model_file::write(&model, &plan.choices).map_err(|error| problem(error.into()))?;
        // Where other models may come, the firmware has all kernels, and is fast.
        let all = (Build::Fast, Features::all());
        let (build, features) = if board.lean { (plan.build, plan.features) } else { all };
        Ok(Self { model: file, build, features, line: ServerLine::Uart })
    }
}

/// Builds the firmware's `program` for `board` with the model inside, and reads both back from what
/// was built.
///
/// # Errors
/// Whatever keeps it from being built, and a program that is not the one asked for.
pub fn build(board: &Board, program: &str, planned: Planned) -> Result<Firmware, FirmwareError> {
    let root = firmware_folder().join("target/device");
    let folder = root.join(&board.id);
    let (model_file, elf) = (folder.join("model.kndl"), folder.join(format!("{program}.elf")));
    fs::create_dir_all(&folder).map_err(problem(&folder))?;
    let of_board = locked(&folder.join("lock"))?;
    write_if_new(&model_file, &planned.model).map_err(problem(&model_file))?;
    {
        // Boards with the same core are built into the same place: one build at a time, until its
        // program is copied away.
        let _build = locked(&root.join("lock"))?;
        let mut command = planned.cargo_command(board, program, &model_file)?;
        let built = cargo::run(&mut command, program, board, planned.target(board)?)?;
        fs::copy(built, &elf).map_err(problem(&elf))?;
    }
    planned.check(board, &elf)?;
    Ok(Firmware { elf, model: planned.model, _board: Arc::new(of_board) })
}

fn problem(path: &Path) -> impl Fn(io::Error) -> FirmwareError {
    let path = path.to_owned();
    move |cause| FirmwareError::Write { path: path.clone(), cause }
}

/// A file that one process has at a time, until the value is dropped.
fn locked(path: &Path) -> Result<File, FirmwareError> {
    let lock = File::create(path).map_err(problem(path))?;
    lock.lock().map_err(problem(path))?;
    Ok(lock)
}

/// A file whose time changes makes cargo build anew.
fn write_if_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) { Ok(()) } else { fs::write(path, bytes) }
}

impl Planned {
    /// The compiler's target.
    fn target<'b>(&self, board: &'b Board) -> Result<&'b str, BoardError> {
        Ok(self.line.build(board)?.target)
    }

    /// The command that builds `program` with the model in the file `model`.
    fn cargo_command(
        &self,
        board: &Board,
        program: &str,
        model: &Path,
    ) -> Result<Command, FirmwareError> {
        let line = self.line.build(board)?;
        let parts = self.features.names().into_iter().map(|name| format!("infer/{name}"));
        let features: Vec<String> =
            parts.chain(board.feature.clone()).chain(line.feature.map(str::to_owned)).collect();
        let mut command = cargo::command("build", line.target);
        command.args(["--bin", program, "--profile", self.build.profile()]);
        command.args(["--target", line.target, "--no-default-features"]);
        command.args(["--features", &features.join(",")]);
        let model = fs::canonicalize(model).map_err(problem(model))?;
        command.env("KINDLING_BOARD", &board.id).env("KINDLING_MODEL", model);
        // Cargo looks at the file's time only, which an older build may be newer than.
        command.env("KINDLING_MODEL_ID", format!("{:08x}", model_id(&self.model)));
        if let Some(cpu) = line.cpu {
            // Comes after the flags of the firmware's own configuration, and the last word on the
            // core counts.
            let target = line.target.to_uppercase().replace(['-', '.'], "_");
            command.env(format!("CARGO_TARGET_{target}_RUSTFLAGS"), format!("-Ctarget-cpu={cpu}"));
        }
        Ok(command)
    }

    /// Whether the program is the one that was to be built.
    fn check(&self, board: &Board, elf: &Path) -> Result<(), FirmwareError> {
        let asked = Asked {
            board: &board.id,
            model: &self.model,
            target: self.target(board)?,
            opt_level: self.build.opt_level().trim_matches('"'),
        };
        let bytes = fs::read(elf).map_err(problem(elf))?;
        let wrong = |problem| FirmwareError::Wrong { elf: elf.to_owned(), problem };
        asked.check(&bytes).map_err(wrong)
    }
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
