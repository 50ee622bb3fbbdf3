//! Embassy's time by SysTick, one tick per millisecond, for chips whose `embassy-…` crate brings no
//! driver of its own; and the interrupt that the urgent executor runs in.
#![allow(unsafe_code)]

use core::cell::{Cell, RefCell};
use core::task::Waker;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::scb::SystemHandler;
use cortex_m::peripheral::syst::SystClkSource;
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// Clock of the emulated board.
const TICKS_PER_MILLISECOND: u32 = 25_000;

/// An interrupt that no peripheral of the board raises: only software does.
#[derive(Clone, Copy)]
pub struct Urgent;

// SAFETY: 31 is the number of an interrupt that the core has.
unsafe impl InterruptNumber for Urgent {
    fn number(self) -> u16 {
        31
    }
}

struct SysTickDriver {
    milliseconds: Mutex<Cell<u64>>,
    sleepers: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static DRIVER: SysTickDriver = SysTickDriver {
    milliseconds: Mutex::new(Cell::new(0)),
    sleepers: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for SysTickDriver {
    fn now(&self) -> u64 {
        critical_section::with(|token| self.milliseconds.borrow(token).get())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|token| {
            self.sleepers.borrow_ref_mut(token).schedule_wake(at, waker)
        });
    }
}

/// Starts time.
pub fn start() {
    let mut core = cortex_m::Peripherals::take().expect("taken once");
    // SAFETY: no critical section relies on priorities: they mask all interrupts.
    unsafe { core.SCB.set_priority(SystemHandler::SysTick, 0x20) };
    core.SYST.set_clock_source(SystClkSource::Core);
    core.SYST.set_reload(TICKS_PER_MILLISECOND - 1);
    core.SYST.clear_current();
    core.SYST.enable_counter();
    core.SYST.enable_interrupt();
}

#[cortex_m_rt::exception]
fn SysTick() {
    critical_section::with(|token| {
        let now = DRIVER.milliseconds.borrow(token).get() + 1;
        DRIVER.milliseconds.borrow(token).set(now);
        DRIVER.sleepers.borrow_ref_mut(token).next_expiration(now);
    });
}
