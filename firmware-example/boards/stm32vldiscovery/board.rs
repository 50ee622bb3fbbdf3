//! ST STM32VLDISCOVERY: STM32F100, Cortex-M3, 128 KB flash, 8 KB RAM. On the board it runs on the
//! internal oscillator, 8 MHz, as after a reset; the emulated one has 24 MHz.

use crate::board::register::Register;
use crate::board::server_memory::ServerMemory;
use crate::board::uart::stm32::Stm32;

/// The board, for people.
pub const NAME: &str = "STM32VLDISCOVERY (Cortex-M3)";

/// Clock of the core and of SysTick.
pub const CORE_HERTZ: u64 = 24_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 784;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 128,
    answer_bytes: 128,
    update_bytes: 0,
    arena_bytes: 0,
    row_bytes: 0,
    timed_layers: 8,
    digits: false,
};

/// Clock of core and peripherals after a reset: the internal oscillator.
const RESET_HERTZ: u32 = 8_000_000;

/// USART1 on PA9 (transmit) and PA10 (receive): the board has no serial line over USB and needs an
/// adapter of 3.3 V.
#[allow(unsafe_code)]
pub fn uart() -> Stm32 {
    // SAFETY: RCC_APB2ENR, GPIOA's CRH and USART1 (RM0041); none of them moves memory, and the
    // program starts the USART once.
    unsafe {
        Register::at(0x4002_1018).set(1 << 14 | 1 << 2); // USART1, GPIOA
        // PA9 is the USART's output, all others inputs.
        Register::at(0x4001_0804).write(0x4444_44B4);
        Stm32::start(0x4001_3800, RESET_HERTZ)
    }
}
