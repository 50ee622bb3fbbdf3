//! ST Nucleo-F411RE: STM32F411, Cortex-M4 with FPU, 512 KB flash, 128 KB RAM. It runs on the
//! internal oscillator, as after a reset.

use crate::board::register::Register;
use crate::board::server_memory::ServerMemory;
use crate::board::uart::stm32::Stm32;

/// The board, for people.
pub const NAME: &str = "Nucleo-F411RE (Cortex-M4)";

/// Clock of the core and of SysTick.
pub const CORE_HERTZ: u64 = 16_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 16 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 0,
    arena_bytes: 0,
    row_bytes: 0,
    timed_layers: 64,
    digits: true,
};

/// USART2, which the ST-LINK passes on over USB.
#[allow(unsafe_code)]
pub fn uart() -> Stm32 {
    // SAFETY: RCC_AHB1ENR, RCC_APB1ENR, GPIOA's MODER and AFRL, and USART2 (RM0383); none of them
    // moves memory, and the program starts the USART once.
    unsafe {
        Register::at(0x4002_3830).set(1); // GPIOA
        Register::at(0x4002_3840).set(1 << 17); // USART2
        Register::at(0x4002_0000).set(0b1010 << 4); // PA2 and PA3 are the USART's ...
        Register::at(0x4002_0020).set(0x77 << 8); // ... which is alternate function 7
        Stm32::start(0x4000_4400, CORE_HERTZ as u32)
    }
}
