//! Code memory of an emulated board, of which the program takes the lower half. It can be written
//! as RAM is, and a reset leaves it as it is: what flash is on a chip.

use super::ram_flash::{RamFlash, SECTOR_BYTES};

const JOURNAL_BYTES: usize = 2 * SECTOR_BYTES;
const SLOT_BYTES: usize = 128 * SECTOR_BYTES;

pub type Journal = &'static mut RamFlash<JOURNAL_BYTES>;
pub type Slot = &'static mut RamFlash<SLOT_BYTES>;

/// The journal and two slots from address `start` on.
///
/// # Safety
/// From `start`, a multiple of 4,096, there are 1,056,768 bytes of writable memory that nothing
/// else uses, and the caller has given up what an earlier call gave.
#[allow(unsafe_code)]
pub unsafe fn flash_at(start: usize) -> (Journal, [Slot; 2]) {
    let slot = |index: usize| start + JOURNAL_BYTES + index * SLOT_BYTES;
    // SAFETY: the caller's promise; all bytes are valid, and the parts do not overlap.
    unsafe {
        let journal = &mut *core::ptr::with_exposed_provenance_mut(start);
        (journal, [0, 1].map(|index| &mut *core::ptr::with_exposed_provenance_mut(slot(index))))
    }
}
