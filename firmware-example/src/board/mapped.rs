//! What drivers of a chip's flash have in common: the core reads flash as memory, and writes it in
//! words of 32 bits while its controller is open.
#![allow(unsafe_code)]

use infer::update::nor_flash::NorFlashErrorKind;

use super::register::Register;

/// Bytes that are written at a time.
pub const WORD_BYTES: usize = 4;

/// A part of the flash.
pub struct Mapped {
    start: usize,
    pub bytes: usize,
}

impl Mapped {
    /// The `bytes` bytes from `start` on.
    ///
    /// # Safety
    /// The chip's flash has these bytes; neither the program nor another value lies there.
    pub const unsafe fn at(start: usize, bytes: usize) -> Self {
        Self { start, bytes }
    }

    /// Address of a part of it, in whole units.
    pub fn part(&self, from: usize, bytes: usize, unit: usize) -> Result<usize, NorFlashErrorKind> {
        if !from.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        let end = from.checked_add(bytes).filter(|end| *end <= self.bytes);
        end.map(|_| self.start + from).ok_or(NorFlashErrorKind::OutOfBounds)
    }

    /// Where the part from an offset to another lies, in whole units, and its bytes.
    pub fn range(
        &self,
        from: u32,
        to: u32,
        unit: usize,
    ) -> Result<(usize, usize), NorFlashErrorKind> {
        let bytes = to.checked_sub(from).ok_or(NorFlashErrorKind::OutOfBounds)? as usize;
        Ok((self.part(from as usize, bytes, unit)?, bytes))
    }

    /// Its bytes.
    pub fn memory(&self) -> &[u8] {
        // SAFETY: flash that `at` was promised, which changes only by calls that borrow this value
        // alone.
        unsafe {
            core::slice::from_raw_parts(core::ptr::with_exposed_provenance(self.start), self.bytes)
        }
    }

    /// Copies a part of it.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.part(offset, bytes.len(), 1)?;
        let from = self.memory().iter().skip(offset);
        bytes.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    /// Writes whole words while the controller is open; `outcome` waits for each.
    pub fn write(
        &mut self,
        offset: usize,
        bytes: &[u8],
        outcome: impl Fn() -> Result<(), NorFlashErrorKind>,
    ) -> Result<(), NorFlashErrorKind> {
        let start = self.part(offset, bytes.len(), WORD_BYTES)?;
        let (words, _) = bytes.as_chunks::<WORD_BYTES>();
        (start..).step_by(WORD_BYTES).zip(words).try_for_each(|(at, word)| {
            // SAFETY: the word lies in this value's bytes. Nobody holds a slice of them: that would
            // borrow the value.
            unsafe { Register::at(at).write(u32::from_le_bytes(*word)) };
            outcome()
        })
    }
}
