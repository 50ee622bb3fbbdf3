//! The board's own USB port as the line. The SysTick interrupt polls it every millisecond, so that
//! a host is answered while a model runs; a read or a write polls it too.

use core::cell::RefCell;

use cortex_m::interrupt::{self, Mutex};
use usb_device::bus::UsbBusAllocator;

use super::cdc::Cdc;
use super::line::Line;
use super::selected_usb::{Bus, bus};

/// The port, once it was started.
static PORT: Mutex<RefCell<Option<Cdc<'static, Bus>>>> = Mutex::new(RefCell::new(None));

/// The line: there is one.
pub struct Usb(());

/// Starts the board's USB port. For one call.
pub fn start() -> Usb {
    let bus = cortex_m::singleton!(: UsbBusAllocator<Bus> = bus()).unwrap();
    let port = Cdc::new(bus, super::NAME).unwrap();
    interrupt::free(|section| PORT.borrow(section).replace(Some(port)));
    Usb(())
}

/// Polls the port, if it was started.
pub fn poll() {
    with(Cdc::poll);
}

/// Does `work` with the port; `None` before it was started.
fn with<Output>(work: impl FnOnce(&mut Cdc<'static, Bus>) -> Output) -> Option<Output> {
    interrupt::free(|section| PORT.borrow(section).borrow_mut().as_mut().map(work))
}

impl Line for Usb {
    fn read(&mut self) -> u8 {
        loop {
            match with(Cdc::read).flatten() {
                Some(byte) => return byte,
                None => poll(),
            }
        }
    }

    fn write(&mut self, byte: u8) {
        while with(|port| port.write(byte)) == Some(false) {
            poll();
        }
    }
}
