//! What boards have in common. All that is special to one is in its folder, `boards/NAME`;
//! `build.rs` chooses it by `KINDLING_BOARD`. Everything else of the firmware runs on any of them.

#[cfg(slots)]
#[allow(dead_code, reason = "only the server keeps models in flash")]
pub mod code_memory;
mod counter;
pub mod host;
#[allow(dead_code, reason = "few boards have such flash")]
mod mapped;
#[allow(dead_code, reason = "Arm's boards only")]
pub mod mps2;
#[allow(dead_code, reason = "few boards have this flash")]
pub mod nvmc;
#[cfg(feature = "usb")]
#[allow(unused, reason = "Raspberry Pi's boards only")]
mod pico_usb;
#[allow(dead_code, reason = "only the server and the update keep models in flash")]
pub mod ram_flash;
#[allow(dead_code, reason = "only the server talks over a line")]
pub mod register;
#[allow(dead_code, reason = "only the server talks over a line")]
pub mod server_memory;
#[allow(dead_code, reason = "few boards have this flash")]
pub mod stm32f4_flash;
#[allow(dead_code, reason = "only the server talks over a line, and a board has one kind")]
pub mod uart;

#[cfg(feature = "usb")]
#[allow(dead_code, reason = "only the server talks over a line")]
mod cdc;
#[allow(dead_code, reason = "only the server talks over a line")]
pub mod line;
#[cfg(feature = "rtt")]
#[allow(dead_code, reason = "only the server talks over a line")]
mod rtt;
#[cfg(feature = "usb")]
#[allow(dead_code, reason = "only the server talks over a line")]
pub mod usb;

#[cfg(all(feature = "rtt", feature = "usb"))]
compile_error!("the server has one line: rtt or usb, not both");

// `mod selected`, the chosen board's `board.rs`; `mod selected_flash`, its `flash.rs` if it has
// one; with the feature `usb` `mod selected_usb`, its `usb.rs`.
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
#[allow(unused_imports, reason = "only the server talks over a line")]
pub use selected::SERVER;
#[cfg(not(any(feature = "rtt", feature = "usb")))]
#[allow(unused_imports, reason = "only the server talks over a line")]
pub use selected::uart as start_line;
// USB may want another clock.
#[cfg(not(feature = "usb"))]
#[allow(unused_imports, reason = "not every program tells the time")]
pub use selected::CORE_HERTZ;
#[cfg(slots)]
#[allow(unused_imports, reason = "only the server keeps models in flash")]
pub use selected_flash::flash;
#[cfg(feature = "usb")]
#[allow(unused_imports, reason = "not every program tells the time")]
pub use selected_usb::CORE_HERTZ;
#[cfg(feature = "usb")]
#[allow(unused_imports, reason = "only the server talks over a line")]
pub use usb::start as start_line;
