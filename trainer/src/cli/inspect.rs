//! `inspect`: the layers of a model and what they need; of a `.tflite` or ONNX file what it holds.

mod onnx;
mod tflite;

pub(super) use onnx::is_one as is_onnx;

use std::path::PathBuf;

use clap::Args;
use infer::format::OutputQuant;
use infer::{Layer, Model, Network, SelfTestError, Shape, Trust, ValueType, signature};

use super::answer::given;
use super::{CliError, model_file};
use crate::data::metadata;
use crate::data::target::Target;
use crate::model_file::ModelTable;
use crate::ops::Running;
use crate::report::value::Real;
use crate::signing;
use crate::terminal::number::grouped;
use crate::terminal::table::Table;
use crate::terminal::{print, printable};

/// Show the layers of a model: shapes, bytes, work, quantisation, memory
///
/// Runs its self-test, and tells whether it is signed; with --key whether by the owner of that key,
/// and fails if not. Of a .tflite or .onnx file it shows the operators, as they are in the file.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer inspect out/model.kndl
  trainer inspect out/model.kndl --key maker.pub
  trainer inspect network.tflite
  trainer inspect network.onnx")]
pub(super) struct InspectArgs {
    /// Model file, or a .tflite or .onnx file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Public key that must have signed the model: the .pub file of `keygen`
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(args: &InspectArgs) -> Result<(), CliError> {
    let path = &args.model;
    if args.key.is_some() && (tflite::is_one(path) || onnx::is_one(path)) {
        return Err(CliError::NotSigned { path: path.clone() });
    }
    match path {
        path if tflite::is_one(path) => tflite::run(path),
        path if onnx::is_one(path) => onnx::run(path),
        _ => inspect_model(args),
    }
}

fn inspect_model(args: &InspectArgs) -> Result<(), CliError> {
    let file = model_file::read_signed(&args.model)?;
    let bytes = signature::split(&file).map_or(&file[..], |(model, _)| model);
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.model, bytes, &mut table)?;
    let signature = signature_line(args, &file)?;
    let name = args.model.display();
    let (size, gives, version) = (grouped(file.len() as u64), gives(&model), model.version());
    let head = format!(
        "{name}: {size} bytes, {gives}, version {version}, {}, {}{signature}{}",
        self_test_line(&model),
        samples_part(&model),
        names_line(&model)
    );
    Ok(print(&format!(
        "{head}\n{}\n{}\n{}",
        input_line(&model),
        layer_table(&model),
        memory_lines(&model)
    ))?)
}

/// Whether the file is signed. If a key is given, a signature by another key is an error.
fn signature_line(args: &InspectArgs, bytes: &[u8]) -> Result<&'static str, CliError> {
    let Some(key) = &args.key else {
        return Ok(if signature::split(bytes).is_some() {
            "signed (not checked: --key)"
        } else {
            "not signed"
        });
    };
    let trust = Trust::signed_by(signing::read_public_key(key)?);
    let refused = |cause| CliError::Untrusted { path: args.model.clone(), cause };
    let mut table = ModelTable::new();
    trust.load(bytes, &mut table).map(|_| "signed by this key").map_err(refused)
}

