//! The inputs of four pixels as three words for each tap, on Armv7-M: see `armv7m_triples.s`.

use crate::ops::conv::algorithms::PAIRED_PIXELS;

/// Bytes of the inputs for each tap of a patch.
pub(super) const TAP_BYTES: usize = 12;

unsafe extern "C" {
    fn kindling_widen_triples(
        patches: *const i8,
        patch: usize,
        triples: *mut i8,
        triples_end: *mut i8,
    );
    fn kindling_widen_in_place(memory: *mut i8, patch: usize);
}

/// The scratch memory of a layer that does not pool: the inputs, in whose last third the patches
/// lie before.
pub(super) struct Memory<'s> {
    triples: &'s mut [i8],
    patch: usize,
}

impl<'s> Memory<'s> {
    /// Of `patch` taps, a multiple of four; `None` where it is too small.
    pub(super) fn of(scratch: &'s mut [i8], patch: usize) -> Option<Self> {
        Some(Self { triples: scratch.get_mut(..TAP_BYTES * patch)?, patch })
    }

    /// What the loop reads.
    #[inline(always)]
    pub(super) fn inputs(&mut self) -> &mut [i8] {
        self.triples
    }

    /// Four patches, one after the other. What makes whole words of them may be any values: their
    /// weights are 0.
    #[inline(always)]
    pub(super) fn patches(&mut self) -> &mut [i8] {
        let first = self.triples.len() - PAIRED_PIXELS * self.patch;
        self.triples.get_mut(first..).unwrap_or_default()
    }

    /// Makes inputs of the patches.
    #[inline(always)]
    pub(super) fn widen_patches(&mut self) {
        let patch = self.patch;
        if patch == 0 || !patch.is_multiple_of(4) || self.triples.len() != TAP_BYTES * patch {
            return;
        }
        // SAFETY: there is a quad of taps, and there are whole quads. The memory has twelve bytes
        // for each tap, as was just checked, and begins at a whole word, as scratch memory does.
        unsafe { kindling_widen_in_place(self.triples.as_mut_ptr(), patch) }
    }
}

/// Four int8 patches, `step` bytes apart, as triples: `[tap][word]`, taps 0, 2, 1 and 3 of a quad
/// in this order. Whether there are as many.
pub(super) fn widen(patches: &[i8], step: usize, triples: &mut [i8]) -> bool {
    let (last, taps) = ((PAIRED_PIXELS - 1) * step, triples.len() / TAP_BYTES);
    let has_patches = patches.len() >= last && patches.len() - last >= taps;
    if triples.is_empty() || !triples.len().is_multiple_of(4 * TAP_BYTES) || !has_patches {
        return false;
    }
    let range = triples.as_mut_ptr_range();
    // SAFETY: reads a byte of each of four patches for each twelve of `triples`, by words at any
    // address: whole ones, as `triples` is of whole quads of taps. The patches have as many, as was
    // just checked. `triples` begins at a whole word: at one of scratch memory, which does.
    unsafe { kindling_widen_triples(patches.as_ptr(), step, range.start, range.end) }
    true
}
