//! Arm MPS3 with the AN547 image: Cortex-M55.

/// The board, for people.
pub const NAME: &str = "MPS3 AN547 (Cortex-M55), emulated";

/// Clock of the core, and of SysTick.
pub const CORE_HERTZ: u64 = 32_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;
