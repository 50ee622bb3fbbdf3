//! `check`: a model's answers compared with those of whatever it came from.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use infer::Model;

use super::device::{Connection, LineArgs, Way, open};
use super::{CliError, model_file};
use crate::check::{Cases, check_maps};
use crate::device::board::Board;
use crate::device::firmware::Runs;
use crate::model_file::ModelTable;
use crate::plan::Core;
use crate::terminal::number::grouped;
use crate::terminal::print;
use crate::terminal::progress::counting_bar;

/// Compare a model's answers with expected ones, byte by byte
///
/// Runs the model on every input, on this computer or on a chip. The first byte that differs is
/// shown, and the exit code is not 0. Both files are arrays of NumPy with the inputs along the
/// first dimension: int8, uint8 or float32 as the network's file has them at its edges; uint8 for a
/// model that takes pixels.
///
/// With --core or --qemu the firmware's server is built with the model, planned for the board, and
/// emulated. With --port a chip answers that was flashed with the model.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer check model.kndl --inputs x.npy --expected y.npy
  trainer check model.kndl --inputs x.npy --expected y.npy --maps maps.npz
  trainer check model.kndl --inputs x.npy --expected y.npy --core m4
  trainer check model.kndl --inputs x.npy --expected y.npy --port /dev/ttyACM0")]
pub(super) struct CheckArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The inputs, .npy
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    /// What the first output must be for each, .npy
    #[arg(long, value_name = "FILE")]
    expected: PathBuf,
    /// What layers must leave for the first input, .npz: int8 arrays by the layers' names. The
    /// first layer that differs is named; the layers run on this computer
    #[arg(long, value_name = "FILE")]
    maps: Option<PathBuf>,
    #[command(flatten)]
    chip: ChipArgs,
}

/// Which chip, where it is to be one.
#[derive(Args)]
#[command(next_help_heading = "Chip")]
struct ChipArgs {
    #[arg(long, value_name = "CORE", value_parser = Core::from_str, help = format!(
        "Emulate a board with this core: {}", Core::NAMES
    ))]
    core: Option<Core>,
    /// Emulate this board (see `device list`)
    #[arg(long, value_name = "BOARD", conflicts_with = "core")]
    qemu: Option<String>,
    /// Serial port of a chip that runs the model, such as /dev/ttyACM0 or COM3, or tcp:HOST:PORT
    #[arg(long, value_name = "PORT", conflicts_with_all = ["core", "qemu"])]
    port: Option<String>,
    #[command(flatten)]
    line: LineArgs,
}

pub(super) fn run(args: &CheckArgs) -> Result<(), CliError> {
    let way = args.chip.way()?;
    args.chip.line.check(way.as_ref())?;
    let bytes = model_file::read(&args.model)?;
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.model, &bytes, &mut table)?;
    let cases = Cases::read(&model, &args.inputs, &args.expected)?;
    if let Some(maps) = &args.maps {
        let same = check_maps(&model, &args.inputs, maps)?;
        print(&format!("maps of the first input as expected, byte for byte: {same}\n"))?;
    }
    let said = match way {
        Some(way) => on_chip(args, &way, &model, &cases)?,
        None => format!("{}, on this computer", same(cases.check(&model)?)),
    };
    Ok(print(&format!("{said}\n"))?)
}

fn same(answers: usize) -> String {
    let answers = grouped(answers as u64);
    format!("{answers} of {answers} answers are as expected, byte for byte")
}

impl ChipArgs {
    /// The way to it; `None` where no chip is named.
    fn way(&self) -> Result<Option<Way>, CliError> {
        Ok(match (&self.qemu, self.core, &self.port) {
            (Some(board), ..) => Some(Way::Emulated(board.clone())),
            (_, Some(core), _) => Some(Way::Emulated(Board::emulated_with(core)?.id)),
            (.., Some(port)) => Some(Way::Port(port.clone())),
            _ => None,
        })
    }
}

/// The same by a chip; what is said of it, with the mean time of an answer.
fn on_chip(
    args: &CheckArgs,
    way: &Way,
    model: &Model<'_>,
    cases: &Cases,
) -> Result<String, CliError> {
    let Connection { mut session, unit, .. } =
        open(way, &args.chip.line, Some(&args.model), Runs::Images)?;
    let chip = session.chip();
    let board = chip.board.clone();
    let [there, asked] = [(chip.image, chip.classes), (model.image_shape(), model.classes())];
    if there != asked {
        return Err(CliError::OtherChipModel { there, asked });
    }
    let (bar, mut ticks) = (counting_bar(cases.len()), 0);
    let compared = cases.compare(|input| {
        let answer = session.infer(input)?;
        ticks += answer.ticks;
        bar.inc(1);
        Ok::<_, CliError>(answer.values)
    });
    bar.finish_and_clear();
    let answers = compared?;
    let time = unit.show(ticks / answers as u64);
    Ok(format!("{}, on {board}: {time} for each", same(answers)))
}
