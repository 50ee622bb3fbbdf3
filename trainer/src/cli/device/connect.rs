//! The way to the chip that the command line names.

use std::fs;
use std::path::Path;

use infer::format::OutputQuant;
use infer::{Model, OutputType, ValueType};

use super::{CliError, ConnectArgs, LineArgs};
use crate::cli::answer::given;
use crate::cli::model_file;
use crate::data::scale::PIXELS;
use crate::device::board::{Board, firmware_folder};
use crate::device::client::Client;
use crate::device::emulator::Emulator;
use crate::device::firmware::{self, Firmware, Planned, Runs, ServerLine};
use crate::device::line::Line;
use crate::device::port::Port;
use crate::device::session::{Chip, Session};
use crate::device::tcp::Tcp;
use crate::terminal::complain;

/// The firmware's program that answers.
pub(super) const SERVER: &str = "server";

/// Where a chip is.
pub(in crate::cli) enum Way {
    /// In the emulator: the board's name.
    Emulated(String),
    /// On a serial port, or a TCP connection.
    Port(String),
}

/// A chip that has said who it is, and what is known of it.
pub(in crate::cli) struct Connection {
    pub session: Session<Box<dyn Line>>,
    /// The model file to compare with, if one is known.
    pub model: Option<Vec<u8>>,
    /// What its clock counts.
    pub unit: Unit,
}

/// What ticks of the chip's clock mean.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum Unit {
    /// Emulated: ticks for a second of virtual time, which is 10^9 instructions.
    Instructions(u64),
    /// A real clock: ticks per second; 0 for a chip without one.
    Time(u64),
}

/// A chip that answers to images.
pub(super) fn images(args: &ConnectArgs) -> Result<Connection, CliError> {
    open(&args.way(), &args.line, args.model.as_deref(), Runs::Images)
}

/// A chip that has said who it is. Its model, where it is built for an emulator, is planned for
/// what is asked of it.
pub(in crate::cli) fn open(
    way: &Way,
    line: &LineArgs,
    model: Option<&Path>,
    runs: Runs,
) -> Result<Connection, CliError> {
    let connection = match way {
        Way::Emulated(board) => emulated(board, line, model, runs)?,
        Way::Port(port) => over_port(port, line, model)?,
    };
    let chip = connection.session.chip();
    complain(&format!(
        "{}, firmware {}, kernels {}; model {:08x}: {} bytes, takes {} of {}, gives {}, {} bytes \
            of working memory",
        chip.board,
        chip.firmware,
        chip.kernels,
        chip.model,
        chip.model_bytes,
        chip.takes,
        chip.image,
        given(chip.gives, chip.classes),
        chip.arena_bytes
    ));
    Ok(connection)
}

fn emulated(
    board: &str,
    options: &LineArgs,
    model: Option<&Path>,
    runs: Runs,
) -> Result<Connection, CliError> {
    let (board, machine) = Board::emulated(board)?;
    let firmware = build(&board, model, runs, ServerLine::Uart)?;
    let emulator = Emulator::start(&machine, &firmware.elf)?;
    let line: Box<dyn Line> = Box::new(emulator);
    let session = Session::open(Client::new(line), options.timeout())?;
    Ok(Connection { session, model: Some(firmware.model), unit: Unit::Instructions(machine.hertz) })
}

fn over_port(port: &str, options: &LineArgs, model: Option<&Path>) -> Result<Connection, CliError> {
    let model = model.map(model_file::read).transpose()?;
    let line: Box<dyn Line> = match Tcp::address(port) {
        Some(address) => Box::new(Tcp::connect(address)?),
        None => Box::new(Port::open(port, options.baud())?),
    };
    let session = Session::open(Client::new(line), options.timeout())?;
    let unit = Unit::Time(session.chip().ticks_per_second);
    Ok(Connection { session, model, unit })
}

/// The server for a board, with `model` or the firmware's own, planned for it.
pub(super) fn build(
    board: &Board,
    model: Option<&Path>,
    runs: Runs,
    line: ServerLine,
) -> Result<Firmware, CliError> {
    if line == ServerLine::Usb {
        board.usb_port()?;
    }
    let mut planned = planned(board, model, runs)?;
    planned.line = line;
    Ok(firmware::build(board, SERVER, planned)?)
}

/// `model`, or the firmware's own, planned for a board that a firmware is built for next.
pub(super) fn planned(
    board: &Board,
    model: Option<&Path>,
    runs: Runs,
) -> Result<Planned, CliError> {
    let file = match model {
        Some(path) => model_file::read(path)?,
        None => {
            let name = if runs == Runs::Stream { "stream" } else { "tutorial" };
            let path = firmware_folder().join(format!("model/{name}.kndl"));
            fs::read(&path).map_err(|cause| CliError::ModelUnreadable { path, cause })?
        }
    };
    complain(&format!("building the firmware for {}", board.name));
    Ok(Planned::of(board, &file, runs)?)
}

/// What the values of the input stand for: a chip says it by their type, or not at all.
pub(super) fn input_quant(model: Option<&Model<'_>>, chip: &Chip) -> Result<OutputQuant, CliError> {
    match (model, chip.takes, chip.gives) {
        (Some(model), ..) => Ok(model.input().tensor.quant),
        (None, ValueType::Int8, OutputType::Reconstruction) => Err(CliError::InputScale),
        (None, ..) => Ok(PIXELS),
    }
}

impl Unit {
    /// `550,280 instructions`, `17.2 ms`.
    pub fn show(self, ticks: u64) -> String {
        match self {
            Self::Instructions(hertz) => {
                let instructions = (ticks as u128 * 1_000_000_000 / hertz.max(1) as u128) as u64;
                format!("{} instructions", crate::terminal::number::grouped(instructions))
            }
            Self::Time(0) => "not timed: the chip has no clock for it".to_owned(),
            Self::Time(hertz) => {
                let cycles = crate::terminal::number::grouped(ticks);
                format!("{:.3} ms ({cycles} ticks)", ticks as f64 * 1000.0 / hertz as f64)
            }
        }
    }
}
