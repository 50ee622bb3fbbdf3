//! The kit's connector "nRF USB" (J3): the chip's USBD (product specification 1.7, sections 5.3,
//! 5.4 and 6.35). The crate has the workarounds for the anomalies 171 and 187.
#![allow(unsafe_code)]

use nrf_usbd::{UsbPeripheral, Usbd};
use usb_device::bus::UsbBusAllocator;

use crate::board::register::Register;
pub use crate::board::selected::CORE_HERTZ;

/// The chip's USB peripheral.
pub type Bus = Usbd<Peripheral>;

/// USBD.
pub struct Peripheral;

// SAFETY: the chip is an nRF52840, whose USBD has its registers here; the program makes one bus.
unsafe impl UsbPeripheral for Peripheral {
    const REGISTERS: *const () = core::ptr::without_provenance(0x4002_7000);
}

/// Waits until a cable is there and starts USBD. The regulator of the pull-up starts with it, so
/// the host sees the device once that has settled.
pub fn bus() -> UsbBusAllocator<Bus> {
    // SAFETY: TASKS_HFCLKSTART and EVENTS_HFCLKSTARTED of CLOCK, USBREGSTATUS of POWER; none of
    // them moves memory.
    unsafe {
        Register::at(0x4000_0000).write(1); // the crystal: the internal oscillator is too inexact
        Register::at(0x4000_0100).wait_for(1);
        Register::at(0x4000_0438).wait_for(1); // VBUSDETECT
    }
    UsbBusAllocator::new(Usbd::new(Peripheral))
}
