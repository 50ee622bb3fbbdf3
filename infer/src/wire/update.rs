//! A model that comes over the wire: its memory, its parts in order, its check.

use core::fmt::{self, Write};

use super::message::{Answer, Refusal};
use crate::format::Header;
use crate::model::Model;

/// Longest message about a refused model, bytes.
const TEXT_BYTES: usize = 96;

/// Memory for another model than the one built in.
pub struct UpdateRoom<'r> {
    buffer: &'r mut [u8],
    /// Bytes and id of the model that is coming, if any.
    coming: Option<(usize, u32)>,
    received: usize,
    /// The model in the buffer has been checked.
    pub(super) complete: bool,
}

/// What a new model may need at most, bytes.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub arena: usize,
    pub image: usize,
}

impl<'r> UpdateRoom<'r> {
    /// Room for a model of up to the buffer's length; its address a multiple of 16, see [`Aligned`](crate::Aligned).
    pub fn new(buffer: &'r mut [u8]) -> Self {
        Self { buffer, coming: None, received: 0, complete: false }
    }

    /// Bytes of the largest model it holds.
    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// The checked model that is there.
    pub fn model(&self) -> Option<&[u8]> {
        let (bytes, _) = self.coming.filter(|_| self.complete)?;
        self.buffer.get(..bytes)
    }

    /// Forgets the model.
    pub fn clear(&mut self) {
        (self.coming, self.received, self.complete) = (None, 0, false);
    }

    /// A model that was begun before goes on where it stopped.
    pub(super) fn begin<'e>(&mut self, bytes: u32, model: u32) -> Result<Answer<'e>, Refusal<'e>> {
        if bytes as usize > self.buffer.len() {
            return Err(Refusal::NoUpdateRoom { room: self.buffer.len() as u32 });
        }
        if self.coming != Some((bytes as usize, model)) {
            self.clear();
            self.coming = Some((bytes as usize, model));
        }
        Ok(self.received())
    }

    /// Only the next part moves on; one that came before, or too early, is answered by where the update stands.
    pub(super) fn take<'e>(&mut self, at: usize, part: &[u8]) -> Result<Answer<'e>, Refusal<'e>> {
        let (bytes, _) = self.coming.ok_or(Refusal::NoUpdate)?;
        let end = at.checked_add(part.len()).filter(|end| *end <= bytes).ok_or(Refusal::PartOutside)?;
        if at == self.received {
            self.buffer.get_mut(at..end).ok_or(Refusal::PartOutside)?.copy_from_slice(part);
            self.received = end;
        }
        Ok(self.received())
    }

    /// Checks the model; a bad one is forgotten.
    pub(super) fn finish<'e>(
        &mut self,
        model: u32,
        limits: Limits,
        text: &'e mut Text,
    ) -> Result<Answer<'e>, Refusal<'e>> {
        let complete = Some((self.received, model));
        let file = self.buffer.get(..self.received).filter(|_| self.coming == complete);
        match check(file.ok_or(Refusal::NoUpdate)?, model, limits, text) {
            Ok(()) => {
                self.complete = true;
                Ok(Answer::Updated { model })
            }
            Err(refusal) => {
                self.clear();
                Err(refusal)
            }
        }
    }

    fn received<'e>(&self) -> Answer<'e> {
        Answer::Received { bytes: self.received as u32 }
    }
}

fn check<'e>(file: &[u8], id: u32, limits: Limits, text: &'e mut Text) -> Result<(), Refusal<'e>> {
    let model = match Model::from_bytes(file) {
        Ok(model) => model,
        Err(error) => return Err(Refusal::Model { problem: text.of(&error) }),
    };
    let fits = |needed: usize, room: usize| match needed <= room {
        true => Ok(()),
        false => Err(Refusal::NoMemory { needed: needed as u32, room: room as u32 }),
    };
    fits(model.arena_bytes(), limits.arena)?;
    fits(model.image_shape().len(), limits.image)?;
    match Header::read(file) {
        Ok(header) if header.checksum == id => Ok(()),
        _ => Err(Refusal::NoUpdate),
    }
}

/// A short text in a buffer of its own; what is too long is cut off.
#[derive(Default)]
pub(super) struct Text(heapless::String<TEXT_BYTES>);

impl Text {
    fn of(&mut self, text: &impl fmt::Display) -> &str {
        self.0.clear();
        // A text that is too long fails here; what fitted stays.
        let _ = write!(self.0, "{text}");
        &self.0
    }
}
