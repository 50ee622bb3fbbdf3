//! Arm MPS2 with the AN505 image: Cortex-M33.

/// The board, for people.
pub const NAME: &str = "MPS2 AN505 (Cortex-M33), emulated";

/// Instructions per 100 ticks of SysTick under `-icount shift=0`: one tick of 20 MHz is 50 ns.
pub const INSTRUCTIONS_PER_100_TICKS: u64 = 5_000;
