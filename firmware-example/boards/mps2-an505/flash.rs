//! Slots for models in code memory after the program: see `memory.x`.

use crate::board::code_memory::{Journal, Slot, flash_at};

/// The journal and two slots. The caller has no other from an earlier call.
#[allow(unsafe_code)]
pub fn flash() -> (Journal, [Slot; 2]) {
    // SAFETY: memory.x keeps the 2 MB from here on from the program; the server calls this once,
    // and again only when it has given up what it got.
    unsafe { flash_at(0x1020_0000) }
}
