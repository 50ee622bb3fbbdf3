//! Arm's MPS2 and MPS3 boards as the emulator has them: they serve a model alike. AN385, AN386 and
//! AN500 differ in their core alone.

#[cfg(slots)]
use super::code_memory::{Journal, Slot, flash_at};
use super::server_memory::ServerMemory;
use super::uart::cmsdk::Cmsdk;

/// Clock of the core and of SysTick in the emulator: AN385, AN386, AN500.
pub const CORE_HERTZ: u64 = 25_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 0,
    arena_bytes: 128 * 1024,
    row_bytes: 8 * 1024,
    timed_layers: 64,
    digits: true,
};

/// The first UART of AN385, AN386 and AN500.
#[allow(unsafe_code)]
pub fn uart() -> Cmsdk {
    // SAFETY: UART 0 is there in the memory map of these boards; the program starts it once.
    unsafe { Cmsdk::start(0x4000_4000, 25_000_000) }
}

/// The journal and two slots for models, in the code memory of AN385, AN386 and AN500 after the
/// program: see their `memory.x`. The caller has no other from an earlier call.
#[allow(unsafe_code)]
#[cfg(slots)]
pub fn flash() -> (Journal, [Slot; 2]) {
    // SAFETY: memory.x keeps the 2 MB from here on from the program; the server calls this once,
    // and again only when it has given up what it got.
    unsafe { flash_at(0x0020_0000) }
}
