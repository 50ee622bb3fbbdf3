//! One question, one answer: sent again when no answer comes, accepted only with the question's
//! number.

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use infer::wire::{Answer, Frame, PART_BYTES_MAX, Receiver, Request, VERSION, encode, frame_bytes};
use thiserror::Error;

use super::line::Line;

/// Bytes taken from the line at a time.
const CHUNK_BYTES: usize = 4096;

/// Why a chip gave no answer that can be used.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nothing came.
    #[error(
        "the chip is silent: {tries} requests, {seconds:.1} s each, and not one byte came back; is \
            the server flashed, is this its port?"
    )]
    Silent {
        /// Requests sent.
        tries: u32,
        /// Time waited for each.
        seconds: f64,
    },
    /// Bytes came, but no answer.
    #[error(
        "no answer to {tries} requests, though {bytes} bytes came ({damaged} damaged messages): \
            wrong port, baud rate or firmware, or a bad line"
    )]
    Garbage {
        /// Requests sent.
        tries: u32,
        /// Bytes that came.
        bytes: usize,
        /// Messages with a wrong CRC-32.
        damaged: u32,
    },
    /// The chip speaks another version.
    #[error(
        "the chip speaks version {chip} of the wire, this program version {VERSION}: flash the \
            firmware that belongs to this program"
    )]
    Version {
        /// The chip's.
        chip: u8,
    },
    /// There is nobody at the other end any more.
    #[error("the line is gone: {0}; was the board unplugged, or did the emulator end?")]
    Gone(io::Error),
    /// The line failed otherwise.
    #[error("the line failed: {0}")]
    Line(io::Error),
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one answer.
    pub timeout: Duration,
    /// How often a request is sent before the chip is given up; 1 or more.
    pub tries: u32,
}

/// The host's end of a line.
pub struct Client<L> {
    line: L,
    receiver: Receiver<Vec<u8>>,
    out: Vec<u8>,
    /// Bytes that came and have not been looked at.
    pending: Vec<u8>,
    sequence: u32,
}

impl<L: Line> Client<L> {
    /// A client whose requests have other numbers than those of one before it, whose answers may
    /// still be under way.
    pub fn new(line: L) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::with_sequence(line, (now.as_nanos() as u32) ^ std::process::id().rotate_left(16))
    }

    /// A client that numbers its requests from `sequence`.
    pub fn with_sequence(line: L, sequence: u32) -> Self {
        let frame = frame_bytes(PART_BYTES_MAX);
        let receiver = Receiver::new(vec![0; frame]);
        Self { line, receiver, out: vec![0; frame], pending: Vec::new(), sequence }
    }

    /// Asks, and hands the answer to `read`.
    ///
    /// # Errors
    /// No answer, see [`ClientError`].
    pub fn ask<Output>(
        &mut self,
        request: &Request<'_>,
        patience: Patience,
        read: impl FnOnce(Answer<'_>) -> Output,
    ) -> Result<Output, ClientError> {
        self.sequence = next(self.sequence);
        let (mut bytes, damaged) = (0, self.receiver.damaged());
        for _ in 0..patience.tries {
            let frame = encode(self.sequence, request, &mut self.out);
            self.line.send(frame.expect("a request fits its buffer")).map_err(line_error)?;
            if self.wait(patience.timeout, &mut bytes)? {
                return Ok(read(self.answer().expect("an answer has come")));
            }
        }
        let (tries, seconds) = (patience.tries, patience.timeout.as_secs_f64());
        match bytes {
            0 => Err(ClientError::Silent { tries, seconds }),
            _ => {
                let damaged = self.receiver.damaged().wrapping_sub(damaged);
                Err(ClientError::Garbage { tries, bytes, damaged })
            }
        }
    }

    /// Waits until the answer is in the receiver; whether it came in time. Counts the bytes that
    /// came.
    fn wait(&mut self, timeout: Duration, bytes: &mut usize) -> Result<bool, ClientError> {
        let end = Instant::now() + timeout;
        loop {
            for place in 0..self.pending.len() {
                if self.receiver.push(self.pending[place]) && self.is_answer()? {
                    self.pending.drain(..=place);
                    return Ok(true);
                }
            }
            self.pending.clear();
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Before the line is asked again: one that never stops talking would keep us here.
                return Ok(false);
            }
            self.pending.resize(CHUNK_BYTES, 0);
            let received = self.line.receive(&mut self.pending, left);
            self.pending.truncate(*received.as_ref().unwrap_or(&0));
            *bytes += received.map_err(line_error)?;
            if self.pending.is_empty() {
                return Ok(false);
            }
        }
    }

    /// Whether the message in the receiver answers the last request.
    fn is_answer(&self) -> Result<bool, ClientError> {
        match self.receiver.frame::<Answer<'_>>() {
            Some(Frame::Message { sequence, .. }) => Ok(sequence == self.sequence),
            Some(Frame::OtherVersion(chip)) => Err(ClientError::Version { chip }),
            Some(Frame::Unreadable { .. }) | None => Ok(false),
        }
    }

    fn answer(&self) -> Option<Answer<'_>> {
        match self.receiver.frame()? {
            Frame::Message { content, .. } => Some(content),
            Frame::OtherVersion(_) | Frame::Unreadable { .. } => None,
        }
    }
}

/// 0 is the number of answers to requests that could not be read.
fn next(sequence: u32) -> u32 {
    sequence.wrapping_add(1).max(1)
}

fn line_error(error: io::Error) -> ClientError {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof => {
            ClientError::Gone(error)
        }
        _ => ClientError::Line(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_has_gone_is_told_from_one_that_fails() {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, TimedOut, UnexpectedEof};
        for kind in [BrokenPipe, ConnectionReset, NotConnected, UnexpectedEof] {
            let gone = line_error(kind.into()).to_string();
            assert!(gone.starts_with("the line is gone: ") && gone.contains("unplugged"), "{gone}");
        }
        let failed = line_error(TimedOut.into()).to_string();
        assert!(failed.starts_with("the line failed: "), "{failed}");
    }
}
