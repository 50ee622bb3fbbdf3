//! BBC micro:bit, first version: nRF51822, Cortex-M0. The chip itself has no SysTick; the emulated one has.

/// The board, for people.
pub const NAME: &str = "BBC micro:bit (Cortex-M0), emulated";

/// Clock of the core, and of SysTick.
pub const CORE_HERTZ: u64 = 16_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 1024;
