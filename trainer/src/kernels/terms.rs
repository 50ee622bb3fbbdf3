//! Sums of scaled runs of floats: the loop of the backward pass.
//!
//! ```text
//! for each row, for each i of a run:
//!     to[row * to_step + i] += sum over terms of factor * source[place + row * source_step + i]
//! ```
//!
//! Up to eighteen vectors of `to` stay in registers while the terms pass by: enough chains of
//! multiply-adds to hide their latency, and one loop of unforeseeable length for all of them. Lanes
//! are elements of `to`; each adds its terms in their order.
#![allow(unsafe_code)]

use super::vector::{LANES, Vector};

/// One term of the sums: a factor, and where the run of floats that it scales begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Term {
    /// The factor.
    pub factor: f32,
    /// Index of the first float of the first row.
    pub place: u32,
}

/// Where the runs lie.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// How many.
    pub rows: usize,
    /// Floats of each.
    pub run: usize,
    /// Floats from one to the next in the sums.
    pub to_step: usize,
    /// Floats from one to the next in the source.
    pub source_step: usize,
}

/// Adds the terms' runs to those of `to`.
///
/// # Safety
/// The machine has the instruction set; `to` holds all runs, and so does `source` from the place of
/// each term on.
pub type AddTerms = unsafe fn(to: &mut [f32], runs: Runs, terms: &[Term], source: &[f32]);

/// See [`AddTerms`]; for an instruction set whose registers are inlined into a function that may
/// use it.
#[inline(always)]
pub unsafe fn add_terms<V: Vector>(to: &mut [f32], runs: Runs, terms: &[Term], source: &[f32]) {
    debug_assert!(to.len() >= (runs.rows - 1) * runs.to_step + runs.run);
    let mut row = 0;
    // SAFETY: passed on from the caller; the rows taken together are the next ones of those that
    // are left.
    unsafe {
        while V::MANY && runs.rows - row >= 3 {
            columns::<V, 3>(to, row, runs, terms, source);
            row += 3;
        }
        while V::MANY && runs.rows - row >= 2 {
            columns::<V, 2>(to, row, runs, terms, source);
            row += 2;
        }
        while row < runs.rows {
            columns::<V, 1>(to, row, runs, terms, source);
            row += 1;
        }
    }
}

/// `ROWS` rows from `first` on, in columns of at most six vectors, then the rest.
#[inline(always)]
unsafe fn columns<V: Vector, const ROWS: usize>(
    to: &mut [f32],
    first: usize,
    runs: Runs,
    terms: &[Term],
    source: &[f32],
) {
    let mut at = 0;
    // SAFETY: passed on from the caller; `at` plus the column's floats is at most `run`.
    unsafe {
        while runs.run - at >= LANES {
            let tile = Tile { first, at, runs };
            let vectors = ((runs.run - at) / LANES).min(6);
            match vectors {
                6 => tile.add::<V, ROWS, 6>(to, terms, source),
                5 => tile.add::<V, ROWS, 5>(to, terms, source),
                4 => tile.add::<V, ROWS, 4>(to, terms, source),
                3 => tile.add::<V, ROWS, 3>(to, terms, source),
                2 => tile.add::<V, ROWS, 2>(to, terms, source),
                _ => tile.add::<V, ROWS, 1>(to, terms, source),
            }
            at += vectors * LANES;
        }
    }
    for row in first..first + ROWS {
        let (to, source) = (&mut to[row * runs.to_step..], &source[row * runs.source_step..]);
        rest::<V>(&mut to[at..runs.run], terms, &source[at..]);
    }
}

/// The last floats of a row, fewer than a vector has: by eight, four, two and one.
#[inline(always)]
fn rest<V: Vector>(to: &mut [f32], terms: &[Term], source: &[f32]) {
    let mut at = 0;
    at += in_registers::<V, 8>(&mut to[at..], terms, &source[at..]);
    at += in_registers::<V, 4>(&mut to[at..], terms, &source[at..]);
    at += in_registers::<V, 2>(&mut to[at..], terms, &source[at..]);
    in_registers::<V, 1>(&mut to[at..], terms, &source[at..]);
}

/// The first `FLOATS`, if there are as many; how many were taken. They stay in registers while the
/// terms pass by: through memory each addition would wait for the one before.
#[inline(always)]
fn in_registers<V: Vector, const FLOATS: usize>(
    to: &mut [f32],
    terms: &[Term],
    source: &[f32],
) -> usize {
    let Some(to) = to.first_chunk_mut::<FLOATS>() else { return 0 };
    let mut sums = *to;
    for term in terms {
        let from: &[f32; FLOATS] = source[term.place as usize..].first_chunk().expect("a run");
        for (sum, value) in sums.iter_mut().zip(from) {
            *sum = V::mul_add_one(term.factor, *value, *sum);
        }
    }
    *to = sums;
    FLOATS
}

/// Part of the runs: rows from `first` on, columns from `at` on.
struct Tile {
    first: usize,
    at: usize,
    runs: Runs,
}

impl Tile {
    /// The micro-kernel: `ROWS` by `VECTORS` vectors of sums, kept in registers over all terms.
    #[inline(always)]
    unsafe fn add<V: Vector, const ROWS: usize, const VECTORS: usize>(
        &self,
        to: &mut [f32],
        terms: &[Term],
        source: &[f32],
    ) {
        let Runs { to_step, source_step, .. } = self.runs;
        // SAFETY: `columns` takes only rows and columns of the runs, and the caller answers for the
        // runs.
        unsafe {
            let to = to.as_mut_ptr().add(self.first * to_step + self.at);
            let source = source.as_ptr().add(self.first * source_step + self.at);
            // Loops rather than closures: what is not inlined would be compiled without the
            // instruction set.
            let mut sums = [[V::zero(); VECTORS]; ROWS];
            for (row, sums) in sums.iter_mut().enumerate() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(to.add(row * to_step + vector * LANES));
                }
            }
            for term in terms {
                let factor = V::splat(term.factor);
                let from = source.add(term.place as usize);
                for (row, sums) in sums.iter_mut().enumerate() {
                    for (vector, sum) in sums.iter_mut().enumerate() {
                        *sum = factor
                            .mul_add(V::load(from.add(row * source_step + vector * LANES)), *sum);
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                for (vector, sum) in sums.into_iter().enumerate() {
                    sum.store(to.add(row * to_step + vector * LANES));
                }
            }
        }
    }
}
