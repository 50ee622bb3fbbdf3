//! Direct convolution, four pixels by two output channels at once; the loops are in assembly, for
//! each class of cores. Without pooling, one call computes all pairs of channels of four pixels:
//! see `batch.s`, and `armv6m.s`; Armv7-M without DSP extension has inputs of its own for that, see
//! `armv7m_triples.s`.
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

mod pairs;
#[cfg(kindling_backend = "armv7m")]
mod triples;

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
#[cfg(not(kindling_backend = "armv7m"))]
use pairs::{Memory, TAP_BYTES, widen};
#[cfg(kindling_backend = "armv7m")]
use triples::{Memory, TAP_BYTES, widen};

#[cfg(kindling_dsp)]
crate::arm::assembly!("batch.s", "dsp.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("batch.s", "armv7m.s", "armv7m_triples.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

/// Arguments of the loop over all pairs of channels: see `batch.s`.
#[derive(Clone, Copy)]
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
    #[cfg(not(kindling_backend = "armv6m"))]
    following: FollowingBatches,
}

/// The arguments for the batches after the first one.
#[cfg(not(kindling_backend = "armv6m"))]
#[derive(Clone, Copy)]
#[repr(C)]
struct FollowingBatches {
    count: usize,
    /// Of the second batch, or where patches are copied to.
    patches: *const i8,
    /// From one patch to the next, then from batch to batch.
    patch_bytes: usize,
    patches_step: usize,
    /// From the end of a pixel's outputs to those of the next batch.
    output_skip: usize,
    /// How patches are copied, unless null, and from batch to batch of these in the map.
    gather: *mut Gather,
    gather_step: usize,
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
    let (patch, lowest) = (conv.taps().next_multiple_of(4), Lowest::of(conv));
    if conv.pools() {
        return all_windows(conv, input, scratch, lowest, output);
    }
    let Some(mut memory) = Memory::of(scratch, patch) else { return };
    let pixels = output_pixels(conv);
    let (at_once, channels) = (PAIRED_PIXELS.min(pixels), conv.output.channels as usize);
    let map = Map::of(conv, input);
    let mut whole = Whole::of(conv, patch, at_once, lowest);
    let mut next = 0;
    while next < pixels {
        let first = next.min(pixels - at_once);
        let mut following = Following::default();
        if !map.of_pixels(first, &mut memory, &mut following) {
            let places = Places::from(conv, first);
            if !map.four_inside(places.next, &mut memory, &mut following) {
                for (place, out) in places.zip(memory.patches().chunks_exact_mut(patch.max(1))) {
                    map.copy(place, out);
                }
                memory.widen_patches();
            }
        }
        let end = first + at_once + following.batches * PAIRED_PIXELS;
        if let Some(out) = output.get_mut(first * channels..end * channels) {
            let done = whole.as_mut().map_or(0, |whole| whole.run(following, &mut memory, out));
            if done < channels {
                other_channels(conv, whole.as_ref(), memory.inputs(), lowest, done, out);
            }
        }
        next = end;
    }
}

fn output_pixels(conv: &Conv<'_>) -> usize {
    conv.output.height as usize * conv.output.width as usize
}

/// Batches of four pixels that the loop computes after the first one, and where it finds their
/// patches.
#[derive(Default)]
struct Following<'m> {
    batches: usize,
    #[cfg(not(kindling_backend = "armv6m"))]
    patches: Patches<'m>,
    #[cfg(kindling_backend = "armv6m")]
    patches: PhantomData<&'m i8>,
}

