//! A model that comes over the wire into the slot that does not run ([`crate::update`]): it stays
//! there at a reset.

use super::message::Refusal;
use super::room::{Limits, Room, Text};
use super::server::model_id;
use super::stated;
use crate::graph::table::Table;
use crate::trust::Trust;
use crate::update::nor_flash::NorFlash;
use crate::update::{MappedFlash, UpdateError, Updater};

/// The slot that does not run. Once a model is complete there,
/// [`Store::boot`](crate::update::Store::boot) runs it: on trial until it passes the self-test that
/// the host asks for.
///
/// A model is checked in a [`Table`] of `LAYERS` layers on the stack.
pub struct SlotRoom<'s, JournalFlash, Slot, const LAYERS: usize> {
    updater: Updater<'s, JournalFlash, Slot>,
    /// Which models are let in.
    trust: Trust,
    /// Bytes and id of the model that is coming, if any.
    coming: Option<(usize, u32)>,
    complete: bool,
}

impl<'s, JournalFlash: NorFlash, Slot: MappedFlash, const LAYERS: usize>
    SlotRoom<'s, JournalFlash, Slot, LAYERS>
{
    /// Room in the slot that `updater` writes to, for models that `trust` lets in.
    pub const fn new(updater: Updater<'s, JournalFlash, Slot>, trust: Trust) -> Self {
        Self { updater, trust, coming: None, complete: false }
    }

    /// Checks what came, and lets it run from the next boot on.
    fn install(&mut self, model: u32, limits: Limits<'_>) -> Result<(), Failure> {
        self.check(model, &limits)?;
        self.updater.finish::<LAYERS>(&self.trust, limits.arena)?;
        Ok(())
    }

    /// Checks what the slot does not: that it is the model that was announced, and fits beside the
    /// server.
    fn check(&mut self, model: u32, limits: &Limits<'_>) -> Result<(), Failure> {
        let file = self.updater.arrived()?;
        let mut table = Table::<LAYERS>::new();
        let new = self.trust.load(file, &mut table).map_err(UpdateError::Refused)?;
        limits.check(new.arena_bytes(), new.image_shape().row_len()).map_err(Failure::Refusal)?;
        let announced = model_id(file) == model;
        if announced { Ok(()) } else { Err(Failure::Refusal(Refusal::NoUpdate)) }
    }
}

/// Why a model is not installed.
enum Failure {
    Update(UpdateError),
    Refusal(Refusal<'static>),
}

impl From<UpdateError> for Failure {
    fn from(error: UpdateError) -> Self {
        Self::Update(error)
    }
}

impl<JournalFlash: NorFlash, Slot: MappedFlash, const LAYERS: usize> Room
    for SlotRoom<'_, JournalFlash, Slot, LAYERS>
{
    fn capacity(&self) -> usize {
        self.updater.slot_bytes()
    }

    fn begin<'e>(
        &mut self,
        bytes: usize,
        model: u32,
        text: &'e mut Text,
    ) -> Result<usize, Refusal<'e>> {
        if self.coming != Some((bytes, model)) {
            self.coming = None;
            match self.updater.begin(bytes) {
                Ok(()) => self.coming = Some((bytes, model)),
                Err(UpdateError::Size { slot, .. }) => {
                    return Err(Refusal::NoUpdateRoom { room: stated(slot) });
                }
                Err(error) => return Err(text.refusal(&error)),
            }
        }
        Ok(self.updater.arrived_bytes())
    }

    /// Only the next part moves on; one that came before, or too early, is answered by where the
    /// update stands.
    fn take<'e>(
        &mut self,
        at: usize,
        part: &[u8],
        text: &'e mut Text,
    ) -> Result<usize, Refusal<'e>> {
        let (bytes, _) = self.coming.ok_or(Refusal::NoUpdate)?;
        at.checked_add(part.len()).filter(|end| *end <= bytes).ok_or(Refusal::PartOutside)?;
        if at == self.updater.arrived_bytes()
            && let Err(error) = self.updater.write(part)
        {
            self.coming = None;
            return Err(text.refusal(&error));
        }
        Ok(self.updater.arrived_bytes())
    }

    fn finish<'e>(
        &mut self,
        model: u32,
        limits: Limits<'_>,
        text: &'e mut Text,
    ) -> Result<(), Refusal<'e>> {
        let (bytes, _) =
            self.coming.filter(|(_, coming)| *coming == model).ok_or(Refusal::NoUpdate)?;
        if self.updater.arrived_bytes() < bytes {
            return Err(Refusal::NoUpdate);
        }
        self.coming = None;
        match self.install(model, limits) {
            Ok(()) => {
                self.complete = true;
                Ok(())
            }
            Err(Failure::Refusal(refusal)) => Err(refusal),
            Err(Failure::Update(error)) => Err(text.refusal(&error)),
        }
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn is_lasting(&self) -> bool {
        true
    }

    fn confirm<'e>(&mut self, text: &'e mut Text) -> Result<(), Refusal<'e>> {
        self.updater.confirm().map_err(|error| text.refusal(&error))
    }
}
