//! `device update`: another model, over the wire.

use super::connect::{self, Connection};
use super::{CliError, UpdateArgs};
use crate::cli::model_file;
use crate::model_file::ModelTable;
use crate::terminal::print;
use crate::terminal::progress::counting_bar;

pub(super) fn run(args: &UpdateArgs) -> Result<(), CliError> {
    let file = model_file::read(&args.new_model)?;
    model_file::parse(&args.new_model, &file, &mut ModelTable::new())?;
    let Connection { mut session, .. } = connect::images(&args.chip)?;
    let bar = counting_bar(file.len());
    let updated = session.update(&file, &mut |bytes| bar.set_position(bytes as u64));
    bar.finish_and_clear();
    let update = updated?;
    if update.resumed_at > 0 && update.resumed_at < file.len() {
        print(&format!("went on after the {} bytes of an earlier attempt\n", update.resumed_at))?;
    }
    // On the chip this also ends the trial of a model in flash.
    let test = session.self_test()?;
    if !test.model_intact || test.as_known < test.images {
        return Err(CliError::SelfTest);
    }
    let place = match update.is_lasting {
        true => "in flash; it stays at a reset",
        false => "in RAM; it is forgotten at a reset",
    };
    let chip = session.chip();
    Ok(print(&format!(
        "the chip now runs model {:08x}: {} bytes, intact, {} of {} known answers right, {place}\n",
        chip.model, chip.model_bytes, test.as_known, test.images
    ))?)
}
