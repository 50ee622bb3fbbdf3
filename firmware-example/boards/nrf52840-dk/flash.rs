//! Slots for models in the chip's flash after the program: see `memory.x`.

use crate::board::nvmc::Nvmc;

const PAGE_BYTES: usize = 4096;
const JOURNAL_PAGES: usize = 2;
const SLOT_PAGES: usize = 67;

/// Where the program's flash ends.
const START: usize = 0x0007_8000;

type Pages = Nvmc<PAGE_BYTES>;

const _: () = assert!(START + (JOURNAL_PAGES + 2 * SLOT_PAGES) * PAGE_BYTES == 1 << 20);

/// The journal and two slots of 268 KB. The caller has no other from an earlier call.
#[allow(unsafe_code)]
pub fn flash() -> (Pages, [Pages; 2]) {
    let slots = START + JOURNAL_PAGES * PAGE_BYTES;
    let slot_bytes = SLOT_PAGES * PAGE_BYTES;
    // SAFETY: the chip is an nRF52840, whose 1 MB of flash ends with the second slot; memory.x
    // keeps it from the program; the server calls this once, and again only when it has given up
    // what it got.
    unsafe {
        let slot = |index: usize| Nvmc::at(slots + index * slot_bytes, slot_bytes);
        (Nvmc::at(START, JOURNAL_PAGES * PAGE_BYTES), [slot(0), slot(1)])
    }
}
