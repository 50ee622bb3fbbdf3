//! `device predict`: what is on a picture, by the chip.

use std::path::Path;

use infer::Scores;

use super::connect::{self, Connection};
use super::{CliError, PredictArgs};
use crate::cli::predict::{bars, verdict};
use crate::data::picture::Fitted;
use crate::data::png;
use crate::terminal::{digit, print, shows_colour};

pub(super) fn run(args: &PredictArgs) -> Result<(), CliError> {
    let mut connection = connect::open(&args.chip)?;
    args.images.iter().try_for_each(|path| predict(&mut connection, path, args))
}

fn predict(connection: &mut Connection, path: &Path, args: &PredictArgs) -> Result<(), CliError> {
    let shape = connection.session.chip().image;
    let Fitted { pixels, notes } = png::read(path)?.fit(shape, args.invert)?;
    let answer = connection.session.infer(&pixels)?;
    let scores = Scores::new(&answer.values, connection.session.chip().output_quant);
    let name = path.display().to_string();
    let notes: String = notes.iter().map(|note| format!("note: {name}: {note}\n")).collect();
    let picture = digit::draw(&pixels, shape, shows_colour());
    let time = connection.unit.show(answer.ticks);
    Ok(print(&format!(
        "{notes}{picture}{}{}{time} on the chip\n\n",
        bars(&scores),
        verdict(&name, &scores)
    ))?)
}
