//! `inspect` of a `.tflite` file: its operators, before anything is imported.

use std::path::Path;

use super::super::{CliError, import_file};
use crate::import::tflite::{self, Activation, Axis, Kind, Network, Operator, Tensor, Window};
use crate::terminal::number::grouped;
use crate::terminal::table::Table;
use crate::terminal::{print, printable};

/// Longest name of a layer, characters; of longer ones the end is shown.
const NAME_CHARACTERS: usize = 32;

/// Whether the file is meant to be a `.tflite` file.
pub(super) fn is_one(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tflite"))
}

/// Prints inputs, outputs and the table of operators.
pub(super) fn run(path: &Path) -> Result<(), CliError> {
    let file = import_file::read(path)?;
    let network =
        tflite::read(&file).map_err(|cause| CliError::Tflite { path: path.to_owned(), cause })?;
    let (name, bytes) = (path.display(), grouped(file.len() as u64));
    let count = network.operators.len();
    Ok(print(&format!(
        "{name}: {bytes} bytes, TensorFlow Lite, {count} operators\n{}{}\n{}",
        edges("input", &network, &network.inputs),
        edges("output", &network, &network.outputs),
        operator_table(&network),
    ))?)
}

/// `input serving_default_x: 1x28x28x1 int8, scale 0.003922, zero point -128`, one line each.
fn edges(what: &str, network: &Network<'_>, tensors: &[usize]) -> String {
    let line = |tensor: &usize| {
        let tensor = &network.tensors[*tensor];
        let name = printable(tensor.name);
        format!("{what} {name}: {}{}\n", form(tensor), quantisation_of(tensor))
    };
    tensors.iter().map(line).collect()
}

fn quantisation_of(tensor: &Tensor<'_>) -> String {
    match tensor.scale_and_zero_point() {
        Some((scale, zero_point)) => format!(", scale {scale:.6}, zero point {zero_point}"),
        None => String::new(),
    }
}

/// `1x28x28x1 int8`.
fn form(tensor: &Tensor<'_>) -> String {
    format!("{} {}", shape(tensor), tensor.element.name())
}

/// `1x28x28x1`; `-` of a single number.
fn shape(tensor: &Tensor<'_>) -> String {
    let sides: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
    if sides.is_empty() { "-".to_owned() } else { sides.join("x") }
}

fn operator_table(network: &Network<'_>) -> Table {
    let mut table = Table::new([
        ">", "operator", ">reads", ">input", ">output", "type", ">scale", ">zero", ">padding",
        ">MACs", ">weights", "name",
    ]);
    for (number, operator) in network.operators.iter().enumerate() {
        table.row(operator_row(network, number, operator));
    }
    let total = tflite::total(network);
    let (macs, parameters) = (grouped(total.macs), grouped(total.parameters));
    let all = ["", "all operators", "", "", "", "", "", "", "", &macs, &parameters, ""];
    table.row(all.map(str::to_owned));
    table
}

fn operator_row(network: &Network<'_>, number: usize, operator: &Operator) -> [String; 12] {
    let input = operator.inputs.first().copied().flatten();
    let input = input.map(|tensor| &network.tensors[tensor]);
    let output = operator.outputs.first().map(|tensor| &network.tensors[*tensor]);
    let quantisation = output.and_then(Tensor::scale_and_zero_point);
    let cost = tflite::cost(network, operator);
    [
        number.to_string(),
        describe(network, operator),
        reads(network, operator),
        input.map(shape).unwrap_or_default(),
        output.map(shape).unwrap_or_default(),
        output.map(|tensor| tensor.element.name().to_owned()).unwrap_or_default(),
        quantisation.map(|(scale, _)| format!("{scale:.6}")).unwrap_or_default(),
        quantisation.map(|(_, zero_point)| zero_point.to_string()).unwrap_or_default(),
        tflite::placed(network, operator).map(padding).unwrap_or_default(),
        grouped(cost.macs),
        grouped(cost.parameters),
        output.map(|tensor| short(tensor.name)).unwrap_or_default(),
    ]
}

/// `CONV_2D 3x3 stride 2x2, RELU`.
fn describe(network: &Network<'_>, operator: &Operator) -> String {
    let name = operator.kind.name();
    let window = match operator.kind {
        Kind::Conv(window, _) | Kind::DepthwiseConv(window, _) => {
            let weights = operator.inputs.get(1).copied().flatten();
            let shape = weights.map(|tensor| &network.tensors[tensor].shape[..]);
            let Some(&[_, rows, columns, _]) = shape else { return name.to_owned() };
            moving([rows, columns], window)
        }
        Kind::AveragePool(size, window, _) | Kind::MaxPool(size, window, _) => moving(size, window),
        _ => String::new(),
    };
    let constant = if operator.constant { " (constant)" } else { "" };
    format!("{name}{window}{}{constant}", activation(operator.kind.activation()))
}

/// ` 3x3 stride 2x2 dilation 2x2`.
fn moving([rows, columns]: [usize; 2], window: Window) -> String {
    let unless_one = |word: &str, [rows, columns]: [usize; 2]| match [rows, columns] {
        [1, 1] => String::new(),
        _ => format!(" {word} {rows}x{columns}"),
    };
    let stride = unless_one("stride", window.stride);
    format!(" {rows}x{columns}{stride}{}", unless_one("dilation", window.dilation))
}

fn activation(activation: Activation) -> &'static str {
    match activation {
        Activation::None => "",
        Activation::Relu => ", RELU",
        Activation::ReluN1To1 => ", RELU_N1_TO_1",
        Activation::Relu6 => ", RELU6",
        Activation::Tanh => ", TANH",
        Activation::SignBit => ", SIGN_BIT",
    }
}

/// The operators whose maps are read, or the network's input: `input, 3`.
fn reads(network: &Network<'_>, operator: &Operator) -> String {
    let maps = operator.inputs.iter().flatten().filter_map(|tensor| {
        if network.inputs.contains(tensor) {
            return Some("input".to_owned());
        }
        let maker = network.operators.iter().position(|maker| maker.outputs.contains(tensor));
        maker.map(|maker| maker.to_string())
    });
    maps.collect::<Vec<_>>().join(", ")
}

/// Rows before and after the map, then columns: `0,1 x 1,1`; nothing where there is none.
fn padding([rows, columns]: [Axis; 2]) -> String {
    match [rows.before, rows.after, columns.before, columns.after] {
        [0, 0, 0, 0] => String::new(),
        [above, below, left, right] => format!("{above},{below} x {left},{right}"),
    }
}

/// A converter joins the names of all operators that became one by `;`: the first of them, and the
/// end of it where it is long.
fn short(name: &str) -> String {
    let first = name.split(';').next().unwrap_or_default();
    let characters = first.chars().count();
    match characters.checked_sub(NAME_CHARACTERS) {
        None | Some(0) => first.to_owned(),
        Some(over) => format!("…{}", first.chars().skip(over + 1).collect::<String>()),
    }
}
