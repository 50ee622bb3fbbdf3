//! The gradients of a layer with one tap column and row, such as a dense one: products of matrices.
//!
//! ```text
//! for each tile of up to four rows by four vectors:
//!     for each term:
//!         sums[row][vector] += factor[row][term] * source[term][vector]
//! ```
//!
//! Lists of terms, as [`super::backward`] makes them for pooled layers, would cost more than the
//! products by 0 that they save. A product by 0 changes no sum, so each adds its terms in the
//! lists' order.
#![allow(unsafe_code)]

use super::vector::{LANES, Vector};

/// A product: `to[row] += sum over terms of factor[row][term] * source[term]`, of runs of floats.
pub struct Product<'p> {
    /// Where each row of the sums begins.
    pub rows: &'p [usize],
    /// Floats of a row.
    pub run: usize,
    /// The factors.
    pub factors: &'p [f32],
    /// From one row's factors to the next's, and from one term's to the next's.
    pub factor_steps: [usize; 2],
    /// What the terms' runs lie in.
    pub source: &'p [f32],
    /// Where each term's run begins in the source.
    pub terms: &'p [usize],
    /// Whether the sums begin with 0, whatever lies where they go.
    pub is_new: bool,
}

impl Product<'_> {
    /// Adds it to `to`, or writes it.
    ///
    /// # Safety
    /// The machine has the instruction set; `to` holds `run` floats after each row's place, the
    /// source after each term's; there is a factor for each row and term.
    #[inline(always)]
    pub unsafe fn add<V: Vector>(&self, to: &mut [f32]) {
        let rows = self.rows.len();
        let mut row = 0;
        // SAFETY: passed on from the caller; the rows taken together are the next ones of those
        // that are left.
        unsafe {
            while V::MANY && rows - row >= 4 {
                self.columns::<V, 4>(to, row);
                row += 4;
            }
            while rows - row >= 2 {
                self.columns::<V, 2>(to, row);
                row += 2;
            }
            if row < rows {
                self.columns::<V, 1>(to, row);
            }
        }
    }

    /// `ROWS` rows from `row` on, in columns of four vectors, three or two, then of one, then
    /// what is left.
    #[inline(always)]
    unsafe fn columns<V: Vector, const ROWS: usize>(&self, to: &mut [f32], row: usize) {
        let mut at = 0;
        // SAFETY: passed on from the caller; `at` plus the column's floats is at most `run`.
        unsafe {
            while V::MANY && self.run - at >= 4 * LANES {
                self.tile::<V, ROWS, 4>(to, row, at);
                at += 4 * LANES;
            }
            if V::MANY && self.run - at >= 3 * LANES {
                self.tile::<V, ROWS, 3>(to, row, at);
                at += 3 * LANES;
            }
            while self.run - at >= 2 * LANES {
                self.tile::<V, ROWS, 2>(to, row, at);
                at += 2 * LANES;
            }
            if self.run - at >= LANES {
                self.tile::<V, ROWS, 1>(to, row, at);
                at += LANES;
            }
        }
        for row in row..row + ROWS {
            self.rest::<V>(to, row, at);
        }
    }

    /// The last floats of a row, from `at` on, fewer than a vector has: by eight, four, two and
    /// one.
    #[inline(always)]
    fn rest<V: Vector>(&self, to: &mut [f32], row: usize, mut at: usize) {
        at += self.in_registers::<V, 8>(to, row, at);
        at += self.in_registers::<V, 4>(to, row, at);
        at += self.in_registers::<V, 2>(to, row, at);
        self.in_registers::<V, 1>(to, row, at);
    }

    /// `FLOATS` of a row from `at` on, if there are as many; how many were taken. They stay in
    /// registers while the terms pass by.
    #[inline(always)]
    fn in_registers<V: Vector, const FLOATS: usize>(
        &self,
        to: &mut [f32],
        row: usize,
        at: usize,
    ) -> usize {
        let place = self.rows[row];
        let Some(to) = to[place + at..place + self.run].first_chunk_mut::<FLOATS>() else {
            return 0;
        };
        let [row_step, term_step] = self.factor_steps;
        let factors = self.factors[row * row_step..].iter().step_by(term_step);
        let mut sums = if self.is_new { [0.0; FLOATS] } else { *to };
        for (place, factor) in self.terms.iter().zip(factors) {
            let from: &[f32; FLOATS] = self.source[place + at..].first_chunk().expect("a run");
            for (sum, value) in sums.iter_mut().zip(from) {
                *sum = V::mul_add_one(*factor, *value, *sum);
            }
        }
        *to = sums;
        FLOATS
    }

    /// The micro-kernel: `ROWS` by `VECTORS` vectors of sums, kept in registers over all terms.
    #[inline(always)]
    unsafe fn tile<V: Vector, const ROWS: usize, const VECTORS: usize>(
        &self,
        to: &mut [f32],
        row: usize,
        at: usize,
    ) {
        let [row_step, term_step] = self.factor_steps;
        // SAFETY: rows, terms and columns are those of the product, for which the caller answers.
        unsafe {
            let to = to.as_mut_ptr().add(at);
            let source = self.source.as_ptr().add(at);
            let mut factors = self.factors.as_ptr().add(row * row_step);
            // Loops rather than closures: what is not inlined would be compiled without the
            // instruction set.
            let mut sums = [[V::zero(); VECTORS]; ROWS];
            for (index, sums) in sums.iter_mut().enumerate().filter(|_| !self.is_new) {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(to.add(self.rows[row + index] + vector * LANES));
                }
            }
            for place in self.terms {
                let mut run = [V::zero(); VECTORS];
                for (vector, run) in run.iter_mut().enumerate() {
                    *run = V::load(source.add(place + vector * LANES));
                }
                for (index, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*factors.add(index * row_step));
                    for (sum, run) in sums.iter_mut().zip(run) {
                        *sum = factor.mul_add(run, *sum);
                    }
                }
                factors = factors.add(term_step);
            }
            for (index, sums) in sums.into_iter().enumerate() {
                for (vector, sum) in sums.into_iter().enumerate() {
                    sum.store(to.add(self.rows[row + index] + vector * LANES));
                }
            }
        }
    }
}
