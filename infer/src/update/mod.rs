//! New models for a chip in the field: two slots in flash, one of which runs, and a journal that
//! says which.
//!
//! ```text
//!   journal            slot 0                 slot 1
//! | sector | sector | | model file ...     | | model file ...     |
//! ```
//!
//! A new model is written to the slot that does not run, and read back. It is checked as any model
//! is ([`Trust`]), and has to pass its own self-test. Only then one record in the journal makes it
//! the one that runs: on trial at first. A model on trial must be confirmed within a few boots. If
//! it is not, or if a boot refuses it, the model before it runs again. Whenever the power goes, the
//! next boot finds a whole, valid model: the old one or the new one.
//!
//! ```ignore
//! let mut store = Store::open(journal, [slot_0, slot_1])?;
//! let Running { model, mut updater, .. } = store.boot(&Trust::signed_by(MAKER), &mut table)?;
//! // ... run the model; when the product works with it:
//! updater.confirm()?;
//! // ... when a file of `bytes` bytes arrives:
//! updater.begin(bytes)?;
//! updater.write(chunk)?; // as often as chunks arrive, of any size
//! // What `finish` accepts runs from the next boot on:
//! let version = updater.finish::<8>(&Trust::signed_by(MAKER), &mut arena)?;
//! ```
//!
//! The flash implements the traits of `embedded-storage`. Its units have 1 to 256 bytes, a power of
//! two, and it is all ones where it is erased. No unit is written twice between two erasures, so
//! flash with error correction works too.

mod error;
mod journal;
mod updater;

pub use embedded_storage::nor_flash;
use embedded_storage::nor_flash::NorFlash;

pub use error::{BootError, OpenError, UpdateError};
use journal::{Journal, State};
pub use updater::Updater;

use crate::graph::model::Model;
use crate::graph::table::Table;
use crate::header::Header;
use crate::trust::Trust;

/// How often a model on trial is booted; unless confirmed, it then gives way to the one before it.
pub const TRIAL_BOOTS: u8 = 3;

/// Flash of a slot, which the core reads as memory.
pub trait MappedFlash: NorFlash {
    /// The flash from its first byte, at an address that is a multiple of 16.
    fn memory(&self) -> &[u8];
}

/// The journal, the slots, and what the journal says.
///
/// `JournalFlash` is of two erasable sectors at least, each slot of any number of them. A sector of
/// the journal is erased about five times for two updates.
pub struct Store<JournalFlash, Slot> {
    journal: Journal<JournalFlash>,
    slots: [Slot; 2],
    state: State,
}

/// A model that runs, and what can be done beside it.
pub struct Running<'s, JournalFlash, Slot> {
    /// The model, in its slot.
    pub model: Model<'s>,
    /// Its file.
    pub file: &'s [u8],
    /// Confirms this model and writes the next one to the other slot.
    pub updater: Updater<'s, JournalFlash, Slot>,
}

impl<JournalFlash: NorFlash, Slot: MappedFlash> Store<JournalFlash, Slot> {
    /// Reads the journal. With a blank one, as a chip leaves the factory, the model that was
    /// programmed to a slot runs.
    ///
    /// # Errors
    /// Flash that cannot be read, a journal of less than two sectors.
    pub fn open(journal: JournalFlash, slots: [Slot; 2]) -> Result<Self, OpenError> {
        let (journal, state) = Journal::open(journal)?;
        let state = state.unwrap_or_else(|| factory_state(&slots));
        Ok(Self { journal, slots, state })
    }

