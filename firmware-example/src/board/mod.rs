//! What boards have in common. All that is special to one is in its folder, `boards/NAME`; `build.rs` chooses it by
//! `KINDLING_BOARD`. Everything else of the firmware runs on any of them.

#[cfg(slots)]
#[allow(dead_code, reason = "only the server keeps models in flash")]
pub mod code_memory;
mod counter;
pub mod host;
#[allow(dead_code, reason = "only the server and the update keep models in flash")]
pub mod ram_flash;
#[allow(dead_code, reason = "only the server talks over a line")]
pub mod register;
#[allow(dead_code, reason = "only the server talks over a line")]
pub mod server_memory;
#[allow(dead_code, reason = "only the server talks over a line, and a board has one kind")]
pub mod uart;

#[cfg(feature = "rtt")]
#[allow(dead_code, reason = "only the server talks over a line")]
mod rtt;

// `mod selected`, the chosen board's `board.rs`, and `mod selected_flash`, its `flash.rs` if it has one.
include!(concat!(env!("OUT_DIR"), "/selected.rs"));

#[allow(unused_imports, reason = "not every program counts by it")]
pub use counter::Counter;
#[cfg(feature = "rtt")]
#[allow(unused_imports, reason = "only the server talks over a line")]
pub use rtt::start as start_line;
#[allow(unused_imports, reason = "not every program answers files of images")]
pub use selected::BUFFER_BYTES;
#[allow(unused_imports, reason = "not every program names its board")]
pub use selected::NAME;
#[cfg(not(feature = "rtt"))]
#[allow(unused_imports, reason = "only the server talks over a line")]
pub use selected::uart as start_line;
#[allow(unused_imports, reason = "only the server talks over a line")]
pub use selected::{CORE_HERTZ, SERVER};
#[cfg(slots)]
#[allow(unused_imports, reason = "only the server keeps models in flash")]
pub use selected_flash::flash;
