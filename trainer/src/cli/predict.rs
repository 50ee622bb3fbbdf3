//! `predict`: what is on a picture.

use std::path::{Path, PathBuf};

use clap::Args;
use infer::{Model, Native, Scores, Session};

use super::{CliError, appearance, model_file};
use crate::data::class_names::ClassNames;
use crate::data::metadata::{self, Preparation};
use crate::data::picture::{Fitted, Invert, Look};
use crate::data::picture_file;
use crate::data::record::DataRecord;
use crate::data::{DataError, series};
use crate::model_file::ModelTable;
use crate::terminal::number::percent;
use crate::terminal::{complain, digit, print, printable, shows_colour};

/// Length of a probability of 1, half characters.
const BAR_HALVES: usize = 60;

/// Classify pictures, PNG or JPEG, or the windows of a series, CSV
///
/// Any picture will do. Where the training images are drawings on an even ground, such as MNIST's
/// digits, the picture is made to look like them: what stands out from its ground, with their
/// contrast, in their size and place. Otherwise it is made grey (or RGB) and scaled to the model's
/// image with its proportions kept. What is shown is what the model sees.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer predict out/model.kndl trainer/data/samples/digit-7.png
  trainer predict out/model.kndl --invert yes photo-1.png photo-2.png")]
pub(super) struct PredictArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Pictures, or CSV files with the columns of the series that the model was trained on
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
    let names = metadata::names(model.metadata(), record.as_ref());
    let mut failed = 0;
    for path in &args.images {
        let predicted = match is_series(path) {
            true => predict_series(&model, path, record.as_ref()),
            false => predict(&model, path, args.invert, &look, &names),
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
    names: &ClassNames,
) -> Result<String, CliError> {
    let picture = picture_file::read(path)?;
    let Fitted { pixels, notes } = picture.fit(model.image_shape(), invert, look)?;
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let scores = session.run_stored::<Native>(&pixels, &mut ());
    let scores = scores.expect("the picture has been fitted to the model");
    let name = path.display();
    let notes: String = notes.iter().map(|note| format!("note: {name}: {note}\n")).collect();
    let picture = digit::draw(&pixels, model.image_shape(), shows_colour());
    Ok(format!(
        "{notes}{picture}{}{}",
        bars(&scores, names),
        verdict(&name.to_string(), &scores, names)
    ))
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
) -> Result<String, CliError> {
    let unknown = || CliError::NoSeries { path: path.to_owned() };
    let of_record = |record: &DataRecord| Preparation {
        columns: record.reading.columns.clone(),
        scales: record.scales.clone(),
        ..Preparation::default()
    };
    let prepared = Preparation::of_model(model.metadata()).or_else(|| record.map(of_record));
    let Preparation { columns, scales, .. } = prepared.ok_or_else(unknown)?;
    let columns = columns.ok_or_else(unknown)?;
    let of = |problem| DataError::Series { path: path.to_owned(), problem };
    let runs = series::read_values(path, &columns).map_err(of)?;
    // Without a window that is an error, here as in training.
    columns.windows(&runs).map_err(of)?;
    let names = metadata::names(model.metadata(), record);
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let mut text = String::new();
    for (first, window) in runs.iter().flat_map(|run| columns.cut(run)) {
        let scaled = window.iter().zip(scales.iter().cycle());
        let pixels: Vec<u8> = scaled.map(|(value, scale)| scale.pixel(*value)).collect();
        let scores = session.run_stored::<Native>(&pixels, &mut ()).map_err(|_| unknown())?;
        let last = first + columns.window as usize - 1;
        text += &verdict(&format!("{} rows {first} to {last}", path.display()), &scores, &names);
    }
    Ok(text.replace("\n\n", "\n"))
}

/// One line per class: its name, its probability, a bar.
pub(super) fn bars(scores: &Scores<'_>, names: &ClassNames) -> String {
    let all = || scores.probabilities().enumerate();
    let name = |class| printable(&names.of(class));
    let width = all().map(|(class, _)| name(class).chars().count()).max().unwrap_or(0).max(4);
    let line = |(class, probability): (usize, f32)| {
        let halves = (probability * BAR_HALVES as f32).round() as usize;
        let bar = "█".repeat(halves / 2) + if halves % 2 == 1 { "▌" } else { "" };
        let (name, shown) = (name(class), percent(probability as f64));
        format!("{name:>width$} {shown:>9}  {bar}").trim_end().to_owned() + "\n"
    };
    all().map(line).collect()
}

pub(super) fn verdict(file: &str, scores: &Scores<'_>, names: &ClassNames) -> String {
    let class = scores.class();
    let probability = scores.probabilities().nth(class).unwrap_or_default();
    format!("{file}: {} ({})\n\n", printable(&names.of(class)), percent(probability as f64))
}
