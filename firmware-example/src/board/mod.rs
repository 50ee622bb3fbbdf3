//! All that is special to a board. Everything else of the firmware runs on any of them.

mod counter;
mod fault;
pub mod host;

#[cfg_attr(board = "microbit", path = "microbit/mod.rs")]
#[cfg_attr(board = "mps2-an385", path = "mps2_an385/mod.rs")]
#[cfg_attr(board = "mps2-an386", path = "mps2_an386/mod.rs")]
#[cfg_attr(board = "mps2-an500", path = "mps2_an500/mod.rs")]
#[cfg_attr(board = "mps2-an505", path = "mps2_an505/mod.rs")]
#[cfg_attr(board = "mps3-an547", path = "mps3_an547/mod.rs")]
#[cfg_attr(board = "netduinoplus2", path = "netduinoplus2/mod.rs")]
mod selected;

#[allow(unused_imports, reason = "not every program counts")]
pub use counter::Counter;
#[allow(unused_imports, reason = "not every program answers files of images")]
pub use selected::BUFFER_BYTES;
#[allow(unused_imports, reason = "not every program names its board")]
pub use selected::NAME;
