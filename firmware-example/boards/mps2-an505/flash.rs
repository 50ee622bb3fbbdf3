//! Code memory of which the program takes the lower half. It can be written as RAM is, and a reset leaves it as it is: what flash is on a chip.

use crate::board::ram_flash::{RamFlash, SECTOR_BYTES};

const JOURNAL_BYTES: usize = 2 * SECTOR_BYTES;
const SLOT_BYTES: usize = 128 * SECTOR_BYTES;

/// Behind the program: see `memory.x`.
const START: usize = 0x1020_0000;

type Journal = &'static mut RamFlash<JOURNAL_BYTES>;
type Slot = &'static mut RamFlash<SLOT_BYTES>;

/// The journal and two slots. The caller has no other from an earlier call.
#[allow(unsafe_code)]
pub fn flash() -> (Journal, [Slot; 2]) {
    let slot = |index: usize| START + JOURNAL_BYTES + index * SLOT_BYTES;
    // SAFETY: writable memory that memory.x keeps from the program, at multiples of 4,096; all bytes are valid; the parts do not overlap; the server
    // calls this once, and again only when it has given up what it got.
    unsafe {
        let journal = &mut *core::ptr::with_exposed_provenance_mut(START);
        (journal, [0, 1].map(|index| &mut *core::ptr::with_exposed_provenance_mut(slot(index))))
    }
}
