//! Arm PL011 (DDI 0183), as in the RP2040 (datasheet section 4.2) and the RP2350 (section 12.1).
#![allow(unsafe_code)]

use super::BAUD;
use crate::board::line::Line;
use crate::board::register::Register;

const TRANSMIT_FULL: u32 = 1 << 5;
const RECEIVE_EMPTY: u32 = 1 << 4;

/// A running UART.
pub struct Pl011 {
    data: Register,
    flags: Register,
}

impl Pl011 {
    /// Starts the UART at `base`, clocked with `hertz`.
    ///
    /// # Safety
    /// There is such a UART at `base`, out of reset and with its pins connected, and nobody else
    /// uses it.
    pub unsafe fn start(base: usize, hertz: u32) -> Self {
        // SAFETY: UARTDR, UARTFR, UARTIBRD, UARTFBRD, UARTLCR_H and UARTCR, by the caller's
        // promise; no DMA is started.
        let [data, flags, whole, fraction, line, control] = unsafe {
            [0x00, 0x18, 0x24, 0x28, 0x2C, 0x30].map(|offset| Register::at(base + offset))
        };
        // The divider hertz / (16 * baud) in 64ths, rounded.
        let divider = (hertz * 4 + BAUD / 2) / BAUD;
        whole.write(divider / 64);
        fraction.write(divider % 64);
        line.write(0x70); // 8 bits, FIFOs on; takes the divider over
        control.write(0x301); // receive, transmit, on
        Self { data, flags }
    }
}

impl Line for Pl011 {
    fn read(&mut self) -> u8 {
        while self.flags.read() & RECEIVE_EMPTY != 0 {}
        self.data.read() as u8
    }

    fn write(&mut self, byte: u8) {
        while self.flags.read() & TRANSMIT_FULL != 0 {}
        self.data.write(byte as u32);
    }
}
