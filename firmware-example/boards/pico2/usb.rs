//! The Pico 2's USB connector. USB wants its PLL, and a core that is not slower than 48 MHz; the
//! HAL has clocks and peripheral.

use rp235x_hal::Watchdog;
use rp235x_hal::clocks::init_clocks_and_plls;
use rp235x_hal::pac::Peripherals;
use rp235x_hal::usb::UsbBus;
use usb_device::bus::UsbBusAllocator;

/// The chip's USB peripheral.
pub type Bus = UsbBus;

/// Clock of the core and of SysTick, from the system PLL.
pub const CORE_HERTZ: u64 = 150_000_000;

const CRYSTAL_HERTZ: u32 = 12_000_000;

/// Starts the clocks and the peripheral. For one call.
pub fn bus() -> UsbBusAllocator<Bus> {
    let mut chip = Peripherals::take().unwrap();
    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    let (xosc, clocks) = (chip.XOSC, chip.CLOCKS);
    let resets = &mut chip.RESETS;
    let clocks = init_clocks_and_plls(
        CRYSTAL_HERTZ,
        xosc,
        clocks,
        chip.PLL_SYS,
        chip.PLL_USB,
        resets,
        &mut watchdog,
    );
    let usb_clock = clocks.ok().unwrap().usb_clock;
    UsbBusAllocator::new(UsbBus::new(chip.USB, chip.USB_DPRAM, usb_clock, true, resets))
}
