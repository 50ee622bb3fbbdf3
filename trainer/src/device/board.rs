//! The boards of the example firmware: each has a folder with a `board.toml`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;

use crate::plan::{Budget, Core};

/// What `board.toml` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The folder's name, which is the board's.
    #[serde(skip)]
    pub id: String,
    /// The board, for people.
    pub name: String,
    /// Its core, as `--core` takes it.
    pub core: String,
    /// The compiler's target.
    pub target: String,
    /// Another target whose code the core runs: only the firmware's build script asks.
    pub also_runs: Option<String>,
    /// The firmware's feature that names the core, where the target does not.
    pub feature: Option<String>,
    /// Clock of the core as the firmware runs it: a number of MHz, and a remark.
    pub clock: String,
    /// Whether the firmware holds only the kernels that its model's plan needs, compiled as the
    /// plan says: for boards whose flash has no room for all of them, and that take no other model.
    #[serde(default)]
    pub lean: bool,
    /// What the planner may use.
    pub plan: PlanLimits,
    /// How the board is flashed; absent for those that only an emulator has.
    pub flash: Option<Flash>,
    /// The emulator's machine, if it has one.
    pub emulator: Option<Machine>,
    /// The chip's own USB port, where the board has a connector for it.
    pub usb: Option<UsbPort>,
}

/// What the planner may use.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanLimits {
    /// For the model and the code that runs it, units of 1,024 bytes.
    pub flash_kib: usize,
    /// For working memory, units of 1,024 bytes.
    pub ram_kib: f64,
}

/// How a board is flashed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// The chip's name for `probe-rs`.
    pub probe_rs: Option<String>,
    /// The family for `picotool`, on boards that take UF2 files over USB.
    pub uf2: Option<String>,
}

/// What a server needs that talks over the chip's own USB port.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsbPort {
    /// The firmware's feature.
    pub feature: String,
    /// The compiler's target, where it is not the board's.
    pub target: Option<String>,
    /// The core, where the firmware compiles that target for another.
    pub cpu: Option<String>,
}

/// A machine of the emulator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// As QEMU's `-M` takes it.
    pub machine: String,
    /// Further options of QEMU, for a machine that has not all of the board.
    #[serde(default)]
    pub options: Vec<String>,
    /// Clock of SysTick there.
    pub hertz: u64,
}

/// Why a board cannot be used.
#[derive(Debug, Error)]
pub enum BoardError {
    /// No such board.
    #[error("no board '{board}'; there are {known}")]
    Unknown {
        /// As named.
        board: String,
        /// The boards there are.
        known: String,
    },
    /// The emulator does not have it.
    #[error("the emulator has no '{board}'; it has {known}")]
    NotEmulated {
        /// As named.
        board: String,
        /// The boards it has.
        known: String,
    },
    /// The emulator has no such core.
    #[error("the emulator has no board with a core of class {0}")]
    NoCore(&'static str),
    /// No USB port of the chip's own.
    #[error(
        "the firmware knows no USB port of the chip's own on '{board}': flash it without --usb; \
            {known} have one"
    )]
    NoUsb {
        /// As named.
        board: String,
        /// The boards that have one.
        known: String,
    },
    /// The firmware's folder cannot be read.
    #[error("{}: cannot be read: {cause}; run this in the repository it was built \
        in", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A description that is wrong.
    #[error("{}: {problem}", path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// The firmware's folder in the repository.
pub fn firmware_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example")
}

impl Board {
    /// The board called `id`.
    ///
    /// # Errors
    /// No such board, or its description is wrong.
    pub fn load(id: &str) -> Result<Self, BoardError> {
        let known = names()?;
        if !known.iter().any(|name| name == id) {
            return Err(BoardError::Unknown { board: id.to_owned(), known: known.join(", ") });
        }
        read(id)
    }

