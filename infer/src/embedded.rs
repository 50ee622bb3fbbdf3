//! What the source that `build::embed` writes is made of: a constant [`Network`], read from a
//! checked model file.
//!
//! A build script has called [`Model::from_bytes`](crate::Model::from_bytes). That what it found
//! belongs together is checked once more where it costs nothing: when the constant is compiled.
//! What is not seen there, such as an accumulator that overflows, gives wrong scores; a layer whose
//! buffers do not lie apart makes the run an error:
//! [`RunError::Network`](crate::RunError::Network).

use crate::features::Feature;
use crate::graph::format::{InputRecord, LayerRecord};
use crate::graph::layer::{AFTER_RUN, Input, Layer, Place};
use crate::graph::network::Network;
use crate::interface::Interface;
use crate::memory::ALIGNMENT_BYTES;
use crate::ops::{Inputs, LayerKind, Tensor};
use crate::schedule::INPUTS_MAX;
use crate::shape::Shape;

/// A checked input record with what the network takes and gives, and the last tensor that is made
/// from the input's.
pub const fn input<'m>(
    record: &InputRecord,
    interface: Interface<'m>,
    last_reader: u8,
) -> Input<'m> {
    let InputRecord { image, origin, tensor } = *record;
    let place = Place { last_reader, ..Place::of(&tensor) };
    Input { image, interface, origin, tensor: tensor.tensor, place }
}

/// A checked layer record with the tensors that it reads, its channel parameters and weights, and
/// what the loader found: the rows that it makes at once, the last tensor that is made from its
/// own, and its bytes of scratch memory.
pub const fn layer<'m>(
    record: &LayerRecord<'m>,
    inputs: Inputs,
    tensors: &[Tensor; INPUTS_MAX],
    [channels, weights]: [&'m [u8]; 2],
    (rows_at_once, last_reader, scratch_bytes): (u16, u8, u32),
) -> Layer<'m> {
    let LayerRecord { name, operator, output, scratch_at } = *record;
    let kind = LayerKind::of_record(&operator, tensors, output.tensor);
    let kind = kind.with_unchecked(channels, weights);
    let place = Place { last_reader, ..Place::of(&output) };
    Layer { name, kind, inputs, rows_at_once, place, scratch_at, scratch_bytes }
}

/// The layers with what they leave and what they need; `None` when they do not belong together.
pub const fn network<'m>(
    input: &'m Input<'m>,
    layers: &'m [Layer<'m>],
    outputs: &'m [u8],
    arena_bytes: usize,
) -> Option<Network<'m>> {
    let network = Network { input, layers, outputs, arena_bytes };
    let mut is_sound = !layers.is_empty() && !outputs.is_empty();
    let mut tensor = 0;
    while tensor <= layers.len() {
        is_sound = is_sound && reads_what_is_made(&network, tensor) && lies_well(&network, tensor);
        tensor += 1;
    }
    let mut output = 0;
    while output < outputs.len() {
        is_sound = is_sound && outputs[output] as usize <= layers.len();
        output += 1;
    }
    if is_sound { Some(network) } else { None }
}

/// Whether the layer that makes the tensor can be computed, of tensors that are made before.
const fn reads_what_is_made(network: &Network<'_>, tensor: usize) -> bool {
    if tensor == 0 {
        return true;
    }
    let layer = &network.layers[tensor - 1];
    let (mut inputs, mut input) = ([Shape::vector(0); INPUTS_MAX], 0);
    while input < layer.inputs.count() {
        let read = layer.inputs.at(input) as usize;
        if read >= tensor {
            return false;
        }
        inputs[input] = shape(network, read);
        input += 1;
    }
    layer.kind.belongs_to(&inputs)
        && layer.rows_at_once > 0
        && layer.scratch_at.is_multiple_of(ALIGNMENT_BYTES as u32)
}

/// Whether the rows of a tensor that are held lie in the arena, and stay until they are read.
const fn lies_well(network: &Network<'_>, tensor: usize) -> bool {
    let (shape, place) = (shape(network, tensor), place(network, tensor));
    let held_bytes = place.held_rows as u64 * shape.width as u64 * shape.channels as u64;
    let last_reader = last_reader(network, tensor);
    let is_output = last_reader == AFTER_RUN as usize;
    place.rows == shape.height
        && 0 < place.held_rows
        && place.held_rows <= place.rows
        && (!is_output || place.held_rows == place.rows)
        && place.last_reader as usize == last_reader
        && place.at.is_multiple_of(ALIGNMENT_BYTES as u32)
        && place.at as u64 + held_bytes <= network.arena_bytes as u64
}

/// The last tensor that is made from `tensor`; [`AFTER_RUN`] for an output, 0 when there is none.
const fn last_reader(network: &Network<'_>, tensor: usize) -> usize {
    let mut output = 0;
    while output < network.outputs.len() {
        if network.outputs[output] as usize == tensor {
            return AFTER_RUN as usize;
        }
        output += 1;
    }
    let (mut last, mut layer) = (0, 0);
    while layer < network.layers.len() {
        let (inputs, mut input) = (&network.layers[layer].inputs, 0);
        while input < inputs.count() {
            if inputs.at(input) as usize == tensor {
                last = layer + 1;
            }
            input += 1;
        }
        layer += 1;
    }
    last
}

const fn shape(network: &Network<'_>, tensor: usize) -> Shape {
    if tensor == 0 { network.input.tensor.shape } else { network.layers[tensor - 1].kind.made() }
}

const fn place<'n>(network: &'n Network<'_>, tensor: usize) -> &'n Place {
    if tensor == 0 { &network.input.place } else { &network.layers[tensor - 1].place }
}

/// The bytes `start..start + bytes` of a model file.
pub const fn section(file: &[u8], start: usize, bytes: usize) -> &[u8] {
    file.split_at(start).1.split_at(bytes).0
}

/// Ends the build when the firmware leaves out a part of this crate that its model needs.
pub const fn require(feature: Feature) {
    assert!(
        feature.is_built(),
        "the model needs a part of `infer` that is not built: `trainer plan` prints the features"
    );
}
