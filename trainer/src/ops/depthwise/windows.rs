//! The loops of a depthwise convolution: windows over a map of as many channels, which lies within
//! a border of zeros. So every window has all taps: a product by 0 changes no sum.
//!
//! The gradient of the map has windows too, over the gradient of the output, whose rows lie a
//! stride apart: the taps go from last to first, which is the order of the output's pixels.

use crate::kernels::Loops;
use crate::ops::float::places;

/// Windows over a map, one for each pixel of another map.
#[derive(Clone, Debug)]
pub struct Windows {
    /// Rows and columns that are placed.
    sides: [usize; 2],
    channels: usize,
    /// Rows and columns with the border.
    padded: [usize; 2],
    /// Row and column of the first pixel within the border.
    inset: [usize; 2],
    /// From one row or column that is placed to the next.
    step: [usize; 2],
    /// Where each window begins.
    pixels: Vec<usize>,
    /// Where its taps lie, from there on.
    pub taps: Vec<usize>,
}

/// One side of a depthwise convolution.
#[derive(Clone, Copy)]
pub struct Side {
    /// Taps.
    pub kernel: usize,
    /// Rows of the map from one output row to the next.
    pub stride: usize,
    /// Row of the map that the first output's first tap reads; below 0 in padding.
    pub origin: i64,
    /// Rows of the map.
    pub input: usize,
    /// Rows of the output.
    pub output: usize,
}

impl Windows {
    /// Those of the output's pixels in the map.
    pub fn of_outputs(sides: [Side; 2], channels: usize) -> Self {
        let inset = sides.map(|side| (-side.origin).max(0) as usize);
        let first = sides.map(|side| side.origin.max(0) as usize);
        let stride = sides.map(|side| side.stride);
        let (inputs, outputs) = (sides.map(|side| side.input), sides.map(|side| side.output));
        let placed = Placed { sides: inputs, inset, step: [1, 1], channels };
        placed.windows(first, outputs, stride, sides.map(|side| side.kernel))
    }

    /// Those of the map's pixels in the output's gradient.
    pub fn of_inputs(sides: [Side; 2], channels: usize) -> Self {
        // The last tap of the first output reads this row of the map.
        let last = sides.map(|side| side.origin + side.kernel as i64 - 1);
        let inset = last.map(|last| last.max(0) as usize);
        let first = last.map(|last| (-last).max(0) as usize);
        let step = sides.map(|side| side.stride);
        let (inputs, outputs) = (sides.map(|side| side.input), sides.map(|side| side.output));
        let placed = Placed { sides: outputs, inset, step, channels };
        placed.windows(first, inputs, [1, 1], sides.map(|side| side.kernel))
    }

    /// Values of a map within its border.
    pub fn len(&self) -> usize {
        self.padded[0] * self.padded[1] * self.channels
    }

    /// The map within its border: as it is where there is none, else in `to`, which is 0 where no
    /// pixel is placed. Each of its channels is there `copies` times.
    pub fn place<'m>(&self, map: &'m [f32], copies: usize, to: &'m mut [f32]) -> &'m [f32] {
        if copies == 1 && self.padded == self.sides {
            return map;
        }
        let (row_len, pixel) = (self.padded[1] * self.channels, self.channels);
        let rows = map.chunks_exact(self.sides[1] * self.channels / copies);
        let to_rows = to.chunks_exact_mut(row_len).skip(self.inset[0]).step_by(self.step[0]);
        for (row, to) in rows.zip(to_rows) {
            let to = &mut to[self.inset[1] * pixel..];
            if copies == 1 && self.step[1] == 1 {
                to[..row.len()].copy_from_slice(row);
                continue;
            }
            let to = to.chunks_exact_mut(pixel).step_by(self.step[1]);
            for (pixel, to) in row.chunks_exact(pixel / copies).zip(to) {
                copy_channels(pixel, copies, to);
            }
        }
        to
    }
}

fn copy_channels(pixel: &[f32], copies: usize, to: &mut [f32]) {
    if copies == 1 {
        return to.copy_from_slice(pixel);
    }
    pixel.iter().zip(to.chunks_exact_mut(copies)).for_each(|(value, to)| to.fill(*value));
}

/// How a map lies within its border.
struct Placed {
    sides: [usize; 2],
    inset: [usize; 2],
    step: [usize; 2],
    channels: usize,
}

impl Placed {
    /// Windows of `kernel` taps, `count` of them, `stride` apart, from `first` on.
    fn windows(
        self,
        first: [usize; 2],
        count: [usize; 2],
        stride: [usize; 2],
        kernel: [usize; 2],
    ) -> Windows {
        let Self { sides, inset, step, channels } = self;
        let padded = [0, 1].map(|axis| {
            let read = first[axis] + (count[axis] - 1) * stride[axis] + kernel[axis];
            read.max(inset[axis] + (sides[axis] - 1) * step[axis] + 1)
        });
        let steps = [padded[1] * channels, channels];
        let pixels = places(steps, first, count, stride);
        let taps = places(steps, [0, 0], kernel, [1, 1]);
        Windows { sides, channels, padded, inset, step, pixels, taps }
    }
}

/// `sums[pixel][c] = start[c] + sum over taps of source[pixel's tap][c] * weights[tap][c]`.
pub struct PixelSums<'l> {
    /// The windows of the pixels.
    pub windows: &'l Windows,
    /// The map within its border.
    pub source: &'l [f32],
    /// `[tap][channel]`.
    pub weights: &'l [f32],
    /// `[channel]`.
    pub start: &'l [f32],
    /// `[pixel][channel]`.
    pub sums: &'l mut [f32],
}

