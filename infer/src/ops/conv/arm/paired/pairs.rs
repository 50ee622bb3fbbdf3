//! The inputs of four pixels as pairs of int16 values.

use crate::ops::conv::algorithms::PAIRED_PIXELS;

/// Bytes of the inputs for each tap of a patch.
#[cfg(not(kindling_backend = "armv7m"))]
pub(super) const TAP_BYTES: usize = 2 * PAIRED_PIXELS;

unsafe extern "C" {
    fn kindling_widen(patches: *const i8, patch: usize, pairs: *mut i8, pairs_end: *mut i8);
}

/// The scratch memory of a layer that does not pool.
#[cfg(not(kindling_backend = "armv7m"))]
pub(super) struct Memory<'s> {
    pairs: &'s mut [i8],
    patches: &'s mut [i8],
    patch: usize,
}

#[cfg(not(kindling_backend = "armv7m"))]
impl<'s> Memory<'s> {
    /// Of `patch` taps, a multiple of four; `None` where it is too small.
    pub(super) fn of(scratch: &'s mut [i8], patch: usize) -> Option<Self> {
        let (pairs, patches) = scratch.split_at_mut_checked(TAP_BYTES * patch)?;
        // What makes whole words of a patch stays as it is.
        patches.fill(0);
        Some(Self { pairs, patches, patch })
    }

    /// What the loop reads.
    #[inline(always)]
    pub(super) fn inputs(&mut self) -> &mut [i8] {
        self.pairs
    }

    /// Four patches, one after the other.
    #[inline(always)]
    pub(super) fn patches(&mut self) -> &mut [i8] {
        self.patches
    }

    /// Makes inputs of the patches.
    #[inline(always)]
    pub(super) fn widen_patches(&mut self) {
        widen(self.patches, self.patch, self.pairs);
    }
}

/// Four int8 patches, `step` bytes apart, as pairs: `[step][pixel]`; on Armv6-M as pairs of pixels:
/// `[step][pixels][tap]`. Whether there are as many.
pub(super) fn widen(patches: &[i8], step: usize, pairs: &mut [i8]) -> bool {
    if !are_patches(patches, step, pairs) {
        return false;
    }
    let range = pairs.as_mut_ptr_range();
    // SAFETY: reads a byte of each of four patches for each eight of `pairs`, by words where this
    // core loads them from any address: whole ones, as `pairs` is of whole groups of 32 bytes. The
    // patches have as many, as was just checked. `pairs` is at a whole word.
    unsafe { kindling_widen(patches.as_ptr(), step, range.start, range.end) }
    true
}

/// Whether there are four patches, `step` bytes apart, for `pairs`, which are not empty.
fn are_patches(patches: &[i8], step: usize, pairs: &[i8]) -> bool {
    let last = (PAIRED_PIXELS - 1) * step;
    !pairs.is_empty()
        && pairs.len().is_multiple_of(32)
        && patches.len() >= last
        && patches.len() - last >= pairs.len() / 8
}
