//! Arm MPS3 with the AN547 image (Corstone-300): Cortex-M55.

use crate::board::mps2;
pub use crate::board::mps2::BUFFER_BYTES;
use crate::board::server_memory::ServerMemory;
use crate::board::uart::cmsdk::Cmsdk;

/// The board, for people.
pub const NAME: &str = "MPS3 AN547 (Cortex-M55)";

/// Clock of the core and of SysTick in the emulator.
pub const CORE_HERTZ: u64 = 32_000_000;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory { update_bytes: 512 * 1024, ..mps2::SERVER };

/// The board's first UART.
#[allow(unsafe_code)]
pub fn uart() -> Cmsdk {
    // SAFETY: UART 0 is there in the secure half of the AN547's memory map; the program starts it
    // once.
    unsafe { Cmsdk::start(0x5930_3000, 32_000_000) }
}
