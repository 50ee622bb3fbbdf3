//! What the parity suites share: firmware built and run in the emulator, and networks of odd
//! shapes, flash that loses its power.

pub mod buffers;
pub mod call_graph;
pub mod cycles;
pub mod day;
pub mod documented;
pub mod emulated;
pub mod faulty_line;
pub mod firmware;
pub mod flash_geometry;
pub mod greedy;
pub mod imported;
pub mod limits;
pub mod measure;
pub mod networks;
pub mod nor_flash;
pub mod panic_locations;
pub mod parity;
pub mod plans;
pub mod random_layer;
pub mod rtt_probe;
pub mod server;
pub mod updated_chip;
pub mod usb_cable;
