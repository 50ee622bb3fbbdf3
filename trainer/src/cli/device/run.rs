//! `device run`: the example firmware on an emulated board.

use super::connect::planned;
use super::{CliError, RunArgs};
use crate::device::board::Board;
use crate::device::emulator;
use crate::device::firmware::{self, Runs};

/// The firmware's program that shows the images that the model carries, or digits.
const PROGRAM: &str = "firmware-example";

pub(super) fn run(args: &RunArgs) -> Result<(), CliError> {
    let (board, machine) = Board::emulated(&args.board)?;
    let planned = planned(&board, args.model.as_deref(), Runs::Images)?;
    let firmware = firmware::build(&board, PROGRAM, planned)?;
    match emulator::run(&machine, &firmware.elf)? {
        status if status.success() => Ok(()),
        status => Err(CliError::Program { board: board.id, status: status.to_string() }),
    }
}
