//! Direct convolution with two roundings, with the vector extension; the loops are in
//! `mve_twice.s`.
//!
//! ```text
//! for each four output pixels:
//!     patches = the input under the kernel of each; where it lies in a row of the map, right there
//!     for each pair of output channels:
//!         sums = patches . weights
//!         outputs = requantise(bias + sums)
//! ```
//!
//! The last four pixels repeat one where fewer are left: its outputs are written again. Patches are
//! read by 16 taps; what is read after the last tap has weights of 0.
#![allow(unsafe_code)]

use core::ptr;

use super::super::paired::convolved_pixel;
use super::{CHUNK, Patch};
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::PAIRED_PIXELS;
use crate::ops::conv::portable::gather_patch;
use crate::quant::{ChannelParameters, RELU_ZERO_POINT};

crate::arm::vector_assembly!("mve_twice.s");

/// Arguments of the loop over channels: see `mve_twice.s`.
#[repr(C)]
struct Pixels {
    patches: [*const i8; PAIRED_PIXELS],
    /// Of each patch, after the first.
    chunks: usize,
    parameters: *const u8,
    shifts: *const u8,
    output: *mut i8,
    zero_point: i32,
    parameters_end: *const u8,
    weights: *const u8,
    /// Places of a pair of channels of each pixel, after the first one's.
    places: [[u16; 2]; PAIRED_PIXELS],
}

unsafe extern "C" {
    fn kindling_vector_patch(patch: &Patch);
    fn kindling_vector_twice(pixels: &Pixels);
    fn kindling_vector_twice_relu(pixels: &Pixels);
}

/// A layer without pooling. The caller has checked all sizes, and that parameters begin at whole
/// words.
#[inline(never)]
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let channels = conv.output.channels as usize;
    let patch_bytes = conv.taps().next_multiple_of(CHUNK);
    let numbers = conv.channels.split_at_checked(ChannelParameters::BYTES * channels);
    let Some((numbers, shifts)) = numbers else { return };
    let is_relu =
        conv.output_zero_point == RELU_ZERO_POINT && shifts.iter().all(|shift| *shift as i8 <= 0);
    let numbers = numbers.as_ptr_range();
    let mut pixels = Pixels {
        patches: [ptr::null(); PAIRED_PIXELS],
        chunks: patch_bytes / CHUNK - 1,
        parameters: numbers.start,
        shifts: shifts.as_ptr(),
        output: ptr::null_mut(),
        zero_point: conv.output_zero_point as i32,
        parameters_end: numbers.end,
        weights: conv.weights.as_ptr(),
        places: places(channels, PAIRED_PIXELS),
    };
    let count = conv.output.height as usize * conv.output.width as usize;
    for (four, out) in output.chunks_mut((PAIRED_PIXELS * channels).max(1)).enumerate() {
        let first = four * PAIRED_PIXELS;
        if count - first < PAIRED_PIXELS {
            pixels.places = places(channels, count - first);
        }
        let places = scratch.chunks_exact_mut(patch_bytes.max(1));
        for (index, (patch, place)) in pixels.patches.iter_mut().zip(places).enumerate() {
            *patch = patch_of(conv, input, (first + index).min(count - 1), place);
        }
        pixels.output = out.as_mut_ptr();
        // SAFETY: `patches` have whole chunks of 16 taps each, one or more: scratch memory has room
        // for that many, or the map goes on for as long. The loop reads, for each pair of channels,
        // as many chunks of weights for each, 16 bytes of parameters, at a whole word, and two
        // shifts; there is a pair, and channels are even in number. It writes an output for each
        // channel of the pixels that are left.
        unsafe {
            match is_relu {
                true => kindling_vector_twice_relu(&pixels),
                false => kindling_vector_twice(&pixels),
            }
        }
    }
}

/// Places of a pair of channels of `count` pixels, the last of which is repeated.
fn places(channels: usize, count: usize) -> [[u16; 2]; PAIRED_PIXELS] {
    let place = |pixel: usize| (pixel.min(count - 1) * channels) as u16;
    [0, 1, 2, 3].map(|pixel| [place(pixel), place(pixel) + 1])
}

/// The input under the kernel for output pixel number `pixel`, and what is read after it: where it
/// lies in the map, or as copied to `place`.
fn patch_of(conv: &Conv<'_>, input: &[i8], pixel: usize, place: &mut [i8]) -> *const i8 {
    let (channels, row_bytes) = (conv.input.channels as usize, conv.input.row_len());
    let [rows, columns] = conv.kernel.map(usize::from);
    let (row, column) = convolved_pixel(conv, pixel, 0);
    let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
    let inside = y >= 0 && x >= 0 && x as usize + columns <= conv.input.width as usize;
    // Both wrap where they are not used: outside of the map, and without a tap.
    let start =
        (y as usize).wrapping_mul(row_bytes).wrapping_add((x as usize).wrapping_mul(channels));
    let kernel_row = columns * channels;
    let needed = rows.wrapping_sub(1).wrapping_mul(row_bytes).wrapping_add(kernel_row);
    let source = input.get(start..).unwrap_or_default();
    let is_row = rows == 1 && source.len() >= place.len();
    let Some(taps) = place.get_mut(..conv.taps()) else { return place.as_ptr() };
    if !inside || source.len() < needed || taps.is_empty() {
        gather_patch(conv, input, row, column, taps);
    } else if is_row {
        return source.as_ptr();
    } else {
        let destination = taps.as_mut_ptr();
        let patch = Patch { source: source.as_ptr(), row_bytes, kernel_row, rows, destination };
        // SAFETY: reads `rows` rows of `kernel_row` bytes, one or more of each, `row_bytes` apart:
        // the `needed` bytes of `source`. Writes as many bytes, which are all `taps`.
        unsafe { kindling_vector_patch(&patch) }
    }
    place.as_ptr()
}
