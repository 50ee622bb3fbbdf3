//! The trainer's readers of networks, without the trainer.

#[path = "../../../trainer/src/import/onnx/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the targets use the reader alone")]
pub mod onnx;
#[path = "../../../trainer/src/import/tflite/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the targets use the reader alone")]
pub mod tflite;
