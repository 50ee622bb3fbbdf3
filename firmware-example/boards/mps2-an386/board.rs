//! Arm MPS2 with the AN386 image: Cortex-M4 with FPU.

pub use crate::board::mps2::{BUFFER_BYTES, CORE_HERTZ, SERVER, uart};

/// The board, for people.
pub const NAME: &str = "MPS2 AN386 (Cortex-M4)";
