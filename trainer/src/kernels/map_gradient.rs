//! The gradient of a layer's map: at each position of a window the weights of the outputs that
//! chose it, each times the output's gradient.
//!
//! ```text
//! for some pixels: lists of terms, one for each position:
//!     (g, o) of each output o that chose it, with a gradient g other than 0
//! for each block of 16 channels, for each position of those pixels:
//!     map_gradient at the position's taps += sum over terms of g * weights[o] at those taps
//! ```
//!
//! A block's weights of all outputs stay in the nearest cache while the positions pass by; all
//! weights of a layer would come from the next one again for each position. Where channels do not
//! come in sixteens, or a position has one tap, it goes without blocks, by [`super::terms`]. Either
//! way each value of the map adds its terms position by position.
#![allow(unsafe_code)]

use super::backward::{Job, push};
use super::terms::{Runs, Term};
use super::vector::{LANES, Vector};
use super::{ChannelBlocks, Reach};

/// Outputs of the pixels whose lists are made at once: the lists stay in the nearest cache beside a
/// block's weights.
const LISTED_OUTPUTS: usize = 512;

/// Adds to the gradient of the map.
///
/// # Safety
/// The machine has the instruction set; all positions lie in the map, which is as long as `input`.
#[inline(always)]
pub unsafe fn map_gradient<V: Vector, const POOLED: bool>(job: &Job<'_>, input: &mut [f32]) {
    let (reach, outputs) = (job.positions.reach, job.weights.outputs());
    let blocks = job.weights.channel_blocks.as_ref().filter(|blocks| blocks.reach == reach);
    let (listed, step) = match blocks {
        Some(blocks) => ((LISTED_OUTPUTS / outputs).max(1), blocks.output_step()),
        None => (1, reach.taps()),
    };
    let mut lists = Lists::new(job.positions.window, outputs, listed, step);
    for (part, pixels) in job.positions.pixels.chunks(listed).enumerate() {
        // SAFETY: passed on from the caller; the pixels are those from `part * listed` on.
        unsafe {
            lists.fill::<POOLED>(job, part * listed, pixels.len());
            match blocks {
                Some(blocks) => add_blocks::<V>(&lists, pixels, blocks, input),
                None => add_rows(&lists, pixels, job, input),
            }
        }
    }
}

/// The terms of each position of some pixels.
struct Lists<'w> {
    window: &'w [usize],
    /// `[pixel][position]`, of each as many places as there are outputs, and one more.
    terms: Vec<Term>,
    counts: Vec<usize>,
    list: usize,
    /// Per position of a window, where its first list begins.
    starts: Vec<usize>,
    /// From one output's weights to the next's.
    step: usize,
}

impl<'w> Lists<'w> {
    fn new(window: &'w [usize], outputs: usize, pixels: usize, step: usize) -> Self {
        let (list, positions) = (outputs + 1, window.len());
        Self {
            window,
            terms: vec![Term::default(); pixels * positions * list],
            counts: vec![0; pixels * positions],
            list,
            starts: (0..positions).map(|position| position * list).collect(),
            step,
        }
    }

    /// Makes the lists of `pixels` pixels from `first` on; there must be as many.
    #[inline(always)]
    unsafe fn fill<const POOLED: bool>(&mut self, job: &Job<'_>, first: usize, pixels: usize) {
        let (outputs, positions) = (job.weights.outputs(), self.window.len());
        self.counts.fill(0);
        let lists = self.terms.chunks_exact_mut(positions * self.list);
        for (pixel, (terms, counts)) in
            lists.zip(self.counts.chunks_exact_mut(positions)).take(pixels).enumerate()
        {
            let first = (first + pixel) * outputs;
            for output in 0..outputs {
                // SAFETY: the output is one of the pixel's; its choice has a list with a place for
                // each output and one more.
                unsafe {
                    let (factor, choice, start) = job.term::<POOLED>(first + output, &self.starts);
                    let terms = terms.get_unchecked_mut(start..start + self.list);
                    push(terms, counts.get_unchecked_mut(choice), factor, output * self.step);
                }
            }
        }
    }

    /// Where each of the pixels' positions lies, and its terms.
    #[inline(always)]
    fn positions<'l>(&'l self, pixels: &'l [usize]) -> impl Iterator<Item = (usize, &'l [Term])> {
        let places =
            pixels.iter().flat_map(|pixel| self.window.iter().map(move |offset| pixel + offset));
        let lists = self.terms.chunks_exact(self.list).zip(&self.counts);
        places.zip(lists.map(|(terms, count)| &terms[..*count]))
    }
}

