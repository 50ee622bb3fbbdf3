//! Winograd's primitives: checks and addresses. The loops are in assembly, each core's in its folder.
#![allow(unsafe_code)]

use core::arch::global_asm;

use super::cortex_m::is_at_word;
#[cfg(not(kindling_backend = "dsp"))]
use super::scalar::{kindling_f2_inputs, kindling_f2_weights, kindling_f4_inputs, kindling_f4_weights};
use crate::kernels::winograd::portable::Plain;
use crate::kernels::winograd::transform::Tile;
use crate::kernels::winograd::{Finish, Primitives, Source, Weights};
use crate::quant::ChannelParameters;

#[cfg(kindling_backend = "dsp")]
global_asm!(
    include_str!("dsp/winograd.s"),
    include_str!("dsp/winograd_transforms.s"),
    include_str!("dsp/requantise.s"),
    include_str!("winograd_finish.s"),
    options(raw)
);
#[cfg(kindling_backend = "armv7m")]
global_asm!(
    include_str!("armv7m/winograd.s"),
    include_str!("armv7m/requantise.s"),
    include_str!("winograd_finish.s"),
    options(raw)
);

/// Values to transform, and where to: see `winograd_transforms.s`.
#[repr(C)]
pub(super) struct Transform {
    pub source: *const i8,
    pub row_bytes: usize,
    pub column_bytes: usize,
    pub first_point: *mut i8,
    pub point_bytes: usize,
    pub pair_bytes: usize,
    pub quads: usize,
}

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

#[cfg(kindling_backend = "dsp")]
unsafe extern "C" {
    fn kindling_f2_inputs(transform: &Transform);
    fn kindling_f4_inputs(transform: &Transform);
    fn kindling_f2_weights(transform: &Transform);
    fn kindling_f4_weights(transform: &Transform);
}

