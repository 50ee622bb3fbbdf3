//! A model that comes over the wire into RAM: its memory, its parts in order, its check.

use super::message::Refusal;
use super::room::{Limits, Room, Text};
use super::server::model_id;
use super::stated;
use crate::graph::model::Model;
use crate::graph::table::Table;

/// Memory for another model than the one built in. While that model is in use, nothing else can be
/// put there. It is checked in a [`Table`] of `LAYERS` layers on the stack.
pub struct UpdateRoom<'r, const LAYERS: usize> {
    buffer: &'r mut [u8],
    /// Bytes and id of the model that is coming, if any.
    coming: Option<(usize, u32)>,
    received: usize,
    /// The model in the buffer has been checked.
    complete: bool,
}

impl<'r, const LAYERS: usize> UpdateRoom<'r, LAYERS> {
    /// Room for a model of up to the buffer's length; its address a multiple of 16, see
    /// [`Aligned`](crate::Aligned).
    pub fn new(buffer: &'r mut [u8]) -> Self {
        Self { buffer, coming: None, received: 0, complete: false }
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
}

impl<const LAYERS: usize> Room for UpdateRoom<'_, LAYERS> {
    fn capacity(&self) -> usize {
        self.buffer.len()
    }

    fn begin<'e>(
        &mut self,
        bytes: usize,
        model: u32,
        _: &'e mut Text,
    ) -> Result<usize, Refusal<'e>> {
        if bytes > self.buffer.len() {
            return Err(Refusal::NoUpdateRoom { room: stated(self.buffer.len()) });
        }
        if self.coming != Some((bytes, model)) {
            self.clear();
            self.coming = Some((bytes, model));
        }
        Ok(self.received)
    }

    /// Only the next part moves on; one that came before, or too early, is answered by where the
    /// update stands.
    fn take<'e>(&mut self, at: usize, part: &[u8], _: &'e mut Text) -> Result<usize, Refusal<'e>> {
        let (bytes, _) = self.coming.ok_or(Refusal::NoUpdate)?;
        let end =
            at.checked_add(part.len()).filter(|end| *end <= bytes).ok_or(Refusal::PartOutside)?;
        if at == self.received {
            self.buffer.get_mut(at..end).ok_or(Refusal::PartOutside)?.copy_from_slice(part);
            self.received = end;
        }
        Ok(self.received)
    }

    fn finish<'e>(
        &mut self,
        model: u32,
        limits: Limits<'_>,
        text: &'e mut Text,
    ) -> Result<(), Refusal<'e>> {
        let complete = Some((self.received, model));
        let file = self.buffer.get(..self.received).filter(|_| self.coming == complete);
        let file = file.ok_or(Refusal::NoUpdate)?;
        let checked = check::<LAYERS>(file, model, limits, text);
        match checked {
            Ok(()) => self.complete = true,
            Err(_) => self.clear(),
        }
        checked
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn is_lasting(&self) -> bool {
        false
    }

    /// A reset brings the built-in model back in any case.
    fn confirm<'e>(&mut self, _: &'e mut Text) -> Result<(), Refusal<'e>> {
        Ok(())
    }
}

fn check<'e, const LAYERS: usize>(
    file: &[u8],
    id: u32,
    limits: Limits<'_>,
    text: &'e mut Text,
) -> Result<(), Refusal<'e>> {
    let mut table = Table::<LAYERS>::new();
    let model = match Model::from_bytes(file, &mut table) {
        Ok(model) => model,
        Err(error) => return Err(text.refusal(&error)),
    };
    limits.check(model.arena_bytes(), model.image_shape().row_len())?;
    if model_id(file) == id { Ok(()) } else { Err(Refusal::NoUpdate) }
}
