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
//!
//! Weights lie by pairs of channels. The last of an odd number has weights of 0 beside it, and is
//! computed before the others.
#![allow(unsafe_code)]

use core::ptr;

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
#[derive(Clone, Copy)]
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

/// The parts of patches that lie inside of the map, and what is filled: see `mve_pixels.s`.
#[repr(C)]
struct Patches {
    source: *const i8,
    row_bytes: usize,
    kernel_row: usize,
    rows: usize,
    destination: *mut i8,
    inside_bytes: usize,
    first: *mut i8,
    filled_bytes: usize,
    zero_point: i32,
    step: usize,
    patch_bytes: usize,
    count: usize,
}

unsafe extern "C" {
    fn kindling_pixels_short_once(pixels: &Pixels);
    fn kindling_pixels_short_relu(pixels: &Pixels);
    fn kindling_pixels_short_any(pixels: &Pixels);
    fn kindling_pixels_long_once(pixels: &Pixels);
    fn kindling_pixels_long_relu(pixels: &Pixels);
    fn kindling_pixels_long_any(pixels: &Pixels);
    fn kindling_pixels_patches(patches: &Patches);
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
    let channels = conv.output.channels as usize;
    let numbers = conv.channels.split_at_checked(ChannelParameters::BYTES * channels);
    let Some((numbers, shifts)) = numbers else { return };
    if conv.taps() == 0 || channels < 2 {
        return;
    }
    let (first_two, last) =
        (Few::of(numbers, shifts, 0, 2), Few::of(numbers, shifts, channels - 1, 1));
    let parameters = match channels {
        0..FOUR => first_two.addresses(),
        _ => [numbers.as_ptr(), shifts.as_ptr()],
    };
    let map = Map::of(conv, input);
    Layer::of(&map, parameters, &last, is_relu(conv, shifts)).run(scratch, output);
}

/// The parameters and shifts of fewer channels than are computed at once, again and again; at whole
/// words.
#[repr(C, align(4))]
struct Few {
    numbers: [u8; FOUR * ChannelParameters::BYTES],
    shifts: [u8; FOUR],
}

impl Few {
    /// Of `count` channels from `first` on.
    fn of(numbers: &[u8], shifts: &[u8], first: usize, count: usize) -> Self {
        const BYTES: usize = ChannelParameters::BYTES;
        let mut few = Self { numbers: [0; FOUR * BYTES], shifts: [0; FOUR] };
        let numbers = numbers.get(BYTES * first..BYTES * (first + count)).unwrap_or_default();
        let shifts = shifts.get(first..first + count).unwrap_or_default();
        few.numbers.iter_mut().zip(numbers.iter().cycle()).for_each(|(to, from)| *to = *from);
        few.shifts.iter_mut().zip(shifts.iter().cycle()).for_each(|(to, from)| *to = *from);
        few
    }

    fn addresses(&self) -> [*const u8; 2] {
        [self.numbers.as_ptr(), self.shifts.as_ptr()]
    }
}

/// Whether what is below 0 becomes the least value, and no shift is to the left.
fn is_relu(conv: &Conv<'_>, shifts: &[u8]) -> bool {
    conv.output_zero_point == RELU_ZERO_POINT && shifts.iter().all(|shift| *shift as i8 <= 0)
}

/// The map that is read, and where patches lie in it.
struct Map<'m> {
    conv: &'m Conv<'m>,
    input: &'m [i8],
    /// Rows and columns; one row where each pixel is a patch.
    sides: [usize; 2],
    /// Output rows and columns, the same.
    outputs: [usize; 2],
    row_bytes: usize,
    kernel_row: usize,
    /// From a patch to that of the next pixel.
    step: usize,
    /// Bytes that are read of a patch where it lies; 0 where all are copied.
    read_bytes: usize,
}

impl<'m> Map<'m> {
    fn of(conv: &'m Conv<'m>, input: &'m [i8]) -> Self {
        let channels = conv.input.channels as usize;
        let map @ [_, width] = sides(conv, conv.input);
        let ([rows, columns], row_bytes) = (conv.kernel.map(usize::from), width * channels);
        let kernel_row = columns * channels;
        let read_bytes = match (rows, kernel_row % CHUNK) {
            (1, _) => kernel_row.next_multiple_of(CHUNK),
            (_, 0) => rows.saturating_sub(1) * row_bytes + kernel_row,
            _ => 0,
        };
        let step = conv.stride[1] as usize * channels;
        let outputs = sides(conv, conv.output);
        Self { conv, input, sides: map, outputs, row_bytes, kernel_row, step, read_bytes }
    }

