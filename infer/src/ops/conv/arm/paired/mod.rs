//! Direct convolution, four pixels by two output channels at once; the loops are in assembly, for
//! each class of cores. Without pooling, one call computes all pairs of channels of four pixels:
//! see `batch.s`, and `armv6m.s`.
//!
//! ```text
//! for each four output pixels (with pooling: for each of them):
//!     inputs = their patches, or those of the pooling window, widened, in batches of four
//!     for each pair of output channels:
//!         sums = inputs . weights
//!         output = requantise(bias + sum), of a window the largest
//! ```
//!
//! The last four pixels overlap those before, where the map is not made of whole fours: they are
//! computed again. A window that does not fill its last batch repeats a pixel there: the maximum
//! stays the same.
#![allow(unsafe_code)]

use core::marker::PhantomData;

#[cfg(kindling_dsp)]
use crate::arm::instructions::has_common_factors;
use crate::arm::instructions::{requantise, requantise_twice};
use crate::ops::conv::Conv;
use crate::ops::conv::algorithms::{PAIRED_PIXELS, paired_batches};
use crate::ops::conv::portable::gather_patch;
#[cfg(not(kindling_backend = "armv6m"))]
use crate::quant::RELU_ZERO_POINT;
#[cfg(kindling_backend = "armv6m")]
use crate::quant::with_shifts;
use crate::quant::{ChannelParameters, Rounding};

#[cfg(not(kindling_backend = "armv6m"))]
use self::kindling_paired as kindling_paired_exact;

#[cfg(kindling_dsp)]
crate::arm::assembly!("batch.s", "dsp.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("batch.s", "armv7m.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

/// Arguments of the loop over all pairs of channels: see `batch.s`.
#[repr(C)]
struct Batch {
    outputs: [*mut i8; PAIRED_PIXELS],
    inputs: *const i8,
    inputs_end: *const i8,
    parameters: *const u8,
    shifts: *const u8,
    parameters_end: *const u8,
    /// With two roundings `2 * zero point + 1`, but for those of common factors.
    zero_point: i32,
    steps: usize,
    weights: *const u8,
}

/// Arguments of the loop that copies patches: see `batch.s`. All are in bytes but the counts.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct Gather {
    from: *const i8,
    to: *mut i8,
    row_skip: usize,
    bytes: usize,
    rows: usize,
    to_row_skip: usize,
    patches: usize,
    patch_skip: isize,
    to_patch_skip: isize,
}

/// Arguments of the loop that copies a patch: see `armv6m.s`.
#[cfg(kindling_backend = "armv6m")]
#[repr(C)]
struct Gather {
    from: *const i8,
    to: *mut i8,
    bytes: usize,
    rows: usize,
    row_bytes: usize,
}

unsafe extern "C" {
    fn kindling_widen(patches: *const i8, patch: usize, pairs: *mut i8, pairs_end: *mut i8);
}