    /// The board called `id`, which the emulator has.
    ///
    /// # Errors
    /// As [`Board::load`], and a board that the emulator does not have.
    pub fn emulated(id: &str) -> Result<(Self, Machine), BoardError> {
        let board = Self::load(id)?;
        match board.emulator.clone() {
            Some(machine) => Ok((board, machine)),
            None => {
                let known = those(|board| board.emulator.is_some())?;
                Err(BoardError::NotEmulated { board: id.to_owned(), known })
            }
        }
    }

    /// The board that the emulator has for a class of cores: of several the one with the most
    /// flash, then with the most RAM for a plan.
    ///
    /// # Errors
    /// A description that is wrong, and a class of which the emulator has no board.
    pub fn emulated_with(core: Core) -> Result<Self, BoardError> {
        let mut best = None;
        for board in all()?.into_iter().filter(|board| board.emulator.is_some()) {
            let (of_board, Budget { flash, ram }) = board.plan_target()?;
            let is_better = best.as_ref().is_none_or(|(size, _)| (flash, ram) > *size);
            if of_board == core && is_better {
                best = Some(((flash, ram), board));
            }
        }
        best.map(|(_, board)| board).ok_or(BoardError::NoCore(core.name()))
    }

    /// The chip's own USB port.
    ///
    /// # Errors
    /// A board that has none.
    pub fn usb_port(&self) -> Result<&UsbPort, BoardError> {
        match &self.usb {
            Some(port) => Ok(port),
            None => {
                let known = those(|board| board.usb.is_some())?;
                Err(BoardError::NoUsb { board: self.id.clone(), known })
            }
        }
    }

    /// The core's clock as the firmware runs it, in MHz.
    ///
    /// # Errors
    /// A description that does not begin with it.
    pub fn megahertz(&self) -> Result<f64, BoardError> {
        let number = self.clock.split_once(" MHz").and_then(|(number, _)| number.parse().ok());
        number.filter(|number: &f64| *number > 0.0).ok_or_else(|| BoardError::Description {
            path: description(&self.id),
            problem: format!("the clock is '{}': begin it with a number of MHz", self.clock),
        })
    }

    /// What the planner plans for.
    ///
    /// # Errors
    /// A description whose core is none.
    pub fn plan_target(&self) -> Result<(Core, Budget), BoardError> {
        let budget = Budget {
            flash: Some(self.plan.flash_kib * 1024),
            ram: Some((self.plan.ram_kib * 1024.0) as usize),
        };
        let problem = |problem| BoardError::Description { path: description(&self.id), problem };
        Ok((self.core.parse().map_err(problem)?, budget))
    }
}

/// All boards, by name.
///
/// # Errors
/// A description that is wrong.
pub fn all() -> Result<Vec<Board>, BoardError> {
    names()?.iter().map(|id| read(id)).collect()
}

/// The names of the boards that `is` picks.
fn those(is: impl Fn(&Board) -> bool) -> Result<String, BoardError> {
    let boards = all()?;
    let names: Vec<_> = boards.iter().filter(|board| is(board)).map(|board| &*board.id).collect();
    Ok(names.join(", "))
}

fn names() -> Result<Vec<String>, BoardError> {
    let path = firmware_folder().join("boards");
    let problem = |cause| BoardError::Unreadable { path: path.clone(), cause };
    let entries = fs::read_dir(&path).map_err(problem)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<io::Result<_>>().map_err(problem)?;
    names.sort();
    Ok(names)
}

fn description(id: &str) -> PathBuf {
    firmware_folder().join("boards").join(id).join("board.toml")
}

fn read(id: &str) -> Result<Board, BoardError> {
    let path = description(id);
    let text = fs::read_to_string(&path)
        .map_err(|cause| BoardError::Unreadable { path: path.clone(), cause })?;
    let board: Board = toml::from_str(&text)
        .map_err(|error| BoardError::Description { path, problem: error.message().to_owned() })?;
    Ok(Board { id: id.to_owned(), ..board })
}
