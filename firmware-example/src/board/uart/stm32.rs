//! USART of the STM32F1, F2 and F4 (RM0041 chapter 23, RM0090 chapter 30).
#![allow(unsafe_code)]

use super::BAUD;
use crate::board::line::Line;
use crate::board::register::Register;

const TRANSMIT_EMPTY: u32 = 1 << 7;
const RECEIVED: u32 = 1 << 5;

/// CR1: USART on, transmitter on, receiver on.
const ON: u32 = 1 << 13 | 1 << 3 | 1 << 2;

/// A running USART.
pub struct Stm32 {
    status: Register,
    data: Register,
}

impl Stm32 {
    /// Starts the USART at `base`, clocked with `hertz`.
    ///
    /// # Safety
    /// There is such a USART at `base`, clocked and with its pins connected, and nobody else uses
    /// it.
    pub unsafe fn start(base: usize, hertz: u32) -> Self {
        // SAFETY: SR, DR, BRR and CR1, by the caller's promise; no DMA is started.
        let [status, data, rate, control] =
            unsafe { [0x00, 0x04, 0x08, 0x0C].map(|offset| Register::at(base + offset)) };
        rate.write((hertz + BAUD / 2) / BAUD);
        control.write(ON);
        Self { status, data }
    }
}

impl Line for Stm32 {
    fn read(&mut self) -> u8 {
        self.status.wait_for(RECEIVED);
        // Reading status, then data also clears an overrun, which would otherwise stay.
        self.data.read() as u8
    }

    fn write(&mut self, byte: u8) {
        self.status.wait_for(TRANSMIT_EMPTY);
        self.data.write(byte as u32);
    }
}
