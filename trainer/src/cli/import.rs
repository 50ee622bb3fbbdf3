//! `import`: a model of a network that was trained elsewhere.

use std::path::{Path, PathBuf};

use clap::Args;

use super::options::{ChipOption, FileOption};
use super::planned::PendingPlan;
use super::{CliError, import_file, inspect, model_file};
use crate::atomic_file::PendingFile;
use crate::import::{model, tflite};
use crate::model_file::ModelTable;
use crate::plain_model::PlainModel;
use crate::savings::Effort;
use crate::terminal::number::grouped;
use crate::terminal::print;

/// Make a model of a TensorFlow Lite file
///
/// The network must be quantised to int8, its input and output too. The model keeps its numbers and
/// gives the bytes of TensorFlow Lite's reference kernels: the two are compared before anything is
/// written. All operators that no chip has a kernel for are listed at once.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer import network.tflite --out model.kndl
  trainer import network.tflite --core m4 --flash 512K --ram 64K --out model.kndl
  trainer import network.tflite --out model.kndl --model-version 2 --no-self-test
  trainer import network.tflite --core m4 --stream --out model.kndl")]
pub(super) struct ImportArgs {
    /// A .tflite file
    #[arg(value_name = "FILE")]
    network: PathBuf,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Keep channels and layers on which no answer depends
    #[arg(long)]
    keep_all: bool,
    #[command(flatten)]
    chip: ChipOption,
    /// Plan for a stream: a row at a time, without end. No row of any map is computed twice
    #[arg(long)]
    stream: bool,
    #[command(flatten)]
    file: FileOption,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), CliError> {
    let file = import_file::read(&args.network)?;
    let path = || args.network.clone();
    let network = tflite::read(&file).map_err(|cause| CliError::Tflite { path: path(), cause })?;
    let options = args.file.of_import(&args.chip, [args.keep_all, args.stream])?;
    let model = model::model(&network, options)
        .map_err(|cause| CliError::Import { path: path(), cause })?;
    let file = PendingFile::write(&args.out, &model)?;
    let core = args.chip.core();
    let plan = core.map(|core| PendingPlan::note(&args.out, &model, &model, core)).transpose()?;
    file.commit()?;
    plan.map_or(Ok(()), PendingPlan::commit)?;
    let whole =
        model::plain_model(&network).map_err(|cause| CliError::Import { path: path(), cause })?;
    report(&args.out, &model, Effort::of(&whole))
}

/// The layers, and what to do with them; the network of the file takes `whole`.
fn report(out: &Path, file: &[u8], whole: Effort) -> Result<(), CliError> {
    let mut table = ModelTable::new();
    let model = model_file::parse(out, file, &mut table)?;
    let (name, bytes) = (out.display(), grouped(file.len() as u64));
    Ok(print(&format!(
        "{}\n{}{}written: {name}, {bytes} bytes; a random input has the same answer as by \
         TensorFlow Lite's arithmetic\nnext: trainer inspect {name}\n",
        inspect::layer_table(&model),
        inspect::memory_lines(&model),
        left_out(whole, Effort::of(&PlainModel::of(&model)))
    ))?)
}

/// What was left out, where anything was.
fn left_out(whole: Effort, kept: Effort) -> String {
    if kept == whole {
        return String::new();
    }
    let [macs, all_macs] = [kept, whole].map(|effort| grouped(effort.macs));
    let [weights, all_weights] = [kept, whole].map(|effort| grouped(effort.weights as u64));
    format!(
        "left out, since no answer depends on it: {macs} of {all_macs} multiply-accumulates and \
         {weights} of {all_weights} weights remain (--keep-all keeps all)\n"
    )
}
