//! Direct convolution without pooling, with the vector extension; the loops are in `mve_pixels.s`.
//!
//! ```text
//! for each run of output pixels whose patches lie in the map, a step apart, else for up to four:
//!     patches = the input under the kernel of each, right there or copied
//!     for each four output channels, for each two pixels:
//!         outputs = requantise(biases + patches . weights)
//! ```
//!
//! Patches are read by 16 taps; what is read after the last tap has weights of 0.
//! So a patch is read where it lies if it is one kernel row and the map goes on for as long, or if
//! its kernel rows are whole chunks of 16 taps.
#![allow(unsafe_code)]

use super::{CHUNK, has_int4};
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::PAIRED_PIXELS;
use crate::quant::{ChannelParameters, RELU_ZERO_POINT, Rounding};
use crate::shape::Shape;

crate::arm::vector_assembly!("mve_pixels.s");

/// Channels that are computed at once.
const FOUR: usize = 4;

/// Most chunks of a patch of one row for the loop that is unrolled.
const SHORT_CHUNKS_MAX: usize = 4;

/// Most output channels: the places of two pixels' four channels are 16 bits wide.
const CHANNELS_MAX: u16 = u16::MAX - FOUR as u16;

/// Arguments of the loops: see `mve_pixels.s`.
#[repr(C)]
struct Pixels {
    in_step_of_two: usize,
    out_step_of_two: usize,
    zero_point: i32,
    last: *mut i8,
    weights: *const u8,
    pair_bytes: usize,
    patch: *const i8,
    step: usize,
    output: *mut i8,
    parameters: *const u8,
    shifts: *const u8,
    channels: usize,
    row_chunks: usize,
    rows: usize,
    skip: usize,
    /// Of four channels, the two pixels of each.
    places: [[u16; 2]; FOUR],
}

/// The part of a patch that lies inside of the map, and what is filled: see `mve_pixels.s`.
#[repr(C)]
struct Patch {
    source: *const i8,
    row_bytes: usize,
    kernel_row: usize,
    rows: usize,
    destination: *mut i8,
    inside_bytes: usize,
    patch: *mut i8,
    filled_bytes: usize,
    zero_point: i32,
}

unsafe extern "C" {
    fn kindling_pixels_short_once(pixels: &Pixels);
    fn kindling_pixels_short_relu(pixels: &Pixels);
    fn kindling_pixels_short_any(pixels: &Pixels);
    fn kindling_pixels_long_once(pixels: &Pixels);
    fn kindling_pixels_long_relu(pixels: &Pixels);
    fn kindling_pixels_long_any(pixels: &Pixels);
    fn kindling_pixels_patch(patch: &Patch);
}

/// Whether the loops compute a layer.
#[inline(always)]
pub(super) const fn fits(conv: &Conv<'_>) -> bool {
    !conv.pools() && !has_int4(conv) && conv.output.channels <= CHANNELS_MAX
}

/// A layer that [`fits`]. The caller has checked all sizes, and that parameters begin at whole
/// words.
#[inline(never)]
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let Some(layer) = Layer::of(conv, input) else { return };
    let channels = conv.output.channels as usize;
    let (mut at, mut rest) = ([0, 0], output);
    while !rest.is_empty() {
        let run = layer.pixels_in_place(at);
        let (count, patches) = match run {
            0 => layer.copy(&mut at, scratch),
            _ => (run, layer.in_place(&mut at, run)),
        };
        let Some((out, after)) = rest.split_at_mut_checked(count * channels) else { return };
        layer.pixels(patches, count, out);
        rest = after;
    }
}

/// Where the patches of some pixels begin.
#[derive(Clone, Copy)]
struct Patches {
    first: *const i8,
    /// From a patch to the next.
    step: usize,
    row_chunks: usize,
    rows: usize,
    /// From the end of a row to the next.
    skip: usize,
}

/// What all pixels of a layer share.
struct Layer<'l> {
    conv: &'l Conv<'l>,
    input: &'l [i8],
    /// Rows and columns of the map that is read; of one row where each pixel is a patch.
    map: [usize; 2],
    /// Output rows and columns, the same.
    sides: [usize; 2],
    kernel_row: usize,
    /// Bytes that are read of a patch where it lies; 0 where all are copied.
    read_bytes: usize,
    shifts: &'l [u8],
    is_relu: bool,
    /// Parameters and shifts of two channels, twice, where there are no more.
    of_two: ([u8; FOUR * ChannelParameters::BYTES], [u8; FOUR]),
}

