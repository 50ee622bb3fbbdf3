//! How deep the stack grows: the memory below it is painted, work runs, and what is no longer
//! painted was used.
#![allow(unsafe_code)]

/// Bytes below the stack pointer that are painted: no more than a run may take.
const PAINTED_BYTES: usize = 8192;

/// Bytes next to the stack pointer that the painting itself may use.
const MARGIN_BYTES: usize = 256;

const PAINT: u32 = 0x5AC3_96E1;

/// Runs `work` and tells how many bytes of stack it took, up to [`PAINTED_BYTES`].
#[inline(never)]
pub fn used_by(work: impl FnOnce()) -> usize {
    let top = cortex_m::register::msp::read() as usize;
    let (first, end) = ((top - PAINTED_BYTES) as *mut u32, (top - MARGIN_BYTES) as *mut u32);
    let mut at = first;
    while at < end {
        // SAFETY: the memory between the statics and the stack pointer belongs to nobody; on a
        // board with megabytes of RAM it is larger than what is painted, and nothing below the
        // margin is live while this loop runs.
        unsafe { at.write_volatile(PAINT) }
        at = at.wrapping_add(1);
    }
    work();
    let mut at = first;
    // SAFETY: as above: it is memory that was painted.
    while at < end && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    top - at as usize
}
