//! The Pico's USB connector. USB wants its PLL, and a core that is not slower than 48 MHz; the HAL
//! has clocks and peripheral, and the workaround for the erratum E5.

use rp2040_hal::Sio;
use rp2040_hal::gpio::Pins;
use rp2040_hal::pac::Peripherals;
use rp2040_hal::usb::UsbBus;
use usb_device::bus::UsbBusAllocator;

use crate::board::pico_usb::usb_clock;

/// The chip's USB peripheral.
pub type Bus = UsbBus;

/// Clock of the core and of SysTick, from the system PLL.
pub const CORE_HERTZ: u64 = 125_000_000;

/// Starts the clocks and the peripheral. For one call.
pub fn bus() -> UsbBusAllocator<Bus> {
    let mut chip = Peripherals::take().unwrap();
    let usb_clock = usb_clock!(rp2040_hal, chip);
    // The workaround uses GP15 during a bus reset: the pins have to be out of reset.
    Pins::new(chip.IO_BANK0, chip.PADS_BANK0, Sio::new(chip.SIO).gpio_bank0, &mut chip.RESETS);
    let bus = UsbBus::new(chip.USBCTRL_REGS, chip.USBCTRL_DPRAM, usb_clock, true, &mut chip.RESETS);
    UsbBusAllocator::new(bus)
}
