//! `device profile` and `device test`: where the time goes, and whether the chip is well.

use super::connect::{self, Connection};
use super::{CliError, ConnectArgs};
use crate::terminal::number::grouped;
use crate::terminal::print;
use crate::terminal::table::Table;

/// Value of the made-up image's pixels: kernels take the same time for every image, up to a few
/// branches.
const PIXEL: u8 = 128;

pub(super) fn run(args: &ConnectArgs) -> Result<(), CliError> {
    let Connection { mut session, unit, .. } = connect::images(args)?;
    let image = vec![PIXEL; session.chip().image.len()];
    let whole = session.infer(&image)?;
    let mut table = Table::new(["layer", ">time", ">multiplications"]);
    for layer in 0..session.chip().layers {
        let cost = session.profile(&image, layer)?;
        table.row([cost.name, unit.show(cost.ticks), grouped(cost.macs)]);
    }
    table.row(["whole run".to_owned(), unit.show(whole.ticks), String::new()]);
    Ok(print(&table.to_string())?)
}

pub(super) fn test(args: &ConnectArgs) -> Result<(), CliError> {
    let Connection { mut session, .. } = connect::images(args)?;
    let result = session.self_test()?;
    let file = if result.model_intact { "is intact" } else { "is DAMAGED" };
    print(&format!(
        "the model {file}; {} of {} known answers are right\n",
        result.as_known, result.images
    ))?;
    if result.model_intact && result.as_known == result.images {
        Ok(())
    } else {
        Err(CliError::SelfTest)
    }
}
