//! Networks that were trained elsewhere.

pub mod onnx;
#[cfg(test)]
mod tests;
pub mod tflite;
