//! Arm MPS3 with the AN547 image: Cortex-M55.

/// The board, for people.
pub const NAME: &str = "MPS3 AN547 (Cortex-M55), emulated";

/// Instructions per 100 ticks of SysTick under `-icount shift=0`: one tick of 32 MHz is 31.25 ns.
pub const INSTRUCTIONS_PER_100_TICKS: u64 = 3_125;
