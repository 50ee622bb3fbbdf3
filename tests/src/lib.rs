//! What the parity suites share: firmware built and run in the emulator, and networks of odd shapes.

pub mod code_size;
pub mod firmware;
pub mod fit;
pub mod limits;
pub mod measure;
pub mod networks;
pub mod nor_flash;
pub mod plans;
pub mod random_layer;
