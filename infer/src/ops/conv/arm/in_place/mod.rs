//! Direct convolution without scratch memory: four pixels inside of the map are computed by a loop
//! in assembly, a tap of all at once, or some taps. Armv7-M without the DSP extension has no such
//! loop: a compiler makes one as good.
//!
//! One pixel by itself has a loop over all its channels in `pixel.s`, on Armv7-M. With the vector
//! extension it is a dense layer over its patch. Armv6-M takes four channels at once in the place
//! of four patches.
#![allow(unsafe_code)]

#[cfg(any(kindling_backend = "dsp", kindling_backend = "armv7m"))]
mod pixel;

#[cfg(kindling_backend = "armv6m")]
use crate::arm::instructions::{requantise, requantise_twice};
use crate::ops::conv::Conv;
#[cfg(kindling_backend = "armv7m")]
use crate::ops::conv::in_place::Plain;
use crate::ops::conv::in_place::{FOUR, Four};
#[cfg(kindling_backend = "mve")]
use crate::ops::dense::{Dense, DenseAlgorithm, vector_rows};
#[cfg(kindling_backend = "mve")]
use crate::quant::OutputQuant;
use crate::quant::Requantise;
#[cfg(kindling_backend = "armv6m")]
use crate::quant::{ChannelParameters, Rounding};
#[cfg(kindling_backend = "mve")]
use crate::shape::Shape;

#[cfg(kindling_backend = "dsp")]
crate::arm::assembly!("dsp.s", "pixel.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("pixel.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();
#[cfg(kindling_backend = "mve")]
crate::arm::vector_assembly!("mve.s");

/// Arguments of the loop.
#[cfg(not(kindling_backend = "armv7m"))]
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

#[cfg(not(kindling_backend = "armv7m"))]
unsafe extern "C" {
    fn kindling_in_place_largest(patches: &Patches) -> i32;
    fn kindling_in_place_sums(patches: &Patches, sums: &mut [i32; FOUR]);
}

/// The loop in assembly.
#[derive(Clone, Copy)]
pub(super) struct InPlace;

#[cfg(kindling_backend = "armv7m")]
impl Four for InPlace {
    #[inline(always)]
    fn sums(
        self,
        conv: &Conv<'_>,
        input: &[i8],
        weights: &[u8],
        places: [usize; FOUR],
    ) -> [i32; FOUR] {
        Plain.sums(conv, input, weights, places)
    }

    #[inline(always)]
    fn pixel<Rounded: Requantise>(self, conv: &Conv<'_>, patch: &[i8], out: &mut [i8]) {
        pixel::all_channels::<Rounded>(conv, patch, out);
    }
}

#[cfg(not(kindling_backend = "armv7m"))]
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

    /// The patch takes the place of a channel's weights, and the weights those of the patches.
    #[cfg(kindling_backend = "armv6m")]
    #[inline(always)]
    fn of_channels(self, patch: &[i8], weights: &[u8]) -> [i32; FOUR] {
        let (mut sums, taps) = ([0; FOUR], patch.len());
        if taps > 0 && weights.len() as u64 == FOUR as u64 * taps as u64 {
            let filter = |channel: usize| weights.as_ptr().wrapping_add(channel * taps).cast();
            let patches = [0, 1, 2, 3].map(filter);
            let weights = patch.as_ptr().cast();
            let patches = Patches { patches, weights, taps, skip: 0, rows: 1 };
            // SAFETY:
            // - there is a tap, and there is a single row;
            // - `weights` holds a weight for each tap of four channels, one after the other;
            // - this core reads bytes.
            unsafe { kindling_in_place_sums(&patches, &mut sums) }
        }
        sums
    }

    #[cfg(kindling_backend = "armv6m")]
    #[inline(always)]
    fn output<Rounded: Requantise>(sum: i32, parameters: ChannelParameters, zero_point: i8) -> i8 {
        match (Rounded::ROUNDING, parameters.shift) {
            (Rounding::Twice, Some(shift)) => {
                requantise_twice(sum, parameters.multiplier, shift, zero_point)
            }
            _ => requantise(sum, parameters.multiplier, zero_point),
        }
    }

    #[cfg(kindling_backend = "dsp")]
    #[inline(always)]
    fn pixel<Rounded: Requantise>(self, conv: &Conv<'_>, patch: &[i8], out: &mut [i8]) {
        pixel::all_channels::<Rounded>(conv, patch, out);
    }

    /// The weights lie as those of a dense layer of rows.
    #[cfg(kindling_backend = "mve")]
    #[inline(always)]
    fn pixel<Rounded: Requantise>(self, conv: &Conv<'_>, patch: &[i8], out: &mut [i8]) {
        let [height, width] = conv.kernel.map(u16::from);
        let (scale, zero_point) = (conv.output_scale, conv.output_zero_point);
        let dense = Dense {
            input: Shape::new(height, width, conv.input.channels),
            units: conv.output.channels,
            output_quant: OutputQuant { scale, zero_point },
            algorithm: DenseAlgorithm::Rows,
            is_per_tensor: false,
            channels: conv.channels,
            weights: conv.weights,
        };
        vector_rows::<Rounded>(&dense, patch, out);
    }
}

#[cfg(not(kindling_backend = "armv7m"))]
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