    /// Row and column under the first tap.
    #[inline(always)]
    fn place(&self, [row, column]: [usize; 2]) -> [i32; 2] {
        let [down, right] = self.conv.stride.map(i32::from);
        let [top, left] = self.conv.origin.map(i32::from);
        [top + row as i32 * down, left + column as i32 * right]
    }

    /// Where the patch of a pixel begins, and how many pixels of the row, it first, have patches
    /// inside of the map: none, if not it.
    #[inline(always)]
    fn inside(&self, at: [usize; 2]) -> (usize, usize) {
        let ([y, x], [rows, columns]) = (self.place(at), self.conv.kernel.map(usize::from));
        let (Ok(y), Ok(x)) = (usize::try_from(y), usize::try_from(x)) else { return (0, 0) };
        if y + rows > self.sides[0] || x + columns > self.sides[1] {
            return (0, 0);
        }
        let more = (self.sides[1] - x - columns) / (self.conv.stride[1] as usize).max(1);
        let start = y * self.row_bytes + x * self.conv.input.channels as usize;
        (start, (more + 1).min(self.outputs[1] - at[1]))
    }

    /// The same for patches that are read where they lie.
    #[inline(always)]
    fn in_place(&self, at: [usize; 2]) -> (usize, usize) {
        if self.read_bytes == 0 {
            return (0, 0);
        }
        let (start, run) = self.inside(at);
        let left = self.input.len().saturating_sub(start);
        let Some(more) = left.checked_sub(self.read_bytes) else { return (0, 0) };
        (start, run.min(more / self.step.max(1) + 1))
    }

    /// To the pixel `run` columns later, or to the next row's first one.
    #[inline(always)]
    fn advance(&self, at: &mut [usize; 2], run: usize) {
        at[1] += run;
        if at[1] >= self.outputs[1] {
            *at = [at[0] + 1, 0];
        }
    }

    /// Copies the patches of up to four pixels that are not read where they lie, this one first;
    /// goes on to the pixel after them. How many they are.
    fn copy(&self, at: &mut [usize; 2], scratch: &mut [i8]) -> usize {
        let patch_bytes = self.conv.taps().next_multiple_of(CHUNK);
        let mut rest = scratch.get_mut(..PAIRED_PIXELS * patch_bytes).unwrap_or_default();
        let mut count = 0;
        while !rest.is_empty() && at[0] < self.outputs[0] {
            if count > 0 && self.in_place(*at).1 > 0 {
                break;
            }
            let now = self.copy_some(*at, rest, patch_bytes);
            count += now;
            self.advance(at, now);
            rest = rest.get_mut(now * patch_bytes..).unwrap_or_default();
        }
        count
    }

    /// How many fours of pixels of the row, this one first, have patches inside of the map, where
    /// none is read where it lies.
    #[inline(always)]
    fn fours_inside(&self, at: [usize; 2]) -> usize {
        if self.read_bytes > 0 { 0 } else { self.inside(at).1 / PAIRED_PIXELS }
    }

    /// The arguments that copy the patches of some pixels inside of the map to `to`.
    fn whole_patches(&self, at: [usize; 2], count: usize, to: &mut [i8]) -> Patches {
        let first = to.as_mut_ptr();
        Patches {
            source: self.input.as_ptr().wrapping_add(self.inside(at).0),
            row_bytes: self.row_bytes,
            kernel_row: self.kernel_row,
            rows: self.conv.kernel[0] as usize,
            destination: first,
            inside_bytes: self.kernel_row,
            first,
            filled_bytes: 0,
            zero_point: self.conv.input_zero_point as i32,
            step: self.step,
            patch_bytes: self.conv.taps().next_multiple_of(CHUNK),
            count,
        }
    }

