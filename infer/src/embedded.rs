//! What the source that `build::embed` writes is made of: a constant [`Network`], read from a
//! checked model file.
//!
//! These functions trust the build script that called
//! [`Model::from_bytes`](crate::Model::from_bytes). With numbers that do not belong together a run
//! gives wrong scores; it stays within its buffers even then, because the kernels look at the sizes
//! of what they are given.

use crate::features::Feature;
use crate::graph::format::InputRecord;
use crate::graph::layer::{Input, Layer, Placement};
use crate::graph::network::Network;
use crate::ops::LayerKind;
use crate::ops::conv::{Conv, ConvRecord};
use crate::ops::dense::{Dense, DenseRecord};
use crate::quant::OutputQuant;
use crate::shape::Shape;

/// A checked input record.
pub const fn input(record: &InputRecord) -> Input {
    let InputRecord { image, map, origin, scale, held_rows, arena_at } = *record;
    Input { image, map, origin, scale, held_rows, arena_at: arena_at as usize }
}

/// A convolution that reads a map of shape `input` whose padding reads as `zero_point`.
pub const fn conv<'m>(
    record: &ConvRecord<'_>,
    input: Shape,
    zero_point: i8,
    channels: &'m [u8],
    weights: &'m [u8],
) -> LayerKind<'m> {
    let mut conv = Conv::from_record(record, input, zero_point);
    (conv.channels, conv.weights) = (channels, weights);
    LayerKind::Conv(conv)
}

/// A dense layer that reads a map of shape `input`.
pub const fn dense<'m>(
    record: &DenseRecord<'_>,
    input: Shape,
    channels: &'m [u8],
    weights: &'m [u8],
) -> LayerKind<'m> {
    let mut dense = Dense::from_record(record, input);
    (dense.channels, dense.weights) = (channels, weights);
    LayerKind::Dense(dense)
}

/// A layer with its rows and its buffers: input, bytes of input, output, scratch memory, bytes of
/// scratch memory.
pub const fn layer<'m>(
    name: &'m str,
    kind: LayerKind<'m>,
    [held_rows, rows_at_once]: [u16; 2],
    [input_at, input_bytes, output_at, scratch_at, scratch_bytes]: [usize; 5],
) -> Layer<'m> {
    let placement = Placement { input_at, input_bytes, output_at, scratch_at, scratch_bytes };
    Layer { name, kind, held_rows, rows_at_once, placement }
}

/// The layers with what they leave and what they need.
pub const fn network<'m>(
    input: &'m Input,
    layers: &'m [Layer<'m>],
    output_quant: OutputQuant,
    arena_bytes: usize,
) -> Network<'m> {
    Network { input, layers, output_quant, arena_bytes }
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
