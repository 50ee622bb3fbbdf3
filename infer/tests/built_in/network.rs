//! What `infer::build::source` makes of the small hand-made model: compared with it by
//! tests/network.rs.

/// The model file, checked when this was built, aligned as every backend needs it.
pub const MODEL: &[u8] = infer::include_model!("model.kndl");
/// Bytes of working memory: the size of the `Arena`.
pub const ARENA_BYTES: usize = 72;
/// Bytes of an image.
pub const IMAGE_BYTES: usize = 25;
/// Number of scores.
pub const CLASSES: usize = 3;
/// Number of layers: the capacity of the `Table` that `MODEL` is loaded into.
#[allow(dead_code)]
pub const LAYERS: usize = 3;
/// The network of `MODEL`, checked when this was built: `Session::new(NETWORK, ...)` needs no loader.
pub const NETWORK: infer::Network<'static> = {
#[allow(unused_imports)]
use infer::{Input, Interface, Layer, OutputType, Shape, ValueType, embedded::*, features::Feature, format::*, ops::OperatorRecord::*};
#[allow(unused_imports)]
use infer::format::{Algorithm::*, DenseAlgorithm::*, Scaling::*};
const {
require(Feature::Direct);
require(Feature::DenseRows);
require(Feature::MaxPool);
}
static INPUT: Input<'static> = input(&InputRecord { image: Shape { height: 5, width: 5, channels: 1 }, origin: [0, 0], tensor: TensorRecord { tensor: Tensor { shape: Shape { height: 5, width: 5, channels: 1 }, quant: OutputQuant { scale: 0.003921569, zero_point: -128 } }, held_rows: 5, at: 0 } }, Interface { takes: ValueType::Pixels, gives: OutputType::Scores, scales: &[] }, 1);
static LAYERS: [Layer<'static>; 3] = [
layer(&LayerRecord { name: "conv1", operator: Conv(ConvRecord { input: 0, kernel: [2, 2], stride: [1, 1], origin: [0, 0], pool: [2, 2], algorithm: Direct }), output: TensorRecord { tensor: Tensor { shape: Shape { height: 2, width: 2, channels: 2 }, quant: OutputQuant { scale: 0.5, zero_point: -128 } }, held_rows: 2, at: 64 }, scratch_at: 32 }, Inputs::one(0), &[Tensor { shape: Shape { height: 5, width: 5, channels: 1 }, quant: OutputQuant { scale: 0.003921569, zero_point: -128 } }, Tensor { shape: Shape { height: 5, width: 5, channels: 1 }, quant: OutputQuant { scale: 0.003921569, zero_point: -128 } }], [section(MODEL, 128, 16), section(MODEL, 144, 8)], (65535, 2, 16)),
layer(&LayerRecord { name: "pool1", operator: MaxPool(MaxPoolRecord { input: 1, size: [2, 1], stride: [2, 1], origin: [0, 0] }), output: TensorRecord { tensor: Tensor { shape: Shape { height: 1, width: 2, channels: 2 }, quant: OutputQuant { scale: 0.5, zero_point: -128 } }, held_rows: 1, at: 0 }, scratch_at: 0 }, Inputs::one(1), &[Tensor { shape: Shape { height: 2, width: 2, channels: 2 }, quant: OutputQuant { scale: 0.5, zero_point: -128 } }, Tensor { shape: Shape { height: 5, width: 5, channels: 1 }, quant: OutputQuant { scale: 0.003921569, zero_point: -128 } }], [&[], &[]], (65535, 3, 0)),
layer(&LayerRecord { name: "dense1", operator: Dense(DenseRecord { input: 2, algorithm: Rows, is_per_tensor: false }), output: TensorRecord { tensor: Tensor { shape: Shape { height: 1, width: 1, channels: 3 }, quant: OutputQuant { scale: 0.25, zero_point: 3 } }, held_rows: 1, at: 16 }, scratch_at: 0 }, Inputs::one(2), &[Tensor { shape: Shape { height: 1, width: 2, channels: 2 }, quant: OutputQuant { scale: 0.5, zero_point: -128 } }, Tensor { shape: Shape { height: 5, width: 5, channels: 1 }, quant: OutputQuant { scale: 0.003921569, zero_point: -128 } }], [section(MODEL, 160, 24), section(MODEL, 192, 12)], (65535, 255, 0)),
];
network(&INPUT, &LAYERS, &[3], 72).expect("a checked model")
};
/// An image with the scores that `MODEL` must give it, if its file has one.
#[allow(dead_code)]
pub const SELF_TEST: Option<infer::format::SelfTest<'static>> = {
#[allow(unused_imports)]
use infer::{embedded::section, format::SelfTest};
Some(SelfTest { image: section(MODEL, 208, 25), scores: section(MODEL, 240, 3) })
};
