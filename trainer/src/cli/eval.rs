//! `eval`: a model on the test images.

use std::path::PathBuf;

use clap::Args;
use infer::BACKEND;

use super::options::{DataOption, Threads};
use super::{CliError, model_file};
use crate::data::DataDir;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::evaluate::evaluate_int8;
use crate::model_file::ModelTable;
use crate::terminal::number::percent_of;
use crate::terminal::{confusion, print};

/// Measure a model on the test images
///
/// Runs the int8 model as a microcontroller would; prints its accuracy and which class it takes for
/// which.
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
    let request = args.data.request(model.image_shape(), record.as_ref());
    let test = DataDir::read_test(&args.data.path(record.as_ref()), &request)?;
    model_file::check_images(&args.model, &model, &test)?;
    let result = evaluate_int8(&bytes, &test, args.threads.count())?;
    let accuracy = percent_of(result.correct, test.len());
    let (right, all, seconds) = (result.correct, test.len(), result.seconds);
    let matrix = confusion::draw(
        &result.confusion,
        result.classes,
        &metadata::names(model.metadata(), record.as_ref()),
    );
    let text = format!(
        "int8 accuracy {accuracy}: {right} of {all} images right ({seconds:.2} s, kernels: \
            {BACKEND})"
    );
    Ok(print(&format!("{text}\n\n{matrix}"))?)
}