    /// Loads the model that is to run into `table`. One on trial that has used up its boots gives
    /// way to the other; otherwise this boot counts.
    ///
    /// # Errors
    /// [`BootError::Refused`] when the model is not one to be trusted: if there is another to fall
    /// back on, that one runs from the next call on, so call again or reset. If that one would be
    /// refused as well, for whatever reason, the journal stays as it is.
    /// [`BootError::NoModel`] when there is none. Then [`Store::updater`] can install one.
    pub fn boot<'t, 's: 't, const LAYERS: usize>(
        &'s mut self,
        trust: &Trust,
        table: &'t mut Table<'s, LAYERS>,
    ) -> Result<Running<'t, JournalFlash, Slot>, BootError> {
        if self.state.trial_boots_left == Some(0) {
            self.journal.append(&mut self.state, State::rolled_back)?;
        }
        if self.state.file_bytes == [0, 0] {
            return Err(BootError::NoModel);
        }
        let Self { journal, slots, state } = self;
        let (active, other) = ordered(slots, state.active);
        let file = file(&*active, state.file_bytes());
        let model = match trust.load(file, table) {
            Ok(model) => model,
            Err(error) => {
                // A model is given up only for one that runs: a firmware that lets in neither, one
                // that asks for signatures or allows less work, say, leaves both to the next.
                let other = self::file(&*other, state.other_bytes());
                let fallback = is_let_in::<LAYERS>(trust, other);
                if fallback {
                    journal.append(state, State::rolled_back)?;
                }
                return Err(BootError::Refused { cause: error, fallback });
            }
        };
        if state.trial_boots_left.is_some() {
            journal.append(state, State::booted)?;
        }
        let updater = Updater::new(journal, state, other, Some(model.version()));
        Ok(Running { model, file, updater })
    }

    /// Writes a model without one that runs: for a chip that has none yet.
    pub fn updater(&mut self) -> Updater<'_, JournalFlash, Slot> {
        let Self { journal, slots, state } = self;
        let (_, other) = ordered(slots, state.active);
        Updater::new(journal, state, other, None)
    }

    /// Gives the flash back.
    pub fn into_parts(self) -> (JournalFlash, [Slot; 2]) {
        (self.journal.into_flash(), self.slots)
    }
}

/// Whether a file is a model that `trust` lets in, found as a boot finds it. In a table of its own:
/// that of the boot is lent to the model that was refused. Not within the caller's stack frame, as
/// only a boot that refuses a model asks.
#[inline(never)]
fn is_let_in<const LAYERS: usize>(trust: &Trust, file: &[u8]) -> bool {
    trust.load(file, &mut Table::<LAYERS>::new()).is_ok()
}

/// The slot that runs and the one that does not.
fn ordered<Slot>(slots: &mut [Slot; 2], active: bool) -> (&mut Slot, &mut Slot) {
    let [first, second] = slots;
    if active { (second, first) } else { (first, second) }
}

/// The first `bytes` of a slot, or all of it when it is smaller.
fn file<Slot: MappedFlash>(slot: &Slot, bytes: usize) -> &[u8] {
    let memory = slot.memory();
    memory.get(..bytes).unwrap_or(memory)
}

/// What a chip without a journal runs: the first slot's model if there is one, else the second's.
fn factory_state<Slot: MappedFlash>(slots: &[Slot; 2]) -> State {
    let [first, second] = slots.each_ref().map(programmed_bytes);
    State {
        sequence: 0,
        active: first == 0 && second != 0,
        trial_boots_left: None,
        file_bytes: [first, second],
    }
}

/// Bytes of the model file that lies at the start of a slot, with its signature; 0 when none does.
fn programmed_bytes<Slot: MappedFlash>(slot: &Slot) -> u32 {
    let memory = slot.memory();
    let Ok(header) = Header::read(memory) else { return 0 };
    let end = header.file_bytes as usize;
    if end > memory.len() {
        0
    } else {
        header.file_bytes + trailer_bytes(memory.get(end..).unwrap_or_default())
    }
}

/// Bytes of the signature that begins `rest`.
#[cfg(feature = "signature")]
fn trailer_bytes(rest: &[u8]) -> u32 {
    use crate::signature::{TRAILER_BYTES, split};
    rest.get(..TRAILER_BYTES).and_then(split).map_or(0, |_| TRAILER_BYTES as u32)
}

#[cfg(not(feature = "signature"))]
fn trailer_bytes(_: &[u8]) -> u32 {
    0
}
