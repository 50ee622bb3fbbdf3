//! The edges of a network: where values in float32 or uint8 become int8, and come back.
//!
//! The model takes and gives int8. A value of float32 is quantised before it, by the scale and the
//! zero point that the model file has; one of uint8 is 128 more than the int8 value.

use std::borrow::Cow;

use crate::import::tflite::{ElementType, Kind, Network, Operator, Tensor};

/// The same network with int8 at its edges: `QUANTIZE` and `DEQUANTIZE` there are from int8 to
/// int8.
pub(super) fn int8<'n, 'a>(network: &'n Network<'a>) -> Cow<'n, Network<'a>> {
    let mut inner = Cow::Borrowed(network);
    for input in &network.inputs {
        if network.tensors[*input].element != ElementType::Int8 && is_quantised(network, *input) {
            enter(inner.to_mut(), *input);
        }
    }
    for output in &network.outputs {
        if network.tensors[*output].element != ElementType::Int8 {
            leave(inner.to_mut(), *output);
        }
    }
    inner
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
