//! Arm MPS2 with the AN505 image: Cortex-M33.

/// The board, for people.
pub const NAME: &str = "MPS2 AN505 (Cortex-M33), emulated";

/// Clock of the core, and of SysTick.
pub const CORE_HERTZ: u64 = 20_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;
