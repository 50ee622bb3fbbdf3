//! Winograd's primitives with two int16 per instruction; the products are in `winograd.s`.
#![allow(unsafe_code)]

use core::arch::global_asm;

use super::instructions::{add, requantise, sub, widen_even, widen_odd};
use crate::kernels::winograd::portable::Plain;
use crate::kernels::winograd::transform::{INVERSE_OF_NINE, Tile, output_line};
use crate::kernels::winograd::{Finish, Primitives, Source, Weights};

global_asm!(include_str!("winograd.s"), options(raw));

/// How far a chain of input pairs goes: see `winograd.s`.
#[repr(C)]
struct Extent {
    v_end: *const i8,
    steps_behind_first: usize,
}

unsafe extern "C" {
    fn kindling_dsp_f2_two_tiles(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_dsp_f2_one_tile(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_dsp_f4_two_tiles(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_dsp_f4_one_tile(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
}

/// Winograd's primitives.
pub(super) struct Dsp;

impl Primitives for Dsp {
    fn transform_inputs(tile: Tile, source: &Source<'_>, slot: usize, of: usize, v: &mut [i8]) {
        let side = tile.side();
        let needed = (side - 1) * source.row_bytes + side * source.channels;
        let v_bytes = tile.points() * source.channels * 2 * of;
        if source.values.len() < needed
            || v.len() < v_bytes
            || slot >= of
            || !v.as_ptr().addr().is_multiple_of(4)
        {
            return;
        }
        let pixels = Pixels { first: source.values.as_ptr(), source };
        let first = v.as_mut_ptr().cast::<u32>();
        for quad in 0..source.channels / 4 {
            for half in 0..2 {
                let pair = 2 * quad + half;
                // SAFETY: `pair < channels / 2` and `slot < of`, so word `pair * of + slot` of each of the points,
                // `channels / 2 * of` words apart, lies in the `v_bytes` checked above, at a whole word.
                let out =
                    Points { first: unsafe { first.add(pair * of + slot) }, step: source.channels / 2 * of };
                // SAFETY: bytes `4 * quad ..` of every pixel of `side` rows and columns lie in the `needed` bytes.
                unsafe {
                    match tile {
                        Tile::Two => inputs_of_two(&pixels, quad, half, &out),
                        Tile::Four => inputs_of_four(&pixels, quad, half, &out),
                    }
                }
            }
        }
    }

    fn transform_weights(tile: Tile, weights: &[u8], u: &mut [i8]) {
        let quads = weights.len() / 72;
        let words = weights.len() / 4 == quads * 18 && u.len() == tile.points() * quads * 16;
        if !words || !u.as_ptr().addr().is_multiple_of(4) {
            return;
        }
        let first = u.as_mut_ptr().cast::<u32>();
        for (index, taps) in weights.as_chunks::<36>().0.iter().enumerate() {
            let (channel, quad) = (index / quads, index % quads);
            for half in 0..2 {
                // SAFETY: `channel < 2` and `2 * quad + half < 2 * quads`, so this word of each of the points,
                // `4 * quads` words apart, lies in `u`, at a whole word.
                let out = unsafe { first.add((2 * quad + half) * 2 + channel) };
                let out = Points { first: out, step: 4 * quads };
                // SAFETY: as above.
                unsafe {
                    match tile {
                        Tile::Two => weights_of_two(taps, half, &out),
                        Tile::Four => weights_of_four(taps, half, &out),
                    }
                }
            }
        }
    }

    fn multiply(tile: Tile, tiles: usize, pairs: usize, v: &[i8], u: Weights<'_>, sums: &mut [i8]) {
        let (u_bytes, u) = match u {
            Weights::Stored(u) => (u.len(), u.as_ptr()),
            Weights::Transformed(u) => (u.len(), u.as_ptr().cast()),
        };
        let v_bytes = tile.points() * pairs * tiles * 4;
        let sizes_fit = v.len() >= v_bytes
            && u_bytes == tile.points() * pairs * 8
            && sums.len() >= tile.sums() * tiles * 8
            && pairs.is_multiple_of(4)
            && pairs > 0;
        let at_words = (v.as_ptr().addr() | u.addr() | sums.as_ptr().addr()).is_multiple_of(4);
        if !sizes_fit || !at_words {
            return;
        }
        let steps = if tiles == 2 { pairs / 2 } else { pairs / 4 };
        let extent = Extent { v_end: v.as_ptr().wrapping_add(v_bytes), steps_behind_first: steps - 1 };
        let multiply = match (tile, tiles) {
            (Tile::Two, 1) => kindling_dsp_f2_one_tile,
            (Tile::Two, _) => kindling_dsp_f2_two_tiles,
            (Tile::Four, 1) => kindling_dsp_f4_one_tile,
            (Tile::Four, _) => kindling_dsp_f4_two_tiles,
        };
        // SAFETY: all three begin at whole words; the function reads `points * pairs` times one word of `v` per tile
        // and two of `u`, and writes `tile.sums()` lines of two words per tile: the sizes checked above.
        unsafe { multiply(v.as_ptr(), u, sums.as_mut_ptr(), &extent) }
    }

    fn finish(finish: &Finish, sums: &[i8], output: &mut [i8]) {
        match (finish.tile, finish.pool, finish.tiles) {
            (Tile::Two, 2, 2) => finish_pooled::<4, 32>(finish, sums, output, pooled_two),
            (Tile::Two, 2, 1) => finish_pooled::<2, 16>(finish, sums, output, pooled_two),
            (Tile::Four, 2, 2) => finish_pooled::<4, 144>(finish, sums, output, pooled_four),
            (Tile::Four, 2, 1) => finish_pooled::<2, 72>(finish, sums, output, pooled_four),
            _ => Plain::finish(finish, sums, output),
        }
    }
}

/// The pixels of a tile.
struct Pixels<'s> {
    first: *const i8,
    source: &'s Source<'s>,
}

impl Pixels<'_> {
    /// One column of pixels, two channels of a quad each.
    ///
    /// # Safety
    /// Bytes `4 * quad .. 4 * quad + 4` of the first `SIDE` pixels of the column lie in the source.
    #[inline(always)]
    unsafe fn column<const SIDE: usize>(&self, column: usize, quad: usize, half: usize) -> [u32; SIDE] {
        core::array::from_fn(|row| {
            let place = row * self.source.row_bytes + column * self.source.channels + 4 * quad;
            // SAFETY: the caller's promise; unaligned words are fine on this core.
            let bytes = unsafe { self.first.add(place).cast::<u32>().read_unaligned() };
            widen(bytes, half)
        })
    }
}

#[inline(always)]
fn widen(bytes: u32, half: usize) -> u32 {
    if half == 0 { widen_even(bytes) } else { widen_odd(bytes) }
}

/// Where the points of a pair go: words `step` apart.
struct Points {
    first: *mut u32,
    step: usize,
}

impl Points {
    /// # Safety
    /// The point's word lies in the buffer.
    #[inline(always)]
    unsafe fn put(&self, point: usize, pair: u32) {
        // SAFETY: the caller's promise.
        unsafe { self.first.add(point * self.step).write(pair) }
    }
}

/// # Safety
/// As [`Pixels::column`] and [`Points::put`] ask for all pixels and points of F(2x2).
#[inline(never)]
unsafe fn inputs_of_two(pixels: &Pixels<'_>, quad: usize, half: usize, out: &Points) {
    let line = |[p, q, r, s]: [u32; 4]| [sub(p, r), add(q, r), sub(r, q), sub(s, q)];
    let columns: [_; 4] = core::array::from_fn(|column| {
        // SAFETY: the caller's promise.
        line(unsafe { pixels.column::<4>(column, quad, half) })
    });
    for row in 0..4 {
        for (column, pair) in line(columns.map(|column| column[row])).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { out.put(Tile::Two.point(row, column), pair) }
        }
    }
}

/// # Safety
/// As [`Pixels::column`] and [`Points::put`] ask for all pixels and points of F(4x4).
#[inline(never)]
unsafe fn inputs_of_four(pixels: &Pixels<'_>, quad: usize, half: usize, out: &Points) {
    let mut columns = [[0; 6]; 6];
    for (index, column) in columns.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *column = input_line_of_four(unsafe { pixels.column::<6>(index, quad, half) });
    }
    for row in 0..6 {
        for (column, pair) in input_line_of_four(columns.map(|column| column[row])).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { out.put(Tile::Four.point(row, column), pair) }
        }
    }
}

