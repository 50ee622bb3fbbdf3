//! The source of a constant [`Network`](crate::Network): what `Model::from_bytes` found, written
//! out.
//!
//! Shapes, quantisations and the like print as Rust has them in a program (`derive(Debug)`);
//! weights and channel parameters are parts of the file, which lies in flash once.

extern crate std;

use std::format;
use std::string::String;
use std::vec::Vec;

use crate::features::Feature;
use crate::graph::format::{InputRecord, LayerRecord, SelfTest, TensorRecord};
use crate::graph::layer::{Layer, Place};
use crate::graph::model::Model;
use crate::graph::network::Network;
use crate::interface::Interface;
use crate::ops::{Inputs, LayerKind, Tensor};
use crate::schedule::{INPUTS_MAX, Schedule};

/// Source of `NETWORK`, over the constant `MODEL` with the bytes of `file`, in which `model` was
/// found.
pub fn of(model: &Model<'_>, file: &[u8]) -> String {
    let network = Network::from(model);
    let input = input(&network);
    let layers: String =
        model.layers().iter().map(|layer| layer_source(&network, layer, file)).collect();
    let features: String = needed_features(&network).into_iter().map(require).collect();
    let (count, outputs, arena) = (model.layers().len(), model.outputs(), model.arena_bytes());
    format!(
        "/// The network of `MODEL`, checked when this was built: \
         `Session::new(NETWORK, ...)` needs no loader.\n\
         pub const NETWORK: infer::Network<'static> = {{\n\
         #[allow(unused_imports)]\n\
         use infer::{{Input, Interface, Layer, OutputType, Shape, ValueType, embedded::*, \
         features::Feature, format::*, ops::OperatorRecord::*}};\n\
         #[allow(unused_imports)]\n\
         use infer::format::{{Algorithm::*, DenseAlgorithm::*, Scaling::*}};\n\
         const {{\n{features}}}\n\
         static INPUT: Input<'static> = {input};\n\
         static LAYERS: [Layer<'static>; {count}] = [\n{layers}];\n\
         network(&INPUT, &LAYERS, &{outputs:?}, {arena}).expect(\"a checked model\")\n\
         }};\n"
    )
}

/// Source of `SELF_TEST`, over the constant `MODEL`.
pub fn self_test(model: &Model<'_>, file: &[u8]) -> String {
    let value = model.self_test().map(|SelfTest { image, scores }| {
        let [image, scores] = [image, scores].map(|bytes| section(bytes, file));
        format!("SelfTest {{ image: {image}, scores: {scores} }}")
    });
    let value = value.map_or("None".into(), |value| format!("Some({value})"));
    format!(
        "/// An image with the scores that `MODEL` must give it, if its file has one.\n\
         #[allow(dead_code)]\n\
         pub const SELF_TEST: Option<infer::format::SelfTest<'static>> = {{\n\
         #[allow(unused_imports)]\n\
         use infer::{{embedded::section, format::SelfTest}};\n\
         {value}\n\
         }};\n"
    )
}

/// The parts of this crate that any slice of a run needs.
fn needed_features(network: &Network<'_>) -> Vec<Feature> {
    let mut schedule = Schedule::new();
    let slices = core::iter::from_fn(|| schedule.next(network));
    let layer = |tensor: usize| network.layers().get(tensor.checked_sub(1)?);
    let kinds: Vec<LayerKind<'_>> =
        slices.filter_map(|slice| Some(layer(slice.tensor)?.kind.slice(&slice))).collect();
    let is_needed = |feature: &Feature| {
        network.needs(*feature) || kinds.iter().any(|kind| feature.is_needed_by(kind))
    };
    Feature::ALL.into_iter().filter(is_needed).collect()
}

fn require(feature: Feature) -> String {
    format!("require(Feature::{feature:?});\n")
}

fn input(network: &Network<'_>) -> String {
    let input = network.input();
    let tensor = tensor_record(input.tensor, &input.place);
    let record = InputRecord { image: input.image, origin: input.origin, tensor };
    let Interface { takes, gives, scales } = input.interface;
    let interface = format!(
        "Interface {{ takes: ValueType::{takes:?}, gives: OutputType::{gives:?}, \
         scales: &{scales:?} }}"
    );
    format!("input(&{record:?}, {interface}, {})", input.place.last_reader)
}

fn layer_source(network: &Network<'_>, layer: &Layer<'_>, file: &[u8]) -> String {
    let Layer { name, kind, inputs, rows_at_once, place, scratch_at, scratch_bytes } = *layer;
    let record = LayerRecord {
        name,
        operator: kind.record(inputs),
        output: tensor_record(kind.output(), &place),
        scratch_at,
    };
    let [channels, weights] = kind.numbers().map(|numbers| section(numbers, file));
    format!(
        "layer(&{record:?}, {}, &{:?}, [{channels}, {weights}], \
         ({rows_at_once}, {}, {scratch_bytes})),\n",
        inputs_source(inputs),
        tensors(network, inputs),
        place.last_reader,
    )
}

fn tensor_record(tensor: Tensor, place: &Place) -> TensorRecord {
    TensorRecord { tensor, held_rows: place.held_rows, at: place.at }
}

/// The tensors that an operator reads.
fn tensors(network: &Network<'_>, inputs: Inputs) -> [Tensor; INPUTS_MAX] {
    let input = |index| inputs.get(index).and_then(|tensor| network.tensor(tensor));
    core::array::from_fn(|index| input(index).unwrap_or(network.input().tensor))
}

fn inputs_source(inputs: Inputs) -> String {
    let tensors: Vec<usize> = inputs.iter().collect();
    match tensors[..] {
        [first, second] => format!("Inputs::two([{first}, {second}])"),
        _ => format!("Inputs::one({})", inputs.first()),
    }
}

/// A part of the file, as the source names it.
fn section(bytes: &[u8], file: &[u8]) -> String {
    if bytes.is_empty() {
        return "&[]".into();
    }
    let start = bytes.as_ptr().addr() - file.as_ptr().addr();
    format!("section(MODEL, {start}, {})", bytes.len())
}
