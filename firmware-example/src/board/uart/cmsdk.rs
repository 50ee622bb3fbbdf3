//! UART of Arm's Cortex-M System Design Kit (DDI 0479, section 4.3), as on the MPS2 and MPS3
//! boards.
#![allow(unsafe_code)]

use super::BAUD;
use crate::board::line::Line;
use crate::board::register::Register;

const TRANSMIT_FULL: u32 = 1;
const RECEIVE_FULL: u32 = 2;

/// The least that the divider may be.
const DIVIDER_MIN: u32 = 16;

/// A running UART.
pub struct Cmsdk {
    data: Register,
    state: Register,
}

impl Cmsdk {
    /// Starts the UART at `base`, clocked with `hertz`.
    ///
    /// # Safety
    /// There is such a UART at `base`, and nobody else uses it.
    pub unsafe fn start(base: usize, hertz: u32) -> Self {
        // SAFETY: DATA, STATE, CTRL and BAUDDIV of the UART, by the caller's promise; it has no
        // access to memory.
        let [data, state, control, divider] =
            unsafe { [0x00, 0x04, 0x08, 0x10].map(|offset| Register::at(base + offset)) };
        divider.write((hertz / BAUD).max(DIVIDER_MIN));
        control.write(3); // transmit and receive
        Self { data, state }
    }
}

impl Line for Cmsdk {
    fn read(&mut self) -> u8 {
        self.state.wait_for(RECEIVE_FULL);
        self.data.read() as u8
    }

    fn write(&mut self, byte: u8) {
        while self.state.read() & TRANSMIT_FULL != 0 {}
        self.data.write(byte as u32);
    }
}
