//! `import`: a model of a network that was trained elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use infer::Model;

use super::import_file::{self, OnnxFile};
use super::options::{ChipOption, DataOption, FileOption, Threads};
use super::planned::PendingPlan;
use super::{CliError, import_float, import_options, inspect, left_out, model_file, place};
use crate::atomic_file::{PendingFile, WriteError};
use crate::data::record::DataRecord;
use crate::data::{class_names, metadata};
use crate::import::model::Lowered;
use crate::import::tflite::Network;
use crate::import::{float, model, onnx, tflite};
use crate::model_file::ModelTable;
use crate::plain_model::{PlainLayer, PlainModel};
use crate::recipe::Task;
use crate::savings::Savings;
use crate::terminal::number::grouped;
use crate::terminal::progress::Steps;
use crate::terminal::table::Table;
use crate::terminal::{complain, print, printable, shell};

/// Make a model of a TensorFlow Lite or ONNX file
///
/// A .tflite file that is quantised to int8, its input and output too, keeps its numbers. The model
/// gives the bytes of TensorFlow Lite's reference kernels: the two are compared before anything is
/// written. --labels names what it answers. It needs no data: other options that say how to read
/// some are refused.
///
/// A file in float32, .onnx or .tflite, is calibrated on --data and quantised like a network that
/// was trained here. It reads pixels as 0 to 1 and sensor values as they are, less --mean and over
/// --std. What quantisation costs is shown for each layer. The float parameters and a report,
/// model.report.html, are left beside the model.
///
/// All operators that cannot be imported are listed at once. Then nothing is written.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer import network.tflite --out model.kndl
  trainer import network.tflite --core m4 --flash 512K --ram 64K --out model.kndl
  trainer import network.tflite --out model.kndl --model-version 2 --no-self-test
  trainer import network.tflite --core m4 --stream --out model.kndl
  trainer import network.tflite --labels names.txt --out model.kndl
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
    #[command(flatten)]
    pub(super) chip: ChipOption,
    /// Plan for a stream: a row at a time, without end. No row of any map is computed twice (int8
    /// files)
    #[arg(long)]
    pub(super) stream: bool,
    #[command(flatten)]
    pub(super) file: FileOption,
    #[command(flatten)]
    pub(super) data: DataOption,
    /// What the network answers: classes, real values, or its input once more
    #[arg(long, value_enum, default_value_t = Task::Classify)]
    pub(super) task: Task,
    /// What is taken off each channel before the network reads it, such as 0.485,0.456,0.406
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', allow_negative_numbers = true)]
    #[arg(value_parser = mean)]
    pub(super) mean: Vec<f32>,
    /// What each channel is divided by after that, such as 0.229,0.224,0.225
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = deviation)]
    pub(super) std: Vec<f32>,
    #[command(flatten)]
    pub(super) threads: Threads,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), CliError> {
    place::check(&args.out, &[Some(&args.network), args.data.named(), args.data.labels()])?;
    match inspect::is_onnx(&args.network) {
        true => onnx(args),
        false => tflite(args, &import_file::read(&args.network)?),
    }
}

fn mean(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| f32::is_finite(*number));
    number.ok_or("a mean is a number, such as 0.485".to_owned())
}

fn deviation(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f32::is_finite(number) => Ok(number),
        _ => Err("a deviation is a number above 0, such as 0.229".to_owned()),
    }
}

fn onnx(args: &ImportArgs) -> Result<(), CliError> {
    let path = &args.network;
    let file = OnnxFile::read(path)?;
    let network = file.network(path)?;
    let known = onnx::known(&network)
        .map_err(|cause| CliError::OnnxShapes { path: path.to_owned(), cause })?;
    import_float::run(args, &file.bytes, &|given| float::onnx::import(&network, &known, given))
}

fn tflite(args: &ImportArgs, file: &[u8]) -> Result<(), CliError> {
    let path = || args.network.clone();
    let network = tflite::read(file).map_err(|cause| CliError::Tflite { path: path(), cause })?;
    if float::tflite::is_float(&network) {
        return import_float::run(args, file, &|given| float::tflite::import(&network, given));
    }
    import_options::check_int8(args)?;
    let options = args.file.of_import(&args.chip, args.stream, args.task)?;
    let refused = |cause| CliError::Import { path: path(), cause };
    let steps = Steps::begin(INT8_STEPS, "making layers");
    let mut whole = model::lowered(&network).map_err(refused)?;
    if let Some(names) = args.data.labels() {
        let outputs = whole.model.classes();
        whole.model.metadata = metadata::of_names(&class_names::read(names, outputs..=outputs)?);
    }
    let bytes = model::model_of(&network, &whole.model, options, &|step| steps.next(step));
    let bytes = bytes.map_err(refused)?;
    drop(steps);
    if network.inputs.iter().any(|input| model::begins_with_channels(&network, *input)) {
        complain(CHANNELS_LAST);
    }
    let file = PendingFile::write(&args.out, &bytes)?;
    let core = args.chip.core();
    let plan = core.map(|core| PendingPlan::note(&args.out, &bytes, &bytes, core)).transpose()?;
    file.commit()?;
    plan.map_or(Ok(()), PendingPlan::commit)?;
    remove_record(&args.out)?;
    report(args, &network, &whole, &bytes)
}

