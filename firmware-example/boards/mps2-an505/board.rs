//! Arm MPS2 with the AN505 image: Cortex-M33.

pub use crate::board::mps2::{BUFFER_BYTES, SERVER};
use crate::board::uart::cmsdk::Cmsdk;

/// The board, for people.
pub const NAME: &str = "MPS2 AN505 (Cortex-M33)";

/// Clock of the core and of SysTick in the emulator.
pub const CORE_HERTZ: u64 = 20_000_000;

/// The board's first UART.
#[allow(unsafe_code)]
pub fn uart() -> Cmsdk {
    // SAFETY: UART 0 is there in the secure half of the AN505's memory map; the program starts it
    // once.
    unsafe { Cmsdk::start(0x5020_0000, 20_000_000) }
}
