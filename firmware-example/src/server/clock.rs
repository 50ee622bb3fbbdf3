//! Clocks that do not wrap during a run, however slow the core.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use infer::wire::Clock;

/// SysTick counts down through so many ticks of the core clock.
const PERIOD: u32 = 1 << 24;

/// Periods of SysTick that are over.
static PERIODS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    // No read-modify-write: Armv6-M has none, and only this handler writes.
    PERIODS.store(PERIODS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
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
    fn now(&mut self) -> u64 {
        loop {
            let periods = PERIODS.load(Ordering::Relaxed);
            let left = self.timer.cvr.read();
            // A period that ended in between would be counted with a value from the other side of its end.
            if PERIODS.load(Ordering::Relaxed) == periods {
                return periods as u64 * PERIOD as u64 + (PERIOD - 1 - left) as u64;
            }
        }
    }
}
