//! What the fuzz targets do with bytes from outside, one file for each kind of bytes.

mod data;
mod import;
pub mod model;
pub mod mutate;
pub mod onnx;
pub mod pictures;
pub mod tflite;
pub mod wire;