unsafe extern "C" {
    fn kindling_paired(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        steps: usize,
    );
    #[cfg(kindling_backend = "armv6m")]
    fn kindling_paired_exact(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        steps: usize,
    );
    fn kindling_paired_int4(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        steps: usize,
    );
    #[cfg(kindling_dsp)]
    fn kindling_paired_wide(
        inputs: *const i8,
        weights: *const u8,
        sums: &mut [[i32; PAIRED_PIXELS]; 2],
        steps: usize,
    );
    fn kindling_paired_once(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_once_wide(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_twice_wide(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_common_wide(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_common_relu_wide(batch: &Batch);
    fn kindling_paired_once_int4(batch: &Batch);
    fn kindling_paired_twice(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_common(batch: &Batch);
    #[cfg(kindling_dsp)]
    fn kindling_paired_common_relu(batch: &Batch);
    #[cfg(kindling_backend = "armv7m")]
    fn kindling_paired_twice_relu(batch: &Batch);
    fn kindling_paired_gather(gather: &Gather);
}

/// The caller has checked all sizes, and that scratch memory and weights begin at whole words.
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    let patch = conv.taps().next_multiple_of(4);
    let Some((pairs, patches)) = scratch.split_at_mut_checked(paired_batches(conv) * patch * 8)
    else {
        return;
    };
    // What makes whole words of a patch stays as it is.
    patches.fill(0);
    let lowest = Lowest::of(conv);
    if conv.pools() {
        return all_windows(conv, input, [pairs, patches], lowest, output);
    }
    let (pixels, taps) = (conv.output.height as usize * conv.output.width as usize, conv.taps());
    let (at_once, channels) = (PAIRED_PIXELS.min(pixels), conv.output.channels as usize);
    let (is_pixel, map) = (at_once == PAIRED_PIXELS && is_pixel(conv), Map::of(conv, input));
    let mut whole = Whole::of(conv, patch, at_once, lowest);
    let mut next = 0;
    while next < pixels {
        let first = next.min(pixels - at_once);
        if is_pixel {
            let values = input.get(first * taps..(first + PAIRED_PIXELS) * taps);
            widen(values.unwrap_or_default(), patch, pairs);
        } else {
            let places = Places::from(conv, first);
            if !map.four_inside(places.next, patch, patches, pairs) {
                for (place, out) in places.zip(patches.chunks_exact_mut(patch.max(1))) {
                    map.copy(place, out);
                }
                widen(patches, patch, pairs);
            }
        }
        if let Some(out) = output.get_mut(first * channels..(first + at_once) * channels) {
            let done = whole.as_mut().map_or(0, |whole| whole.run(pairs, out));
            if done < channels {
                other_channels(conv, pairs, patch, lowest, done, out);
            }
        }
        next += at_once;
    }
}

/// All outputs of a layer that pools.
fn all_windows(
    conv: &Conv<'_>,
    input: &[i8],
    [pairs, patches]: [&mut [i8]; 2],
    lowest: Lowest,
    output: &mut [i8],
) {
    let patch = conv.taps().next_multiple_of(4);
    let map = Map::of(conv, input);
    let channels = (conv.output.channels as usize).max(1);
    for (first, out) in output.chunks_exact_mut(channels).enumerate() {
        for (batch, pairs) in pairs.chunks_exact_mut((patch * 8).max(1)).enumerate() {
            for (pixel, out) in patches.chunks_exact_mut(patch.max(1)).enumerate() {
                let (row, column) = convolved_pixel(conv, first, batch * PAIRED_PIXELS + pixel);
                map.copy([row, column], out);
            }
            widen(patches, patch, pairs);
        }
        of_window(conv, pairs, patch, lowest, out);
    }
}

/// Rows and columns of the map's pixels, from one on; after the last it stays there.
struct Places {
    next: [i32; 2],
    last: [i32; 2],
}

impl Places {
    fn from(conv: &Conv<'_>, first: usize) -> Self {
        let (row, column) = convolved_pixel(conv, first, 0);
        let last = [conv.output.height, conv.output.width].map(|side| side as i32 - 1);
        Self { next: [row, column], last }
    }
}

impl Iterator for Places {
    type Item = [i32; 2];

    #[inline(always)]
    fn next(&mut self) -> Option<[i32; 2]> {
        let [row, column] = self.next;
        if column < self.last[1] {
            self.next = [row, column + 1];
        } else if row < self.last[0] {
            self.next = [row + 1, 0];
        }
        Some([row, column])
    }
}

/// The map that a layer reads, to copy patches of.
#[cfg(not(kindling_backend = "armv6m"))]
struct Map<'m> {
    conv: &'m Conv<'m>,
    input: &'m [i8],
    /// Whether patches are copied in rows: their taps lie side by side, and the slice is as large
    /// as the map.
    has_rows: bool,
    /// Of the map, and of a patch.
    row_bytes: [usize; 2],
    /// From a pixel's patch to that of the next.
    step: usize,
    /// The last row and column of which this and three more patches in the map's row lie inside of
    /// it, if any.
    last_of_four: [i32; 2],
}

#[cfg(not(kindling_backend = "armv6m"))]
impl<'m> Map<'m> {
    fn of(conv: &'m Conv<'m>, input: &'m [i8]) -> Self {
        let kernel_row_bytes = conv.kernel[1] as usize * conv.input.channels as usize;
        let has_rows = !conv.is_dilated() && input.len() == conv.input.len();
        let ([kernel_rows, kernel_columns], [down, right]) = (conv.kernel, conv.stride);
        let last = |side: u16, kernel: u8| side as i32 - kernel as i32;
        let last_of_four = [
            last(conv.input.height, kernel_rows),
            last(conv.input.width, kernel_columns) - 3 * right as i32,
        ];
        let is_any = has_rows && kernel_row_bytes > 0 && down > 0;
        Self {
            conv,
            input,
            has_rows,
            row_bytes: [conv.input.row_len(), kernel_row_bytes],
            step: right as usize * conv.input.channels as usize,
            last_of_four: if is_any { last_of_four } else { [-1; 2] },
        }
    }

    /// Makes pairs of the patches of four pixels in a row, the first at a row and column, if all
    /// of these lie inside of the map; whether they do.
    #[inline(always)]
    fn four_inside(
        &self,
        [row, column]: [i32; 2],
        patch: usize,
        patches: &mut [i8],
        pairs: &mut [i8],
    ) -> bool {
        let conv = self.conv;
        let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
        let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
        let [last_y, last_x] = self.last_of_four;
        let is_row = column + PAIRED_PIXELS as i32 <= conv.output.width as i32;
        let is_inside = 0 <= y && y <= last_y && 0 <= x && x <= last_x;
        if !is_row || !is_inside || patches.len() != PAIRED_PIXELS * patch {
            return false;
        }
        let ([row_bytes, kernel_row_bytes], rows) = (self.row_bytes, conv.kernel[0] as usize);
        let from = y as usize * row_bytes + x as usize * conv.input.channels as usize;
        if kernel_row_bytes.is_multiple_of(4) {
            let rows_of_pairs = pairs.chunks_exact_mut((8 * kernel_row_bytes).max(1));
            for (row, pairs) in rows_of_pairs.enumerate() {
                let values = self.input.get(from + row * row_bytes..).unwrap_or_default();
                widen(values, self.step, pairs);
            }
            return true;
        }
        let gather = Gather {
            from: self.input.as_ptr().wrapping_add(from),
            to: patches.as_mut_ptr(),
            row_skip: row_bytes - kernel_row_bytes,
            bytes: kernel_row_bytes,
            rows,
            to_row_skip: 0,
            patches: PAIRED_PIXELS,
            patch_skip: self.step as isize - (rows * row_bytes) as isize,
            to_patch_skip: (patch - rows * kernel_row_bytes) as isize,
        };
        // SAFETY: there are a row and a byte, as `last_of_four` is below 0 where there is no byte
        // and no kernel has no row. All patches lie inside of the map, of whose size the input is,
        // as `of` has checked: they begin `step` apart, and the last no later than at
        // `last_of_four`. There are as many bytes for each in `patches`.
        unsafe { kindling_paired_gather(&gather) };
        widen(patches, patch, pairs);
        true
    }

    /// Copies the input under the kernel for the convolved pixel at a row and column to the front
    /// of `to`, which holds a patch or more.
    fn copy(&self, [row, column]: [i32; 2], to: &mut [i8]) {
        let conv = self.conv;
        let taps = conv.taps();
        let Some(patch) = to.get_mut(..taps) else { return };
        if !self.has_rows {
            return gather_patch(conv, self.input, row, column, patch);
        }
        let [kernel_rows, kernel_columns] = conv.kernel.map(i32::from);
        let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
        let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
        let [top, bottom] = inside(y, kernel_rows, conv.input.height);
        let [left, right] = inside(x, kernel_columns, conv.input.width);
        if bottom - top < kernel_rows || right - left < kernel_columns {
            patch.fill(conv.input_zero_point);
            if top >= bottom || left >= right {
                return;
            }
        }
        let ([row_bytes, patch_row_bytes], channels) = (self.row_bytes, conv.input.channels as i32);
        let from = (y + top) as usize * row_bytes + ((x + left) * channels) as usize;
        let to = top as usize * patch_row_bytes + (left * channels) as usize;
        let (bytes, rows) = (((right - left) * channels) as usize, (bottom - top) as usize);
        if bytes == 0 {
            return;
        }
        let gather = Gather {
            from: self.input.as_ptr().wrapping_add(from),
            to: patch.as_mut_ptr().wrapping_add(to),
            row_skip: row_bytes - bytes,
            bytes,
            rows,
            to_row_skip: patch_row_bytes - bytes,
            patches: 1,
            patch_skip: 0,
            to_patch_skip: 0,
        };
        // SAFETY: there are a row and a byte. As `inside` and `has_rows` have it:
        // - rows `y + top` to `y + bottom - 1` are of the map, as are its columns `x + left` to
        //   `x + right - 1`, of which the function reads all bytes;
        // - rows `top` to `bottom - 1` are of the patch, as are its columns `left` to `right - 1`,
        //   to which it writes as many.
        unsafe { kindling_paired_gather(&gather) }
    }
}

/// The first of the kernel's rows or columns that lies inside of the map, and the one after the
/// last; not more than the first where none does.
#[cfg(not(kindling_backend = "armv6m"))]
#[inline(always)]
fn inside(first: i32, kernel: i32, side: u16) -> [i32; 2] {
    [(-first).max(0), (side as i32 - first).min(kernel)]
}

/// The map that a layer reads, to copy patches of.
#[cfg(kindling_backend = "armv6m")]
struct Map<'m> {
    conv: &'m Conv<'m>,
    input: &'m [i8],
}

/// This core cannot load words from any place.
#[cfg(kindling_backend = "armv6m")]
impl<'m> Map<'m> {
    /// Most bytes of a kernel's row that are copied one by one; others by words.
    const SHORT_ROW_BYTES: usize = 24;

    fn of(conv: &'m Conv<'m>, input: &'m [i8]) -> Self {
        Self { conv, input }
    }

    fn four_inside(&self, _: [i32; 2], _: usize, _: &mut [i8], _: &mut [i8]) -> bool {
        false
    }

    /// Not inlined: twice the copy loops would be too much for the flash of such chips.
    #[inline(never)]
    fn copy(&self, [row, column]: [i32; 2], to: &mut [i8]) {
        let Some(patch) = to.get_mut(..self.conv.taps()) else { return };
        if !self.copy_short_rows([row, column], patch) {
            gather_patch(self.conv, self.input, row, column, patch);
        }
    }

    /// Copies a patch that lies inside of the map; whether it is one of short rows.
    #[inline(always)]
    fn copy_short_rows(&self, [row, column]: [i32; 2], patch: &mut [i8]) -> bool {
        let (conv, map) = (self.conv, self.conv.input);
        let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
        let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
        let [rows, columns] = conv.kernel.map(i32::from);
        let bytes = columns as usize * map.channels as usize;
        let is_inside =
            y >= 0 && x >= 0 && y + rows <= map.height as i32 && x + columns <= map.width as i32;
        if !is_inside
            || !(1..=Self::SHORT_ROW_BYTES).contains(&bytes)
            || patch.len() != rows as usize * bytes
            || patch.is_empty()
            || self.input.len() != map.len()
            || conv.is_dilated()
        {
            return false;
        }
        let from = y as usize * map.row_len() + x as usize * map.channels as usize;
        let gather = Gather {
            from: self.input.as_ptr().wrapping_add(from),
            to: patch.as_mut_ptr(),
            bytes,
            rows: rows as usize,
            row_bytes: map.row_len(),
        };
        // SAFETY: there are a row and a byte. All rows and columns lie inside of the map, of whose
        // size the input is, and the patch is as large as the kernel.
        unsafe { kindling_paired_gather(&gather) };
        true
    }
}

/// Whether the patches of pixels are the pixels of the input themselves, in whole words.
fn is_pixel(conv: &Conv<'_>) -> bool {
    conv.kernel == [1, 1]
        && conv.stride == [1, 1]
        && conv.origin == [0, 0]
        && conv.input.width == conv.output.width
        && conv.taps().is_multiple_of(4)
}

/// Row and column of the pixel number `index` after output `first`: of its window, or, without
/// pooling, of the map.
pub(super) fn convolved_pixel(conv: &Conv<'_>, first: usize, index: usize) -> (i32, i32) {
    let width = (conv.output.width as usize).max(1);
    let (rows, columns) = ((conv.pool[0] as usize).max(1), (conv.pool[1] as usize).max(1));
    if !conv.pools() {
        let last = conv.output.height as usize * width - 1;
        let pixel = (first + index).min(last);
        return ((pixel / width) as i32, (pixel % width) as i32);
    }
    let pixel = index.min(rows * columns - 1);
    let (row, column) =
        (first / width * rows + pixel / columns, first % width * columns + pixel % columns);
    (row as i32, column as i32)
}

/// The loop over all whole pairs of channels of up to four pixels.
struct Whole<'c> {
    batch: Batch,
    run: unsafe extern "C" fn(&Batch),
    /// How many channels these are.
    channels: usize,
    /// Of the patches as pairs.
    pair_bytes: usize,
    /// Of the pixels, and where each begins.
    output_bytes: usize,
    places: [usize; PAIRED_PIXELS],
    numbers: PhantomData<&'c [u8]>,
}

impl<'c> Whole<'c> {
    /// `None` where the loop does not compute the layer.
    fn of(conv: &'c Conv<'c>, patch: usize, pixels: usize, lowest: Lowest) -> Option<Self> {
        let channels = conv.output.channels as usize;
        let (whole, bytes) = (channels / 2 * 2, channels * ChannelParameters::BYTES);
        if lowest.is_there()
            || !is_in_range(conv)
            || whole == 0
            || patch == 0
            || pixels == 0
            || conv.weights.len() < whole / 2 * pair_bytes(conv, patch)
            || conv.channels.len() != conv.rounding().channel_bytes() * channels
        {
            return None;
        }
        let (parameters, shifts) = conv.channels.split_at_checked(bytes)?;
        let (run, zero_point) = loop_of(conv);
        let batch = Batch {
            outputs: [core::ptr::null_mut(); PAIRED_PIXELS],
            inputs: core::ptr::null(),
            inputs_end: core::ptr::null(),
            parameters: parameters.as_ptr(),
            shifts: shifts.as_ptr(),
            parameters_end: parameters.as_ptr().wrapping_add(whole * ChannelParameters::BYTES),
            zero_point,
            steps: patch / 2,
            weights: conv.weights.as_ptr(),
        };
        Some(Self {
            batch,
            run,
            channels: whole,
            pair_bytes: 8 * patch,
            output_bytes: pixels * channels,
            places: [0, 1, 2, 3].map(|pixel: usize| pixel.min(pixels - 1) * channels),
            numbers: PhantomData,
        })
    }

    /// Outputs of the pixels whose patches are in `pairs`; how many channels they are.
    #[inline(always)]
    fn run(&mut self, pairs: &[i8], out: &mut [i8]) -> usize {
        if pairs.len() != self.pair_bytes || out.len() != self.output_bytes {
            return 0;
        }
        let (inputs, start) = (pairs.as_ptr_range(), out.as_mut_ptr());
        self.batch.outputs = self.places.map(|place| start.wrapping_add(place));
        self.batch.inputs = inputs.start;
        self.batch.inputs_end = inputs.end;
        // SAFETY: there is a pair of channels, and there are two steps or more, an even number as
        // `patch` is a multiple of 4. The function reads `pairs`, four words for each of `patch /
        // 2` steps; for each pair of channels a word of the weights for each step, of int16 weights
        // two, of int4 weights one for each two steps, 16 bytes of parameters and, with two
        // roundings, two shifts; and writes two outputs for it at each of four pixels of `out`, of
        // which some may be the same. All have the sizes just checked, or those checked in `of`;
        // the layer's numbers are borrowed as long as this. Scratch memory, weights and parameters
        // begin at whole words.
        unsafe { (self.run)(&self.batch) }
        self.channels
    }
}

/// Which loop computes a layer, and what its zero point becomes for it.
fn loop_of(conv: &Conv<'_>) -> (unsafe extern "C" fn(&Batch), i32) {
    let zero_point = conv.output_zero_point as i32;
    match conv.rounding() {
        #[cfg(kindling_dsp)]
        Rounding::Once if conv.algorithm.is_wide() => (kindling_paired_once_wide, zero_point),
        Rounding::Once if has_int4(conv) => (kindling_paired_once_int4, zero_point),
        Rounding::Once => (kindling_paired_once, zero_point),
        #[cfg(kindling_dsp)]
        Rounding::Twice if has_common_factors(conv.channels, conv.output.channels) => {
            let is_relu = conv.output_zero_point == RELU_ZERO_POINT;
            let run = match (conv.algorithm.is_wide(), is_relu) {
                (true, true) => kindling_paired_common_relu_wide,
                (true, false) => kindling_paired_common_wide,
                (false, true) => kindling_paired_common_relu,
                (false, false) => kindling_paired_common,
            };
            (run, zero_point)
        }
        #[cfg(kindling_dsp)]
        Rounding::Twice if conv.algorithm.is_wide() => {
            (kindling_paired_twice_wide, 2 * zero_point + 1)
        }
        #[cfg(kindling_backend = "armv7m")]
        Rounding::Twice if conv.output_zero_point == RELU_ZERO_POINT => {
            (kindling_paired_twice_relu, 2 * zero_point + 1)
        }
        Rounding::Twice => (kindling_paired_twice, 2 * zero_point + 1),
    }
}

/// Whether there is a weight of -128, for which Armv6-M has a loop of its own: see `armv6m.s`.
/// Others have none.
#[derive(Clone, Copy)]
struct Lowest {
    #[cfg(kindling_backend = "armv6m")]
    is_there: bool,
}

impl Lowest {
    #[cfg(kindling_backend = "armv6m")]
    fn of(conv: &Conv<'_>) -> Self {
        Self { is_there: !has_int4(conv) && has_lowest(conv.weights) }
    }

    #[cfg(not(kindling_backend = "armv6m"))]
    fn of(_: &Conv<'_>) -> Self {
        Self {}
    }

    #[cfg(kindling_backend = "armv6m")]
    fn is_there(self) -> bool {
        self.is_there
    }

    #[cfg(not(kindling_backend = "armv6m"))]
    fn is_there(self) -> bool {
        false
    }
}

/// Whether a byte is -128.
#[cfg(kindling_backend = "armv6m")]
fn has_lowest(weights: &[u8]) -> bool {
    const LOWEST: u32 = i8::MIN as u8 as u32;
    const EACH: u32 = 0x0101_0101;
    // SAFETY: any four bytes at a whole word are a u32.
    let (before, words, after) = unsafe { weights.align_to::<u32>() };
    // Where no lower byte is LOWEST, a byte without it borrows its bit exactly if it is 0.
    let has =
        |word: &u32| (word ^ (EACH * LOWEST)).wrapping_sub(EACH) & word & (EACH * LOWEST) != 0;
    words.iter().any(has) || before.iter().chain(after).any(|byte| *byte as u32 == LOWEST)
}

/// Whether the loop computes a layer: it is for all that a model can hold.
#[cfg(not(kindling_backend = "armv6m"))]
fn is_in_range(_: &Conv<'_>) -> bool {
    true
}

/// Whether the loop computes a layer. With two roundings that is one without shifts to the left,
/// whose sums stay below 2^30 in size, so that twice a sum fits. With at most 2^14 taps and a bias
/// of less than 2^29 in size they are within `2^29 + 2^14 * 128 * 128 < 2^30`. No network that
/// converters write has others.
#[cfg(kindling_backend = "armv6m")]
fn is_in_range(conv: &Conv<'_>) -> bool {
    if conv.rounding() == Rounding::Once {
        return true;
    }
    const TAPS_MAX: usize = 1 << 14;
    const BIAS_LIMIT: u32 = 1 << 29;
    conv.taps() <= TAPS_MAX
        && with_shifts(conv.channels, conv.output.channels).all(|parameters| {
            parameters.bias.unsigned_abs() < BIAS_LIMIT
                && parameters.shift.is_some_and(|shift| shift <= 0)
        })
}

/// Outputs of the channels from number `first` on, an even one, of up to four pixels.
#[inline(never)]
fn other_channels(
    conv: &Conv<'_>,
    pairs: &[i8],
    patch: usize,
    lowest: Lowest,
    first: usize,
    out: &mut [i8],
) {
    let channels = (conv.output.channels as usize).max(1);
    let weights = conv.weights.chunks_exact(pair_bytes(conv, patch).max(1));
    for (pair, weights) in weights.enumerate().skip(first / 2) {
        let sums = sums_of_two(conv, pairs, patch, lowest, weights);
        for (channel, sums) in (2 * pair..channels).zip(&sums) {
            for (out, sum) in out.iter_mut().skip(channel).step_by(channels).zip(sums) {
                *out = output(conv, channel, *sum);
            }
        }
    }
}

/// Outputs of all channels of one pixel with its pooling window, whose patches are in `pairs`.
fn of_window(conv: &Conv<'_>, pairs: &[i8], patch: usize, lowest: Lowest, out: &mut [i8]) {
    let weights = conv.weights.chunks_exact(pair_bytes(conv, patch).max(1));
    for (pair, weights) in weights.enumerate() {
        let mut largest = [i32::MIN; 2];
        for pairs in pairs.chunks_exact((8 * patch).max(1)) {
            for (largest, sums) in
                largest.iter_mut().zip(&sums_of_two(conv, pairs, patch, lowest, weights))
            {
                *largest = sums.iter().fold(*largest, |a, b| a.max(*b));
            }
        }
        for (index, largest) in largest.into_iter().enumerate() {
            if let Some(out) = out.get_mut(2 * pair + index) {
                *out = output(conv, 2 * pair + index, largest);
            }
        }
    }
}

/// The output of a channel's sum, to which the bias is added.
#[cfg_attr(kindling_backend = "armv6m", inline(never))]
#[cfg_attr(not(kindling_backend = "armv6m"), inline(always))]
fn output(conv: &Conv<'_>, channel: usize, sum: i32) -> i8 {
    let Some(parameters) = conv.channels.as_chunks().0.get(channel) else { return 0 };
    let ChannelParameters { bias, multiplier, .. } = ChannelParameters::from_le_bytes(parameters);
    let (accumulator, zero_point) = (sum.wrapping_add(bias), conv.output_zero_point);
    match conv.rounding() {
        Rounding::Once => requantise(accumulator, multiplier, zero_point),
        Rounding::Twice => {
            let shifts = conv.output.channels as usize * ChannelParameters::BYTES;
            let shift = conv.channels.get(shifts + channel).copied().unwrap_or_default() as i8;
            requantise_twice(accumulator, multiplier, shift, zero_point)
        }
    }
}

/// Sums of two channels for four patches.
#[inline(always)]
fn sums_of_two(
    conv: &Conv<'_>,
    pairs: &[i8],
    patch: usize,
    lowest: Lowest,
    weights: &[u8],
) -> [[i32; PAIRED_PIXELS]; 2] {
    let mut sums = [[0; PAIRED_PIXELS]; 2];
    if patch == 0 || pairs.len() != 8 * patch || weights.len() != pair_bytes(conv, patch) {
        return sums;
    }
    let run = match conv.algorithm {
        _ if has_int4(conv) => kindling_paired_int4,
        _ if lowest.is_there() => kindling_paired_exact,
        #[cfg(kindling_dsp)]
        algorithm if algorithm.is_wide() => kindling_paired_wide,
        _ => kindling_paired,
    };
    // SAFETY: `pairs` holds four words for each of `patch / 2` steps and `weights` one, of int16
    // weights two, of int4 weights one for each two steps, as was just checked; there are two steps
    // or more because a patch has a tap or more, and is of whole quads; both begin at whole words:
    // scratch memory and weights do, and all chunks have whole words.
    unsafe { run(pairs.as_ptr(), weights.as_ptr(), &mut sums, patch / 2) }
    sums
}

/// Whether its weights are int4.
#[inline(always)]
const fn has_int4(conv: &Conv<'_>) -> bool {
    conv.algorithm.weight_bits().is_int4()
}

/// Bytes of the weights of two channels.
#[inline(always)]
const fn pair_bytes(conv: &Conv<'_>, patch: usize) -> usize {
    match conv.algorithm {
        _ if has_int4(conv) => patch,
        algorithm if algorithm.is_wide() => 4 * patch,
        _ => 2 * patch,
    }
}

/// Four int8 patches, `step` bytes apart, as pairs: `[step][pixel]`; on Armv6-M as pairs of pixels:
/// `[step][pixels][tap]`.
fn widen(patches: &[i8], step: usize, pairs: &mut [i8]) {
    if !are_patches(patches, step, pairs) {
        return;
    }
    let range = pairs.as_mut_ptr_range();
    // SAFETY: reads a byte of each of four patches for each eight of `pairs`, by words where this
    // core loads them from any address: whole ones, as `pairs` is of whole groups of 32 bytes. The
    // patches have as many, as was just checked. `pairs` is at a whole word.
    unsafe { kindling_widen(patches.as_ptr(), step, range.start, range.end) }
}

/// Whether there are four patches, `step` bytes apart, for `pairs`, which are not empty.
fn are_patches(patches: &[i8], step: usize, pairs: &[i8]) -> bool {
    let last = (PAIRED_PIXELS - 1) * step;
    !pairs.is_empty()
        && pairs.len().is_multiple_of(32)
        && patches.len() >= last
        && patches.len() - last >= pairs.len() / 8
}
