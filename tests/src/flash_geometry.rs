//! How flash is built in ten families of chips: the units it is written in, and the sectors it is
//! erased in.

use infer::update::MappedFlash;
use infer::update::nor_flash::NorFlash;

use crate::nor_flash::{Cells, Flash, Power};

/// The chip's geometry: units and sectors of the slots, sectors of the journal.
pub trait Geometry: Sync {
    /// The family of chips.
    const NAME: &'static str;
    /// Where the journal is kept.
    type Journal: Powered;
    /// Where each of the two models is kept.
    type Slot: Powered + MappedFlash;
    /// Sectors of a slot that hold `bytes`.
    fn slot_sectors(bytes: usize) -> usize {
        bytes.div_ceil(Self::Slot::ERASE_SIZE)
    }
}

/// Flash whose power comes and goes.
pub trait Powered: NorFlash {
    /// The flash with what its cells kept.
    fn power_up(cells: Cells, power: &Power) -> Self;
    /// What stays when the power is off.
    fn cells(self) -> Cells;
    /// `sectors` sectors that begin with `file`, the rest erased.
    fn programmed(sectors: usize, file: &[u8]) -> Cells;
}

impl<const WRITE: usize, const ERASE: usize> Powered for Flash<WRITE, ERASE> {
    fn power_up(cells: Cells, power: &Power) -> Self {
        Self::new(cells, power)
    }

    fn cells(self) -> Cells {
        self.into_cells()
    }

    fn programmed(sectors: usize, file: &[u8]) -> Cells {
        Flash::<WRITE, ERASE>::programmed(sectors, file)
    }
}

/// nRF51: pages of 1 KB, words of 4 bytes.
pub struct Nrf51;
impl Geometry for Nrf51 {
    const NAME: &'static str = "nRF51";
    type Journal = Flash<4, 1024>;
    type Slot = Flash<4, 1024>;
}

/// nRF52: pages of 4 KB, words of 4 bytes.
pub struct Nrf52;
impl Geometry for Nrf52 {
    const NAME: &'static str = "nRF52";
    type Journal = Flash<4, 4096>;
    type Slot = Flash<4, 4096>;
}

/// STM32F4: the journal in two of the 16 KB sectors, the slots in sectors of 128 KB; words of 4
/// bytes.
pub struct Stm32f4;
impl Geometry for Stm32f4 {
    const NAME: &'static str = "STM32F4";
    type Journal = Flash<4, 16384>;
    type Slot = Flash<4, 131_072>;
}

/// RP2040 with its serial flash: sectors of 4 KB, pages of 256 bytes.
pub struct Rp2040;
impl Geometry for Rp2040 {
    const NAME: &'static str = "RP2040";
    type Journal = Flash<256, 4096>;
    type Slot = Flash<256, 4096>;
}

/// STM32F1: pages of 1 KB, half words.
pub struct Stm32f1;
impl Geometry for Stm32f1 {
    const NAME: &'static str = "STM32F1";
    type Journal = Flash<2, 1024>;
    type Slot = Flash<2, 1024>;
}

/// STM32L4: pages of 2 KB, double words that carry a code against errors.
pub struct Stm32l4;
impl Geometry for Stm32l4 {
    const NAME: &'static str = "STM32L4";
    type Journal = Flash<8, 2048>;
    type Slot = Flash<8, 2048>;
}

/// STM32H7: sectors of 128 KB for the journal too, words of 32 bytes that carry a code against
/// errors.
pub struct Stm32h7;
impl Geometry for Stm32h7 {
    const NAME: &'static str = "STM32H7";
    type Journal = Flash<32, 131_072>;
    type Slot = Flash<32, 131_072>;
}

/// SAM D21: rows of 256 bytes, pages of 64.
pub struct Samd21;
impl Geometry for Samd21 {
    const NAME: &'static str = "SAM D21";
    type Journal = Flash<64, 256>;
    type Slot = Flash<64, 256>;
}

/// STM32H5: the journal in its data flash, sectors of 6 KB and half words; the slots in sectors of
/// 8 KB, words of 16 bytes.
pub struct Stm32h5;
impl Geometry for Stm32h5 {
    const NAME: &'static str = "STM32H5";
    type Journal = Flash<2, 6144>;
    type Slot = Flash<16, 8192>;
}

/// A serial EEPROM for the journal, pages of 64 bytes that are written byte by byte, beside a
/// serial flash of 64 KB blocks.
pub struct Eeprom;
impl Geometry for Eeprom {
    const NAME: &'static str = "EEPROM";
    type Journal = Flash<1, 64>;
    type Slot = Flash<256, 65_536>;
}
