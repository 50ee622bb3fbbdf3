//! The gradient of weights with few taps in a run, such as those over an image of one channel: sums
//! of outer products, the gradients of sixteen outputs by the taps of a position.
//!
//! ```text
//! for each block of 16 outputs, for each tile of up to 3x3 taps:
//!     for each pixel, for each position of its window:
//!         chosen[16] = gradients of the outputs that chose the position, 0 for the others
//!         sums[tap][16] += chosen * splat(map[position + tap])
//!     weight_gradient[output][tap] += sums[tap][output]
//! ```
//!
//! Lists of terms, as [`super::backward`] makes them for longer runs, would cost more than these
//! sums, in which all but one of a window's products are by 0. Lanes are outputs, and a product by
//! 0 changes no sum: each weight adds its terms in the order of the pixels.
#![allow(unsafe_code)]

use super::backward::Gradient;
use super::vector::{LANES, Vector};
use super::{Positions, Reach};

/// What the sums are made of.
pub struct OuterProducts<'o> {
    /// The layer's positions.
    pub positions: &'o Positions<'o>,
    /// The map they lie in.
    pub map: &'o [f32],
    /// `[pixel][output]`: the position that the output came from; may be empty where there is only
    /// one.
    pub choices: &'o [u16],
    /// `[pixel][output]`.
    pub output_gradient: &'o [f32],
    /// Outputs of a pixel.
    pub outputs: usize,
}

