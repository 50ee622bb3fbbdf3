//! A new model on its way into the slot that does not run.

use embedded_storage::nor_flash::{NorFlash, NorFlashError};

use super::error::UpdateError;
use super::journal::{Journal, State, WRITE_MAX_BYTES};
use super::{MappedFlash, file};
use crate::graph::table::Table;
use crate::run::self_test::self_test;
use crate::trust::Trust;

/// Confirms the model that runs, and installs the next one in the other slot.
pub struct Updater<'s, JournalFlash, Slot> {
    journal: &'s mut Journal<JournalFlash>,
    state: &'s mut State,
    slot: &'s mut Slot,
    /// Version of the model that runs.
    version: Option<u32>,
    arriving: Option<Arriving>,
}

/// The file that is being written.
struct Arriving {
    /// Bytes of the whole file.
    bytes: usize,
    /// Bytes that are in flash.
    written: usize,
    /// Bytes that are not yet a whole unit.
    waiting: [u8; WRITE_MAX_BYTES],
    waiting_bytes: usize,
}

impl<'s, JournalFlash: NorFlash, Slot: MappedFlash> Updater<'s, JournalFlash, Slot> {
    pub(super) const fn new(
        journal: &'s mut Journal<JournalFlash>,
        state: &'s mut State,
        slot: &'s mut Slot,
        version: Option<u32>,
    ) -> Self {
        const {
            assert!(
                Slot::WRITE_SIZE <= WRITE_MAX_BYTES
                    && WRITE_MAX_BYTES.is_multiple_of(Slot::WRITE_SIZE)
            );
            assert!(Slot::ERASE_SIZE.is_multiple_of(Slot::WRITE_SIZE));
        }
        Self { journal, state, slot, version, arriving: None }
    }

    /// Boots that the model that runs has left before it gives way to the one before it; `None`
    /// when it is confirmed.
    pub const fn trial_boots_left(&self) -> Option<u8> {
        self.state.trial_boots_left
    }

    /// Bytes of the largest file that the other slot holds.
    pub fn slot_bytes(&self) -> usize {
        self.slot.capacity().min(self.slot.memory().len())
    }

    /// Bytes of the file on its way that have come; 0 when none was announced.
    pub fn arrived_bytes(&self) -> usize {
        self.arriving.as_ref().map_or(0, Arriving::arrived)
    }

    /// Ends the trial: the model that runs is the right one.
    ///
    /// # Errors
    /// Flash that cannot be written.
    pub fn confirm(&mut self) -> Result<(), UpdateError> {
        if self.state.trial_boots_left.is_some() {
            self.journal.append(self.state, State::confirmed)?;
        }
        Ok(())
    }

    /// Makes room for a file of `bytes`, signature included: gives up the model in the other slot
    /// and erases it. A file that was on its way is forgotten.
    ///
    /// # Errors
    /// A file larger than the slot; a model that runs on trial, because the one to fall back on is
    /// in the other slot; flash that cannot be erased.
    pub fn begin(&mut self, bytes: usize) -> Result<(), UpdateError> {
        let slot = self.slot_bytes();
        if bytes == 0 || bytes > slot {
            return Err(UpdateError::Size { file: bytes, slot });
        }
        if self.state.trial_boots_left.is_some() {
            return Err(UpdateError::OnTrial);
        }
        self.arriving = None;
        if self.state.other_given_up() != *self.state {
            self.journal.append(self.state, State::other_given_up)?;
        }
        // Fits, as every size and place in a flash: its traits count them in a u32.
        let end = bytes.next_multiple_of(Slot::ERASE_SIZE) as u32;
        self.slot.erase(0, end).map_err(|error| error.kind())?;
        self.arriving = Some(Arriving {
            bytes,
            written: 0,
            waiting: [0xFF; WRITE_MAX_BYTES],
            waiting_bytes: 0,
        });
        Ok(())
    }

    /// Writes the next bytes of the file, of any number.
    ///
    /// # Errors
    /// More bytes than were announced, none announced, or flash that cannot be written.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), UpdateError> {
        let arriving = self.arriving.as_mut().ok_or(UpdateError::NotBegun)?;
        if chunk.len() > arriving.bytes - arriving.arrived().min(arriving.bytes) {
            return Err(UpdateError::Overrun { expected: arriving.bytes });
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = arriving.take(rest);
            if arriving.waiting_bytes == WRITE_MAX_BYTES {
                arriving.flush(self.slot)?;
            }
        }
        Ok(())
    }

    /// The whole file that came, as it lies in flash: nothing of it has been checked.
    ///
    /// # Errors
    /// Missing bytes; flash that cannot be written.
    pub fn arrived(&mut self) -> Result<&[u8], UpdateError> {
        let arriving = self.arriving.as_mut().ok_or(UpdateError::NotBegun)?;
        let (expected, found) = (arriving.bytes, arriving.arrived());
        if found != expected {
            return Err(UpdateError::Incomplete { expected, found });
        }
        arriving.flush(self.slot)?;
        Ok(file(&*self.slot, expected))
    }

    /// Reads the file back, checks it as `trust` asks, with no version below the running model's,
    /// and runs its self-test in `arena`; then it is the one that runs from the next boot on.
    /// Returns its version. The model is checked in a [`Table`] of `LAYERS` layers on the stack.
    ///
    /// # Errors
    /// Missing bytes; a model that is not to be trusted, has no self-test, or fails it; flash that
    /// cannot be written. The file is then forgotten, and the model that runs stays the one that
    /// runs.
    pub fn finish<const LAYERS: usize>(
        &mut self,
        trust: &Trust,
        arena: &mut [i8],
    ) -> Result<u32, UpdateError> {
        let checked = self.checked::<LAYERS>(trust, arena);
        self.arriving = None;
        let (version, bytes) = checked?;
        self.journal.append(self.state, |state| state.switched(bytes))?;
        self.version = Some(version);
        Ok(version)
    }

    /// Version and bytes of the file that came, if it may run.
    fn checked<const LAYERS: usize>(
        &mut self,
        trust: &Trust,
        arena: &mut [i8],
    ) -> Result<(u32, u32), UpdateError> {
        let trust = self.version.map_or(*trust, |version| trust.and_at_least(version));
        let file = self.arrived()?;
        let mut table = Table::<LAYERS>::new();
        let model = trust.load(file, &mut table).map_err(UpdateError::Refused)?;
        self_test(&model, arena).map_err(UpdateError::SelfTest)?;
        Ok((model.version(), file.len() as u32))
    }
}

impl Arriving {
    /// Bytes that have come.
    const fn arrived(&self) -> usize {
        self.written + self.waiting_bytes
    }

    /// Takes what fits of `bytes`; the rest.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let free = self.waiting.get_mut(self.waiting_bytes..).unwrap_or_default();
        let (taken, rest) = bytes.split_at_checked(free.len()).unwrap_or((bytes, &[]));
        free.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
        self.waiting_bytes += taken.len();
        rest
    }

    /// Writes what waits, filled up with blank bytes to a whole unit.
    fn flush<Slot: NorFlash>(&mut self, slot: &mut Slot) -> Result<(), UpdateError> {
        let whole = self.waiting_bytes.next_multiple_of(Slot::WRITE_SIZE).min(WRITE_MAX_BYTES);
        if let Some(unit) = self.waiting.get(..whole).filter(|unit| !unit.is_empty()) {
            slot.write(self.written as u32, unit).map_err(|error| error.kind())?;
        }
        self.written += self.waiting_bytes;
        (self.waiting, self.waiting_bytes) = ([0xFF; WRITE_MAX_BYTES], 0);
        Ok(())
    }
}
