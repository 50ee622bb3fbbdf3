//! `device update`: another model, over the wire.

use super::connect::{self, Connection};
use super::{CliError, UpdateArgs};
use crate::cli::model_file;
use crate::terminal::print;
use crate::terminal::progress::counting_bar;

pub(super) fn run(args: &UpdateArgs) -> Result<(), CliError> {
    let file = model_file::read(&args.new_model)?;
    model_file::parse(&args.new_model, &file)?;
    let Connection { mut session, .. } = connect::open(&args.chip)?;
    let bar = counting_bar(file.len());
    let updated = session.update(&file, &mut |bytes| bar.set_position(bytes as u64));
    bar.finish_and_clear();
    updated?;
    let test = session.self_test()?;
    let chip = session.chip();
    let state = if test.model_intact { "intact" } else { "DAMAGED" };
    Ok(print(&format!(
        "the chip now runs model {:08x}: {} bytes, {state}; it lies in RAM and is forgotten at a reset\n",
        chip.model, chip.model_bytes
    ))?)
}
