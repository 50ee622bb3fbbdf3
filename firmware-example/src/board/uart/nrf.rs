//! UART of Nordic's nRF51 (reference manual 3.0, chapter 29), which the nRF52 series still has
//! beside its UARTE.
#![allow(unsafe_code)]

use crate::board::line::Line;
use crate::board::register::Register;

/// UART0.
const BASE: usize = 0x4000_2000;

/// The clock controller.
const CLOCK: usize = 0x4000_0000;

/// GPIO port 0; port 1 follows at [`PORT_STEP`].
const GPIO: usize = 0x5000_0000;
const PORT_STEP: usize = 0x300;

/// BAUDRATE for 115,200 baud: the manual's table.
const BAUDRATE_115200: u32 = 0x01D7_E000;

/// ENABLE's value for "enabled".
const ENABLED: u32 = 4;

/// A running UART.
pub struct Nrf {
    received: Register,
    receive: Register,
    sent: Register,
    send: Register,
}

impl Nrf {
    /// Starts UART0. Pins are numbered 0 to 31 on port 0, 32 and up on port 1 (nRF52833 and
    /// nRF52840).
    ///
    /// # Safety
    /// The chip is an nRF51 or nRF52, the pins are free, and nobody else uses UART0.
    pub unsafe fn start(transmit_pin: u32, receive_pin: u32) -> Self {
        // SAFETY: registers of CLOCK, GPIO and UART0 by the manual's tables; none of these moves
        // memory.
        let (register, start_crystal, crystal_runs) = unsafe {
            let register = |offset: usize| Register::at(BASE + offset);
            (register, Register::at(CLOCK), Register::at(CLOCK + 0x100))
        };
        // The internal oscillator is too inexact for a serial line.
        start_crystal.write(1);
        crystal_runs.wait_for(1);
        let port = GPIO + PORT_STEP * (transmit_pin / 32) as usize;
        // SAFETY: OUTSET and DIRSET of the pin's port.
        let (high, output) = unsafe { (Register::at(port + 0x508), Register::at(port + 0x518)) };
        high.write(1 << (transmit_pin % 32)); // idle is high
        output.write(1 << (transmit_pin % 32));
        register(0x50C).write(transmit_pin);
        register(0x514).write(receive_pin);
        register(0x524).write(BAUDRATE_115200);
        register(0x500).write(ENABLED);
        register(0x000).write(1); // STARTRX
        register(0x008).write(1); // STARTTX
        let [received, receive, sent, send] = [0x108, 0x518, 0x11C, 0x51C].map(register);
        Self { received, receive, sent, send }
    }
}

impl Line for Nrf {
    fn read(&mut self) -> u8 {
        self.received.wait_for(1);
        // Before the byte is taken: taking it lets the next one raise the event again.
        self.received.write(0);
        self.receive.read() as u8
    }

    fn write(&mut self, byte: u8) {
        self.sent.write(0);
        self.send.write(byte as u32);
        self.sent.wait_for(1);
    }
}
