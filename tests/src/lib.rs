//! What the parity suites share: firmware built and run in the emulator, and networks of odd shapes.

pub mod firmware;
pub mod networks;
