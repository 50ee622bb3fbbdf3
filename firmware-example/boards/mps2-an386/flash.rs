//! Slots for models in code memory after the program: see `memory.x`.

pub use crate::board::mps2::flash;
