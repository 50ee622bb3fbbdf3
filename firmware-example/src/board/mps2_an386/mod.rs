//! Arm MPS2 with the AN386 image: Cortex-M4 with FPU.

/// The board, for people.
pub const NAME: &str = "MPS2 AN386 (Cortex-M4), emulated";

/// Instructions per 100 ticks of SysTick under `-icount shift=0`: one tick of 25 MHz is 40 ns.
pub const INSTRUCTIONS_PER_100_TICKS: u64 = 4_000;
