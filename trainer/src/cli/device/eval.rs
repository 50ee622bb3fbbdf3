//! `device eval`: the test images on the chip.

use indicatif::ProgressBar;
use infer::Model;

use super::connect::{self, Connection, Unit};
use super::{CliError, EvalArgs};
use crate::cli::interrupt;
use crate::data::class_names::ClassNames;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::data::{DataDir, Dataset, fit};
use crate::device::evaluate::{ChipEvaluation, evaluate};
use crate::device::session::DeviceError;
use crate::evaluate::evaluate_int8;
use crate::model_file::ModelTable;
use crate::terminal::number::percent_of;
use crate::terminal::progress::counting_bar;
use crate::terminal::{complain, confusion, print};

pub(super) fn run(args: &EvalArgs) -> Result<(), CliError> {
    interrupt::install()?;
    let Connection { mut session, model, unit } = connect::open(&args.chip)?;
    let chip = session.chip();
    let record = args.chip.model.as_deref().and_then(|path| DataRecord::beside(path, chip.image));
    let request = args.data.request(chip.image, record.as_ref());
    let mut test = DataDir::read_test(&args.data.path(record.as_ref()), &request)?;
    fit::check_model(chip.image, chip.classes, &test)?
        .iter()
        .for_each(|note| complain(&format!("note: {note}")));
    let wanted = args.limit.map_or(test.len(), |limit| (limit as usize).min(test.len()));
    test.labels.truncate(wanted);
    test.pixels.truncate(wanted * test.shape.len());
    let names = names(model.as_deref(), record.as_ref());
    let expected = model.map(|file| host_scores(&file, &test)).transpose()?;
    let bar = counting_bar(wanted);
    let mut goes_on = |so_far: &ChipEvaluation| {
        show(&bar, so_far);
        !interrupt::requested()
    };
    let (result, error) = evaluate(&mut session, &test, wanted, expected.as_deref(), &mut goes_on);
    bar.finish_and_clear();
    report(&result, unit, &names, error)
}

/// By the chip's model where its file is at hand.
fn names(file: Option<&[u8]>, record: Option<&DataRecord>) -> ClassNames {
    let mut table = ModelTable::new();
    let model = file.and_then(|file| Model::from_bytes(file, &mut table).ok());
    metadata::names(model.map(|model| model.metadata()).unwrap_or_default(), record)
}

/// What the chip must answer: every plan of a model gives the same scores.
fn host_scores(file: &[u8], test: &Dataset) -> Result<Vec<Vec<i8>>, CliError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let result = evaluate_int8(file, test, threads)?;
    Ok(result.answers.into_iter().map(|answer| answer.scores).collect())
}

fn show(bar: &ProgressBar, so_far: &ChipEvaluation) {
    bar.set_position(so_far.images as u64);
    bar.set_message(format!("{} right", percent_of(so_far.correct, so_far.images)));
}

/// A partial result is printed, says that it is partial, and is an error.
fn report(
    result: &ChipEvaluation,
    unit: Unit,
    names: &ClassNames,
    error: Option<DeviceError>,
) -> Result<(), CliError> {
    if result.images > 0 {
        print(&text(result, unit, names))?;
    }
    let done =
        format!("after {} of {} images: the result is partial", result.images, result.wanted);
    match error {
        Some(cause) if result.images > 0 => Err(CliError::Partial { done, cause }),
        Some(cause) => Err(cause.into()),
        None if !result.is_whole() => Err(CliError::EvaluationInterrupted { done }),
        None if result.as_host.is_some_and(|same| same < result.images) => {
            Err(CliError::Disagreement {
                differing: result.images - result.as_host.unwrap_or(0),
                all: result.images,
            })
        }
        None => Ok(()),
    }
}

fn text(result: &ChipEvaluation, unit: Unit, names: &ClassNames) -> String {
    let ChipEvaluation { images, wanted, correct, classes, ticks, .. } = result;
    let part = if result.is_whole() {
        String::new()
    } else {
        format!("PARTIAL: {images} of {wanted} images\n")
    };
    let accuracy = percent_of(*correct, *images);
    let agreement = match result.as_host {
        Some(same) => format!("{same} of {images} score vectors are the host's, byte for byte"),
        None => "not compared with the host: name the model file with --model".to_owned(),
    };
    let mean = unit.show(ticks.sum / (*images).max(1) as u64);
    let (least, most) = (unit.show(ticks.least), unit.show(ticks.most));
    let matrix = confusion::draw(&result.confusion, *classes, names);
    format!(
        "{part}accuracy on the chip {accuracy}: {correct} of {images} images right\n{agreement}\n\
         per image {mean} (fewest {least}, most {most})\n\n{matrix}"
    )
}
