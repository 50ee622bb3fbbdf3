//! Networks that were trained elsewhere.

#[cfg(test)]
mod tests;
pub mod tflite;
