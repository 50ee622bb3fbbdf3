//! The Pico 2's USB connector. USB wants its PLL, and a core that is not slower than 48 MHz; the
//! HAL has clocks and peripheral.

use rp235x_hal::pac::Peripherals;
use rp235x_hal::usb::UsbBus;
use usb_device::bus::UsbBusAllocator;

use crate::board::pico_usb::usb_clock;

/// The chip's USB peripheral.
pub type Bus = UsbBus;

/// Clock of the core and of SysTick, from the system PLL.
pub const CORE_HERTZ: u64 = 150_000_000;

/// Starts the clocks and the peripheral. For one call.
pub fn bus() -> UsbBusAllocator<Bus> {
    let mut chip = Peripherals::take().unwrap();
    let usb_clock = usb_clock!(rp235x_hal, chip);
    UsbBusAllocator::new(UsbBus::new(chip.USB, chip.USB_DPRAM, usb_clock, true, &mut chip.RESETS))
}
