//! Winograd's transforms channel by channel, for cores that cannot add two int16 at once.
//!
//! ```text
//! for each quad, for each of its channels:
//!     columns = line transform of each column of values
//!     for each row of those: points of the row = line transform
//! ```
#![allow(unsafe_code)]

use super::Transform;
use crate::ops::conv::winograd::transform::{Line, SIDE_MAX, Tile};

/// # Safety
/// All values and points that `transform` names lie in their buffers.
pub(super) unsafe fn kindling_f2_inputs(transform: &Transform) {
    // SAFETY: the caller's promise.
    unsafe { run::<4, 4>(transform, 4, Tile::Two, |line| Tile::Two.input_line(line)) }
}

/// # Safety
/// As [`kindling_f2_inputs`].
pub(super) unsafe fn kindling_f4_inputs(transform: &Transform) {
    // SAFETY: the caller's promise.
    unsafe { run::<6, 6>(transform, 4, Tile::Four, |line| Tile::Four.input_line(line)) }
}

/// # Safety
/// As [`kindling_f2_inputs`].
pub(super) unsafe fn kindling_f2_weights(transform: &Transform) {
    // SAFETY: the caller's promise.
    unsafe {
        run::<3, 4>(transform, 36, Tile::Two, |[a, b, c, ..]| Tile::Two.weights_line([a, b, c]))
    }
}

/// # Safety
/// As [`kindling_f2_inputs`].
pub(super) unsafe fn kindling_f4_weights(transform: &Transform) {
    // SAFETY: the caller's promise.
    unsafe {
        run::<3, 6>(transform, 36, Tile::Four, |[a, b, c, ..]| Tile::Four.weights_line([a, b, c]))
    }
}

/// Transforms `INPUTS x INPUTS` values into `POINTS x POINTS` for each channel; quads are
/// `quad_bytes` apart.
///
/// # Safety
/// As [`kindling_f2_inputs`].
#[inline(always)]
unsafe fn run<const INPUTS: usize, const POINTS: usize>(
    transform: &Transform,
    quad_bytes: usize,
    tile: Tile,
    line: impl Fn(Line) -> Line,
) {
    for quad in 0..transform.quads {
        for channel in 0..4 {
            let pair = 2 * quad + channel % 2;
            // SAFETY: the caller's promise: the channel's bytes and points lie in their buffers.
            unsafe {
                let source = transform.source.add(quad * quad_bytes + channel);
                let point =
                    transform.first_point.add(pair * transform.pair_bytes + channel / 2 * 2);
                one_channel::<INPUTS, POINTS>(transform, source, point.cast(), tile, &line);
            }
        }
    }
}

/// # Safety
/// As [`kindling_f2_inputs`], for the channel at `source` and `point`.
#[inline(always)]
unsafe fn one_channel<const INPUTS: usize, const POINTS: usize>(
    transform: &Transform,
    source: *const i8,
    point: *mut i16,
    tile: Tile,
    line: &impl Fn(Line) -> Line,
) {
    let mut columns = [[0; SIDE_MAX]; INPUTS];
    let mut column_at = source;
    for column in &mut columns {
        let mut values = [0; SIDE_MAX];
        let mut at = column_at;
        for value in values.iter_mut().take(INPUTS) {
            // SAFETY: the caller's promise; the address after the last value is not read.
            *value = unsafe { at.read() } as i32;
            at = at.wrapping_add(transform.row_bytes);
        }
        *column = line(values);
        column_at = column_at.wrapping_add(transform.column_bytes);
    }
    for row in 0..POINTS {
        let mut values = [0; SIDE_MAX];
        for (value, column) in values.iter_mut().zip(&columns) {
            *value = column[row];
        }
        for (column, value) in line(values).into_iter().enumerate().take(POINTS) {
            let place = tile.point(row, column) * transform.point_bytes;
            // SAFETY: the caller's promise; points are whole words apart, so an int16 is aligned.
            unsafe { point.byte_add(place).write(value as i16) }
        }
    }
}
