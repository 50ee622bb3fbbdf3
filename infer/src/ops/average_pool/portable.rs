//! Average pooling in plain safe Rust, for every core; no panics.
//!
//! ```text
//! for each output pixel:
//!     for each block of channels:
//!         sums = 0, or what an earlier slice of the window has left
//!         for each pixel of the window inside of the map: sums += pixel
//!         output = sums / pixels, halves away from zero; or the sums, if the window goes on
//! ```
//!
//! Sums stay within 32 bits: a window has at most 2^23 pixels, each within 128 in size.

use core::ops::Range;

use super::{AveragePool, Kernels};
#[cfg(not(kindling_backend = "portable"))]
use crate::features::Feature;
use crate::ops::operator::Buffers;
#[cfg(not(kindling_backend = "portable"))]
use crate::ops::sets::CortexM;
use crate::ops::sets::Portable;

/// Channels whose sums are made at once.
const BLOCK: usize = 8;

impl Kernels for Portable {
    fn run(pool: &AveragePool, Buffers { input, output, .. }: Buffers<'_>) {
        let mut place = 0;
        for row in 0..pool.output.height as usize {
            for column in 0..pool.output.width as usize {
                let (rows, columns) = (pool.rows(row), pool.columns(column));
                average(pool, &Window { input, rows, columns, place }, output);
                place += pool.output.channels as usize;
            }
        }
    }
}

#[cfg(not(kindling_backend = "portable"))]
impl Kernels for CortexM {
    fn run(pool: &AveragePool, buffers: Buffers<'_>) {
        if Feature::AveragePool.is_built() {
            <Portable as Kernels>::run(pool, buffers);
        }
    }
}

/// The window of an output pixel.
struct Window<'w> {
    /// The map that is read.
    input: &'w [i8],
    /// Rows of the map.
    rows: Range<usize>,
    /// Columns of the map.
    columns: Range<usize>,
    /// Place of the output pixel's first channel.
    place: usize,
}

/// All channels of an output pixel.
fn average(pool: &AveragePool, window: &Window<'_>, output: &mut [i8]) {
    let channels = pool.output.channels as usize;
    let count = pool.count(&window.rows, &window.columns) as i32;
    let mut channel = 0;
    while channel + BLOCK <= channels {
        block::<BLOCK>(pool, window, count, channel, output);
        channel += BLOCK;
    }
    while channel < channels {
        block::<1>(pool, window, count, channel, output);
        channel += 1;
    }
}

/// `COUNT` channels of an output pixel. Means are written below all sums that are still to be read.
#[inline(always)]
fn block<const COUNT: usize>(
    pool: &AveragePool,
    window: &Window<'_>,
    count: i32,
    channel: usize,
    output: &mut [i8],
) {
    let (place, [before, after]) = (window.place + channel, pool.other_rows);
    let mut sums = [0; COUNT];
    if before > 0 {
        let (kept, _) = output.get(4 * place..).unwrap_or_default().as_chunks::<4>();
        for (sum, bytes) in sums.iter_mut().zip(kept) {
            *sum = i32::from_le_bytes(bytes.map(|byte| byte as u8));
        }
    }
    add_pixels(pool, window, channel, &mut sums);
    if after > 0 {
        let (kept, _) = output.get_mut(4 * place..).unwrap_or_default().as_chunks_mut::<4>();
        for (bytes, sum) in kept.iter_mut().zip(sums) {
            *bytes = sum.to_le_bytes().map(|byte| byte as i8);
        }
        return;
    }
    for (out, sum) in output.get_mut(place..).unwrap_or_default().iter_mut().zip(sums) {
        *out = mean(sum, count);
    }
}

/// Adds the window's pixels to the sums of some channels.
#[inline(always)]
fn add_pixels<const COUNT: usize>(
    pool: &AveragePool,
    window: &Window<'_>,
    channel: usize,
    sums: &mut [i32; COUNT],
) {
    let channels = (pool.input.channels as usize).max(1);
    for row in window.rows.clone() {
        let start = row * pool.input.row_len() + window.columns.start * channels + channel;
        let pixels = window.input.get(start..).unwrap_or_default().chunks(channels);
        for pixel in pixels.take(window.columns.len()) {
            if let Some(values) = pixel.first_chunk::<COUNT>() {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value as i32);
            }
        }
    }
}

/// `sum / count` to nearest, halves away from zero.
fn mean(sum: i32, count: i32) -> i8 {
    let half = if sum < 0 { -(count / 2) } else { count / 2 };
    (sum + half).checked_div(count).unwrap_or_default() as i8
}
