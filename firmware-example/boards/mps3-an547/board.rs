//! Arm MPS3 with the AN547 image (Corstone-300): Cortex-M55.

use crate::board::server_memory::ServerMemory;
use crate::board::uart::cmsdk::Cmsdk;

/// The board, for people.
pub const NAME: &str = "MPS3 AN547 (Cortex-M55)";

/// Clock of the core and of SysTick in the emulator.
pub const CORE_HERTZ: u64 = 32_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 512 * 1024,
    arena_bytes: 128 * 1024,
    image_bytes: 64 * 1024,
    digits: true,
};

/// The board's first UART.
#[allow(unsafe_code)]
pub fn uart() -> Cmsdk {
    // SAFETY: UART 0 is there in the secure half of the AN547's memory map; the program starts it
    // once.
    unsafe { Cmsdk::start(0x5930_3000, 32_000_000) }
}
