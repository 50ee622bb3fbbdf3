//! Which slot runs, in flash: one record to a sector, the one with the highest sequence number
//! counts.
//!
//! A new record goes to the next sector, which is erased just before: while that is under way, or
//! when it was cut off, the record before it still counts. A record that was cut off does not have
//! its CRC.

use embedded_storage::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind};

use super::TRIAL_BOOTS;
use super::error::OpenError;
use crate::checksum::checksum;

/// Largest unit of flash that is written at once, bytes.
pub(super) const WRITE_MAX_BYTES: usize = 256;

/// Bytes of a record: magic, slot, boots, sequence, files' sizes, CRC-32.
const RECORD_BYTES: usize = 20;

/// Part of the record that the CRC covers.
const CHECKED_BYTES: usize = 16;

const MAGIC: [u8; 2] = *b"KJ";

/// In place of the boots that are left: confirmed.
const CONFIRMED: u8 = 0xFF;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Counts the records ever written.
    pub sequence: u32,
    /// Which slot runs: the second one?
    pub active: bool,
    /// Boots that a model on trial has left; `None` when it is confirmed.
    pub trial_boots_left: Option<u8>,
    /// Bytes of each slot's file, 0 for none.
    pub file_bytes: [u32; 2],
}

impl State {
    /// Bytes of the file that runs.
    pub(super) const fn file_bytes(&self) -> usize {
        self.file_bytes[self.active as usize] as usize
    }

    /// Bytes of the file in the slot that does not run; 0 for none.
    pub(super) const fn other_bytes(&self) -> usize {
        self.file_bytes[!self.active as usize] as usize
    }

    /// The slot that runs is given up for the other.
    pub(super) const fn rolled_back(mut self) -> Self {
        self.file_bytes[self.active as usize] = 0;
        Self { active: !self.active, trial_boots_left: None, ..self }
    }

    /// A boot on trial.
    pub(super) const fn booted(self) -> Self {
        let left = match self.trial_boots_left {
            Some(left) => Some(left.saturating_sub(1)),
            None => None,
        };
        Self { trial_boots_left: left, ..self }
    }

    /// The trial has gone well.
    pub(super) const fn confirmed(self) -> Self {
        Self { trial_boots_left: None, ..self }
    }

    /// The slot that does not run is about to be erased.
    pub(super) const fn other_given_up(mut self) -> Self {
        self.file_bytes[!self.active as usize] = 0;
        self
    }

    /// The other slot, with a file of `bytes`, is to run: on trial if there is one to fall back on.
    pub(super) const fn switched(mut self, bytes: u32) -> Self {
        let trial_boots_left = if self.file_bytes() > 0 { Some(TRIAL_BOOTS) } else { None };
        self.file_bytes[!self.active as usize] = bytes;
        Self { active: !self.active, trial_boots_left, ..self }
    }

    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[..2].copy_from_slice(&MAGIC);
        record[2] = self.active as u8;
        record[3] = self.trial_boots_left.unwrap_or(CONFIRMED);
        record[4..8].copy_from_slice(&self.sequence.to_le_bytes());
        record[8..12].copy_from_slice(&self.file_bytes[0].to_le_bytes());
        record[12..16].copy_from_slice(&self.file_bytes[1].to_le_bytes());
        let checksum = checksum(&record[..CHECKED_BYTES]);
        record[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        record
    }

    /// `None` for anything that [`State::to_bytes`] did not write.
    fn from_bytes(record: &[u8; RECORD_BYTES]) -> Option<Self> {
        #[rustfmt::skip]
        let [
            m0, m1, active, boots, s0, s1, s2, s3, f0, f1, f2, f3, g0, g1, g2, g3, c0, c1, c2, c3,
        ] = *record;
        let written = u32::from_le_bytes([c0, c1, c2, c3]) == checksum(&record[..CHECKED_BYTES]);
        (written && [m0, m1] == MAGIC && active < 2).then_some(Self {
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
            active: active == 1,
            trial_boots_left: (boots != CONFIRMED).then_some(boots),
            file_bytes: [
                u32::from_le_bytes([f0, f1, f2, f3]),
                u32::from_le_bytes([g0, g1, g2, g3]),
            ],
        })
    }
}

/// The journal's flash.
pub(super) struct Journal<Flash> {
    flash: Flash,
    /// Sector of the record that counts.
    sector: u32,
    sectors: u32,
}

impl<Flash: NorFlash> Journal<Flash> {
    /// Finds the record that counts; `None` in a journal without any.
    pub(super) fn open(mut flash: Flash) -> Result<(Self, Option<State>), OpenError> {
        const {
            assert!(
                Flash::WRITE_SIZE <= WRITE_MAX_BYTES
                    && WRITE_MAX_BYTES.is_multiple_of(Flash::WRITE_SIZE)
            );
            assert!(Flash::ERASE_SIZE >= RECORD_BYTES.next_multiple_of(Flash::WRITE_SIZE));
            assert!(RECORD_BYTES.next_multiple_of(Flash::READ_SIZE) <= WRITE_MAX_BYTES);
        }
        // Fits, as every size and place in a flash: its traits count them in a u32.
        let sectors = (flash.capacity() / Flash::ERASE_SIZE) as u32;
        if sectors < 2 {
            return Err(OpenError::JournalTooSmall { sectors });
        }
        let mut found: (u32, Option<State>) = (0, None);
        for sector in 0..sectors {
            let state = read_record(&mut flash, sector).map_err(OpenError::Flash)?;
            if state
                .is_some_and(|state| found.1.is_none_or(|before| state.sequence > before.sequence))
            {
                found = (sector, state);
            }
        }
        Ok((Self { flash, sector: found.0, sectors }, found.1))
    }

    /// Makes `change` to the state, in flash and, once that is done, in memory.
    pub(super) fn append(
        &mut self,
        state: &mut State,
        change: impl FnOnce(State) -> State,
    ) -> Result<(), NorFlashErrorKind> {
        let next = State { sequence: state.sequence.saturating_add(1), ..change(*state) };
        let sector = if self.sector + 1 < self.sectors { self.sector + 1 } else { 0 };
        let start = sector * Flash::ERASE_SIZE as u32;
        let mut unit = [0xFF; WRITE_MAX_BYTES];
        unit[..RECORD_BYTES].copy_from_slice(&next.to_bytes());
        let written = unit.get(..RECORD_BYTES.next_multiple_of(Flash::WRITE_SIZE)).unwrap_or(&unit);
        self.flash.erase(start, start + Flash::ERASE_SIZE as u32).map_err(|error| error.kind())?;
        self.flash.write(start, written).map_err(|error| error.kind())?;
        if read_record(&mut self.flash, sector)? != Some(next) {
            return Err(NorFlashErrorKind::Other); // worn out: what was written is not what is read
        }
        (self.sector, *state) = (sector, next);
        Ok(())
    }

    pub(super) fn into_flash(self) -> Flash {
        self.flash
    }
}

fn read_record<Flash: NorFlash>(
    flash: &mut Flash,
    sector: u32,
) -> Result<Option<State>, NorFlashErrorKind> {
    let mut unit = [0; WRITE_MAX_BYTES];
    let read = RECORD_BYTES.next_multiple_of(Flash::READ_SIZE);
    let buffer = unit.get_mut(..read).ok_or(NorFlashErrorKind::Other)?;
    flash.read(sector * Flash::ERASE_SIZE as u32, buffer).map_err(|error| error.kind())?;
    Ok(unit.first_chunk().and_then(State::from_bytes))
}
