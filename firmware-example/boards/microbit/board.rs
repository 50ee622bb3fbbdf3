//! BBC micro:bit, first version: nRF51822, Cortex-M0, 256 KB flash, 16 KB RAM.
//!
//! The chip has no SysTick, the emulated one has.

use crate::board::server_memory::ServerMemory;
use crate::board::uart::nrf::Nrf;

/// The board, for people.
pub const NAME: &str = "BBC micro:bit v1 (Cortex-M0)";

/// Clock of the core and of SysTick in the emulator.
pub const CORE_HERTZ: u64 = 16_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 256,
    answer_bytes: 256,
    update_bytes: 0,
    arena_bytes: 0,
    row_bytes: 0,
    timed_layers: 8,
    digits: true,
};

/// The UART that the interface chip passes on over USB.
#[allow(unsafe_code)]
pub fn uart() -> Nrf {
    // SAFETY: the chip is an nRF51; P0.24 and P0.25 go to the interface chip; the program starts it
    // once.
    unsafe { Nrf::start(24, 25) }
}
