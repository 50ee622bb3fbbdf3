//! Networks that were trained elsewhere.

pub mod float;
pub mod model;
pub mod onnx;
#[cfg(test)]
mod tests;
pub mod tflite;
