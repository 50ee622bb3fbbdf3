//! `inspect` of an ONNX file: its nodes, before anything is imported.

use std::path::Path;

use super::super::CliError;
use super::super::import_file::OnnxFile;
use crate::import::onnx::{self, Cost, Network, Node, Shapes, Value};
use crate::terminal::number::grouped;
use crate::terminal::table::Table;
use crate::terminal::{print, printable};

/// Whether the file is meant to be an ONNX file.
pub(in crate::cli) fn is_one(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

/// Prints inputs, outputs and the table of nodes.
pub(super) fn run(path: &Path) -> Result<(), CliError> {
    let file = OnnxFile::read(path)?;
    let network = file.network(path)?;
    let shapes = onnx::infer(&network)
        .map_err(|cause| CliError::OnnxShapes { path: path.to_owned(), cause })?;
    let (name, bytes, opset) = (path.display(), grouped(file.bytes.len() as u64), network.opset);
    let (nodes, producer) = (network.nodes.len(), printable(network.producer));
    Ok(print(&format!(
        "{name}: {bytes} bytes, ONNX by {producer}, version {opset} of the operators, \
         {nodes} nodes\n{}{}\n{}",
        edges("input", &network.inputs),
        edges("output", &network.outputs),
        node_table(&network, &shapes),
    ))?)
}

/// `input x: batch 3x32x32 float32`, one line each.
fn edges(what: &str, values: &[Value<'_>]) -> String {
    let line = |value: &Value<'_>| {
        let sides = value.shape.iter();
        let sides = sides.map(|side| side.map_or("?".to_owned(), |side| side.to_string()));
        let element = value.element.map_or("unknown type", |element| element.name());
        let shape = sides.collect::<Vec<_>>().join("x");
        format!("{what} {}: {shape} {element}\n", printable(value.name))
    };
    values.iter().map(line).collect()
}

fn node_table(network: &Network<'_>, shapes: &Shapes<'_>) -> Table {
    let mut table =
        Table::new([">", "operator", ">reads", ">input", ">output", ">MACs", ">weights", "name"]);
    let mut all = Cost::default();
    for (number, node) in network.nodes.iter().enumerate() {
        let cost = onnx::cost(node, shapes);
        all.macs = all.macs.saturating_add(cost.macs);
        all.parameters += cost.parameters;
        table.row([
            number.to_string(),
            describe(node),
            reads(network, node),
            shape(shapes, node.inputs.first()),
            shape(shapes, node.outputs.first()),
            grouped(cost.macs),
            grouped(cost.parameters),
            node.name.to_owned(),
        ]);
    }
    let (macs, parameters) = (grouped(all.macs), grouped(all.parameters));
    table.row(["", "all nodes", "", "", "", &macs, &parameters, ""].map(str::to_owned));
    table
}

/// `1x3x32x32`; `?` where it cannot be told.
fn shape(shapes: &Shapes<'_>, name: Option<&&str>) -> String {
    let Some(shape) = name.and_then(|name| shapes.get(name)) else { return "?".to_owned() };
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    if sides.is_empty() { "-".to_owned() } else { sides.join("x") }
}

/// `Conv kernel 3x3 stride 2x2 group 8`.
fn describe(node: &Node<'_>) -> String {
    let mut text = node.operator.to_owned();
    for (name, shown) in [("kernel_shape", "kernel"), ("strides", "stride"), ("pads", "pad")] {
        let Some(values) = node.ints(name) else { continue };
        let default = if name == "strides" { 1 } else { 0 };
        if values.iter().any(|value| *value != default) {
            let values: Vec<_> = values.iter().map(i64::to_string).collect();
            text += &format!(" {shown} {}", values.join("x"));
        }
    }
    if let Some(group) = node.int("group").filter(|group| *group != 1) {
        text += &format!(" group {group}");
    }
    text
}

/// The nodes whose results are read, or the network's input: `input, 3`.
fn reads(network: &Network<'_>, node: &Node<'_>) -> String {
    let names = node.inputs.iter().filter_map(|name| {
        if network.inputs.iter().any(|input| input.name == *name) {
            return Some("input".to_owned());
        }
        let maker = network.nodes.iter().position(|maker| maker.outputs.contains(name));
        maker.map(|maker| maker.to_string())
    });
    names.collect::<Vec<_>>().join(", ")
}
