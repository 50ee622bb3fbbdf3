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
use crate::graph::layer::{Input, Layer, Placement};
use crate::graph::model::Model;
use crate::graph::network::Network;
use crate::ops::LayerKind;
use crate::ops::conv::Conv;
use crate::ops::dense::Dense;
use crate::ops::max_pool::MaxPool;
use crate::schedule::Schedule;

/// Source of `NETWORK`, over the constant `MODEL` with the bytes of `file`, in which `model` was
/// found.
pub fn of(model: &Model<'_>, file: &[u8]) -> String {
    let input = input(model.input());
    let layers: String = model.layers().iter().map(|layer| layer_source(layer, file)).collect();
    let features: String = needed_features(model).into_iter().map(require).collect();
    let (count, quant, arena) = (model.layers().len(), model.output_quant(), model.arena_bytes());
    format!(
        "/// The network of `MODEL`, checked when this was built: \
         `Session::new(NETWORK, ...)` needs no\n/// loader.\n\
         pub const NETWORK: infer::Network<'static> = {{\n\
         #[allow(unused_imports)]\n\
         use infer::{{Input, Layer, LayerKind, MaxPool, Shape}};\n\
         #[allow(unused_imports)]\n\
         use infer::{{embedded::*, features::Feature, format::*}};\n\
         const {{\n{features}}}\n\
         static INPUT: Input = {input};\n\
         static LAYERS: [Layer<'static>; {count}] = [\n{layers}];\n\
         network(&INPUT, &LAYERS, {quant:?}, {arena})\n\
         }};\n"
    )
}

/// The parts of this crate that any slice of a run needs.
fn needed_features(model: &Model<'_>) -> Vec<Feature> {
    let (network, mut schedule) = (Network::from(model), Schedule::new());
    let slices = core::iter::from_fn(|| schedule.next(|map| network.stage(map)));
    let kinds: Vec<LayerKind<'_>> = slices
        .filter_map(|slice| Some(model.layers().get(slice.map.checked_sub(1)?)?.kind.slice(&slice)))
        .collect();
    let is_needed = |feature: &Feature| kinds.iter().any(|kind| feature.is_needed_by(kind));
    Feature::ALL.into_iter().filter(is_needed).collect()
}

fn require(feature: Feature) -> String {
    format!("require(Feature::{feature:?});\n")
}

fn input(input: &Input) -> String {
    let Input { image, map, origin, scale, held_rows, arena_at } = input;
    format!(
        "input(&InputRecord {{ image: {image:?}, map: {map:?}, origin: {origin:?}, \
         scale: {scale:?}, \
         held_rows: {held_rows}, arena_at: {arena_at} }})"
    )
}

fn layer_source(layer: &Layer<'_>, file: &[u8]) -> String {
    let Layer { name, held_rows, rows_at_once, placement, .. } = layer;
    let Placement { input_at, input_bytes, output_at, scratch_at, scratch_bytes } = placement;
    let kind = match &layer.kind {
        LayerKind::Conv(kind) => conv(kind, file),
        LayerKind::MaxPool(kind) => max_pool(kind),
        LayerKind::Dense(kind) => dense(kind, file),
    };
    format!(
        "layer({name:?}, {kind}, [{held_rows}, {rows_at_once}], \
         [{input_at}, {input_bytes}, {output_at}, {scratch_at}, {scratch_bytes}]),\n"
    )
}

fn conv(conv: &Conv<'_>, file: &[u8]) -> String {
    let Conv { input, input_zero_point, output, kernel, stride, origin, pool, .. } = conv;
    let Conv { output_quant, algorithm, channels, weights, .. } = conv;
    let (channels, weights) = (section(channels, file), section(weights, file));
    format!(
        "conv(&ConvRecord {{ name: \"\", output: {output:?}, kernel: {kernel:?}, \
         stride: {stride:?}, origin: {origin:?}, pool: {pool:?}, output_quant: {output_quant:?}, \
         algorithm: Algorithm::{algorithm:?}, held_rows: 0, output_at: 0, scratch_at: 0 }}, \
         {input:?}, {input_zero_point}, {channels}, {weights})"
    )
}

fn max_pool(pool: &MaxPool) -> String {
    format!("LayerKind::MaxPool({pool:?})")
}

fn dense(dense: &Dense<'_>, file: &[u8]) -> String {
    let Dense { input, units, output_quant, algorithm, channels, weights } = dense;
    let (channels, weights) = (section(channels, file), section(weights, file));
    format!(
        "dense(&DenseRecord {{ name: \"\", units: {units}, output_quant: {output_quant:?}, \
         algorithm: DenseAlgorithm::{algorithm:?}, output_at: 0 }}, \
         {input:?}, {channels}, {weights})"
    )
}

/// A part of the file, as the source names it.
fn section(bytes: &[u8], file: &[u8]) -> String {
    let start = bytes.as_ptr().addr() - file.as_ptr().addr();
    format!("section(MODEL, {start}, {})", bytes.len())
}
