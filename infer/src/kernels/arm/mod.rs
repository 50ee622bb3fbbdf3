//! Kernels for Cortex-M cores: the only folder with `unsafe`.
//!
//! Rust checks sizes and addresses of what a loop is given, so that it is sound whatever safe code
//! calls it with; what the model guarantees makes these checks pass. The loops are in assembly, in
//! a folder for each core, because they need all 14 registers: inline assembly keeps two of them
//! back, and compiled loops spill.

mod cortex_m;
mod dense;
#[cfg_attr(kindling_backend = "armv6m", path = "finish_scalar.rs")]
mod finish;
mod instructions;
mod paired;
#[cfg(not(kindling_dsp))]
mod scalar;
mod single_channel;
#[cfg(kindling_backend = "mve")]
mod vector;
mod winograd;

pub use cortex_m::CortexM;

/// Name of the kernel set.
#[cfg(kindling_backend = "dsp")]
const NAME: &str = "dsp";
#[cfg(kindling_backend = "armv7m")]
const NAME: &str = "armv7m";
#[cfg(kindling_backend = "armv6m")]
const NAME: &str = "armv6m";
#[cfg(kindling_backend = "mve")]
const NAME: &str = "mve";
