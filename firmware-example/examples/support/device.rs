//! What RTIC asks of a chip's description (a PAC), for a program that binds its tasks to the core's
//! own exceptions alone.

/// Bits of an interrupt's priority: of the emulated Cortex-M4.
pub const NVIC_PRIO_BITS: u8 = 3;

/// No interrupt of the chip is used.
#[allow(dead_code)]
pub enum Interrupt {}
