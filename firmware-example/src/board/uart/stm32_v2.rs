//! USART of the newer STM32 (F0, F3, F7, G, H, L, U, W; RM0433 chapter 48 for the H7).
#![allow(unsafe_code)]

use super::BAUD;
use crate::board::line::Line;
use crate::board::register::Register;

const TRANSMIT_EMPTY: u32 = 1 << 7;
const RECEIVED: u32 = 1 << 5;

/// ICR: forget overrun, noise and framing errors. An overrun that stays would end reception.
const FORGET_ERRORS: u32 = 1 << 3 | 1 << 2 | 1 << 1;

/// CR1: USART, transmitter and receiver on.
const ON: u32 = 1 << 3 | 1 << 2 | 1;

/// A running USART.
pub struct Stm32V2 {
    status: Register,
    clear: Register,
    receive: Register,
    send: Register,
}

impl Stm32V2 {
    /// Starts the USART at `base`, clocked with `hertz`.
    ///
    /// # Safety
    /// There is such a USART at `base`, clocked and with its pins connected, and nobody else uses
    /// it.
    pub unsafe fn start(base: usize, hertz: u32) -> Self {
        // SAFETY: CR1, BRR, ISR, ICR, RDR and TDR, by the caller's promise; no DMA is started.
        let [control, rate, status, clear, receive, send] = unsafe {
            [0x00, 0x0C, 0x1C, 0x20, 0x24, 0x28].map(|offset| Register::at(base + offset))
        };
        rate.write((hertz + BAUD / 2) / BAUD);
        control.write(ON);
        Self { status, clear, receive, send }
    }
}

impl Line for Stm32V2 {
    fn read(&mut self) -> u8 {
        while self.status.read() & RECEIVED == 0 {
            self.clear.write(FORGET_ERRORS);
        }
        self.receive.read() as u8
    }

    fn write(&mut self, byte: u8) {
        self.status.wait_for(TRANSMIT_EMPTY);
        self.send.write(byte as u32);
    }
}
