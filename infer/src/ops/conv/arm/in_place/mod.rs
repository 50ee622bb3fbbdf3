//! Direct convolution without scratch memory: with the DSP extension and with vectors, windows of
//! 2x2 pixels inside of the map are computed by a loop in assembly, some taps of four pixels at
//! once.
#![allow(unsafe_code)]

use crate::ops::conv::Conv;

#[cfg(not(kindling_backend = "mve"))]
crate::arm::assembly!();
#[cfg(kindling_backend = "mve")]
core::arch::global_asm!(include_str!("mve.s"), options(raw));

/// Arguments of the loop.
#[repr(C)]
struct Patches {
    patches: [*const i8; 4],
    weights: *const u8,
    /// Taps of a row of the kernel.
    taps: usize,
    /// From the end of a row of taps to the next, bytes of the input.
    skip: usize,
    /// Rows of the kernel.
    rows: usize,
}

unsafe extern "C" {
    fn kindling_in_place(patches: &Patches) -> i32;
}

/// Largest of the sums of products of the weights with four patches, which begin at `places` of
/// `input`; 0 unless all of them lie inside of it.
pub(super) fn largest_of_four(
    conv: &Conv<'_>,
    input: &[i8],
    weights: &[u8],
    places: [usize; 4],
) -> i32 {
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
        return 0;
    }
    let patches = places.map(|place| input.get(place..).unwrap_or_default().as_ptr());
    let weights = weights.as_ptr();
    let arguments = Patches { patches, weights, taps, skip: row_len - taps, rows };
    // SAFETY:
    // - there is a row and a tap;
    // - the last of the patches ends inside of `input`, so all four do: a patch has `rows` rows of
    //   `taps` values, each `row_len` after the one before;
    // - there is a weight for each tap of each row.
    // Words are read where this core loads them from any address.
    unsafe { kindling_in_place(&arguments) }
}
