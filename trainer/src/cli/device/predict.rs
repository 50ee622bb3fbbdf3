//! `device predict`: what is on a picture, by the chip.

use std::path::Path;

use infer::Model;

use super::connect::{self, Connection};
use super::{CliError, PredictArgs};
use crate::cli::answer::Meaning;
use crate::cli::appearance;
use crate::data::picture::{Fitted, Invert, Look};
use crate::data::picture_file;
use crate::data::record::DataRecord;
use crate::model_file::ModelTable;
use crate::terminal::{complain, digit, print, shows_colour};

pub(super) fn run(args: &PredictArgs) -> Result<(), CliError> {
    let mut connection = connect::images(&args.chip)?;
    let file = connection.model.take();
    let mut table = ModelTable::new();
    let model = file.as_deref().and_then(|file| Model::from_bytes(file, &mut table).ok());
    if model.is_none() && args.invert == Invert::Auto {
        complain(
            "note: what the chip's model was trained on is not known, so pictures are only \
                scaled; name its file with --model",
        );
    }
    let shape = connection.session.chip().image;
    let record = args.chip.model.as_deref().and_then(|path| DataRecord::beside(path, shape));
    let chip = connection.session.chip();
    let meaning = match &model {
        Some(model) => Meaning::of(model, record.as_ref()),
        None => Meaning::of_chip(chip, connect::input_quant(None, chip)?),
    };
    let look = model.map(|model| appearance::of(record.as_ref(), &model)).unwrap_or_default();
    args.images.iter().try_for_each(|path| predict(&mut connection, path, args, &look, &meaning))
}

fn predict(
    connection: &mut Connection,
    path: &Path,
    args: &PredictArgs,
    look: &Look,
    meaning: &Meaning,
) -> Result<(), CliError> {
    let shape = connection.session.chip().image;
    let Fitted { pixels, notes } = picture_file::read(path)?.fit(shape, args.invert, look)?;
    let answer = connection.session.infer(&pixels)?;
    let name = path.display().to_string();
    let notes: String = notes.iter().map(|note| format!("note: {name}: {note}\n")).collect();
    let picture = digit::draw(&pixels, shape, shows_colour());
    let time = connection.unit.show(answer.ticks);
    let answer = meaning.text(&name, &pixels, &answer.values);
    Ok(print(&format!("{notes}{picture}{answer}{time} on the chip\n\n"))?)
}