    /// Copies the patches of some pixels to the beginning of `rest`, as many as it has room for, or
    /// that are inside of the map; of one that is not, alone. How many they are.
    fn copy_some(&self, at: [usize; 2], rest: &mut [i8], patch_bytes: usize) -> usize {
        let (conv, channels) = (self.conv, self.conv.input.channels as usize);
        let run = self.inside(at).1;
        let count = run.min(rest.len() / patch_bytes.max(1)).max(1);
        let whole = self.whole_patches(at, count, rest);
        let patches = if run > 0 {
            whole
        } else {
            let [y, x] = self.place(at);
            let (above, rows) = taps_inside(y, conv.kernel[0], self.sides[0]);
            let (before, columns) = taps_inside(x, conv.kernel[1], self.sides[1]);
            let source = y.max(0) as usize * self.row_bytes + x.max(0) as usize * channels;
            let to = above * self.kernel_row + before * channels;
            Patches {
                source: self.input.as_ptr().wrapping_add(source),
                rows,
                destination: whole.first.wrapping_add(to),
                inside_bytes: columns * channels,
                filled_bytes: conv.taps(),
                ..whole
            }
        };
        // SAFETY:
        // - it reads `inside_bytes` of `rows` rows of the map for each patch: all of them lie
        //   inside, or of a single patch those from the first that is inside on;
        // - it writes them to as many kernel rows of patches, from the first that is inside on, and
        //   fills all taps of the first or none;
        // - `rest` has room for `count` patches, one or more.
        unsafe { kindling_pixels_patches(&patches) }
        patches.count
    }
}

/// The first tap along an axis that is inside of a map, and how many are, if the first of `kernel`
/// taps lies at `start`.
fn taps_inside(start: i32, kernel: u8, side: usize) -> (usize, usize) {
    let before = (-start).clamp(0, kernel as i32);
    let end = (side as i32 - start).clamp(before, kernel as i32);
    (before as usize, (end - before) as usize)
}

/// The arguments that all pixels of a layer share.
struct Layer<'l> {
    map: &'l Map<'l>,
    in_place: Pixels,
    copied: Pixels,
    /// The last channel of an odd number, which is computed first, and alone.
    last: Option<&'l Few>,
    loops: [unsafe extern "C" fn(&Pixels); 2],
}

impl<'l> Layer<'l> {
    fn of(
        map: &'l Map<'l>,
        [parameters, shifts]: [*const u8; 2],
        last: &'l Few,
        is_relu: bool,
    ) -> Self {
        let (conv, channels) = (map.conv, map.conv.output.channels as usize);
        let [rows, patch_chunks] = [conv.kernel[0] as usize, conv.taps().div_ceil(CHUNK)];
        let row_chunks = map.kernel_row.div_ceil(CHUNK);
        let even = channels / 2 * 2;
        let place = |channel: usize| {
            let channel = channel % even.max(1);
            [channel as u16, (channel + channels) as u16]
        };
        let copied = Pixels {
            in_step_of_two: 2 * patch_chunks * CHUNK,
            out_step_of_two: 2 * channels,
            zero_point: conv.output_zero_point as i32,
            last: ptr::null_mut(),
            weights: conv.weights.as_ptr(),
            pair_bytes: if even < FOUR { 0 } else { 2 * patch_chunks * CHUNK },
            patch: ptr::null(),
            step: patch_chunks * CHUNK,
            output: ptr::null_mut(),
            parameters,
            shifts,
            channels: even,
            row_chunks: patch_chunks,
            rows: 1,
            skip: 0,
            places: [0, 1, 2, 3].map(place),
        };
        let skip = map.row_bytes.wrapping_sub(map.kernel_row);
        let (step, in_step_of_two) = (map.step, 2 * map.step);
        let in_place = Pixels { in_step_of_two, step, row_chunks, rows, skip, ..copied };
        let last = (even < channels).then_some(last);
        let loops = loops(conv.rounding(), is_relu);
        Self { map, in_place, copied, last, loops }
    }

    fn run(&self, scratch: &mut [i8], output: &mut [i8]) {
        let channels = self.map.conv.output.channels as usize;
        let (mut at, mut rest) = ([0, 0], output);
        while !rest.is_empty() {
            let (start, run) = self.map.in_place(at);
            let fours = if run > 0 { 0 } else { self.map.fours_inside(at) };
            let count = if run > 0 {
                run
            } else if fours > 0 {
                fours * PAIRED_PIXELS
            } else {
                self.map.copy(&mut at, scratch)
            };
            let Some((out, after)) = rest.split_at_mut_checked(count * channels) else { return };
            if run > 0 {
                let first = self.map.input.as_ptr().wrapping_add(start);
                self.pixels(&self.in_place.at(first, count, out.as_mut_ptr()));
                self.map.advance(&mut at, count);
            } else if fours > 0 {
                self.fours(at, scratch, out);
                self.map.advance(&mut at, count);
            } else {
                self.pixels(&self.copied.at(scratch.as_ptr(), count, out.as_mut_ptr()));
            }
            rest = after;
        }
    }

