//! The board's connector CN13: OTG_FS, which the chip calls USB2, on PA11 and PA12 (RM0433,
//! chapters 6, 8, 9, 11 and 57). Its clock is the internal 48 MHz oscillator, trimmed by the host's
//! start of frame.
#![allow(unsafe_code)]

use synopsys_usb_otg::{UsbBus, UsbPeripheral};
use usb_device::bus::UsbBusAllocator;

use crate::board::register::Register;
pub use crate::board::selected::CORE_HERTZ;

/// The chip's USB peripheral.
pub type Bus = UsbBus<Usb2>;

/// Words for packets that came: 64 bytes each for the control and the data endpoint, and some to
/// spare.
const PACKET_WORDS: usize = 128;

/// USB2, with its full-speed transceiver.
pub struct Usb2;

// SAFETY: the STM32H743 has the registers of its second OTG_HS here, with FIFOs of 4 KB and nine
// endpoints in each direction.
unsafe impl UsbPeripheral for Usb2 {
    const REGISTERS: *const () = core::ptr::without_provenance(0x4008_0000);
    const HIGH_SPEED: bool = true;
    const FIFO_DEPTH_WORDS: usize = 1024;
    const ENDPOINT_COUNT: usize = 9;

    fn enable() {
        // SAFETY: PWR_CR3, RCC_AHB1ENR and RCC_AHB1RSTR; none of them moves memory.
        unsafe {
            let power = Register::at(0x5802_480C);
            power.set(1 << 24); // USB33DEN: watch the supply of the transceiver ...
            power.wait_for(1 << 26); // ... USB33RDY: it is there
            Register::at(0x5802_44D8).set(1 << 27);
            let reset = Register::at(0x5802_4480);
            reset.set(1 << 27);
            reset.write(reset.read() & !(1 << 27));
        }
    }

    fn ahb_frequency_hz(&self) -> u32 {
        CORE_HERTZ as u32
    }
}

/// Starts clock and pins.
pub fn bus() -> UsbBusAllocator<Bus> {
    // SAFETY: RCC_CR, RCC_D2CCIP2R, RCC_APB1HENR, CRS_CFGR, CRS_CR, RCC_AHB4ENR, and GPIOA's
    // OSPEEDR, AFRH and MODER; none of them moves memory.
    unsafe {
        let control = Register::at(0x5802_4400);
        control.set(1 << 12); // HSI48ON
        control.wait_for(1 << 13);
        Register::at(0x5802_4454).set(0b11 << 20); // USBSEL: HSI48
        Register::at(0x5802_44EC).set(1 << 1); // CRSEN
        Register::at(0x4000_8404).set(0b11 << 28); // SYNCSRC: start of frame of USB2
        Register::at(0x4000_8400).set(1 << 6 | 1 << 5); // trim, on
        Register::at(0x5802_44E0).set(1); // GPIOA
        Register::at(0x5802_0008).set(0b1111 << 22); // PA11 and PA12 are fast ...
        let function = Register::at(0x5802_0024);
        // ... are alternate function 10 ...
        function.write(function.read() & !(0xFF << 12) | 0xAA << 12);
        let mode = Register::at(0x5802_0000);
        mode.write(mode.read() & !(0b1111 << 22) | 0b1010 << 22); // ... and USB2's
    }
    UsbBus::new(Usb2, cortex_m::singleton!(: [u32; PACKET_WORDS] = [0; PACKET_WORDS]).unwrap())
}
