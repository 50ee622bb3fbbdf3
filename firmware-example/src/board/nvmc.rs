//! Flash of Nordic's nRF51 (reference manual 3.0, chapter 6) and nRF52 (nRF52840 product
//! specification 1.7, section 4.3), by its controller, the NVMC. While it works the core stands
//! still: it reads its program from the same flash.
#![allow(unsafe_code)]

use infer::update::MappedFlash;
use infer::update::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

use super::mapped::{Mapped, WORD_BYTES};
use super::register::Register;

/// The controller.
const NVMC: usize = 0x4001_E000;

/// CONFIG: flash can be read, written, erased.
const READ: u32 = 0;
const WRITE: u32 = 1;
const ERASE: u32 = 2;

/// A part of the flash, in pages of `PAGE_BYTES`: 1,024 on an nRF51, 4,096 on an nRF52.
pub struct Nvmc<const PAGE_BYTES: usize> {
    flash: Mapped,
    controller: Controller,
}

#[derive(Clone, Copy)]
struct Controller {
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
        // SAFETY: READY, CONFIG and ERASEPAGE (nRF51: ERASEPCR1) of the NVMC, and the flash, by the
        // caller's promise; erasing and writing is for the bytes of this value alone.
        unsafe {
            let controller = Controller {
                ready: Register::at(NVMC + 0x400),
                config: Register::at(NVMC + 0x504),
                erase_page: Register::at(NVMC + 0x508),
            };
            Self { flash: Mapped::at(start, bytes), controller }
        }
    }
}

impl Controller {
    /// Does `work` with the flash in this state; readable again after it.
    fn while_in(
        self,
        state: u32,
        work: impl FnOnce() -> Result<(), NorFlashErrorKind>,
    ) -> Result<(), NorFlashErrorKind> {
        self.config.write(state);
        self.ready.wait_for(1);
        let done = work();
        self.config.write(READ);
        self.ready.wait_for(1);
        // What the core reads from now on is what was written.
        cortex_m::asm::dsb();
        cortex_m::asm::isb();
        done
    }
}

impl<const PAGE_BYTES: usize> ErrorType for Nvmc<PAGE_BYTES> {
    type Error = NorFlashErrorKind;
}

impl<const PAGE_BYTES: usize> ReadNorFlash for Nvmc<PAGE_BYTES> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.flash.read(offset as usize, bytes)
    }

    fn capacity(&self) -> usize {
        self.flash.bytes
    }
}

impl<const PAGE_BYTES: usize> NorFlash for Nvmc<PAGE_BYTES> {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PAGE_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let (start, bytes) = self.flash.range(from, to, Self::ERASE_SIZE)?;
        let controller = self.controller;
        controller.while_in(ERASE, || {
            for page in (start..start + bytes).step_by(PAGE_BYTES) {
                controller.erase_page.write(page as u32);
                controller.ready.wait_for(1);
            }
            Ok(())
        })
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let (flash, controller) = (&mut self.flash, self.controller);
        controller.while_in(WRITE, || {
            flash.write(offset as usize, bytes, || {
                controller.ready.wait_for(1);
                Ok(())
            })
        })
    }
}

impl<const PAGE_BYTES: usize> MappedFlash for Nvmc<PAGE_BYTES> {
    fn memory(&self) -> &[u8] {
        self.flash.memory()
    }
}