/// Where the patches of batches lie after the first one.
#[cfg(not(kindling_backend = "armv6m"))]
#[derive(Default)]
enum Patches<'m> {
    #[default]
    None,
    /// One after the other in the map: it, from the first batch on.
    Pixels(&'m [i8]),
    /// They are copied as those of the first batch were, each batch from further on.
    Copied(Gather, PhantomData<&'m [i8]>),
}

/// All outputs of a layer that pools.
fn all_windows(
    conv: &Conv<'_>,
    input: &[i8],
    scratch: &mut [i8],
    lowest: Lowest,
    output: &mut [i8],
) {
    let patch = conv.taps().next_multiple_of(4);
    let Some((pairs, patches)) = scratch.split_at_mut_checked(paired_batches(conv) * patch * 8)
    else {
        return;
    };
    // What makes whole words of a patch stays as it is.
    patches.fill(0);
    let map = Map::of(conv, input);
    let channels = (conv.output.channels as usize).max(1);
    for (first, out) in output.chunks_exact_mut(channels).enumerate() {
        for (batch, pairs) in pairs.chunks_exact_mut((patch * 8).max(1)).enumerate() {
            for (pixel, out) in patches.chunks_exact_mut(patch.max(1)).enumerate() {
                let (row, column) = convolved_pixel(conv, first, batch * PAIRED_PIXELS + pixel);
                map.copy([row, column], out);
            }
            pairs::widen(patches, patch, pairs);
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
    /// Whether the patches are the map's own pixels, four or more.
    is_pixel: bool,
    /// Whether the loop can go on to more batches: with whole pairs of channels.
    has_following: bool,
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
            is_pixel: is_pixel(conv),
            has_following: conv.output.channels.is_multiple_of(2),
        }
    }

    /// Makes inputs of four patches that are pixels of the map, if they are; whether they are.
    #[inline(always)]
    fn of_pixels(
        &self,
        first: usize,
        memory: &mut Memory<'_>,
        following: &mut Following<'m>,
    ) -> bool {
        let taps = self.conv.taps();
        let values = self.input.get(first * taps..).unwrap_or_default();
        if !self.is_pixel || !widen(values, taps, memory.inputs()) {
            return false;
        }
        if self.has_following {
            // The map may have more rows than outputs read.
            let whole = (values.len() + taps - taps.next_multiple_of(4)) / taps.max(1);
            let left = output_pixels(self.conv).saturating_sub(first);
            following.batches = (whole.min(left) / PAIRED_PIXELS).max(1) - 1;
            following.patches = Patches::Pixels(values);
        }
        true
    }

    /// Makes inputs of the patches of four pixels in a row, the first at a row and column, if all
    /// of these lie inside of the map; whether they do.
    #[inline(always)]
    fn four_inside(
        &self,
        [row, column]: [i32; 2],
        memory: &mut Memory<'_>,
        following: &mut Following<'m>,
    ) -> bool {
        let (conv, patch) = (self.conv, self.conv.taps().next_multiple_of(4));
        let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
        let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
        let [last_y, last_x] = self.last_of_four;
        let is_row = column + PAIRED_PIXELS as i32 <= conv.output.width as i32;
        let is_inside = 0 <= y && y <= last_y && 0 <= x && x <= last_x;
        if !is_row || !is_inside || memory.patches().len() != PAIRED_PIXELS * patch {
            return false;
        }
        let ([row_bytes, kernel_row_bytes], rows) = (self.row_bytes, conv.kernel[0] as usize);
        let from = y as usize * row_bytes + x as usize * conv.input.channels as usize;
        if kernel_row_bytes.is_multiple_of(4) {
            let bytes = (TAP_BYTES * kernel_row_bytes).max(1);
            for (row, inputs) in memory.inputs().chunks_exact_mut(bytes).enumerate() {
                let values = self.input.get(from + row * row_bytes..).unwrap_or_default();
                widen(values, self.step, inputs);
            }
            return true;
        }
        let gather = Gather {
            from: self.input.as_ptr().wrapping_add(from),
            to: memory.patches().as_mut_ptr(),
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
        memory.widen_patches();
        if self.has_following {
            // The fours after this one in the row, the last of them inside of the map too.
            let of_row = (conv.output.width as usize - column as usize) / PAIRED_PIXELS;
            let of_map = (last_x - x) as usize / (PAIRED_PIXELS * conv.stride[1] as usize).max(1);
            following.batches = of_map.min(of_row - 1);
            following.patches = Patches::Copied(gather, PhantomData);
        }
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
    is_pixel: bool,
}

/// This core cannot load words from any place.
#[cfg(kindling_backend = "armv6m")]
impl<'m> Map<'m> {
    /// Most bytes of a kernel's row that are copied one by one; others by words.
    const SHORT_ROW_BYTES: usize = 24;

    fn of(conv: &'m Conv<'m>, input: &'m [i8]) -> Self {
        Self { conv, input, is_pixel: is_pixel(conv) }
    }

    fn of_pixels(&self, first: usize, memory: &mut Memory<'_>, _: &mut Following<'m>) -> bool {
        let taps = self.conv.taps();
        let values = self.input.get(first * taps..).unwrap_or_default();
        self.is_pixel && widen(values, taps, memory.inputs())
    }

    fn four_inside(&self, _: [i32; 2], _: &mut Memory<'_>, _: &mut Following<'m>) -> bool {
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

/// Whether the patches of pixels are the pixels of the input themselves. Where these are no whole
/// words, the words of a patch end with values of the next: their weights are 0.
fn is_pixel(conv: &Conv<'_>) -> bool {
    conv.kernel == [1, 1]
        && conv.stride == [1, 1]
        && conv.origin == [0, 0]
        && conv.input.width == conv.output.width
        && output_pixels(conv) >= PAIRED_PIXELS
        && (conv.taps().is_multiple_of(4) || cfg!(not(kindling_backend = "armv6m")))
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
    /// Of a patch, without what fills it up.
    #[cfg(not(kindling_backend = "armv6m"))]
    taps: usize,
    /// Of the weights of two channels.
    #[cfg(not(kindling_backend = "armv6m"))]
    pair_bytes: usize,
    /// Of the inputs.
    input_bytes: usize,
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
            || channels < CHANNELS_MIN
            || patch == 0
            || pixels == 0
            || conv.weights.len() < channels.div_ceil(2) * pair_bytes(conv, patch)
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
            #[cfg(not(kindling_backend = "armv6m"))]
            following: FollowingBatches {
                count: 0,
                patches: core::ptr::null(),
                patch_bytes: 0,
                patches_step: 0,
                output_skip: PAIRED_PIXELS * channels - whole,
                gather: core::ptr::null_mut(),
                gather_step: PAIRED_PIXELS * conv.stride[1] as usize * conv.input.channels as usize,
            },
        };
        Some(Self {
            batch,
            run,
            channels: whole,
            #[cfg(not(kindling_backend = "armv6m"))]
            taps: conv.taps(),
            #[cfg(not(kindling_backend = "armv6m"))]
            pair_bytes: pair_bytes(conv, patch),
            input_bytes: TAP_BYTES * patch,
            output_bytes: pixels * channels,
            places: [0, 1, 2, 3].map(|pixel: usize| pixel.min(pixels - 1) * channels),
            numbers: PhantomData,
        })
    }

    /// Outputs of the four pixels whose inputs are in memory, and of the batches that follow; how
    /// many channels they are.
    #[inline(always)]
    fn run(
        &mut self,
        mut following: Following<'_>,
        memory: &mut Memory<'_>,
        out: &mut [i8],
    ) -> usize {
        let is_as_stated =
            memory.inputs().len() == self.input_bytes && self.has_outputs(&following, out);
        if self.channels == 0 || !is_as_stated || !self.go_on(&mut following, memory) {
            return 0;
        }
        let (inputs, start) = (memory.inputs().as_mut_ptr_range(), out.as_mut_ptr());
        self.batch.outputs = self.places.map(|place| start.wrapping_add(place));
        (self.batch.inputs, self.batch.inputs_end) = (inputs.start, inputs.end);
        // SAFETY: there is a pair of channels, and there are two steps or more, an even number as
        // `patch` is a multiple of 4. The function reads `inputs`, `TAP_BYTES` for each of `patch`
        // taps; for each pair of channels a word of the weights for each step, of int16 weights
        // two, of int4 weights one for each two steps, 16 bytes of parameters and, with two
        // roundings, two shifts; and writes two outputs for it at each of four pixels of `out`, of
        // which some may be the same. All have the sizes just checked, or those checked in `of`;
        // the layer's numbers are borrowed as long as this. Scratch memory, weights and parameters
        // begin at whole words. For the batches that follow, `go_on` has the facts; the function
        // writes their inputs where the first ones are, to memory that this borrows, and their
        // outputs after the first ones, in `out`.
        unsafe { (self.run)(&self.batch) }
        self.channels
    }

    /// Whether the outputs are those of the first batch and of those that follow.
    #[cfg(not(kindling_backend = "armv6m"))]
    #[inline(always)]
    fn has_outputs(&self, following: &Following<'_>, out: &[i8]) -> bool {
        let bytes = PAIRED_PIXELS * self.channels * following.batches;
        out.len() == self.output_bytes + bytes
    }

    #[cfg(kindling_backend = "armv6m")]
    fn has_outputs(&self, _: &Following<'_>, out: &[i8]) -> bool {
        out.len() == self.output_bytes
    }

    /// Tells the loop of the batches that follow; whether it can compute them. It can where all
    /// channels are pairs, and the last patch ends within the map: of pixels in whole words, as is
    /// checked here; of copies as `Map::four_inside` counts the batches.
    #[cfg(not(kindling_backend = "armv6m"))]
    #[inline(always)]
    fn go_on(&mut self, following: &mut Following<'_>, memory: &mut Memory<'_>) -> bool {
        let patch = self.input_bytes / TAP_BYTES;
        let is_whole = self.output_bytes == PAIRED_PIXELS * self.channels;
        let arguments = &mut self.batch.following;
        arguments.count = following.batches;
        arguments.gather = core::ptr::null_mut();
        match &mut following.patches {
            _ if following.batches == 0 => true,
            Patches::None => false,
            Patches::Pixels(values) => {
                let last = (PAIRED_PIXELS * (following.batches + 1) - 1) * self.taps;
                arguments.patch_bytes = self.taps;
                arguments.patches_step = PAIRED_PIXELS * self.taps;
                arguments.patches = values.as_ptr().wrapping_add(arguments.patches_step);
                is_whole && last + patch <= values.len()
            }
            Patches::Copied(gather, _) => {
                arguments.patch_bytes = patch;
                arguments.patches_step = 0;
                arguments.patches = memory.patches().as_ptr();
                arguments.gather = gather;
                is_whole
            }
        }
    }

    #[cfg(kindling_backend = "armv6m")]
    fn go_on(&mut self, _: &mut Following<'_>, _: &mut Memory<'_>) -> bool {
        true
    }

    /// Outputs of the last of an odd number of channels. The loop takes it for a pair, with a
    /// channel whose numbers are all 0.
    #[cfg(not(kindling_backend = "armv6m"))]
    fn run_last(&self, conv: &Conv<'_>, inputs: &[i8], out: &mut [i8]) {
        let shift = conv.output.channels as usize * ChannelParameters::BYTES + self.channels;
        let shifts = [conv.channels.get(shift).copied().unwrap_or_default(), 0];
        let Some(parameters) = conv.channels.as_chunks().0.get(self.channels) else { return };
        let ChannelParameters { bias, multiplier, .. } =
            ChannelParameters::from_le_bytes(parameters);
        let parameters = [bias, multiplier, 0, 0];
        let Some(weights) = conv.weights.get(self.channels / 2 * self.pair_bytes..) else { return };
        let fits = inputs.len() == self.input_bytes && out.len() == self.output_bytes;
        if !fits || weights.len() < self.pair_bytes {
            return;
        }
        let mut outputs = [[0_i8; 2]; PAIRED_PIXELS];
        let mut batch = Batch {
            inputs: inputs.as_ptr_range().start,
            inputs_end: inputs.as_ptr_range().end,
            parameters: parameters.as_ptr_range().start.cast(),
            shifts: shifts.as_ptr(),
            parameters_end: parameters.as_ptr_range().end.cast(),
            weights: weights.as_ptr(),
            following: FollowingBatches { count: 0, ..self.batch.following },
            ..self.batch
        };
        for (to, outputs) in batch.outputs.iter_mut().zip(&mut outputs) {
            *to = outputs.as_mut_ptr();
        }
        // SAFETY: as in `run`, of one pair of channels: its weights, of which there are as many as
        // for any pair, 16 bytes of parameters at a whole word, two shifts, and two outputs for
        // each of four pixels, all borrowed as long as this.
        unsafe { (self.run)(&batch) }
        for (place, [output, _]) in self.places.into_iter().zip(outputs) {
            if let Some(out) = out.get_mut(place + self.channels) {
                *out = output;
            }
        }
    }
}

/// Fewest channels that the loop takes.
const CHANNELS_MIN: usize = if cfg!(kindling_backend = "armv6m") { 2 } else { 1 };

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

/// A loop that sums up two channels for four patches: inputs, weights, sums, steps.
type SumsOfTwo = unsafe extern "C" fn(*const i8, *const u8, &mut [[i32; PAIRED_PIXELS]; 2], usize);

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

    /// The loop for such weights.
    #[cfg(kindling_backend = "armv6m")]
    fn loop_for_it(self) -> Option<SumsOfTwo> {
        self.is_there.then_some(kindling_paired_exact)
    }

    #[cfg(not(kindling_backend = "armv6m"))]
    fn loop_for_it(self) -> Option<SumsOfTwo> {
        None
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

/// Outputs of the last channel of an odd number, of up to four pixels.
#[cfg(not(kindling_backend = "armv6m"))]
#[inline(never)]
fn other_channels(
    conv: &Conv<'_>,
    whole: Option<&Whole<'_>>,
    inputs: &[i8],
    _: Lowest,
    _: usize,
    out: &mut [i8],
) {
    if let Some(whole) = whole {
        whole.run_last(conv, inputs, out);
    }
}

/// Outputs of the channels from number `first` on, an even one, of up to four pixels.
#[cfg(kindling_backend = "armv6m")]
#[inline(never)]
fn other_channels(
    conv: &Conv<'_>,
    _: Option<&Whole<'_>>,
    pairs: &[i8],
    lowest: Lowest,
    first: usize,
    out: &mut [i8],
) {
    let patch = conv.taps().next_multiple_of(4);
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
    let run = lowest.loop_for_it().unwrap_or(match conv.algorithm {
        _ if has_int4(conv) => kindling_paired_int4,
        #[cfg(kindling_dsp)]
        algorithm if algorithm.is_wide() => kindling_paired_wide,
        _ => kindling_paired,
    });
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