/// [`Tile::input_line`] of F(4x4) on pairs; no value leaves int16, see `transform.rs`.
#[inline(always)]
fn input_line_of_four([p, q, r, s, t, u]: [u32; 6]) -> [u32; 6] {
    let four_times = |pair: u32| add(add(pair, pair), add(pair, pair));
    let (t_r, s_q, r4, q4) = (sub(t, r), sub(s, q), four_times(r), four_times(q));
    let (even, odd, twice) = (sub(t, r4), sub(s, q4), add(s_q, s_q));
    [
        add(four_times(sub(p, r)), t_r),
        add(even, odd),
        sub(even, odd),
        add(t_r, twice),
        sub(t_r, twice),
        sub(sub(u, s), add(twice, twice)),
    ]
}

/// The taps of one quad, two channels each: `[row][column]`.
#[inline(always)]
fn taps(bytes: &[u8; 36], half: usize) -> [[u32; 3]; 3] {
    let tap = |index: usize| {
        let word = [bytes[4 * index], bytes[4 * index + 1], bytes[4 * index + 2], bytes[4 * index + 3]];
        widen(u32::from_le_bytes(word), half)
    };
    core::array::from_fn(|row| core::array::from_fn(|column| tap(3 * row + column)))
}

/// # Safety
/// As [`Points::put`] asks for all points of F(2x2).
#[inline(never)]
unsafe fn weights_of_two(bytes: &[u8; 36], half: usize, out: &Points) {
    let line = |[a, b, c]: [u32; 3]| {
        let ends = add(a, c);
        [add(a, a), add(ends, b), sub(ends, b), add(c, c)]
    };
    let taps = taps(bytes, half);
    let columns: [_; 3] = core::array::from_fn(|column| line(taps.map(|row| row[column])));
    for row in 0..4 {
        for (column, pair) in line(columns.map(|column| column[row])).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { out.put(Tile::Two.point(row, column), pair) }
        }
    }
}