/// Position by position, all taps of a position at once.
#[inline(always)]
unsafe fn add_rows(lists: &Lists<'_>, pixels: &[usize], job: &Job<'_>, input: &mut [f32]) {
    let reach = job.positions.reach;
    let runs =
        Runs { rows: reach.rows, run: reach.run, to_step: reach.row_step, source_step: reach.run };
    for (place, terms) in lists.positions(pixels) {
        let to = &mut input[place..][..reach.span()];
        // SAFETY: `to` holds a position's taps, and each term's place is the start of a row of that
        // many weights.
        unsafe { (job.add_terms)(to, runs, terms, &job.weights.rows) };
    }
}

/// Sixteen channels of all positions, then the next.
#[inline(always)]
unsafe fn add_blocks<V: Vector>(
    lists: &Lists<'_>,
    pixels: &[usize],
    blocks: &ChannelBlocks,
    input: &mut [f32],
) {
    let reach = blocks.reach;
    for (block, weights) in blocks.weights.chunks_exact(blocks.block_step()).enumerate() {
        for (place, terms) in lists.positions(pixels) {
            let to = &mut input[place..][..reach.span()];
            // SAFETY: `to` holds a position's taps, and the weights those of a block of channels
            // for each output, at the terms' places.
            unsafe { add_taps::<V>(&mut to[block * LANES..], reach, terms, weights) };
        }
    }
}

/// A position's taps, in tiles of up to three rows and three columns: with AVX2 of two rows, for
/// its sixteen registers.
#[inline(always)]
unsafe fn add_taps<V: Vector>(to: &mut [f32], reach: Reach, terms: &[Term], weights: &[f32]) {
    let columns = reach.columns();
    let most_rows = if V::MANY { 3 } else { 2 };
    let mut row = 0;
    while row < reach.rows {
        let height = (reach.rows - row).min(most_rows);
        for column in (0..columns).step_by(3) {
            let tile = Tile { reach, row, column };
            // SAFETY: passed on from the caller; the tile's rows and columns are those of taps.
            unsafe {
                match (height, (columns - column).min(3)) {
                    (3, 3) => tile.add::<V, 3, 3>(to, terms, weights),
                    (3, 2) => tile.add::<V, 3, 2>(to, terms, weights),
                    (3, _) => tile.add::<V, 3, 1>(to, terms, weights),
                    (2, 3) => tile.add::<V, 2, 3>(to, terms, weights),
                    (2, 2) => tile.add::<V, 2, 2>(to, terms, weights),
                    (2, _) => tile.add::<V, 2, 1>(to, terms, weights),
                    (_, 3) => tile.add::<V, 1, 3>(to, terms, weights),
                    (_, 2) => tile.add::<V, 1, 2>(to, terms, weights),
                    _ => tile.add::<V, 1, 1>(to, terms, weights),
                }
            }
        }
        row += height;
    }
}

/// Part of a position's taps: from a row and a column on.
struct Tile {
    reach: Reach,
    row: usize,
    column: usize,
}

impl Tile {
    /// The micro-kernel: `ROWS` by `COLUMNS` vectors of sums, kept in registers over all terms.
    #[inline(always)]
    unsafe fn add<V: Vector, const ROWS: usize, const COLUMNS: usize>(
        &self,
        to: &mut [f32],
        terms: &[Term],
        weights: &[f32],
    ) {
        let Reach { row_step, channels, .. } = self.reach;
        let weights_row = self.reach.columns() * LANES;
        // SAFETY: the tile's taps lie in `to` and, `LANES` floats each, in the weights after each
        // term's place: the caller answers for both.
        unsafe {
            let to = to.as_mut_ptr().add(self.row * row_step + self.column * channels);
            let weights = weights.as_ptr().add(self.row * weights_row + self.column * LANES);
            // Loops rather than closures: what is not inlined would be compiled without the
            // instruction set.
            let mut sums = [[V::zero(); COLUMNS]; ROWS];
            for (row, sums) in sums.iter_mut().enumerate() {
                for (column, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(to.add(row * row_step + column * channels));
                }
            }
            for term in terms {
                let factor = V::splat(term.factor);
                let from = weights.add(term.place as usize);
                for (row, sums) in sums.iter_mut().enumerate() {
                    for (column, sum) in sums.iter_mut().enumerate() {
                        *sum = factor
                            .mul_add(V::load(from.add(row * weights_row + column * LANES)), *sum);
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                for (column, sum) in sums.into_iter().enumerate() {
                    sum.store(to.add(row * row_step + column * channels));
                }
            }
        }
    }
}
