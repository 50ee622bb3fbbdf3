//! Flash that is RAM: what the emulated boards have to update models in. It behaves as the flash of
//! an nRF52: sectors of 4 KB, words of 4 bytes, bits only cleared by writing.

use infer::Aligned;
use infer::update::MappedFlash;
use infer::update::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

/// Bytes of a sector.
pub const SECTOR_BYTES: usize = 4096;

/// `BYTES` of RAM, a multiple of [`SECTOR_BYTES`].
pub struct RamFlash<const BYTES: usize>(Aligned<[u8; BYTES]>);

impl<const BYTES: usize> RamFlash<BYTES> {
    /// Erased flash. As a constant it lies in the program's flash, so start from a `static`.
    pub const fn new() -> Self {
        Self(Aligned([0xFF; BYTES]))
    }

    /// What a programmer does in the factory: `file` at the start.
    pub fn program(&mut self, file: &[u8]) {
        self.0.0.iter_mut().zip(file).for_each(|(cell, byte)| *cell = *byte);
    }

    fn part(
        &mut self,
        from: usize,
        bytes: usize,
        unit: usize,
    ) -> Result<&mut [u8], NorFlashErrorKind> {
        if !from.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        let part = self.0.0.get_mut(from..).and_then(|rest| rest.get_mut(..bytes));
        part.ok_or(NorFlashErrorKind::OutOfBounds)
    }
}

impl<const BYTES: usize> ErrorType for &mut RamFlash<BYTES> {
    type Error = NorFlashErrorKind;
}

impl<const BYTES: usize> ReadNorFlash for &mut RamFlash<BYTES> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let part = self.part(offset as usize, bytes.len(), Self::READ_SIZE)?;
        bytes.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl<const BYTES: usize> NorFlash for &mut RamFlash<BYTES> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let bytes = to.checked_sub(from).ok_or(NorFlashErrorKind::OutOfBounds)?;
        self.part(from as usize, bytes as usize, Self::ERASE_SIZE)?.fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let part = self.part(offset as usize, bytes.len(), Self::WRITE_SIZE)?;
        part.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= *byte);
        Ok(())
    }
}

impl<const BYTES: usize> MappedFlash for &mut RamFlash<BYTES> {
    fn memory(&self) -> &[u8] {
        &self.0.0
    }
}