impl<'l> Layer<'l> {
    /// `None` if there is no tap, or a number is missing.
    fn of(conv: &'l Conv<'l>, input: &'l [i8]) -> Option<Self> {
        let channels = conv.output.channels as usize;
        let (numbers, shifts) =
            conv.channels.split_at_checked(ChannelParameters::BYTES * channels)?;
        let is_relu = conv.output_zero_point == RELU_ZERO_POINT
            && shifts.iter().all(|shift| *shift as i8 <= 0);
        let kernel_row = conv.kernel[1] as usize * conv.input.channels as usize;
        let rows = conv.kernel[0] as usize;
        let read_bytes = match (rows, kernel_row % CHUNK) {
            (1, _) => kernel_row.next_multiple_of(CHUNK),
            (_, 0) => (rows - 1) * conv.input.row_len() + kernel_row,
            _ => 0,
        };
        let mut of_two = ([0; FOUR * ChannelParameters::BYTES], [0; FOUR]);
        if channels < FOUR {
            of_two.0.iter_mut().zip(numbers.iter().cycle()).for_each(|(to, from)| *to = *from);
            of_two.1.iter_mut().zip(shifts.iter().cycle()).for_each(|(to, from)| *to = *from);
        }
        let layer = Self {
            conv,
            input,
            map: sides(conv, conv.input),
            sides: sides(conv, conv.output),
            kernel_row,
            read_bytes,
            shifts,
            is_relu,
            of_two,
        };
        (conv.taps() > 0).then_some(layer)
    }

    /// Row and column of the map under the first tap.
    fn place(&self, [row, column]: [usize; 2]) -> [i32; 2] {
        let [down, right] = self.conv.stride.map(i32::from);
        let [top, left] = self.conv.origin.map(i32::from);
        [top + row as i32 * down, left + column as i32 * right]
    }

    /// From a patch to that of the next pixel.
    fn step(&self) -> usize {
        self.conv.stride[1] as usize * self.conv.input.channels as usize
    }

    /// Bytes from row to row of the map.
    fn row_bytes(&self) -> usize {
        self.map[1] * self.conv.input.channels as usize
    }

    /// How many pixels of a row, this one first, have patches that are read where they lie.
    fn pixels_in_place(&self, at: [usize; 2]) -> usize {
        let ([y, x], channels) = (self.place(at), self.conv.input.channels as usize);
        let (Ok(y), Ok(x)) = (usize::try_from(y), usize::try_from(x)) else { return 0 };
        let [rows, columns] = self.conv.kernel.map(usize::from);
        if self.read_bytes == 0 || y + rows > self.map[0] || x + columns > self.map[1] {
            return 0;
        }
        let start = y * self.row_bytes() + x * channels;
        let left = self.input.len().saturating_sub(start);
        let Some(more) = left.checked_sub(self.read_bytes) else { return 0 };
        let more = more.min((self.map[1] - x - columns) * channels);
        (more / self.step().max(1) + 1).min(self.sides[1] - at[1])
    }

    /// Patches where they lie, of a run of [`Self::pixels_in_place`]; goes on to the pixel after it.
    fn in_place(&self, at: &mut [usize; 2], run: usize) -> Patches {
        let [y, x] = self.place(*at);
        let start = y as usize * self.row_bytes() + x as usize * self.conv.input.channels as usize;
        self.advance(at, run);
        Patches {
            first: self.input.get(start..).unwrap_or_default().as_ptr(),
            step: self.step(),
            row_chunks: self.kernel_row.div_ceil(CHUNK),
            rows: self.conv.kernel[0] as usize,
            skip: self.row_bytes().wrapping_sub(self.kernel_row),
        }
    }

    /// Copies the patches of up to four pixels that are not read where they lie, this one first;
    /// goes on to the pixel after them.
    fn copy(&self, at: &mut [usize; 2], scratch: &mut [i8]) -> (usize, Patches) {
        let patch_bytes = self.conv.taps().next_multiple_of(CHUNK);
        let (first, mut count) = (scratch.as_ptr(), 0);
        for place in scratch.chunks_exact_mut(patch_bytes.max(1)).take(PAIRED_PIXELS) {
            self.copy_patch(self.place(*at), place);
            count += 1;
            self.advance(at, 1);
            if at[0] == self.sides[0] || self.pixels_in_place(*at) > 0 {
                break;
            }
        }
        let row_chunks = patch_bytes / CHUNK;
        (count, Patches { first, step: patch_bytes, row_chunks, rows: 1, skip: 0 })
    }

    /// To the pixel `run` columns later, or to the next row's first one.
    fn advance(&self, at: &mut [usize; 2], run: usize) {
        at[1] += run;
        if at[1] >= self.sides[1] {
            *at = [at[0] + 1, 0];
        }
    }

