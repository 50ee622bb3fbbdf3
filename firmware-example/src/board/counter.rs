//! Counts instructions by SysTick. The emulator runs one instruction per nanosecond of virtual
//! time, so ticks of the core clock are instructions, to within one tick. On a real core the same
//! ticks would be cycles.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

use super::CORE_HERTZ;

/// Of virtual time, under `-icount shift=0`.
const INSTRUCTIONS_PER_SECOND: u64 = 1_000_000_000;

/// Ticks through which SysTick counts down.
const TICKS: u32 = 1 << 24;

/// Instructions of the loop that [`Counter::check`] times.
const CHECKED_INSTRUCTIONS: u32 = 2_000_000;

/// A running counter.
pub struct Counter {
    timer: SYST,
}

impl Counter {
    /// Starts counting.
    pub fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TICKS - 1);
        timer.clear_current();
        timer.enable_counter();
        Self { timer }
    }

    /// Runs `work` and counts its instructions; right for up to 2^24 ticks.
    pub fn count<Output>(&mut self, work: impl FnOnce() -> Output) -> (Output, u32) {
        let before = self.now();
        let output = work();
        (output, self.since(before))
    }

    /// A moment, for [`Counter::since`].
    pub fn now(&self) -> u32 {
        self.timer.cvr.read()
    }

    /// Instructions since then; right for up to 2^24 ticks.
    pub fn since(&self, moment: u32) -> u32 {
        let ticks = moment.wrapping_sub(self.now()) % TICKS;
        (ticks as u64 * INSTRUCTIONS_PER_SECOND / CORE_HERTZ) as u32
    }

    /// Times a loop of [`CHECKED_INSTRUCTIONS`] instructions: whether the counter is right, and
    /// what it counted.
    pub fn check(&mut self) -> (bool, u32) {
        let ((), counted) = self.count(|| spin(CHECKED_INSTRUCTIONS / 2));
        (counted.abs_diff(CHECKED_INSTRUCTIONS) < 200, counted)
    }
}

/// Two instructions, `times` times.
#[allow(unsafe_code)]
fn spin(times: u32) {
    // SAFETY: changes one register and the flags, touches no memory.
    unsafe {
        core::arch::asm!(
            "2:", "subs {0}, {0}, #1", "bne 2b",
            inout(reg) times => _, options(nomem, nostack)
        );
    }
}
