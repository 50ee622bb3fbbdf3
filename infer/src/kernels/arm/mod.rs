//! Kernels for Cortex-M cores: the only folder with `unsafe`.
//!
//! Every kernel checks the sizes and addresses of what it is given once per layer, so that it is sound whatever safe
//! code calls it with; what the model guarantees makes these checks pass.

#[cfg(kindling_backend = "dsp")]
mod dsp;

#[cfg(kindling_backend = "dsp")]
pub use dsp::Dsp;
