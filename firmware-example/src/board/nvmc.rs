//! Flash of Nordic's nRF51 (reference manual 3.0, chapter 6) and nRF52 (nRF52840 product
//! specification 1.7, section 4.3), by its controller, the NVMC. While it works the core stands
//! still: it reads its program from the same flash.
#![allow(unsafe_code)]

use infer::update::MappedFlash;
use infer::update::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

use super::register::Register;

/// The controller.
const NVMC: usize = 0x4001_E000;

/// CONFIG: flash can be read, written, erased.
const READ: u32 = 0;
const WRITE: u32 = 1;
const ERASE: u32 = 2;

const WORD_BYTES: usize = 4;

/// A part of the flash, in pages of `PAGE_BYTES`: 1,024 on an nRF51, 4,096 on an nRF52.
pub struct Nvmc<const PAGE_BYTES: usize> {
    start: usize,
    bytes: usize,
    ready: Register,
    config: Register,
    /// Takes a page's address and erases it.
    erase_page: Register,
}

impl<const PAGE_BYTES: usize> Nvmc<PAGE_BYTES> {
    /// The `bytes` bytes from `start` on, both multiples of a page.
    ///
    /// # Safety
    /// The chip is an nRF51 or nRF52 with pages of this size; its flash has these bytes, and
    /// neither the program nor another value lies there.
    pub const unsafe fn at(start: usize, bytes: usize) -> Self {
        // SAFETY: READY, CONFIG and ERASEPAGE (nRF51: ERASEPCR1) of the NVMC, by the caller's
        // promise; erasing and writing is for the bytes of this value alone.
        let [ready, config, erase_page] = unsafe {
            [Register::at(NVMC + 0x400), Register::at(NVMC + 0x504), Register::at(NVMC + 0x508)]
        };
        Self { start, bytes, ready, config, erase_page }
    }

    /// Address of the part, if it is one.
    fn part(&self, from: usize, bytes: usize, unit: usize) -> Result<usize, NorFlashErrorKind> {
        if !from.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        let end = from.checked_add(bytes).filter(|end| *end <= self.bytes);
        end.map(|_| self.start + from).ok_or(NorFlashErrorKind::OutOfBounds)
    }

    /// Does `work` with the flash in this state; readable again behind it.
    fn while_in(&self, state: u32, work: impl FnOnce()) {
        self.config.write(state);
        self.ready.wait_for(1);
        work();
        self.config.write(READ);
        self.ready.wait_for(1);
        // What the core reads from now on is what was written.
        cortex_m::asm::dsb();
        cortex_m::asm::isb();
    }
}

impl<const PAGE_BYTES: usize> ErrorType for Nvmc<PAGE_BYTES> {
    type Error = NorFlashErrorKind;
}

impl<const PAGE_BYTES: usize> ReadNorFlash for Nvmc<PAGE_BYTES> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.part(offset as usize, bytes.len(), Self::READ_SIZE)?;
        let from = self.memory().iter().skip(offset as usize);
        bytes.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes
    }
}

impl<const PAGE_BYTES: usize> NorFlash for Nvmc<PAGE_BYTES> {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PAGE_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let bytes = to.checked_sub(from).ok_or(NorFlashErrorKind::OutOfBounds)?;
        let start = self.part(from as usize, bytes as usize, Self::ERASE_SIZE)?;
        self.while_in(ERASE, || {
            for page in (start..start + bytes as usize).step_by(PAGE_BYTES) {
                self.erase_page.write(page as u32);
                self.ready.wait_for(1);
            }
        });
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let start = self.part(offset as usize, bytes.len(), Self::WRITE_SIZE)?;
        let (words, _) = bytes.as_chunks::<WORD_BYTES>();
        self.while_in(WRITE, || {
            for (at, word) in (start..).step_by(WORD_BYTES).zip(words) {
                // SAFETY: the word lies in this value's bytes, of which nobody holds a slice: that
                // would borrow the value.
                unsafe { Register::at(at).write(u32::from_le_bytes(*word)) };
                self.ready.wait_for(1);
            }
        });
        Ok(())
    }
}

impl<const PAGE_BYTES: usize> MappedFlash for Nvmc<PAGE_BYTES> {
    fn memory(&self) -> &[u8] {
        // SAFETY: flash that `at` was promised, which changes only by calls that borrow this value
        // alone.
        unsafe {
            core::slice::from_raw_parts(core::ptr::with_exposed_provenance(self.start), self.bytes)
        }
    }
}
