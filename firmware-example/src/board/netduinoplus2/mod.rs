//! Netduino Plus 2: STM32F405, Cortex-M4 with FPU.

/// The board, for people.
pub const NAME: &str = "Netduino Plus 2 (Cortex-M4), emulated";

/// Clock of the core, and of SysTick.
pub const CORE_HERTZ: u64 = 168_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 16 * 1024;
