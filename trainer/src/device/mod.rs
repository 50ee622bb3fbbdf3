//! Talking to a chip that runs the example firmware's `server`, over a serial port or an emulator's.
//!
//! - [`line`](mod@line): any line that carries bytes: a serial [`port`], or the serial port of an [`emulator`];
//! - [`client`]: one question, one answer, with retries; [`infer::wire`] is the protocol;
//! - [`session`]: what is asked of a chip: images, profile, update, self-test; [`mod@evaluate`]: a whole data set;
//! - [`board`]: the boards of the firmware, [`firmware`]: building it for one.

pub mod board;
pub mod client;
pub mod emulator;
pub mod evaluate;
pub mod firmware;
pub mod line;
pub mod port;
pub mod session;