impl OuterProducts<'_> {
    /// Adds to the gradient of the weights.
    ///
    /// # Safety
    /// The machine has the instruction set; all positions lie in the map; gradients and, with
    /// pooling, choices are there for each output of each pixel.
    #[inline(always)]
    pub unsafe fn add<V: Vector, const POOLED: bool>(&self, gradient: &mut Gradient) {
        for first in (0..self.outputs).step_by(LANES) {
            let lanes = LANES.min(self.outputs - first);
            let mut rows =
                gradient.weights[first * gradient.row_step..].chunks_mut(gradient.row_step);
            let rows = &mut rows.by_ref().take(lanes).collect::<Vec<_>>()[..];
            let whole = Block {
                gradients: &self.output_gradient[first..],
                choices: self.choices.get(first..).unwrap_or(&[]),
                step: self.outputs,
            };
            // SAFETY: passed on from the caller; a block of fewer outputs is filled up to sixteen.
            unsafe {
                if lanes == LANES {
                    self.add_block::<V, POOLED>(&whole, rows);
                } else {
                    let (gradients, choices) = (
                        filled_up(whole.gradients, self.outputs, lanes),
                        filled_up(whole.choices, self.outputs, lanes),
                    );
                    self.add_block::<V, POOLED>(
                        &Block { gradients: &gradients, choices: &choices, step: LANES },
                        rows,
                    );
                }
            }
        }
    }

    /// All taps of a block, in tiles of up to three rows and three columns: with AVX2 of two rows,
    /// for its sixteen registers.
    #[inline(always)]
    unsafe fn add_block<V: Vector, const POOLED: bool>(
        &self,
        block: &Block<'_>,
        rows: &mut [&mut [f32]],
    ) {
        let Reach { rows: tap_rows, run, .. } = self.positions.reach;
        let most_rows = if V::MANY { 3 } else { 2 };
        let mut row = 0;
        while row < tap_rows {
            let height = (tap_rows - row).min(most_rows);
            for column in (0..run).step_by(3) {
                let tile = Tile { row, column };
                // SAFETY: passed on from the caller; the tile's rows and columns are those of taps.
                unsafe {
                    match (height, (run - column).min(3)) {
                        (3, 3) => self.add_tile::<V, POOLED, 3, 3>(block, tile, rows),
                        (3, 2) => self.add_tile::<V, POOLED, 3, 2>(block, tile, rows),
                        (3, _) => self.add_tile::<V, POOLED, 3, 1>(block, tile, rows),
                        (2, 3) => self.add_tile::<V, POOLED, 2, 3>(block, tile, rows),
                        (2, 2) => self.add_tile::<V, POOLED, 2, 2>(block, tile, rows),
                        (2, _) => self.add_tile::<V, POOLED, 2, 1>(block, tile, rows),
                        (_, 3) => self.add_tile::<V, POOLED, 1, 3>(block, tile, rows),
                        (_, 2) => self.add_tile::<V, POOLED, 1, 2>(block, tile, rows),
                        _ => self.add_tile::<V, POOLED, 1, 1>(block, tile, rows),
                    }
                }
            }
            row += height;
        }
    }

    /// Adds a tile's sums, lane by lane, to the outputs' rows.
    #[inline(always)]
    unsafe fn add_tile<V: Vector, const POOLED: bool, const ROWS: usize, const COLUMNS: usize>(
        &self,
        block: &Block<'_>,
        tile: Tile,
        rows: &mut [&mut [f32]],
    ) {
        // SAFETY: passed on from the caller.
        let sums = unsafe { self.sums::<V, POOLED, ROWS, COLUMNS>(block, tile) };
        for (row, sums) in sums.into_iter().enumerate() {
            for (column, sum) in sums.into_iter().enumerate() {
                let mut lanes = [0.0; LANES];
                // SAFETY: the caller's machine has the instruction set, and `lanes` has the floats
                // of a vector.
                unsafe { sum.store(lanes.as_mut_ptr()) };
                let tap = (tile.row + row) * self.positions.reach.run + tile.column + column;
                rows.iter_mut().zip(lanes).for_each(|(row, sum)| row[tap] += sum);
            }
        }
    }

    /// The micro-kernel: `ROWS` by `COLUMNS` vectors of sums, kept in registers over all pixels.
    #[inline(always)]
    unsafe fn sums<V: Vector, const POOLED: bool, const ROWS: usize, const COLUMNS: usize>(
        &self,
        block: &Block<'_>,
        tile: Tile,
    ) -> [[V; COLUMNS]; ROWS] {
        let row_step = self.positions.reach.row_step;
        // SAFETY: the caller answers for positions and block, which has sixteen gradients and
        // choices for each pixel; the tile lies within a position's taps.
        unsafe {
            let mut sums = [[V::zero(); COLUMNS]; ROWS];
            let map = self.map.as_ptr().add(tile.row * row_step + tile.column);
            for (pixel, base) in self.positions.pixels.iter().enumerate() {
                let gradients = block.gradients.as_ptr().add(pixel * block.step);
                for (number, offset) in self.positions.window.iter().enumerate() {
                    let chosen = if POOLED {
                        V::load_chosen(
                            gradients,
                            block.choices.as_ptr().add(pixel * block.step),
                            number as u16,
                        )
                    } else {
                        V::load(gradients)
                    };
                    let taps = map.add(base + offset);
                    for (row, sums) in sums.iter_mut().enumerate() {
                        for (column, sum) in sums.iter_mut().enumerate() {
                            *sum =
                                chosen.mul_add(V::splat(*taps.add(row * row_step + column)), *sum);
                        }
                    }
                }
            }
            sums
        }
    }
}

/// Sixteen outputs of each pixel, `step` apart from one pixel to the next.
struct Block<'b> {
    gradients: &'b [f32],
    choices: &'b [u16],
    step: usize,
}

/// Part of a position's taps: from a row and a column on.
#[derive(Clone, Copy)]
struct Tile {
    row: usize,
    column: usize,
}

/// The first `lanes` of every `step` values, each filled up to a vector.
fn filled_up<T: Copy + Default>(values: &[T], step: usize, lanes: usize) -> Vec<T> {
    let fill = |values: &[T]| -> [T; LANES] {
        core::array::from_fn(|lane| if lane < lanes { values[lane] } else { T::default() })
    };
    values.chunks(step).flat_map(fill).collect()
}
