//! Direct convolution without scratch memory: four pixels inside of the map are computed by a loop
//! in assembly, a tap of all at once, or some taps. Armv7-M without the DSP extension has no such
//! loop: a compiler makes one as good.
#![allow(unsafe_code)]

use crate::ops::conv::Conv;
use crate::ops::conv::in_place::{FOUR, Four};

#[cfg(not(kindling_backend = "mve"))]
crate::arm::assembly!();
#[cfg(kindling_backend = "mve")]
core::arch::global_asm!(include_str!("mve.s"), options(raw));

/// Arguments of the loop.
#[repr(C)]
struct Patches {
    patches: [*const i8; FOUR],
    weights: *const u8,
    /// Taps of a row of the kernel.
    taps: usize,
    /// From the end of a row of taps to the next, bytes of the input.
    skip: usize,
    /// Rows of the kernel.
    rows: usize,
}

unsafe extern "C" {
    fn kindling_in_place_largest(patches: &Patches) -> i32;
    fn kindling_in_place_sums(patches: &Patches, sums: &mut [i32; FOUR]);
}

/// The loop in assembly.
#[derive(Clone, Copy)]
pub(super) struct InPlace;

impl Four for InPlace {
    #[inline(always)]
    fn sums(
        self,
        conv: &Conv<'_>,
        input: &[i8],
        weights: &[u8],
        places: [usize; FOUR],
    ) -> [i32; FOUR] {
        let mut sums = [0; FOUR];
        if let Some(patches) = Patches::inside(conv, input, weights, places) {
            // SAFETY: as `inside` has it.
            unsafe { kindling_in_place_sums(&patches, &mut sums) }
        }
        sums
    }

    #[inline(always)]
    fn largest(self, conv: &Conv<'_>, input: &[i8], weights: &[u8], places: [usize; FOUR]) -> i32 {
        match Patches::inside(conv, input, weights, places) {
            // SAFETY: as `inside` has it.
            Some(patches) => unsafe { kindling_in_place_largest(&patches) },
            None => 0,
        }
    }
}

impl Patches {
    /// Four patches that begin at `places` of `input`, if all lie inside of it.
    ///
    /// # Safety of the loop
    /// - There is a row and a tap.
    /// - The last of the patches ends inside of `input`, so all four do: a patch has `rows` rows of
    ///   `taps` values, each `row_len` after the one before.
    /// - There is a weight for each tap of each row.
    /// - Words are read where this core loads them from any address.
    #[inline(always)]
    fn inside(
        conv: &Conv<'_>,
        input: &[i8],
        weights: &[u8],
        places: [usize; FOUR],
    ) -> Option<Self> {
        let (rows, row_len) = (conv.kernel[0] as usize, conv.input.row_len());
        let taps = conv.kernel[1] as usize * conv.input.channels as usize;
        let last = places.into_iter().fold(0, usize::max) as u64;
        let end = last + (rows as u64).saturating_sub(1) * row_len as u64 + taps as u64;
        let is_inside = rows > 0
            && 0 < taps
            && taps <= row_len
            && end <= input.len() as u64
            && weights.len() as u64 == rows as u64 * taps as u64;
        if !is_inside {
            return None;
        }
        let patches = places.map(|place| input.get(place..).unwrap_or_default().as_ptr());
        Some(Self { patches, weights: weights.as_ptr(), taps, skip: row_len - taps, rows })
    }
}