unsafe extern "C" {
    fn kindling_f2_two_tiles(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f2_two_tiles_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f2_one_tile(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f2_one_tile_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f4_two_tiles(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f4_two_tiles_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f4_one_tile(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f4_one_tile_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f2_finish_two(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_f2_finish_one(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_f4_finish_two(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_f4_finish_one(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
}

/// Steps behind the first that `winograd.s` has code for without a loop.
const UNROLL: usize = 8;

/// Winograd's primitives.
pub(super) struct CortexM;

impl Primitives for CortexM {
    fn transform_inputs(tile: Tile, source: &Source<'_>, slot: usize, of: usize, v: &mut [i8]) {
        let side = tile.side();
        let needed = (side - 1) * source.row_bytes + side * source.channels;
        let v_bytes = tile.points() * source.channels * 2 * of;
        let sizes_fit =
            source.values.len() >= needed && v.len() >= v_bytes && slot < of && source.channels >= 4;
        if !sizes_fit || !is_at_word(v) {
            return;
        }
        let transform = Transform {
            source: source.values.as_ptr(),
            row_bytes: source.row_bytes,
            column_bytes: source.channels,
            first_point: v.as_mut_ptr().wrapping_add(4 * slot),
            point_bytes: source.channels * 2 * of,
            pair_bytes: 4 * of,
            quads: source.channels / 4,
        };
        let run = match tile {
            Tile::Two => kindling_f2_inputs,
            Tile::Four => kindling_f4_inputs,
        };
        // SAFETY: reads bytes `0 .. 4 * quads` of the pixels of `side` rows and columns: the `needed` bytes; unaligned
        // words are fine on this core. Writes word `pair * of + slot` of each of the points, `channels / 2 * of` words
        // apart, with `pair < channels / 2` and `slot < of`: in the `v_bytes`, at whole words. One quad or more.
        unsafe { run(&transform) }
    }

    fn transform_weights(tile: Tile, weights: &[u8], u: &mut [i8]) {
        let quads = weights.len() / 72;
        if quads == 0 || u.len() != tile.points() * quads * 16 || !is_at_word(u) {
            return;
        }
        for (channel, taps) in weights.chunks_exact(36 * quads).enumerate().take(2) {
            let transform = Transform {
                source: taps.as_ptr().cast(),
                row_bytes: 12,
                column_bytes: 4,
                first_point: u.as_mut_ptr().wrapping_add(4 * channel),
                point_bytes: 16 * quads,
                pair_bytes: 8,
                quads,
            };
            let run = match tile {
                Tile::Two => kindling_f2_weights,
                Tile::Four => kindling_f4_weights,
            };
            // SAFETY: reads the 36 bytes of each of `quads` quads, which `taps` has; unaligned words are fine on this
            // core. Writes word `2 * pair + channel` of each of the points, `4 * quads` words apart, with
            // `pair < 2 * quads` and `channel < 2`: all in `u`, at whole words. One quad or more.
            unsafe { run(&transform) }
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
        let multiply = match (tile, tiles, steps - 1 <= UNROLL) {
            (Tile::Two, 1, true) => kindling_f2_one_tile,
            (Tile::Two, _, true) => kindling_f2_two_tiles,
            (Tile::Four, 1, true) => kindling_f4_one_tile,
            (Tile::Four, _, true) => kindling_f4_two_tiles,
            (Tile::Two, 1, false) => kindling_f2_one_tile_long,
            (Tile::Two, _, false) => kindling_f2_two_tiles_long,
            (Tile::Four, 1, false) => kindling_f4_one_tile_long,
            (Tile::Four, _, false) => kindling_f4_two_tiles_long,
        };
        // SAFETY: all three begin at whole words; the function reads `points * pairs` times one word of `v` per tile
        // and two of `u`, and writes `tile.sums()` lines of two words per tile: the sizes checked above.
        unsafe { multiply(v.as_ptr(), u, sums.as_mut_ptr(), &extent) }
    }

    fn finish(finish: &Finish<'_>, sums: &[i8], output: &mut [i8]) {
        let finish_slots = match (finish.tile, finish.group.tiles) {
            (Tile::Two, 1) => kindling_f2_finish_one,
            (Tile::Two, _) => kindling_f2_finish_two,
            (Tile::Four, 1) => kindling_f4_finish_one,
            (Tile::Four, _) => kindling_f4_finish_two,
        };
        if finish.pool == 2 && sizes_fit(finish, sums, output) {
            finish_whole(finish, sums, output, finish_slots);
        } else {
            Plain::finish(finish, sums, output);
        }
    }
}

/// Whether all slices have the sizes that follow from the group, the last output's included.
fn sizes_fit(finish: &Finish<'_>, sums: &[i8], output: &[i8]) -> bool {
    let group = finish.group;
    let rows_below = finish.tile.outputs() / 2 - 1;
    let last = rows_below * (finish.steps[0] + finish.steps[1]) + finish.channel + 1;
    let outputs_fit =
        group.at[0] + last < output.len() && (group.tiles < 2 || group.at[1] + last < output.len());
    let sums_fit = sums.len() >= finish.tile.sums() * group.tiles * 8 && is_at_word(sums);
    outputs_fit && sums_fit
}

/// Finishes a group whose [`sizes_fit`], with the function for its tile and number of tiles.
fn finish_whole(finish: &Finish<'_>, sums: &[i8], output: &mut [i8], finish_slots: FinishSlots) {
    let (group, first) = (finish.group, output.as_mut_ptr());
    let [a, b] = finish.parameters;
    let slot = |tile: usize, channel: usize, parameters: ChannelParameters| Slot {
        output: first.wrapping_add(group.at[tile] + finish.channel + channel),
        bias: parameters.bias,
        multiplier: parameters.multiplier,
    };
    let steps = Steps { row: finish.steps[0], column: finish.steps[1], zero_point: finish.zero_point as i32 };
    let finish_slots = |slots: &[Slot]| {
        let range = slots.as_ptr_range();
        // SAFETY: `sums` holds a word per line and slot. The outputs of every slot lie in `output`: the farthest is
        // as many rows below and columns to the right of the first as `sizes_fit` checked, in the second channel.
        unsafe { finish_slots(sums.as_ptr(), range.start, range.end, &steps) }
    };
    if group.tiles == 1 {
        finish_slots(&[slot(0, 0, a), slot(0, 1, b)]);
    } else {
        finish_slots(&[slot(0, 0, a), slot(1, 0, a), slot(0, 1, b), slot(1, 1, b)]);
    }
}