    /// Fours of pixels of a row whose patches are inside of the map, all channels.
    fn fours(&self, at: [usize; 2], scratch: &mut [i8], out: &mut [i8]) {
        let four_bytes = PAIRED_PIXELS * self.map.conv.output.channels as usize;
        let mut patches = self.map.whole_patches(at, PAIRED_PIXELS, scratch);
        let mut pixels = self.copied.at(scratch.as_ptr(), PAIRED_PIXELS, out.as_mut_ptr());
        for _ in 0..out.len() / four_bytes.max(1) {
            // SAFETY: as in `copy_some`: the patches of four pixels are inside of the map, and
            // scratch memory has room for as many.
            unsafe { kindling_pixels_patches(&patches) }
            self.pixels(&pixels);
            patches.source = patches.source.wrapping_add(PAIRED_PIXELS * self.map.step);
            pixels.output = pixels.output.wrapping_add(four_bytes);
            pixels.last = pixels.last.wrapping_add(four_bytes);
        }
    }

    /// All channels of some pixels.
    #[inline(always)]
    fn pixels(&self, pixels: &Pixels) {
        let run = if pixels.rows == 1 && pixels.row_chunks <= SHORT_CHUNKS_MAX {
            self.loops[0]
        } else {
            self.loops[1]
        };
        // SAFETY:
        // - the patches, one or more, a step apart, have `rows` rows of whole chunks each, one or
        //   more, which lie in the map or in scratch memory;
        // - there are as many chunks of weights for each channel, and there are two channels or
        //   more, of which an even number is computed, or the last alone with weights of 0;
        // - parameters, at whole words, and shifts are those of all channels, or of one or two
        //   again and again;
        // - the output has all channels of all pixels, and two pixels' places fit 16 bits.
        unsafe {
            if let Some(last) = self.last {
                run(&pixels.of_last(last));
            }
            run(pixels)
        }
    }
}

impl Pixels {
    /// Those of `count` pixels whose patches begin at `patch`; a single one is a pair of the same.
    #[inline(always)]
    fn at(&self, patch: *const i8, count: usize, output: *mut i8) -> Self {
        let channels = self.out_step_of_two / 2;
        let last = output.wrapping_add(count.saturating_sub(2) * channels);
        let mut pixels = Self { last, patch, output, ..*self };
        if count < 2 {
            (pixels.step, pixels.in_step_of_two) = (0, 0);
            pixels.places.iter_mut().for_each(|[first, second]| *second = *first);
        }
        pixels
    }

    /// The same for the last channel of an odd number. The other one of its pair, whose weights are
    /// 0, goes to the place of channel 0, which is computed later.
    #[inline(never)]
    fn of_last(&self, last: &Few) -> Self {
        let [parameters, shifts] = last.addresses();
        let pair_bytes = 2 * CHUNK * self.row_chunks * self.rows;
        let [[_, second], ..] = self.places;
        let channel = self.channels as u16;
        let places = [[channel, channel + second], [0, second]];
        Self {
            weights: self.weights.wrapping_add(self.channels / 2 * pair_bytes),
            pair_bytes: 0,
            parameters,
            shifts,
            channels: 2,
            places: [places[0], places[1], places[0], places[1]],
            ..*self
        }
    }
}

/// The loops for short patches and for long ones.
fn loops(rounding: Rounding, is_relu: bool) -> [unsafe extern "C" fn(&Pixels); 2] {
    match rounding {
        Rounding::Once => [kindling_pixels_short_once, kindling_pixels_long_once],
        Rounding::Twice if is_relu => [kindling_pixels_short_relu, kindling_pixels_long_relu],
        Rounding::Twice => [kindling_pixels_short_any, kindling_pixels_long_any],
    }
}

/// Rows and columns of the map that a layer reads or makes; one row where each pixel of its input
/// is the patch of an output, in the same order.
fn sides(conv: &Conv<'_>, map: Shape) -> [usize; 2] {
    let [height, width] = [map.height, map.width].map(usize::from);
    let is_flat = conv.kernel == [1, 1]
        && conv.stride == [1, 1]
        && conv.origin == [0, 0]
        && conv.input.width == conv.output.width;
    if is_flat { [1, height * width] } else { [height, width] }
}
