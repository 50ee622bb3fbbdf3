//! Arm MPS2 with the AN500 image: Cortex-M7.

/// The board, for people.
pub const NAME: &str = "MPS2 AN500 (Cortex-M7), emulated";

/// Clock of the core, and of SysTick.
pub const CORE_HERTZ: u64 = 25_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;
