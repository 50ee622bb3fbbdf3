//! `import`: a model of a network that was trained elsewhere.

use std::path::{Path, PathBuf};

use clap::Args;

use super::options::{ChipOption, DataOption, FileOption, Threads};
use super::planned::PendingPlan;
use super::{CliError, import_file, import_float, inspect, model_file};
use crate::atomic_file::PendingFile;
use crate::import::{float, model, onnx, tflite};
use crate::model_file::ModelTable;
use crate::plain_model::PlainModel;
use crate::recipe::Task;
use crate::savings::Effort;
use crate::terminal::number::grouped;
use crate::terminal::print;

/// Make a model of a TensorFlow Lite or ONNX file
///
/// A .tflite file that is quantised to int8, its input and output too, keeps its numbers. The model
/// gives the bytes of TensorFlow Lite's reference kernels: the two are compared before anything is
/// written.
///
/// A file in float32, .onnx or .tflite, is calibrated on --data and quantised like a network that
/// was trained here. It reads pixels as 0 to 1 and sensor values as they are, less --mean and over
/// --std. What quantisation costs is shown for each layer, and the float parameters are left beside
/// the model.
///
/// All operators that cannot be imported are listed at once. Then nothing is written.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer import network.tflite --out model.kndl
  trainer import network.tflite --core m4 --flash 512K --ram 64K --out model.kndl
  trainer import network.tflite --out model.kndl --model-version 2 --no-self-test
  trainer import network.tflite --core m4 --stream --out model.kndl
  trainer import autoencoder.tflite --task reconstruct --out model.kndl
  trainer import network.onnx --data photos --test-share 0.2 --out model.kndl
  trainer import network.onnx --data photos --test-share 0.2 --out model.kndl \\
      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225")]
pub(super) struct ImportArgs {
    /// A .tflite or .onnx file
    #[arg(value_name = "FILE")]
    pub(super) network: PathBuf,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Keep channels and layers on which no answer depends (int8 files)
    #[arg(long)]
    keep_all: bool,
    #[command(flatten)]
    pub(super) chip: ChipOption,
    /// Plan for a stream: a row at a time, without end. No row of any map is computed twice (int8
    /// files)
    #[arg(long)]
    stream: bool,
    #[command(flatten)]
    pub(super) file: FileOption,
    #[command(flatten)]
    pub(super) data: DataOption,
    /// What the network answers: classes, real values, or its input once more
    #[arg(long, value_enum, default_value_t = Task::Classify)]
    pub(super) task: Task,
    /// What is taken off each channel before the network reads it, such as 0.485,0.456,0.406
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', allow_negative_numbers = true)]
    pub(super) mean: Vec<f32>,
    /// What each channel is divided by after that, such as 0.229,0.224,0.225
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = deviation)]
    pub(super) std: Vec<f32>,
    #[command(flatten)]
    pub(super) threads: Threads,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), CliError> {
    let file = import_file::read(&args.network)?;
    match inspect::is_onnx(&args.network) {
        true => onnx(args, &file),
        false => tflite(args, &file),
    }
}

fn deviation(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f32::is_finite(number) => Ok(number),
        _ => Err("a deviation is a number above 0, such as 0.229".to_owned()),
    }
}

fn onnx(args: &ImportArgs, file: &[u8]) -> Result<(), CliError> {
    let path = || args.network.clone();
    let network = onnx::read(file).map_err(|cause| CliError::Onnx { path: path(), cause })?;
    let known =
        onnx::known(&network).map_err(|cause| CliError::OnnxShapes { path: path(), cause })?;
    import_float::run(args, &|given| float::onnx::import(&network, &known, given))
}

fn tflite(args: &ImportArgs, file: &[u8]) -> Result<(), CliError> {
    let path = || args.network.clone();
    let network = tflite::read(file).map_err(|cause| CliError::Tflite { path: path(), cause })?;
    if float::tflite::is_float(&network) {
        return import_float::run(args, &|given| float::tflite::import(&network, given));
    }
    let options = args.file.of_import(&args.chip, [args.keep_all, args.stream], args.task)?;
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
    Ok(print(&format!(
        "{}\n{}{}{}; a random input has the same answer as by TensorFlow Lite's arithmetic\nnext: \
         trainer inspect {}\n",
        inspect::layer_table(&model),
        inspect::memory_lines(&model),
        left_out(whole, Effort::of(&PlainModel::of(&model))),
        file_written(out, file),
        out.display(),
    ))?)
}

/// `written: model.kndl, 8,128 bytes`.
pub(super) fn file_written(out: &Path, file: &[u8]) -> String {
    format!("written: {}, {} bytes", out.display(), grouped(file.len() as u64))
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
