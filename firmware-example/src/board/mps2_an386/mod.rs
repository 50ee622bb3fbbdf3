//! Arm MPS2 with the AN386 image: Cortex-M4 with FPU.

/// The board, for people.
pub const NAME: &str = "MPS2 AN386 (Cortex-M4), emulated";

/// Clock of the core, and of SysTick.
pub const CORE_HERTZ: u64 = 25_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 64 * 1024;
