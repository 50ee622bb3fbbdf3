//! Winograd's primitives on Cortex-M cores: checks and addresses. The loops are in assembly, one
//! file for each class of cores.
#![allow(unsafe_code)]

#[cfg_attr(kindling_backend = "armv6m", path = "finish_scalar.rs")]
mod finish;
mod finish_twice;
#[cfg(not(kindling_dsp))]
mod scalar;

use super::portable::Plain;
use super::transform::Tile;
use super::{Finish, GROUP, Primitives, Source, Weights};
use crate::arm::is_at_word;
use crate::features::Feature;
use crate::quant::{Requantise, Rounding};
#[cfg(not(kindling_dsp))]
use scalar::{kindling_f2_inputs, kindling_f2_weights, kindling_f4_inputs, kindling_f4_weights};

crate::arm::assembly!();
#[cfg(kindling_dsp)]
crate::arm::assembly!("dsp_transforms.s");

/// Values to transform, and where to: see `dsp_transforms.s`.
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

/// How far a chain of input pairs goes: see `dsp.s`.
#[repr(C)]
struct Extent {
    v_end: *const i8,
    steps_after_first: usize,
}

#[cfg(kindling_dsp)]
unsafe extern "C" {
    fn kindling_f2_inputs(transform: &Transform);
    fn kindling_f4_inputs(transform: &Transform);
    fn kindling_f2_weights(transform: &Transform);
    fn kindling_f4_weights(transform: &Transform);
}

unsafe extern "C" {
    fn kindling_f2_two_tiles_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f2_one_tile(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f2_one_tile_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f4_two_tiles(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f4_two_tiles_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
    fn kindling_f4_one_tile_long(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);
}

/// Steps after the first that `dsp.s` has code for without a loop.
const UNROLL: usize = 8;

/// Products of a group.
type Multiply = unsafe extern "C" fn(v: *const i8, u: *const u8, sums: *mut i8, extent: &Extent);

/// Products of F(2x2) for short and for long chains, of one and of two tiles.
static MULTIPLY_TWO: [[Multiply; 2]; 2] = [
    [single(kindling_f2_one_tile, kindling_f2_two_tiles_long), kindling_f2_two_tiles_long],
    [single(kindling_f2_one_tile_long, kindling_f2_two_tiles_long), kindling_f2_two_tiles_long],
];

/// The same of F(4x4).
static MULTIPLY_FOUR: [[Multiply; 2]; 2] = [
    [single(kindling_f4_one_tile_long, kindling_f4_two_tiles), kindling_f4_two_tiles],
    [single(kindling_f4_one_tile_long, kindling_f4_two_tiles_long), kindling_f4_two_tiles_long],
];

/// The function for one tile, or another, which is never called, where that is not in the build.
const fn single(one_tile: Multiply, other: Multiply) -> Multiply {
    if Feature::WinogradSingleTile.is_built() { one_tile } else { other }
}

/// Winograd's primitives.
pub(crate) struct CortexM;

impl Primitives for CortexM {
    fn transform_inputs(tile: Tile, source: &Source<'_>, slot: usize, of: usize, v: &mut [i8]) {
        let side = tile.side();
        let needed = (side - 1) * source.row_bytes + side * source.channels;
        let v_bytes = tile.points() * source.channels * 2 * of;
        let sizes_fit = source.values.len() >= needed
            && v.len() >= v_bytes
            && slot < of
            && source.channels >= 4;
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
        // SAFETY:
        // - It reads bytes `0 .. 4 * quads` of the pixels of `side` rows and columns, which are the
        //   `needed` bytes: by words where this core loads them from any address.
        // - It writes word `pair * of + slot` of each of the points, `channels / 2 * of` words
        //   apart, with `pair < channels / 2` and `slot < of`: in the `v_bytes`, at whole words.
        // - There is a quad or more.
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
            // SAFETY: reads the 36 bytes of each of `quads` quads, which `taps` has; unaligned
            // words are fine on this core. Writes word `2 * pair + channel` of each of the points,
            // `4 * quads` words apart, with `pair < 2 * quads` and `channel < 2`: all in `u`, at
            // whole words. One quad or more.
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
            && pairs > 0
            && (Feature::WinogradSingleTile.is_built() || tiles == GROUP);
        let at_words = (v.as_ptr().addr() | u.addr() | sums.as_ptr().addr()).is_multiple_of(4);
        if !sizes_fit || !at_words {
            return;
        }
        let steps = if tiles == 2 { pairs / 2 } else { pairs / 4 };
        let extent =
            Extent { v_end: v.as_ptr().wrapping_add(v_bytes), steps_after_first: steps - 1 };
        let functions = match tile {
            Tile::Two => &MULTIPLY_TWO,
            Tile::Four => &MULTIPLY_FOUR,
        };
        let multiply = functions[usize::from(steps - 1 > UNROLL)][usize::from(tiles == GROUP)];
        // SAFETY: all three begin at whole words; the function reads `points * pairs` times one
        // word of `v` per tile and two of `u`, and writes `tile.sums()` lines of two words per
        // tile: the sizes checked above.
        unsafe { multiply(v.as_ptr(), u, sums.as_mut_ptr(), &extent) }
    }

    fn finish<Rounded: Requantise>(finish: &Finish<'_>, sums: &[i8], output: &mut [i8]) {
        let is_done = match Rounded::ROUNDING {
            Rounding::Once => finish.pool == 2 && finish::run(finish, sums, output),
            Rounding::Twice => finish_twice::run(finish, sums, output),
        };
        if !is_done && (Feature::Edges.is_built() || Rounded::ROUNDING == Rounding::Twice) {
            Plain::finish::<Rounded>(finish, sums, output);
        }
    }
}
