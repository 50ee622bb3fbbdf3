//! Arm MPS2 with the AN385 image: Cortex-M3.

/// The board, for people.
pub const NAME: &str = "MPS2 AN385 (Cortex-M3), emulated";

/// Clock of the core, and of SysTick.
pub const CORE_HERTZ: u64 = 25_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;
