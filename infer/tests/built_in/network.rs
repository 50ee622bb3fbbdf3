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
/// The network of `MODEL`, checked when this was built: `Session::new(NETWORK, ...)` needs no
/// loader.
pub const NETWORK: infer::Network<'static> = {
#[allow(unused_imports)]
use infer::{Input, Layer, LayerKind, MaxPool, Shape};
#[allow(unused_imports)]
use infer::{embedded::*, features::Feature, format::*};
const {
require(Feature::Direct);
require(Feature::MaxPool);
require(Feature::DenseRows);
}
static INPUT: Input = input(&InputRecord { image: Shape { height: 5, width: 5, channels: 1 }, map: Shape { height: 5, width: 5, channels: 1 }, origin: [0, 0], scale: 0.003921569, held_rows: 5, arena_at: 0 });
static LAYERS: [Layer<'static>; 3] = [
layer("conv1", conv(&ConvRecord { name: "", output: Shape { height: 2, width: 2, channels: 2 }, kernel: [2, 2], stride: [1, 1], origin: [0, 0], pool: [2, 2], output_quant: OutputQuant { scale: 0.5, zero_point: -128 }, algorithm: Algorithm::Direct, held_rows: 0, output_at: 0, scratch_at: 0 }, Shape { height: 5, width: 5, channels: 1 }, -128, section(MODEL, 112, 16), section(MODEL, 128, 8)), [2, 65535], [0, 25, 64, 32, 16]),
layer("pool1", LayerKind::MaxPool(MaxPool { input: Shape { height: 2, width: 2, channels: 2 }, output: Shape { height: 1, width: 2, channels: 2 }, size: [2, 1], stride: [2, 1] }), [1, 65535], [64, 8, 0, 0, 0]),
layer("dense1", dense(&DenseRecord { name: "", units: 3, output_quant: OutputQuant { scale: 0.25, zero_point: 3 }, algorithm: DenseAlgorithm::Rows, output_at: 0 }, Shape { height: 1, width: 2, channels: 2 }, section(MODEL, 144, 24), section(MODEL, 176, 12)), [1, 65535], [0, 4, 16, 16, 0]),
];
network(&INPUT, &LAYERS, OutputQuant { scale: 0.25, zero_point: 3 }, 72)
};
