//! The board's connector CN5: OTG_FS on PA11 and PA12 (RM0090, chapters 7, 8 and 34). The core
//! stays on the internal oscillator; the PLL runs for USB alone, from the crystal.
#![allow(unsafe_code)]

use synopsys_usb_otg::{UsbBus, UsbPeripheral};
use usb_device::bus::UsbBusAllocator;

use crate::board::register::Register;
pub use crate::board::selected::CORE_HERTZ;

/// The chip's USB peripheral.
pub type Bus = UsbBus<OtgFs>;

/// Words for packets that came: 64 bytes each for the control and the data endpoint, and some to
/// spare.
const PACKET_WORDS: usize = 128;

/// PLLCFGR: the crystal's 8 MHz / 8 * 336 / 7 = 48 MHz for USB, by a VCO of 336 MHz. Bits 28 to 31
/// stay as they are.
const PLL: u32 = 7 << 24 | 1 << 22 | 336 << 6 | 8;
const PLL_RESERVED: u32 = 0xF000_0000;

/// OTG_FS.
pub struct OtgFs;

// SAFETY: the STM32F407 has the registers of its OTG_FS here, with FIFOs of 1.25 KB and four
// endpoints in each direction.
unsafe impl UsbPeripheral for OtgFs {
    const REGISTERS: *const () = core::ptr::without_provenance(0x5000_0000);
    const HIGH_SPEED: bool = false;
    const FIFO_DEPTH_WORDS: usize = 320;
    const ENDPOINT_COUNT: usize = 4;

    fn enable() {
        // SAFETY: RCC_AHB2ENR and RCC_AHB2RSTR; neither moves memory.
        unsafe {
            Register::at(0x4002_3834).set(1 << 7);
            let reset = Register::at(0x4002_3814);
            reset.set(1 << 7);
            reset.write(reset.read() & !(1 << 7));
        }
    }

    fn ahb_frequency_hz(&self) -> u32 {
        CORE_HERTZ as u32
    }
}

/// Starts clock and pins.
pub fn bus() -> UsbBusAllocator<Bus> {
    // SAFETY: RCC_CR, RCC_PLLCFGR, RCC_AHB1ENR, and GPIOA's OSPEEDR, AFRH and MODER; none of them
    // moves memory.
    unsafe {
        let control = Register::at(0x4002_3800);
        control.set(1 << 16); // the crystal
        control.wait_for(1 << 17);
        let pll = Register::at(0x4002_3804);
        pll.write(pll.read() & PLL_RESERVED | PLL);
        control.set(1 << 24); // the PLL
        control.wait_for(1 << 25);
        Register::at(0x4002_3830).set(1); // GPIOA
        Register::at(0x4002_0008).set(0b1111 << 22); // PA11 and PA12 are fast ...
        let function = Register::at(0x4002_0024);
        // ... are alternate function 10 ...
        function.write(function.read() & !(0xFF << 12) | 0xAA << 12);
        let mode = Register::at(0x4002_0000);
        mode.write(mode.read() & !(0b1111 << 22) | 0b1010 << 22); // ... and OTG_FS's
    }
    UsbBus::new(OtgFs, cortex_m::singleton!(: [u32; PACKET_WORDS] = [0; PACKET_WORDS]).unwrap())
}
