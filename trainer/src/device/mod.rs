//! Talking to a chip that runs the example firmware's `server`, over a serial port, an emulator's,
//! or TCP.
//!
//! - [`line`](mod@line): any line that carries bytes: a serial [`port`], the serial port of an
//!   [`emulator`], or a [`tcp`] connection;
//! - [`client`]: one question, one answer, with retries; [`infer::wire`] is the protocol;
//! - [`session`]: what is asked of a chip: images, profile, update, self-test; [`mod@evaluate`]: a
//!   whole data set;
//! - [`board`]: the boards of the firmware, [`firmware`]: building it for one; [`setup`]: finding
//!   or installing what that needs.

pub mod board;
pub mod client;
pub mod emulator;
pub mod evaluate;
pub mod firmware;
pub mod line;
pub mod port;
pub mod session;
pub mod setup;
pub mod tcp;
