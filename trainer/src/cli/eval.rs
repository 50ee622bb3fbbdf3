//! `eval`: a model on the test images.

use std::path::PathBuf;

use clap::Args;
use infer::BACKEND;

use super::options::{DataOption, Threads};
use super::{CliError, model_file};
use crate::data::DataDir;
use crate::data::class_names::ClassNames;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::evaluate::{Int8Evaluation, evaluate_int8, reconstruction, regression};
use crate::model_file::ModelTable;
use crate::recipe::Task;
use crate::terminal::number::percent_of;
use crate::terminal::{answers, confusion, print};

/// Measure a model on the test images
///
/// Runs the int8 model as a microcontroller would. Prints its accuracy and a confusion matrix; of
/// real values, how far they are from those wanted; of an autoencoder, how well its errors tell
/// unusual inputs from usual ones.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer eval out/model.kndl
  trainer eval out/model.kndl --data path/to/other/digits")]
pub(super) struct EvalArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn run(args: &EvalArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.model, &bytes, &mut table)?;
    let record = DataRecord::beside(&args.model, model.image_shape());
    let request = model_file::request(&model, &args.data, record.as_ref());
    let (path, threads) = (args.data.path(record.as_ref()), args.threads.count());
    let text = match request.task {
        Task::Classify => {
            let test = DataDir::read_test(&path, &request)?;
            model_file::check_images(&args.model, &model, &test)?;
            let names = metadata::names(model.metadata(), record.as_ref());
            classes(&evaluate_int8(&bytes, &test, threads)?, &names)
        }
        Task::Regress => {
            let test = DataDir::read_test(&path, &request)?;
            model_file::check_images(&args.model, &model, &test)?;
            let targets = metadata::targets(&model);
            let of = regression::evaluate_int8(&bytes, &targets, &test, threads)?;
            format!("{}\n{}", ran(test.len(), of.seconds), answers::values(&of))
        }
        Task::Reconstruct => {
            let data = DataDir::read(&path, &request)?;
            model_file::check_images(&args.model, &model, &data.test)?;
            let threshold = model.metadata().threshold();
            let of = reconstruction::evaluate_int8(&bytes, threshold, &data, threads)?;
            format!("{}\n{}", ran(data.test.len(), of.seconds), answers::inputs(&of))
        }
    };
    Ok(print(&text)?)
}

fn classes(result: &Int8Evaluation, names: &ClassNames) -> String {
    let (right, all, seconds) = (result.correct, result.answers.len(), result.seconds);
    let accuracy = percent_of(right, all);
    let matrix = confusion::draw(&result.confusion, result.classes, names);
    format!(
        "int8 accuracy {accuracy}: {right} of {all} images right ({seconds:.2} s, kernels: \
            {BACKEND})\n\n{matrix}"
    )
}

fn ran(images: usize, seconds: f64) -> String {
    format!("int8 model, {images} test images ({seconds:.2} s, kernels: {BACKEND})\n")
}
