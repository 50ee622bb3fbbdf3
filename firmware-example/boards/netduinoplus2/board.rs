//! Netduino Plus 2: STM32F405, Cortex-M4 with FPU, 1 MB flash, 128 KB RAM beside the core-coupled
//! 64 KB.

use crate::board::register::Register;
use crate::board::server_memory::ServerMemory;
use crate::board::uart::stm32::Stm32;

/// The board, for people.
pub const NAME: &str = "Netduino Plus 2 (Cortex-M4)";

/// Clock of the core and of SysTick in the emulator.
pub const CORE_HERTZ: u64 = 168_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 16 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 104 * 1024,
    arena_bytes: 8 * 1024,
    row_bytes: 1024,
    timed_layers: 64,
    digits: true,
};

/// Clock of core and peripherals after a reset: the internal oscillator.
const RESET_HERTZ: u32 = 16_000_000;

/// USART1, which the emulator shows as the first serial line.
#[allow(unsafe_code)]
pub fn uart() -> Stm32 {
    // SAFETY: RCC_APB2ENR and USART1 are there on every STM32F4; the program starts it once.
    unsafe {
        Register::at(0x4002_3844).set(1 << 4);
        Stm32::start(0x4001_1000, RESET_HERTZ)
    }
}
