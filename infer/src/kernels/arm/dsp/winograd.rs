//! Winograd's primitives with two int16 per instruction; the loops are in `winograd.s`, `winograd_inputs.s` and
//! `winograd_finish.s`.
#![allow(unsafe_code)]

use core::arch::global_asm;

use super::instructions::{add, sub, widen_even, widen_odd};
use crate::kernels::winograd::portable::Plain;
use crate::kernels::winograd::transform::Tile;
use crate::kernels::winograd::{Finish, Primitives, Source, Weights};
use crate::quant::ChannelParameters;

global_asm!(include_str!("winograd.s"), options(raw));
global_asm!(include_str!("winograd_inputs.s"), options(raw));
global_asm!(include_str!("winograd_finish.s"), options(raw));

/// A tile and a channel to finish: see `winograd_finish.s`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    output: *mut i8,
    bias: i32,
    multiplier: i32,
}

/// What all slots share: see `winograd_finish.s`.
#[repr(C)]
struct Steps {
    row: usize,
    column: usize,
    zero_point: i32,
}

/// Finishes the slots from `slots` to `end`.
type FinishSlots = unsafe extern "C" fn(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);

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
    fn kindling_dsp_f4_inputs_even(pixel: *const i8, row: usize, column: usize, v: *mut u32, point: usize);
    fn kindling_dsp_f4_inputs_odd(pixel: *const i8, row: usize, column: usize, v: *mut u32, point: usize);
    fn kindling_dsp_f2_finish_two(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_dsp_f2_finish_one(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_dsp_f4_finish_two(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_dsp_f4_finish_one(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
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
                // `channels / 2 * of` words apart, lies in the `v_bytes` checked above, at a whole word. Bytes
                // `4 * quad ..` of every pixel of `side` rows and columns lie in the `needed` bytes.
                unsafe {
                    let out = Points { first: first.add(pair * of + slot), step: source.channels / 2 * of };
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
        let finish_slots = match (finish.tile, finish.tiles) {
            (Tile::Two, 1) => kindling_dsp_f2_finish_one,
            (Tile::Two, _) => kindling_dsp_f2_finish_two,
            (Tile::Four, 1) => kindling_dsp_f4_finish_one,
            (Tile::Four, _) => kindling_dsp_f4_finish_two,
        };
        if finish.pool == 2 && is_whole(finish, sums, output) {
            finish_whole(finish, sums, output, finish_slots);
        } else {
            Plain::finish(finish, sums, output);
        }
    }
}

/// Whether all outputs of the group's tiles lie inside of the map, and all slices have the sizes that follow.
fn is_whole(finish: &Finish, sums: &[i8], output: &[i8]) -> bool {
    let outputs = finish.tile.outputs() / 2;
    let to_last = (outputs - 1) * (finish.steps[0] + finish.steps[1]) + 1;
    let inside =
        |slot: usize| finish.inside[slot] == [outputs; 2] && finish.at[slot] + to_last < output.len();
    let sums_fit =
        sums.len() >= finish.tile.sums() * finish.tiles * 8 && sums.as_ptr().addr().is_multiple_of(4);
    sums_fit && inside(0) && (finish.tiles < 2 || inside(1))
}

/// Finishes a group that [`is_whole`], with the function for its tile and number of tiles.
fn finish_whole(finish: &Finish, sums: &[i8], output: &mut [i8], finish_slots: FinishSlots) {
    let first = output.as_mut_ptr();
    let [a, b] = finish.parameters;
    let slot = |tile: usize, channel: usize, parameters: ChannelParameters| Slot {
        output: first.wrapping_add(finish.at[tile] + channel),
        bias: parameters.bias,
        multiplier: parameters.multiplier,
    };
    let steps = Steps { row: finish.steps[0], column: finish.steps[1], zero_point: finish.zero_point as i32 };
    let finish_slots = |slots: &[Slot]| {
        let range = slots.as_ptr_range();
        // SAFETY: `sums` holds a word per line and slot. The outputs of every slot lie in `output`: the farthest is
        // `outputs - 1` rows and columns behind `at + channel`, with `channel` 1 at most.
        unsafe { finish_slots(sums.as_ptr(), range.start, range.end, &steps) }
    };
    if finish.tiles == 1 {
        finish_slots(&[slot(0, 0, a), slot(0, 1, b)]);
    } else {
        finish_slots(&[slot(0, 0, a), slot(1, 0, a), slot(0, 1, b), slot(1, 1, b)]);
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
#[inline(always)]
unsafe fn inputs_of_four(pixels: &Pixels<'_>, quad: usize, half: usize, out: &Points) {
    let transform = if half == 0 { kindling_dsp_f4_inputs_even } else { kindling_dsp_f4_inputs_odd };
    let Source { row_bytes, channels, .. } = *pixels.source;
    // SAFETY: the caller's promise; unaligned words are fine on this core.
    unsafe { transform(pixels.first.add(4 * quad), row_bytes, channels, out.first, 4 * out.step) }
}

/// The taps of one quad, two channels each: `[row][column]`.
#[inline(always)]
fn taps(bytes: &[u8; 36], half: usize) -> [[u32; 3]; 3] {
    let mut taps = [[0; 3]; 3];
    for (tap, bytes) in taps.as_flattened_mut().iter_mut().zip(bytes.as_chunks().0) {
        *tap = widen(u32::from_le_bytes(*bytes), half);
    }
    taps
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
