//! Arm MPS2 with the AN500 image: Cortex-M7.

/// The board, for people.
pub const NAME: &str = "MPS2 AN500 (Cortex-M7), emulated";

/// Instructions per 100 ticks of SysTick under `-icount shift=0`: one tick of 25 MHz is 40 ns.
pub const INSTRUCTIONS_PER_100_TICKS: u64 = 4_000;
