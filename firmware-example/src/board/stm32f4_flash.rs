//! Flash of the STM32F405, 407, 415 and 417 (RM0090, chapter 3), in sectors of 16, 64 and 128 KB.
//! While it works the core stands still: it reads its program from the same flash.
#![allow(unsafe_code)]

use infer::update::MappedFlash;
use infer::update::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

use super::mapped::{Mapped, WORD_BYTES};
use super::register::Register;

/// The flash interface.
const INTERFACE: usize = 0x4002_3C00;

/// KEYR: opens CR.
const KEYS: [u32; 2] = [0x4567_0123, 0xCDEF_89AB];

/// SR: busy, and what went wrong; errors are cleared by writing ones.
const BUSY: u32 = 1 << 16;
const ERRORS: u32 = 1 << 7 | 1 << 6 | 1 << 5 | 1 << 4 | 1 << 1;

/// CR: words of 32 bits, for which the chip wants 2.7 V at least.
const WORDS: u32 = 2 << 8;
const PROGRAM: u32 = 1;
const ERASE: u32 = 1 << 1;
const SECTOR_SHIFT: u32 = 3;
const START: u32 = 1 << 16;
const LOCK: u32 = 1 << 31;

/// Sectors of `SECTOR_BYTES` in a row.
pub struct Stm32F4Flash<const SECTOR_BYTES: usize> {
    first_sector: u32,
    flash: Mapped,
    controller: Controller,
}

#[derive(Clone, Copy)]
struct Controller {
    key: Register,
    status: Register,
    control: Register,
}

impl<const SECTOR_BYTES: usize> Stm32F4Flash<SECTOR_BYTES> {
    /// The `sectors` sectors from the one with the number `first_sector` on, which begins at
    /// `start`.
    ///
    /// # Safety
    /// The chip is one of these; the sectors are there, all of this size, and neither the program
    /// nor another value lies there.
    pub const unsafe fn at(first_sector: u32, start: usize, sectors: usize) -> Self {
        // SAFETY: FLASH_KEYR, FLASH_SR and FLASH_CR, and the flash, by the caller's promise;
        // erasing and writing is for the bytes of this value alone.
        unsafe {
            let controller = Controller {
                key: Register::at(INTERFACE + 0x04),
                status: Register::at(INTERFACE + 0x0C),
                control: Register::at(INTERFACE + 0x10),
            };
            Self { first_sector, flash: Mapped::at(start, sectors * SECTOR_BYTES), controller }
        }
    }
}

impl Controller {
    /// Does `work` while the control register is open.
    fn unlocked(
        self,
        work: impl FnOnce() -> Result<(), NorFlashErrorKind>,
    ) -> Result<(), NorFlashErrorKind> {
        self.wait();
        // The keys twice would lock it until a reset.
        if self.control.read() & LOCK != 0 {
            KEYS.into_iter().for_each(|key| self.key.write(key));
        }
        self.status.write(ERRORS);
        let done = work();
        self.control.write(LOCK);
        done
    }

    fn wait(self) {
        // The order of the write before this and of what is read after it.
        cortex_m::asm::dsb();
        while self.status.read() & BUSY != 0 {}
    }

    /// Waits for the operation; whether it went well.
    fn outcome(self) -> Result<(), NorFlashErrorKind> {
        self.wait();
        if self.status.read() & ERRORS == 0 { Ok(()) } else { Err(NorFlashErrorKind::Other) }
    }
}

impl<const SECTOR_BYTES: usize> ErrorType for Stm32F4Flash<SECTOR_BYTES> {
    type Error = NorFlashErrorKind;
}

impl<const SECTOR_BYTES: usize> ReadNorFlash for Stm32F4Flash<SECTOR_BYTES> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.flash.read(offset as usize, bytes)
    }

    fn capacity(&self) -> usize {
        self.flash.bytes
    }
}

impl<const SECTOR_BYTES: usize> NorFlash for Stm32F4Flash<SECTOR_BYTES> {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = SECTOR_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.flash.range(from, to, Self::ERASE_SIZE)?;
        let sector = |offset: u32| self.first_sector + offset / SECTOR_BYTES as u32;
        let controller = self.controller;
        controller.unlocked(|| {
            (sector(from)..sector(to)).try_for_each(|sector| {
                let operation = WORDS | sector << SECTOR_SHIFT | ERASE;
                controller.control.write(operation);
                controller.control.write(operation | START);
                controller.outcome()
            })
        })
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let (flash, controller) = (&mut self.flash, self.controller);
        controller.unlocked(|| {
            controller.control.write(WORDS | PROGRAM);
            flash.write(offset as usize, bytes, || controller.outcome())
        })
    }
}

impl<const SECTOR_BYTES: usize> MappedFlash for Stm32F4Flash<SECTOR_BYTES> {
    fn memory(&self) -> &[u8] {
        self.flash.memory()
    }
}
