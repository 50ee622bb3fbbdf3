//! Arm MPS2 with the AN386 image: Cortex-M4 with FPU.

use crate::board::server_memory::ServerMemory;
use crate::board::uart::cmsdk::Cmsdk;

/// The board, for people.
pub const NAME: &str = "MPS2 AN386 (Cortex-M4)";

/// Clock of the core and of SysTick in the emulator.
pub const CORE_HERTZ: u64 = 25_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 0,
    arena_bytes: 128 * 1024,
    image_bytes: 64 * 1024,
    digits: true,
};

/// The board's first UART.
#[allow(unsafe_code)]
pub fn uart() -> Cmsdk {
    // SAFETY: UART 0 is there in the memory map of the AN386; the program starts it once.
    unsafe { Cmsdk::start(0x4000_4000, 25_000_000) }
}
