//! Arm MPS2 with the AN500 image: Cortex-M7.

pub use crate::board::mps2::{BUFFER_BYTES, CORE_HERTZ, SERVER, uart};

/// The board, for people.
pub const NAME: &str = "MPS2 AN500 (Cortex-M7)";