impl Loops for PixelSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let mut first = 0;
        while self.add_block::<64, 4>(first) {
            first += 64;
        }
        first += if self.add_block::<32, 1>(first) { 32 } else { 0 };
        first += if self.add_block::<16, 4>(first) { 16 } else { 0 };
        first += if self.add_block::<8, 1>(first) { 8 } else { 0 };
        while self.add_block::<1, 1>(first) {
            first += 1;
        }
    }
}

impl PixelSums<'_> {
    /// `CHANNELS` channels from `first` on, if there are as many, of `PIXELS` pixels at a time. The
    /// numbers are those of which the compiler keeps the sums in registers.
    #[inline(always)]
    fn add_block<const CHANNELS: usize, const PIXELS: usize>(&mut self, first: usize) -> bool {
        let Some(start) = self.start[first..].first_chunk::<CHANNELS>() else { return false };
        let (tiles, rest) = self.windows.pixels.as_chunks::<PIXELS>();
        for (tile, places) in tiles.iter().enumerate() {
            self.tile(first, start, tile * PIXELS, places);
        }
        for (index, place) in rest.iter().enumerate() {
            self.tile(first, start, tiles.len() * PIXELS + index, &[*place]);
        }
        true
    }

    /// The sums of some pixels stay in registers while the taps pass by.
    #[inline(always)]
    fn tile<const CHANNELS: usize, const COUNT: usize>(
        &mut self,
        first: usize,
        start: &[f32; CHANNELS],
        pixel: usize,
        places: &[usize; COUNT],
    ) {
        let channels = self.windows.channels;
        let mut sums = [*start; COUNT];
        // Loops rather than closures: what is not inlined would be compiled without the
        // instruction set.
        let weights = self.weights.chunks_exact(channels);
        for (offset, weights) in self.windows.taps.iter().zip(weights) {
            let weights = weights[first..].first_chunk().expect("a block");
            for (sums, place) in sums.iter_mut().zip(places) {
                let values = self.source[place + offset + first..].first_chunk().expect("a block");
                add_products::<CHANNELS>(sums, values, weights);
            }
        }
        let to = self.sums[pixel * channels..].chunks_exact_mut(channels);
        for (sums, to) in sums.iter().zip(to) {
            to[first..first + CHANNELS].copy_from_slice(sums);
        }
    }
}

/// `sums[c] += a[c] * b[c]`.
#[inline(always)]
fn add_products<const CHANNELS: usize>(
    sums: &mut [f32; CHANNELS],
    a: &[f32; CHANNELS],
    b: &[f32; CHANNELS],
) {
    for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
        *sum += a * b;
    }
}

/// `sums[tap][c] += sum over the pixels of source[pixel's tap][c] * factors[pixel][c]`.
pub struct TapSums<'l> {
    /// The windows of the pixels.
    pub windows: &'l Windows,
    /// The map within its border.
    pub source: &'l [f32],
    /// `[pixel][channel]`.
    pub factors: &'l [f32],
    /// `[tap][channel]`.
    pub sums: &'l mut [f32],
}

impl Loops for TapSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let mut first = 0;
        while self.add_block::<16>(first) {
            first += 16;
        }
        first += if self.add_block::<8>(first) { 8 } else { 0 };
        while self.add_block::<1>(first) {
            first += 1;
        }
    }
}

impl TapSums<'_> {
    /// `CHANNELS` channels from `first` on, if there are as many: nine taps at a time, then three,
    /// then each.
    #[inline(always)]
    fn add_block<const CHANNELS: usize>(&mut self, first: usize) -> bool {
        if first + CHANNELS > self.windows.channels {
            return false;
        }
        let (nines, rest) = self.windows.taps.as_chunks::<9>();
        let (threes, ones) = rest.as_chunks::<3>();
        let mut tap = 0;
        for offsets in nines {
            self.tile::<CHANNELS, 9>(first, tap, offsets);
            tap += 9;
        }
        for offsets in threes {
            self.tile::<CHANNELS, 3>(first, tap, offsets);
            tap += 3;
        }
        for offset in ones {
            self.tile::<CHANNELS, 1>(first, tap, &[*offset]);
            tap += 1;
        }
        true
    }

    /// The sums of some taps stay in registers while the pixels pass by.
    #[inline(always)]
    fn tile<const CHANNELS: usize, const TAPS: usize>(
        &mut self,
        first: usize,
        tap: usize,
        offsets: &[usize; TAPS],
    ) {
        let channels = self.windows.channels;
        let mut in_registers = [[0.0; CHANNELS]; TAPS];
        let sums = &mut self.sums[tap * channels..];
        for (tap, sums) in in_registers.iter_mut().zip(sums.chunks_exact(channels)) {
            tap.copy_from_slice(&sums[first..first + CHANNELS]);
        }
        let factors = self.factors.chunks_exact(channels);
        for (place, factors) in self.windows.pixels.iter().zip(factors) {
            let factors = factors[first..].first_chunk().expect("a block");
            for (tap, offset) in in_registers.iter_mut().zip(offsets) {
                let values = self.source[place + offset + first..].first_chunk().expect("a block");
                add_products::<CHANNELS>(tap, values, factors);
            }
        }
        for (tap, sums) in in_registers.iter().zip(sums.chunks_exact_mut(channels)) {
            sums[first..first + CHANNELS].copy_from_slice(tap);
        }
    }
}
