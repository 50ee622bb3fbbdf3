//! The wire: how a host talks to a chip that runs a model, over any line that carries bytes.
//!
//! 1. [`frame`]: a message with its version, sequence number and CRC-32 as bytes between zeros
//!    (COBS), and back.
//! 2. [`message`]: what is asked and answered, in postcard.
//! 3. [`server`]: the chip's side. A host may repeat every request that got no answer. An image is
//!    never in memory: each of its rows is used and forgotten ([`Incoming`]), and so is each of a
//!    stream ([`Follower`]). A model that comes over the wire has its place in a [`Room`]: RAM
//!    ([`UpdateRoom`]), or flash (`SlotRoom`, with the feature `update`).
//!
//! The host's side is in the trainer (`trainer::device`); `docs/decisions/0004-wire.md` tells why
//! it is as it is.

mod follower;
pub mod frame;
mod incoming;
pub mod message;
mod room;
pub mod server;
#[cfg(feature = "update")]
mod slots;
mod update;

pub use follower::{Follower, Streams};
pub use frame::{Frame, Receiver, encode, frame_bytes};
pub use incoming::Incoming;
pub use message::{Answer, Identity, LayerCost, Refusal, Request, SelfTest, Values};
pub use room::{Limits, NoRoom, Room, Text};
pub use server::{Clock, InUse, Known, Server, Turn, model_id};
#[cfg(feature = "update")]
pub use slots::SlotRoom;
pub use update::UpdateRoom;

/// The protocol this crate speaks. It is the first byte of every message of every version, so that
/// each side can name both.
pub const VERSION: u8 = 3;

/// Most bytes of an image or a model in one message; a chip may state fewer in its [`Identity`].
pub const PART_BYTES_MAX: usize = 1024;

/// Most bytes that a message takes beside a part: version, sequence number, and the other fields in
/// their longest encoding.
pub const MESSAGE_OVERHEAD_BYTES: usize = 32;

/// Most classes whose scores fit into one answer.
pub const CLASSES_MAX: usize = PART_BYTES_MAX;

/// Bytes of memory as a message states them: of 4 GiB or more, only so much can be used.
fn stated(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