    /// Copies the input under the kernel, whose first tap lies at row `y` and column `x`, to
    /// `place`, which has room for all taps.
    fn copy_patch(&self, [y, x]: [i32; 2], place: &mut [i8]) {
        let (conv, channels) = (self.conv, self.conv.input.channels as usize);
        let inside = |start: i32, kernel: u8, side: usize| {
            let before = (-start).clamp(0, kernel as i32) as usize;
            let end = (side as i32 - start).clamp(0, kernel as i32) as usize;
            (before, end.saturating_sub(before))
        };
        let (above, rows) = inside(y, conv.kernel[0], self.map[0]);
        let (before, columns) = inside(x, conv.kernel[1], self.map[1]);
        let is_whole = [rows, columns] == conv.kernel.map(usize::from);
        let source = y.max(0) as usize * self.row_bytes() + x.max(0) as usize * channels;
        let to = above * self.kernel_row + before * channels;
        let patch = Patch {
            source: self.input.as_ptr().wrapping_add(source),
            row_bytes: self.row_bytes(),
            kernel_row: self.kernel_row,
            rows,
            destination: place.as_mut_ptr().wrapping_add(to),
            inside_bytes: columns * channels,
            patch: place.as_mut_ptr(),
            filled_bytes: if is_whole { 0 } else { conv.taps() },
            zero_point: conv.input_zero_point as i32,
        };
        // SAFETY:
        // - it reads `inside_bytes` of `rows` rows of the map, from the first that are inside on;
        // - it writes them to as many kernel rows of the patch, from the first that is inside on,
        //   and fills all taps or none;
        // - `place` has room for all taps.
        unsafe { kindling_pixels_patch(&patch) }
    }

    /// All channels of `count` pixels, one or more.
    fn pixels(&self, patches: Patches, count: usize, out: &mut [i8]) {
        let (conv, channels) = (self.conv, self.conv.output.channels as usize);
        let is_pair = count > 1;
        let step = if is_pair { patches.step } else { 0 };
        let last = out.as_mut_ptr().wrapping_add(count.saturating_sub(2) * channels);
        let (parameters, shifts) = match channels {
            0..FOUR => (self.of_two.0.as_ptr(), self.of_two.1.as_ptr()),
            _ => (conv.channels.as_ptr(), self.shifts.as_ptr()),
        };
        let of_pair = 2 * CHUNK * patches.row_chunks * patches.rows;
        let place = |channel: usize| {
            let channel = channel % channels.max(1);
            [channel as u16, (channel + usize::from(is_pair) * channels) as u16]
        };
        let pixels = Pixels {
            in_step_of_two: 2 * step,
            out_step_of_two: 2 * channels,
            zero_point: conv.output_zero_point as i32,
            last,
            weights: conv.weights.as_ptr(),
            pair_bytes: if channels < FOUR { 0 } else { of_pair },
            patch: patches.first,
            step,
            output: out.as_mut_ptr(),
            parameters,
            shifts,
            channels,
            row_chunks: patches.row_chunks,
            rows: patches.rows,
            skip: patches.skip,
            places: [0, 1, 2, 3].map(place),
        };
        let is_short = patches.rows == 1 && patches.row_chunks <= SHORT_CHUNKS_MAX;
        let run = match (conv.rounding(), is_short) {
            (Rounding::Once, true) => kindling_pixels_short_once,
            (Rounding::Once, false) => kindling_pixels_long_once,
            (Rounding::Twice, true) if self.is_relu => kindling_pixels_short_relu,
            (Rounding::Twice, false) if self.is_relu => kindling_pixels_long_relu,
            (Rounding::Twice, true) => kindling_pixels_short_any,
            (Rounding::Twice, false) => kindling_pixels_long_any,
        };
        // SAFETY:
        // - the patches, `count` of them `step` bytes apart, have `rows` rows of whole chunks each,
        //   one or more, which lie in the map or in scratch memory;
        // - there are as many chunks of weights for each channel, channels are even in number, and
        //   there are two or more;
        // - parameters, at whole words, and shifts are those of all channels, or of two channels
        //   twice;
        // - `out` has all channels of `count` pixels, and two pixels' places fit 16 bits.
        unsafe { run(&pixels) }
    }
}

/// Rows and columns of a map of a layer; one row where each pixel of its input is the patch of an
/// output, in the same order.
fn sides(conv: &Conv<'_>, map: Shape) -> [usize; 2] {
    let [height, width] = [map.height, map.width].map(usize::from);
    let is_flat = conv.kernel == [1, 1]
        && conv.stride == [1, 1]
        && conv.origin == [0, 0]
        && conv.input.width == conv.output.width;
    if is_flat { [1, height * width] } else { [height, width] }
}