/// Removes what a model that was here before was trained on: commands would read it for this one.
fn remove_record(out: &Path) -> Result<(), CliError> {
    let path = DataRecord::path_beside(out);
    match fs::remove_file(&path) {
        Ok(()) => complain(&format!(
            "note: {} told of the model that was here before, and is removed",
            path.display()
        )),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(WriteError { path, cause }.into()),
    }
    Ok(())
}

/// Said of a network that turns its input first.
const CHANNELS_LAST: &str = "note: the file takes channels, rows, columns; the model takes rows, \
                             columns, channels, as the file's first operator makes them";

/// Steps of the import of an int8 file: layers, and those of [`model::model_of`].
const INT8_STEPS: u64 = 4;

/// What became of the operators, and what to do with the model.
fn report(
    args: &ImportArgs,
    network: &Network<'_>,
    whole: &Lowered,
    bytes: &[u8],
) -> Result<(), CliError> {
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.out, bytes, &mut table)?;
    let plain = PlainModel::of(&model);
    let made_of = made_of(network, whole, &plain);
    Ok(print(&format!(
        "{}{}{}{}{}; a random input has the same answer as by TensorFlow Lite's arithmetic\n{}",
        layer_table(&model, &made_of),
        without_layer(network, whole, &plain),
        left_out::table(&Savings::of(&whole.model, &plain)),
        inspect::memory_lines(&model),
        file_written(&args.out, bytes),
        next_commands(args, "check", "--inputs x.npy --expected y.npy"),
    ))?)
}

/// For each layer that is left its place among all: they are in their order, and keep their names.
fn kept_places(whole: &Lowered, kept: &PlainModel) -> Vec<usize> {
    let mut places = 0..whole.model.layers.len();
    let mut place =
        |layer: &PlainLayer| places.find(|place| whole.model.layers[*place].name == layer.name);
    kept.layers.iter().map_while(&mut place).collect()
}

/// For each layer of the model the operator that it is made for.
fn made_of(network: &Network<'_>, whole: &Lowered, kept: &PlainModel) -> Vec<String> {
    let operator = |place: &usize| &network.operators[whole.operators[*place]];
    let name = |place: &usize| operator(place).kind.name().to_owned();
    kept_places(whole, kept).iter().map(name).collect()
}

/// The operators of which no layer is left.
fn without_layer(network: &Network<'_>, whole: &Lowered, kept: &PlainModel) -> String {
    let with: BTreeSet<usize> =
        kept_places(whole, kept).iter().map(|place| whole.operators[*place]).collect();
    let mut counts = BTreeMap::<&str, usize>::new();
    for (number, operator) in network.operators.iter().enumerate() {
        if !with.contains(&number) {
            *counts.entry(operator.kind.name()).or_default() += 1;
        }
    }
    let named: Vec<String> =
        counts.iter().map(|(name, count)| format!("{count} {}", printable(name))).collect();
    match named.is_empty() {
        true => "\n".to_owned(),
        false => format!("became no layer of their own: {}\n\n", named.join(", ")),
    }
}

/// The layers of a model, each with what it is made of.
fn layer_table(model: &Model<'_>, made_of: &[String]) -> Table {
    let mut table = Table::new(["in the file", "layer", "what", ">output", ">file bytes", ">MACs"]);
    for (number, layer) in model.layers().iter().enumerate() {
        table.row([
            made_of.get(number).cloned().unwrap_or_default(),
            layer.name.to_owned(),
            inspect::what(model, layer, number),
            layer.output().to_string(),
            grouped(layer.parameter_bytes() as u64),
            grouped(layer.macs()),
        ]);
    }
    let parameters = model.layers().iter().map(|layer| layer.parameter_bytes() as u64).sum();
    let (parameters, macs) = (grouped(parameters), grouped(model.macs()));
    table.row(["", "", "all layers", "", &parameters, &macs].map(str::to_owned));
    table
}

/// What to type next: what is in the model, a command that measures it, and a board.
pub(super) fn next_commands(args: &ImportArgs, measure: &str, options: &str) -> String {
    let model = shell::quoted(&args.out.display().to_string()).into_owned();
    let space = if options.is_empty() { "" } else { " " };
    let board = args.chip.board.as_deref().unwrap_or("BOARD");
    format!(
        "next: trainer inspect {model}\n      trainer {measure} {model}{space}{options}\n      \
         trainer device flash {board} --model {model}\n"
    )
}

/// `written: model.kndl, 8,128 bytes`.
pub(super) fn file_written(out: &Path, file: &[u8]) -> String {
    format!("written: {}, {} bytes", out.display(), grouped(file.len() as u64))
}