/// Whether the file holds a self-test, and whether the model passes it here.
fn self_test_line(model: &Model<'_>) -> &'static str {
    match infer::self_test(model, &mut vec![0; model.arena_bytes()]) {
        Ok(()) => "self-test passed",
        Err(SelfTestError::Absent) => "no self-test",
        Err(_) => "self-test FAILED",
    }
}

/// How many inputs to show the file carries, where it has any.
fn samples_part(model: &Model<'_>) -> String {
    match model.metadata().samples().count() {
        0 => String::new(),
        1 => "1 sample, ".to_owned(),
        count => format!("{count} samples, "),
    }
}

/// What the first output is; of real values with their names and scales, of a reconstruction with
/// the threshold of its error.
fn gives(model: &Model<'_>) -> String {
    let said = given(model.input().interface.gives, model.classes());
    match model.metadata().threshold() {
        Some(threshold) => format!("{said}, unusual above {}", Real(threshold.into())),
        None => said,
    }
}

/// The names of the classes, or of the values with what they stand for, where the file has any.
fn names_line(model: &Model<'_>) -> String {
    let values = metadata::targets(model);
    if model.metadata().scale(0).is_some() {
        let names = Target::names(&values);
        let line = |(place, value): (usize, &Target)| {
            let [mean, deviation] = [value.mean, value.deviation].map(|of| Real(of.into()));
            format!("\n{} = {mean} + {deviation} times value {place}", printable(&names.of(place)))
        };
        return values.iter().enumerate().map(line).collect();
    }
    let names: Vec<String> =
        model.metadata().names().map(|name| printable(name).to_string()).collect();
    if names.is_empty() { String::new() } else { format!("\n{}", names.join(", ")) }
}

fn input_line(model: &Model<'_>) -> String {
    let input = model.input();
    let [row, column] = input.origin;
    let (image, map) = (input.image, input.tensor.shape);
    let OutputQuant { scale, zero_point } = input.tensor.quant;
    let takes = input.interface.takes;
    format!(
        "image {image}, {takes}; the model reads {map} of it from row {row}, column {column}; \
         scale {scale:.6}, zero point {zero_point}\n"
    )
}

pub(super) fn layer_table(model: &Model<'_>) -> Table {
    let mut table = Table::new([
        "layer",
        "what",
        ">input",
        ">output",
        ">bits",
        ">file bytes",
        ">MACs",
        ">scale",
        ">zero",
        ">RAM bytes",
    ]);
    for (layer, before) in model.layers().iter().zip(0..) {
        let OutputQuant { scale, zero_point } = layer.kind.output().quant;
        table.row([
            layer.name.to_owned(),
            what(model, layer, before),
            layer.input().to_string(),
            layer.output().to_string(),
            bits(layer),
            grouped(layer.parameter_bytes() as u64),
            grouped(layer.macs()),
            format!("{scale:.6}"),
            zero_point.to_string(),
            grouped(ram_bytes(model, layer) as u64),
        ]);
    }
    let parameters = model.layers().iter().map(|layer| layer.parameter_bytes() as u64).sum();
    let (parameters, macs) = (grouped(parameters), grouped(model.macs()));
    table.row(["", "all layers", "", "", "", &parameters, &macs, "", "", ""].map(str::to_owned));
    table
}

/// How many bits a layer's weights have, where it has any.
fn bits(layer: &Layer<'_>) -> String {
    let has_weights = !layer.kind.channels().is_empty();
    let bits = layer.kind.choice().weight_bits().count();
    if has_weights { bits.to_string() } else { String::new() }
}

/// What a layer is; with the names of those it reads, where that is not just the one before.
pub(super) fn what(model: &Model<'_>, layer: &Layer<'_>, before: usize) -> String {
    if layer.inputs.iter().eq([before]) {
        return layer.kind.describe();
    }
    let name = |tensor: usize| match tensor.checked_sub(1).and_then(|at| model.layers().get(at)) {
        Some(layer) => printable(layer.name).to_string(),
        None => "input".to_owned(),
    };
    let names: Vec<String> = layer.inputs.iter().map(name).collect();
    format!("{} of {}", layer.kind.describe(), names.join(" and "))
}

/// Bytes that the layer works on: inputs, scratch and output.
fn ram_bytes(model: &Model<'_>, layer: &Layer<'_>) -> usize {
    layer_use(model, layer).iter().sum()
}

/// Bytes of the held rows of a layer's inputs, of its scratch memory, of the held rows of its
/// output.
fn layer_use(model: &Model<'_>, layer: &Layer<'_>) -> [usize; 3] {
    let network = Network::from(model);
    let input = |tensor| network.tensor_use(tensor).map_or(0, |(_, bytes)| bytes);
    [layer.inputs.iter().map(input).sum(), layer.scratch_bytes(), layer.output_use().1]
}

/// The working memory, and the layer that needs most of it.
pub(super) fn memory_lines(model: &Model<'_>) -> String {
    let arena = grouped(model.arena_bytes() as u64);
    let mut text = format!("working RAM {arena} bytes");
    if let Some(layer) = model.layers().iter().rev().max_by_key(|layer| ram_bytes(model, layer)) {
        let [input, scratch, output] = layer_use(model, layer).map(|bytes| grouped(bytes as u64));
        text += &format!(
            ", its peak at {}: input {input} + scratch {scratch} + output {output}",
            printable(layer.name)
        );
    }
    let image = image_bytes(model.image_shape(), model.input().interface.takes);
    let (with_image, image) =
        (grouped((model.arena_bytes() + image) as u64), grouped(image as u64));
    format!(
        "{text}\nwith the image's {image} bytes {with_image}; without, where its rows are fed as \
         they come (Session::begin_rows)\n(buffers are reused from layer to layer and lie at \
         multiples of 16)\n"
    )
}

/// Bytes of an image as the caller has it.
pub(super) const fn image_bytes(image: Shape, takes: ValueType) -> usize {
    image.len()
        * match takes {
            ValueType::Pixels | ValueType::Int8 => 1,
            ValueType::Reals => size_of::<f32>(),
        }
}
