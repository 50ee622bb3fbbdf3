//! The edges of a network: where values in float32 or uint8 become int8, and come back.
//!
//! The model takes and gives int8. A value of float32 is quantised before it, by the scale and the
//! zero point that the model file has; one of uint8 is 128 more than the int8 value.
//!
//! A network that begins by turning channels, rows, columns into rows, columns, channels is given
//! the latter at once.

use std::borrow::Cow;

use crate::import::tflite::{ElementType, Kind, Network, Operator, Tensor};

/// The same network with int8 at its edges, channels last: `QUANTIZE` and `DEQUANTIZE` there are
/// from int8 to int8, and a first `TRANSPOSE` is nothing.
pub(super) fn int8<'n, 'a>(network: &'n Network<'a>) -> Cow<'n, Network<'a>> {
    let mut inner = Cow::Borrowed(network);
    for input in &network.inputs {
        if network.tensors[*input].element != ElementType::Int8 && is_quantised(network, *input) {
            enter(inner.to_mut(), *input);
        }
        if begins_with_channels(network, *input) {
            turn(inner.to_mut(), *input);
        }
    }
    for output in &network.outputs {
        if network.tensors[*output].element != ElementType::Int8 {
            leave(inner.to_mut(), *output);
        }
    }
    inner
}

/// Whether an input has its channels first, and is turned before anything else reads it.
pub fn begins_with_channels(network: &Network<'_>, input: usize) -> bool {
    let turned = before_turning(network, input);
    let mut readers = readers(network, turned).peekable();
    let order: &[i64] = match network.tensors[turned].shape.len() {
        3 => &[0, 2, 1],
        4 => &[0, 2, 3, 1],
        _ => return false,
    };
    let turns = |reader: &Operator| {
        let order_of = reader.inputs.get(1).copied().flatten();
        let found = order_of.and_then(|tensor| network.tensors[tensor].integers());
        reader.kind == Kind::Transpose && found.is_some_and(|found| found == order)
    };
    readers.peek().is_some() && readers.all(turns) && !network.outputs.contains(&turned)
}

/// What a first `QUANTIZE` makes of an input, where nothing else reads that, or the input.
fn before_turning(network: &Network<'_>, input: usize) -> usize {
    let mut readers = readers(network, input);
    match (readers.next(), readers.next()) {
        (Some(Operator { kind: Kind::Quantize, outputs, .. }), None) => {
            outputs.first().copied().unwrap_or(input)
        }
        _ => input,
    }
}

/// Counts an input as what it is turned into; the `TRANSPOSE` then changes nothing.
fn turn(network: &mut Network<'_>, input: usize) {
    let turned = before_turning(network, input);
    let mut shape = None;
    for reader in network.operators.iter_mut() {
        if reader.inputs.contains(&Some(turned)) {
            reader.kind = Kind::Reshape;
            reader.inputs.truncate(1);
            shape = reader.outputs.first().map(|made| network.tensors[*made].shape.clone());
        }
    }
    for tensor in [input, turned] {
        if let Some(shape) = &shape {
            network.tensors[tensor].shape.clone_from(shape);
        }
    }
}

/// Whether all that reads a tensor is `QUANTIZE`.
fn is_quantised(network: &Network<'_>, tensor: usize) -> bool {
    let mut readers = readers(network, tensor).peekable();
    readers.peek().is_some() && readers.all(|reader| reader.kind == Kind::Quantize)
}

fn readers<'n>(network: &'n Network<'_>, tensor: usize) -> impl Iterator<Item = &'n Operator> {
    network.operators.iter().filter(move |reader| reader.inputs.contains(&Some(tensor)))
}

/// The values of an input are what the first `QUANTIZE` makes of them.
fn enter(network: &mut Network<'_>, input: usize) {
    let made = readers(network, input).find_map(|reader| reader.outputs.first().copied());
    match (network.tensors[input].element, made) {
        (ElementType::UInt8, _) => signed(&mut network.tensors[input]),
        (ElementType::Float32, Some(made)) => {
            let Tensor { element, quantisation, .. } = network.tensors[made].clone();
            (network.tensors[input].element, network.tensors[input].quantisation) =
                (element, quantisation);
        }
        _ => {}
    }
}

/// The values of an output are those before the last operator.
fn leave(network: &mut Network<'_>, output: usize) {
    let makes = |operator: &&mut Operator| operator.outputs.first() == Some(&output);
    let Some(maker) = network.operators.iter_mut().find(makes) else { return };
    match (&maker.kind, maker.inputs.first(), network.tensors[output].element) {
        (Kind::Quantize, _, ElementType::UInt8) => signed(&mut network.tensors[output]),
        (Kind::Dequantize, Some(Some(before)), ElementType::Float32) => {
            let before = *before;
            maker.kind = Kind::Quantize;
            let Tensor { element, quantisation, .. } = network.tensors[before].clone();
            (network.tensors[output].element, network.tensors[output].quantisation) =
                (element, quantisation);
        }
        _ => {}
    }
}

/// A tensor of uint8 as one of int8 with the same real values.
fn signed(tensor: &mut Tensor<'_>) {
    tensor.element = ElementType::Int8;
    if let Some(quantisation) = &mut tensor.quantisation {
        quantisation.zero_points.iter_mut().for_each(|zero_point| *zero_point -= 128);
    }
}
