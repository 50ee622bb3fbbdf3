//! One message as bytes on a line:
//!
//! ```text
//! 0x00
//! COBS( version u8, sequence number varint, message postcard,
//!       CRC-32 of all that u32 little endian )
//! 0x00
//! ```
//!
//! COBS leaves no zero inside. So a receiver that lost its place, or is switched on in the middle,
//! finds it at the next zero. The zero at the beginning ends any noise before it.

use cobs::CobsEncoder;
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::{MESSAGE_OVERHEAD_BYTES, VERSION};
use crate::checksum::{checksum, extend_checksum};

/// Bytes of the CRC-32.
const CHECKSUM_BYTES: usize = 4;

/// What a message carries around its content.
#[derive(Serialize, Deserialize)]
struct Envelope<Content> {
    version: u8,
    sequence: u32,
    content: Content,
}

/// A received message whose CRC-32 is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<Content> {
    /// A message of this version.
    Message {
        /// Of the request; the answer repeats it.
        sequence: u32,
        /// The message.
        content: Content,
    },
    /// A message of another version: nothing but the version can be read.
    OtherVersion(u8),
    /// A message of this version whose content is none that this crate knows.
    Unreadable {
        /// Of the request, when it can be read.
        sequence: Option<u32>,
    },
}

/// Bytes of a frame's buffer for messages with a part of `part_bytes`: what [`encode`] and
/// [`Receiver`] need.
pub const fn frame_bytes(part_bytes: usize) -> usize {
    let message = part_bytes + MESSAGE_OVERHEAD_BYTES + CHECKSUM_BYTES;
    // COBS adds a byte for every 254 begun; a zero stands at either end.
    message + message.div_ceil(254) + 2
}

/// Why a message cannot be sent: the buffer is too small for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLong;

/// Writes a message into `buffer`; the part of the buffer to send.
///
/// # Errors
/// A buffer that is too small: see [`frame_bytes`].
pub fn encode<'b>(
    sequence: u32,
    content: &impl Serialize,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], FrameTooLong> {
    let (first, rest) = buffer.split_first_mut().ok_or(FrameTooLong)?;
    *first = 0;
    // The last byte is the frame's end, the first of the rest is COBS's own.
    let room = rest.len().checked_sub(1).filter(|room| *room > 1).ok_or(FrameTooLong)?;
    let line = Line {
        encoder: CobsEncoder::new(rest.get_mut(..room).ok_or(FrameTooLong)?),
        register: u32::MAX,
    };
    let envelope = Envelope { version: VERSION, sequence, content };
    let encoded = postcard::serialize_with_flavor(&envelope, line).map_err(|_| FrameTooLong)?;
    *buffer.get_mut(1 + encoded).ok_or(FrameTooLong)? = 0;
    buffer.get(..encoded + 2).ok_or(FrameTooLong)
}

/// Where postcard writes to: through the CRC-32 into COBS.
struct Line<'b> {
    encoder: CobsEncoder<'b>,
    register: u32,
}

impl Flavor for Line<'_> {
    type Output = usize;

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.register = extend_checksum(self.register, bytes);
        self.encoder.push(bytes).map_err(|_| postcard::Error::SerializeBufferFull)
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn finalize(mut self) -> postcard::Result<usize> {
        let checksum = (!self.register).to_le_bytes();
        self.encoder.push(&checksum).map_err(|_| postcard::Error::SerializeBufferFull)?;
        Ok(self.encoder.finalize())
    }
}

/// Collects bytes from the line until a whole message with the right CRC-32 is there.
pub struct Receiver<Buffer> {
    buffer: Buffer,
    /// Bytes of the frame so far.
    len: usize,
    /// Bytes of the message that is there, without its CRC-32.
    message: Option<usize>,
    /// The frame is longer than the buffer: nothing counts until the next zero.
    overflown: bool,
    damaged: u32,
}

impl<Buffer: AsRef<[u8]> + AsMut<[u8]>> Receiver<Buffer> {
    /// A receiver for frames up to the length of `buffer`: see [`frame_bytes`].
    pub fn new(buffer: Buffer) -> Self {
        Self { buffer, len: 0, message: None, overflown: false, damaged: 0 }
    }

    /// Takes one byte; whether it completed a message, which then waits in [`Receiver::frame`]
    /// until the next byte.
    pub fn push(&mut self, byte: u8) -> bool {
        self.clear();
        match (byte, self.buffer.as_mut().get_mut(self.len)) {
            (0, _) => return self.end_frame(),
            (_, Some(place)) => {
                *place = byte;
                self.len += 1;
            }
            (_, None) => self.overflown = true,
        }
        false
    }

    /// The message that is there.
    pub fn frame<'f, Content: Deserialize<'f>>(&'f self) -> Option<Frame<Content>> {
        let message = self.buffer.as_ref().get(..self.message?)?;
        Some(match message.split_first()? {
            (&VERSION, rest) => read(rest),
            (&other, _) => Frame::OtherVersion(other),
        })
    }

    /// Forgets the message that is there: it has been answered.
    pub fn clear(&mut self) {
        if self.message.take().is_some() {
            self.len = 0;
        }
    }

    /// Frames that were dropped because their bytes were not those that were sent.
    pub fn damaged(&self) -> u32 {
        self.damaged
    }

    fn end_frame(&mut self) -> bool {
        let (len, overflown) = (self.len, self.overflown);
        (self.len, self.overflown) = (0, false);
        if len == 0 {
            return false; // two zeros: the end of one frame and the start of the next
        }
        self.message =
            if overflown { None } else { self.buffer.as_mut().get_mut(..len).and_then(intact) };
        self.damaged = self.damaged.wrapping_add(self.message.is_none() as u32);
        self.message.is_some()
    }
}

/// Decodes a frame in place; the length of its message, if the CRC-32 is right.
fn intact(frame: &mut [u8]) -> Option<usize> {
    let decoded = cobs::decode_in_place(frame).ok()?;
    let message = decoded.checked_sub(CHECKSUM_BYTES).filter(|message| *message > 0)?;
    let (message_bytes, stated) = frame.get(..decoded)?.split_at_checked(message)?;
    (checksum(message_bytes).to_le_bytes() == stated).then_some(message)
}

fn read<'f, Content: Deserialize<'f>>(rest: &'f [u8]) -> Frame<Content> {
    let Ok((sequence, bytes)) = postcard::take_from_bytes::<u32>(rest) else {
        return Frame::Unreadable { sequence: None };
    };
    match postcard::take_from_bytes(bytes) {
        Ok((content, [])) => Frame::Message { sequence, content },
        _ => Frame::Unreadable { sequence: Some(sequence) },
    }
}