/// # Safety
/// As [`Points::put`] asks for all points of F(4x4).
#[inline(never)]
unsafe fn weights_of_four(bytes: &[u8; 36], half: usize, out: &Points) {
    let line = |[a, b, c]: [u32; 3]| {
        let (ends, b2, c2) = (add(a, c), add(b, b), add(c, c));
        let far = add(a, add(c2, c2));
        [a, add(ends, b), sub(ends, b), add(far, b2), sub(far, b2), c]
    };
    let taps = taps(bytes, half);
    let columns: [_; 3] = core::array::from_fn(|column| line(taps.map(|row| row[column])));
    for row in 0..6 {
        for (column, pair) in line(columns.map(|column| column[row])).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { out.put(Tile::Four.point(row, column), pair) }
        }
    }
}

/// Finishes a group whose pooling windows lie inside of tiles; `SLOTS` is tiles times two channels.
#[inline(always)]
fn finish_pooled<const SLOTS: usize, const WORDS: usize>(
    finish: &Finish,
    sums: &[i8],
    output: &mut [i8],
    pooled: impl Fn(&[i32; WORDS], usize) -> [[i32; 2]; 2],
) {
    let Some(sums) = as_words::<WORDS>(sums) else { return };
    for channel in 0..2 {
        let parameters = finish.parameters[channel];
        for slot in 0..SLOTS / 2 {
            let sums = pooled(sums, channel * (SLOTS / 2) + slot);
            let [rows, columns] = finish.inside[slot];
            for (row, sums) in sums.iter().enumerate().take(rows) {
                for (column, sum) in sums.iter().enumerate().take(columns) {
                    let place = finish.at[slot] + channel + row * finish.steps[0] + column * finish.steps[1];
                    if let Some(out) = output.get_mut(place) {
                        *out = requantise(
                            sum.wrapping_add(parameters.bias),
                            parameters.multiplier,
                            finish.zero_point,
                        );
                    }
                }
            }
        }
    }
}

/// The beginning of a buffer as words.
fn as_words<const WORDS: usize>(bytes: &[i8]) -> Option<&[i32; WORDS]> {
    let fits = bytes.len() >= 4 * WORDS && bytes.as_ptr().addr().is_multiple_of(4);
    // SAFETY: long enough and at a whole word, as just checked; any bytes are an i32; the lifetime is the slice's.
    fits.then(|| unsafe { &*bytes.as_ptr().cast() })
}

/// Largest sum of the one pooling window of an F(2x2) tile.
#[inline(always)]
fn pooled_two<const WORDS: usize>(sums: &[i32; WORDS], slot: usize) -> [[i32; 2]; 2] {
    let slots = WORDS / 8;
    let rows = |half: usize| [0, 1, 2, 3].map(|row| sums[(2 * row + half) * slots + slot]);
    let larger = |[m0, m1, m2, m3]: [i32; 4]| {
        let (first, second) = (m0.wrapping_add(m1).wrapping_add(m2), m1.wrapping_sub(m2).wrapping_add(m3));
        first.max(second)
    };
    [[larger(rows(0)).max(larger(rows(1))) >> 2, 0], [0, 0]]
}

/// Largest sums of the four pooling windows of an F(4x4) tile.
#[inline(always)]
fn pooled_four<const WORDS: usize>(sums: &[i32; WORDS], slot: usize) -> [[i32; 2]; 2] {
    let slots = WORDS / 36;
    let mut columns = [[0; 4]; 6];
    for (column, out) in columns.iter_mut().enumerate() {
        *out = output_line(core::array::from_fn(|row| sums[(6 * row + column) * slots + slot]));
    }
    let row_of_two = |row: usize, shifts: [u32; 2]| {
        let line = |row: usize| {
            output_line(columns.map(|column| column[row])).map(|m| m.wrapping_mul(INVERSE_OF_NINE))
        };
        let (upper, lower) = (line(row), line(row + 1));
        let larger = |[a, b]: [i32; 2], shift: u32| a.max(b << shift);
        // Each line's values are divided by 1, 2, 4, 4: undo it relative to the first of each window.
        let left = larger([upper[0], upper[1]], 1).max(larger([lower[0], lower[1]], 1) << shifts[1]);
        let right = upper[2].max(upper[3]).max(lower[2].max(lower[3]) << shifts[1]);
        [left >> (6 - shifts[0]), right >> (4 - shifts[0])]
    };
    [row_of_two(0, [0, 1]), row_of_two(2, [2, 0])]
}
