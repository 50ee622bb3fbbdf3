//! `predict`: what is on a picture.

use std::path::{Path, PathBuf};

use clap::Args;
use infer::{Interface, Model, Native, OutputType, RunError, Session, ValueType};

use super::answer::Meaning;
use super::{CliError, appearance, model_file};
use crate::data::metadata::{self, Preparation};
use crate::data::picture::{Fitted, Invert, Look};
use crate::data::picture_file::{self, PictureError};
use crate::data::record::DataRecord;
use crate::data::scale::Scale;
use crate::data::{DataError, Known, inputs, series};
use crate::model_file::ModelTable;
use crate::terminal::{complain, digit, print, shows_colour};

/// Ask a model about pictures, PNG or JPEG, windows of a series, CSV, or an array of inputs, .npy
///
/// Says the class, the real values, or whether the input is unusual, as the model answers.
///
/// Any picture will do. Where the training images are drawings on an even ground, such as MNIST's
/// digits, the picture is made to look like them: what stands out from its ground, with their
/// contrast, in their size and place. Otherwise it is made grey (or RGB) and scaled to the model's
/// image with its proportions kept. What is shown is what the model sees.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer predict out/model.kndl trainer/data/samples/digit-7.png
  trainer predict out/model.kndl --invert yes photo-1.png photo-2.png
  trainer predict out/model.kndl x_test.npy")]
pub(super) struct PredictArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Pictures, CSV files with the columns of the series that the model was trained on, or .npy
    /// files with one input or several
    #[arg(value_name = "PICTURE", required = true)]
    images: Vec<PathBuf>,
    /// Turn dark into light; auto makes the picture look like the training images
    #[arg(long, value_enum, default_value_t)]
    invert: Invert,
}

pub(super) fn run(args: &PredictArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.model, &bytes, &mut table)?;
    let record = DataRecord::beside(&args.model, model.image_shape());
    let look = appearance::of(record.as_ref(), &model);
    let meaning = Meaning::of(&model, record.as_ref());
    let mut failed = 0;
    for path in &args.images {
        let predicted = match is_series(path) {
            true => predict_series(&model, path, record.as_ref(), &meaning),
            false if inputs::is_array(path) => {
                predict_array(&model, path, record.as_ref(), &meaning)
            }
            false => predict(&model, path, args.invert, &look, &meaning),
        };
        match predicted {
            Ok(text) => print(&text)?,
            Err(error) if args.images.len() == 1 => return Err(error),
            Err(error) => {
                complain(&error.line());
                failed += 1;
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(CliError::Pictures { failed, all: args.images.len() }),
    }
}

fn predict(
    model: &Model<'_>,
    path: &Path,
    invert: Invert,
    look: &Look,
    meaning: &Meaning,
) -> Result<String, CliError> {
    let picture = picture_file::read(path).map_err(|error| match error {
        PictureError::Kind { path } => CliError::NoInput { path },
        error => error.into(),
    })?;
    let Fitted { pixels, notes } = picture.fit(model.image_shape(), invert, look)?;
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let scores = session.run_stored::<Native>(&pixels, &mut ());
    let scores = scores.expect("the picture has been fitted to the model");
    let name = path.display();
    let notes: String = notes.iter().map(|note| format!("note: {name}: {note}\n")).collect();
    let picture = digit::draw(&pixels, model.image_shape(), shows_colour());
    let answer = meaning.text(&name.to_string(), &pixels, scores.values());
    Ok(format!("{notes}{picture}{answer}"))
}

/// One line per input.
fn predict_array(
    model: &Model<'_>,
    path: &Path,
    record: Option<&DataRecord>,
    meaning: &Meaning,
) -> Result<String, CliError> {
    let scales = metadata::preparation(model, record).unwrap_or_default().scales;
    let takes_int8 = model.input().interface.takes == ValueType::Int8;
    let known = Known { scales, takes_int8, ..Known::default() };
    let pixels = inputs::read(path, model.image_shape(), &known)?;
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let mut text = String::new();
    for (number, image) in pixels.chunks_exact(model.image_shape().len()).enumerate() {
        let values = session.run_stored::<Native>(image, &mut ());
        let values = values.expect("the inputs have the model's shape").values();
        text += &meaning.verdict(&format!("{} input {number}", path.display()), image, values);
    }
    Ok(text)
}

/// Whether a file is a series, by its name.
pub(super) fn is_series(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"))
}

/// One line per window.
fn predict_series(
    model: &Model<'_>,
    path: &Path,
    record: Option<&DataRecord>,
    meaning: &Meaning,
) -> Result<String, CliError> {
    let unknown = || CliError::NoSeries { path: path.to_owned() };
    let prepared = metadata::preparation(model, record);
    let Preparation { columns, scales, .. } = prepared.ok_or_else(unknown)?;
    let columns = columns.ok_or_else(unknown)?;
    let of = |problem| DataError::Series { path: path.to_owned(), problem };
    let runs = series::read_values(path, &columns).map_err(of)?;
    // Without a window that is an error, here as in training.
    columns.windows(&runs).map_err(of)?;
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let mut text = String::new();
    for (first, window) in runs.iter().flat_map(|run| columns.cut(run)) {
        let last = first + columns.window as usize - 1;
        let rows = match last == first {
            true => format!("row {first}"),
            false => format!("rows {first} to {last}"),
        };
        let file = format!("{} {rows}", path.display());
        let window = Window { values: window, scales: &scales };
        text += &window.answer(&file, &mut session, model, meaning).map_err(|_| unknown())?;
    }
    Ok(text)
}

/// Sensor values that a model is asked about.
struct Window<'w> {
    values: &'w [f64],
    /// Of the channels.
    scales: &'w [Scale],
}

impl Window<'_> {
    /// The model's answer. A reconstruction is compared with the values themselves, as on a chip,
    /// which may lie beyond those that the model was trained on.
    fn answer(
        &self,
        file: &str,
        session: &mut Session<'_, '_>,
        model: &Model<'_>,
        meaning: &Meaning,
    ) -> Result<String, RunError> {
        let Interface { takes, gives, .. } = model.input().interface;
        if (takes, gives) == (ValueType::Reals, OutputType::Reconstruction) {
            let values: Vec<f32> = self.values.iter().map(|value| *value as f32).collect();
            return Ok(meaning.of_error(file, session.reconstruct(&values)?.error));
        }
        let scaled = self.values.iter().zip(self.scales.iter().cycle());
        let pixels: Vec<u8> = scaled.map(|(value, scale)| scale.pixel(*value)).collect();
        let scores = session.run_stored::<Native>(&pixels, &mut ())?;
        Ok(meaning.verdict(file, &pixels, scores.values()))
    }
}
