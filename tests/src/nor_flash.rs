//! NOR flash that can lose its power at any operation, and that catches misuse.
//!
//! As on a chip: an erasure sets a whole sector to ones; a write clears bits of whole units, each
//! once between two erasures (so that flash with error correction will do). An operation at which
//! the power goes leaves anything between before and after in the bits it was to change. What was
//! cut off, written or erased, counts as written: only an erasure that ends makes it usable again.

use std::cell::RefCell;
use std::rc::Rc;

use infer::update::MappedFlash;
use infer::update::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// What can be said of a failed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedError {
    /// The power is gone.
    PowerCut,
    /// Not at a multiple of the unit.
    NotAligned,
    /// Beyond the flash's end.
    OutOfBounds,
}

impl NorFlashError for SimulatedError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::PowerCut => NorFlashErrorKind::Other,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
        }
    }
}

/// The supply of all flash of a chip, and how what is cut off is left.
#[derive(Clone)]
pub struct Power(Rc<RefCell<Supply>>);

struct Supply {
    /// Operations until the power goes; `None` when it does not.
    left: Option<u64>,
    done: u64,
    random: u64,
}

impl Power {
    /// Power that goes at operation `cut_at` (from 0), which leaves bits by the random numbers of
    /// `seed`.
    pub fn new(cut_at: Option<u64>, seed: u64) -> Self {
        Self(Rc::new(RefCell::new(Supply { left: cut_at, done: 0, random: seed })))
    }

    /// Operations so far: sectors erased and units written.
    pub fn operations(&self) -> u64 {
        self.0.borrow().done
    }

    /// Whether the power has gone.
    pub fn is_cut(&self) -> bool {
        self.0.borrow().left == Some(0)
    }

    /// Counts an operation: whole, cut off, or not even begun.
    fn operation(&self) -> Operation {
        let mut supply = self.0.borrow_mut();
        match supply.left {
            Some(0) => Operation::Dead,
            Some(1) => {
                (supply.left, supply.done) = (Some(0), supply.done + 1);
                Operation::Torn
            }
            left => {
                (supply.left, supply.done) = (left.map(|left| left - 1), supply.done + 1);
                Operation::Whole
            }
        }
    }

    fn random(&self) -> u64 {
        let mut supply = self.0.borrow_mut();
        supply.random = supply
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        supply.random >> 33
    }
}

enum Operation {
    Whole,
    Torn,
    Dead,
}

/// The cells, which outlive the power.
#[derive(Clone, PartialEq, Eq)]
pub struct Cells {
    bytes: Vec<u8>,
    /// Units that were written, or cut off, since they were last erased.
    written: Vec<bool>,
}

/// Flash of a chip with units of `WRITE` bytes and sectors of `ERASE` bytes.
pub struct Flash<const WRITE: usize, const ERASE: usize> {
    cells: Cells,
    power: Power,
}

impl<const WRITE: usize, const ERASE: usize> Flash<WRITE, ERASE> {
    /// Cells as they leave the factory.
    pub fn blank(sectors: usize) -> Cells {
        Cells { bytes: vec![0xFF; sectors * ERASE], written: vec![false; sectors * ERASE / WRITE] }
    }

    /// Cells with `file` programmed at the start.
    pub fn programmed(sectors: usize, file: &[u8]) -> Cells {
        let mut cells = Self::blank(sectors);
        cells.bytes[..file.len()].copy_from_slice(file);
        cells.written[..file.len().div_ceil(WRITE)].fill(true);
        cells
    }

    /// Powers cells up.
    pub fn new(cells: Cells, power: &Power) -> Self {
        Self { cells, power: power.clone() }
    }

    /// What is left when the power is off.
    pub fn into_cells(self) -> Cells {
        self.cells
    }

    fn check(&self, from: usize, to: usize, unit: usize) -> Result<(), SimulatedError> {
        if !from.is_multiple_of(unit) || !to.is_multiple_of(unit) {
            return Err(SimulatedError::NotAligned);
        }
        if from > to || to > self.cells.bytes.len() {
            Err(SimulatedError::OutOfBounds)
        } else {
            Ok(())
        }
    }

    fn write_unit(&mut self, at: usize, unit: &[u8]) -> Result<(), SimulatedError> {
        let operation = self.power.operation();
        if matches!(operation, Operation::Dead) {
            return Err(SimulatedError::PowerCut);
        }
        assert!(!self.cells.written[at / WRITE], "the unit at {at} is written twice");
        self.cells.written[at / WRITE] = true;
        let torn = matches!(operation, Operation::Torn);
        let likely = self.power.random() % 5;
        for (cell, byte) in self.cells.bytes[at..at + WRITE].iter_mut().zip(unit) {
            // Of the bits to be cleared, none, a quarter, a half, three quarters or all are.
            let spared = if torn { random_bits(&self.power, likely) } else { 0 };
            *cell &= *byte | spared;
        }
        if torn { Err(SimulatedError::PowerCut) } else { Ok(()) }
    }

    fn erase_sector(&mut self, at: usize) -> Result<(), SimulatedError> {
        let operation = self.power.operation();
        match operation {
            Operation::Dead => return Err(SimulatedError::PowerCut),
            Operation::Whole => {
                self.cells.bytes[at..at + ERASE].fill(0xFF);
                self.cells.written[at / WRITE..(at + ERASE) / WRITE].fill(false);
                return Ok(());
            }
            Operation::Torn => {}
        }
        self.cells.written[at / WRITE..(at + ERASE) / WRITE].fill(true);
        // All of the sector alike, or word by word at random: as it was, half erased, blank.
        let everywhere = self.power.random() % 6;
        for word in self.cells.bytes[at..at + ERASE].chunks_mut(4) {
            let likely = if everywhere < 5 { everywhere } else { self.power.random() % 5 };
            word.iter_mut().for_each(|cell| *cell |= random_bits(&self.power, likely));
        }
        Err(SimulatedError::PowerCut)
    }
}

/// A byte each of whose bits is set with a chance of `likely` in 4.
fn random_bits(power: &Power, likely: u64) -> u8 {
    let draw = || power.random() as u8;
    match likely {
        0 => 0,
        1 => draw() & draw(),
        2 => draw(),
        3 => draw() | draw(),
        _ => 0xFF,
    }
}

impl<const WRITE: usize, const ERASE: usize> ErrorType for Flash<WRITE, ERASE> {
    type Error = SimulatedError;
}

impl<const WRITE: usize, const ERASE: usize> ReadNorFlash for Flash<WRITE, ERASE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimulatedError> {
        self.check(offset as usize, offset as usize + bytes.len(), 1)?;
        bytes.copy_from_slice(&self.cells.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.bytes.len()
    }
}

impl<const WRITE: usize, const ERASE: usize> NorFlash for Flash<WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), SimulatedError> {
        self.check(from as usize, to as usize, ERASE)?;
        (from as usize..to as usize).step_by(ERASE).try_for_each(|at| self.erase_sector(at))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimulatedError> {
        self.check(offset as usize, offset as usize + bytes.len(), WRITE)?;
        let units = (offset as usize..).step_by(WRITE).zip(bytes.chunks(WRITE));
        units.into_iter().try_for_each(|(at, unit)| self.write_unit(at, unit))
    }
}

impl<const WRITE: usize, const ERASE: usize> MappedFlash for Flash<WRITE, ERASE> {
    fn memory(&self) -> &[u8] {
        &self.cells.bytes
    }
}

impl Cells {
    /// Sectors of `ERASE` bytes.
    pub fn sectors<const ERASE: usize>(&self) -> usize {
        self.bytes.len() / ERASE
    }
}
