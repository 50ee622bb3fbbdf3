//! ST Nucleo-H743ZI: STM32H743, Cortex-M7 with FPU, 2 MB flash; of its RAM the 128 KB beside the
//! core are used, which need no cache. It runs on the internal oscillator, as after a reset.

use crate::board::register::Register;
use crate::board::server_memory::ServerMemory;
use crate::board::uart::stm32_v2::Stm32V2;

/// The board, for people.
pub const NAME: &str = "Nucleo-H743ZI (Cortex-M7)";

/// Clock of the core and of SysTick.
pub const CORE_HERTZ: u64 = 64_000_000;

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

/// USART3, which the ST-LINK passes on over USB.
#[allow(unsafe_code)]
pub fn uart() -> Stm32V2 {
    // SAFETY: RCC_AHB4ENR, RCC_APB1LENR, GPIOD's MODER and AFRH, and USART3 (RM0433); none of them
    // moves memory, and the program starts the USART once.
    unsafe {
        Register::at(0x5802_44E0).set(1 << 3); // GPIOD
        Register::at(0x5802_44E8).set(1 << 18); // USART3
        let mode = Register::at(0x5802_0C00);
        mode.write(mode.read() & !(0b1111 << 16) | 0b1010 << 16); // PD8 and PD9 are the USART's ...
        Register::at(0x5802_0C24).set(0x77); // ... which is alternate function 7
        Stm32V2::start(0x4000_4800, CORE_HERTZ as u32)
    }
}
