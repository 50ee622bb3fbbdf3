//! Winograd's output transform with 2x2 pooling in Rust, for Armv6-M: too few registers for
//! assembly to gain much.
//!
//! ```text
//! for each channel, for each tile:
//!     sums = output transform of the points, in both directions
//!     for each pooling window: output = requantise(bias + max(sums) / scale)
//! ```
//!
//! Additions wrap; what is shifted right at the end is exact by the proof in `transform.rs`.
#![allow(unsafe_code)]

use crate::arm::instructions::requantise;
use crate::arm::is_at_word;
use crate::ops::conv::winograd::Finish;
use crate::ops::conv::winograd::transform::{INVERSE_OF_NINE, Tile, output_line};

/// Finishes a group that is whole; `false` when `sums` has another size than that of the group.
pub(super) fn run(finish: &Finish<'_>, sums: &[i8], output: &mut [i8]) -> bool {
    match (finish.tile, finish.group.tiles) {
        (Tile::Two, 1) => run_with::<16>(finish, sums, output, pooled_two),
        (Tile::Two, _) => run_with::<32>(finish, sums, output, pooled_two),
        (Tile::Four, 1) => run_with::<72>(finish, sums, output, pooled_four),
        (Tile::Four, _) => run_with::<144>(finish, sums, output, pooled_four),
    }
}

#[inline(always)]
fn run_with<const WORDS: usize>(
    finish: &Finish<'_>,
    sums: &[i8],
    output: &mut [i8],
    pooled: impl Fn(&[i32; WORDS], usize) -> [[i32; 2]; 2],
) -> bool {
    let Some(sums) = as_words::<WORDS>(sums) else { return false };
    let windows = finish.tile.outputs() / 2;
    for (channel, parameters) in finish.parameters.iter().enumerate() {
        for (tile, at) in finish.group.at.iter().enumerate().take(finish.group.tiles) {
            let sums = pooled(sums, channel * finish.group.tiles + tile);
            for (row, sums) in sums.iter().enumerate().take(windows) {
                for (column, sum) in sums.iter().enumerate().take(windows) {
                    let place = at
                        + finish.channel
                        + channel
                        + row * finish.steps[0]
                        + column * finish.steps[1];
                    if let Some(out) = output.get_mut(place) {
                        let accumulator = sum.wrapping_add(parameters.bias);
                        *out = requantise(accumulator, parameters.multiplier, finish.zero_point);
                    }
                }
            }
        }
    }
    true
}

/// The beginning of a buffer as words.
fn as_words<const WORDS: usize>(bytes: &[i8]) -> Option<&[i32; WORDS]> {
    let fits = bytes.len() >= 4 * WORDS && is_at_word(bytes);
    // SAFETY: long enough and at a whole word, as just checked; any bytes are an i32; the lifetime
    // is the slice's.
    fits.then(|| unsafe { &*bytes.as_ptr().cast() })
}

/// The word of a line and slot; slots repeat every `slots` words.
#[inline(always)]
fn word<const WORDS: usize>(sums: &[i32; WORDS], line: usize, slots: usize, slot: usize) -> i32 {
    sums.get(line * slots + slot).copied().unwrap_or_default()
}

/// Largest sum of the one pooling window of an F(2x2) tile.
#[inline(never)]
fn pooled_two<const WORDS: usize>(sums: &[i32; WORDS], slot: usize) -> [[i32; 2]; 2] {
    let larger = |column: usize| {
        let [m0, m1, m2, m3] =
            [0, 1, 2, 3].map(|row| word(sums, 2 * row + column, WORDS / 8, slot));
        let (first, second) =
            (m0.wrapping_add(m1).wrapping_add(m2), m1.wrapping_sub(m2).wrapping_add(m3));
        first.max(second)
    };
    [[larger(0).max(larger(1)) >> 2, 0], [0, 0]]
}

/// Largest sums of the four pooling windows of an F(4x4) tile.
#[inline(never)]
fn pooled_four<const WORDS: usize>(sums: &[i32; WORDS], slot: usize) -> [[i32; 2]; 2] {
    let mut rows = [[0; 6]; 4];
    for column in 0..6 {
        let line = [0, 1, 2, 3, 4, 5].map(|row| word(sums, 6 * row + column, WORDS / 36, slot));
        for (row, value) in rows.iter_mut().zip(output_line(line)) {
            row[column] = value;
        }
    }
    let [first, second, third, fourth] = rows.map(larger_of_row);
    // Lines are divided by 1, 2, 4, 4, of rows and of columns: undo it relative to the first of
    // each window.
    let upper = [first[0].max(second[0] << 1) >> 6, first[1].max(second[1] << 1) >> 4];
    let lower = [third[0].max(fourth[0]) >> 4, third[1].max(fourth[1]) >> 2];
    [upper, lower]
}

/// The larger values of a row's two windows, relative to the first of each.
#[inline(always)]
fn larger_of_row(row: [i32; 6]) -> [i32; 2] {
    let [a, b, c, d] = output_line(row).map(|value| value.wrapping_mul(INVERSE_OF_NINE));
    [a.max(b << 1), c.max(d)]
}
