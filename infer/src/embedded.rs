//! What the source that `build::embed` writes is made of: a constant [`Network`], read from a
//! checked model file.
//!
//! These functions trust the build script that called
//! [`Model::from_bytes`](crate::Model::from_bytes). With numbers that do not belong together a run
//! gives wrong scores; it stays within its buffers even then, because the kernels look at the sizes
//! of what they are given.

use crate::features::Feature;
use crate::graph::format::{InputRecord, LayerRecord};
use crate::graph::layer::{Input, Layer, Place};
use crate::graph::network::Network;
use crate::ops::{Inputs, LayerKind, Tensor};
use crate::schedule::INPUTS_MAX;

/// A checked input record, whose tensor is last read for tensor `last_reader`.
pub const fn input(record: &InputRecord, last_reader: u8) -> Input {
    let InputRecord { image, origin, tensor } = *record;
    let place = Place { last_reader, ..Place::of(&tensor) };
    Input { image, origin, tensor: tensor.tensor, place }
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

/// The layers with what they leave and what they need.
pub const fn network<'m>(
    input: &'m Input,
    layers: &'m [Layer<'m>],
    outputs: &'m [u8],
    arena_bytes: usize,
) -> Network<'m> {
    Network { input, layers, outputs, arena_bytes }
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
