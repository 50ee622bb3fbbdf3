//! Clocks that do not wrap during a run, however slow the core.

use core::cell::Cell;

use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use infer::wire::Clock;

/// Ticks of the core clock through which SysTick counts down.
#[cfg(not(feature = "usb"))]
const PERIOD: u32 = 1 << 24;

/// A millisecond: in this time a host has to be answered.
#[cfg(feature = "usb")]
const PERIOD: u32 = (crate::board::CORE_HERTZ / 1000) as u32;

/// Counts periods. 32 bits of milliseconds would be over after seven weeks.
#[cfg(not(feature = "usb"))]
type Count = u32;
#[cfg(feature = "usb")]
type Count = u64;

/// Periods of SysTick that are over.
static PERIODS: Mutex<Cell<Count>> = Mutex::new(Cell::new(0));

fn periods() -> Count {
    interrupt::free(|section| PERIODS.borrow(section).get())
}

#[exception]
fn SysTick() {
    interrupt::free(|section| PERIODS.borrow(section).set(periods().wrapping_add(1)));
    #[cfg(feature = "usb")]
    crate::board::usb::poll();
}

/// SysTick, with an interrupt at the end of each period.
pub struct SysTickClock {
    timer: SYST,
}

impl SysTickClock {
    /// Starts it.
    pub fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(PERIOD - 1);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        Self { timer }
    }

    /// Whether the core has a SysTick: the nRF51 has none, where its registers read as 0.
    pub fn is_there(&self) -> bool {
        SYST::get_reload() == PERIOD - 1
    }
}

impl Clock for SysTickClock {
    #[allow(clippy::useless_conversion, reason = "a count may have 32 bits")]
    fn now(&mut self) -> u64 {
        loop {
            let over = periods();
            let left = self.timer.cvr.read();
            // A period that ended in between would be counted with a value from the other side of
            // its end.
            if periods() == over {
                return u64::from(over) * PERIOD as u64 + (PERIOD - 1 - left) as u64;
            }
        }
    }
}
