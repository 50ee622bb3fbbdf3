//! Nordic nRF52840 development kit: Cortex-M4 with FPU, 1 MB flash, 256 KB RAM.

use crate::board::server_memory::ServerMemory;
use crate::board::uart::nrf::Nrf;

/// The board, for people.
pub const NAME: &str = "nRF52840 DK (Cortex-M4)";

/// Clock of the core and of SysTick.
pub const CORE_HERTZ: u64 = 64_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 16 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 0,
    arena_bytes: 32 * 1024,
    row_bytes: 1024,
    timed_layers: 64,
    digits: true,
};

/// The UART that the interface chip passes on over USB.
#[allow(unsafe_code)]
pub fn uart() -> Nrf {
    // SAFETY: the chip is an nRF52840; P0.06 and P0.08 go to the interface chip; the program starts
    // it once.
    unsafe { Nrf::start(6, 8) }
}
