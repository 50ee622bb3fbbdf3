//! Where a model that comes over the wire is put: what the server asks of such a place.

use core::fmt::{self, Write};

use super::message::Refusal;
use super::stated;

/// Longest message about a refused model, bytes.
const TEXT_BYTES: usize = 96;

/// A place for another model than the one in use.
pub trait Room {
    /// Bytes of the largest model it holds.
    fn capacity(&self) -> usize;

    /// A model of `bytes` will come; one that was begun before goes on where it stopped. How many
    /// of its bytes are there.
    ///
    /// # Errors
    /// A model that is too large, or whose place cannot be made free.
    fn begin<'e>(
        &mut self,
        bytes: usize,
        model: u32,
        text: &'e mut Text,
    ) -> Result<usize, Refusal<'e>>;

    /// Takes the part that begins at `at`, if it is the next. How many bytes are there.
    ///
    /// # Errors
    /// A part of nothing that was begun or beyond its end, or one that cannot be stored.
    fn take<'e>(
        &mut self,
        at: usize,
        part: &[u8],
        text: &'e mut Text,
    ) -> Result<usize, Refusal<'e>>;

    /// Checks the model, which from then on is [`complete`](Self::is_complete); a bad one is
    /// forgotten.
    ///
    /// # Errors
    /// A model that is not all there, is none, or needs more than there is.
    fn finish<'e>(
        &mut self,
        model: u32,
        limits: Limits<'_>,
        text: &'e mut Text,
    ) -> Result<(), Refusal<'e>>;

    /// Whether a checked model is there, to go on with.
    fn is_complete(&self) -> bool;

    /// Whether such a model stays at a reset.
    fn is_lasting(&self) -> bool;

    /// The model in use has passed its self-test.
    ///
    /// # Errors
    /// A place that cannot note it.
    fn confirm<'e>(&mut self, text: &'e mut Text) -> Result<(), Refusal<'e>>;
}

/// What a new model may need at most.
pub struct Limits<'a> {
    /// Working memory, free while the model is checked.
    pub arena: &'a mut [i8],
    /// Bytes of a row of its image.
    pub row_bytes: usize,
}

impl Limits<'_> {
    /// Whether a model with these needs, in bytes, fits.
    pub(super) fn check<'e>(
        &self,
        arena_bytes: usize,
        row_bytes: usize,
    ) -> Result<(), Refusal<'e>> {
        let fits = |needed: usize, room: usize| match needed <= room {
            true => Ok(()),
            false => Err(Refusal::NoMemory { needed: stated(needed), room: stated(room) }),
        };
        fits(arena_bytes, self.arena.len())?;
        fits(row_bytes, self.row_bytes)
    }
}

/// No place: for a chip with nothing to spare. There is no value of it, so nothing of an update is
/// in its program.
pub enum NoRoom {}

impl Room for NoRoom {
    fn capacity(&self) -> usize {
        match *self {}
    }

    fn begin<'e>(&mut self, _: usize, _: u32, _: &'e mut Text) -> Result<usize, Refusal<'e>> {
        match *self {}
    }

    fn take<'e>(&mut self, _: usize, _: &[u8], _: &'e mut Text) -> Result<usize, Refusal<'e>> {
        match *self {}
    }

    fn finish<'e>(&mut self, _: u32, _: Limits<'_>, _: &'e mut Text) -> Result<(), Refusal<'e>> {
        match *self {}
    }

    fn is_complete(&self) -> bool {
        match *self {}
    }

    fn is_lasting(&self) -> bool {
        match *self {}
    }

    fn confirm<'e>(&mut self, _: &'e mut Text) -> Result<(), Refusal<'e>> {
        match *self {}
    }
}

/// A short text in a buffer of its own, for refusals; what is too long is cut off.
#[derive(Default)]
pub struct Text(heapless::String<TEXT_BYTES>);

impl Text {
    /// The refusal of a model for this reason.
    pub(super) fn refusal(&mut self, reason: &impl fmt::Display) -> Refusal<'_> {
        Refusal::Model { problem: self.say(reason) }
    }

    /// The reason in words.
    pub(super) fn say(&mut self, reason: &impl fmt::Display) -> &str {
        self.0.clear();
        // A text that is too long fails here; what fitted stays.
        let _ = write!(self.0, "{reason}");
        &self.0
    }
}
