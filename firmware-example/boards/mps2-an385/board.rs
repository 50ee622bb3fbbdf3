//! Arm MPS2 with the AN385 image: Cortex-M3.

pub use crate::board::mps2::{BUFFER_BYTES, CORE_HERTZ, SERVER, uart};

/// The board, for people.
pub const NAME: &str = "MPS2 AN385 (Cortex-M3)";
