//! Backward: from the gradient of each output to those of the weights, the bias and the map.
//!
//! An output depends on one position only: the one that had the largest sum of its window. Where a
//! ReLU cut the output, or the gradient is 0, nothing is done, so the work is a fraction of the
//! forward pass.
//!
//! ```text
//! for each output o:
//!     terms = (g, place of the chosen position) of each pixel with a gradient g other than 0
//!     weight_gradient[o] += sum over terms of g * taps of map at place
//! for each pixel, for each position of its window:
//!     terms = (g, weights of o) of each output o that chose the position, with a gradient g not 0
//!     map_gradient at the position += sum over terms of g * weights[o]
//! ```
//!
//! The sums of the weights' gradient are [`super::terms`]; weights whose taps lie in runs too short
//! for vectors go another way: [`super::outer_products`]. The map's gradient is
//! [`super::map_gradient`]. Layers with one tap, such as dense ones, are [`super::product`]s. So
//! are the weights' gradients of all layers without pooling; the maps' gradients of these are
//! convolutions: `ops/conv/transposed.rs`.
#![allow(unsafe_code)]

use std::ops::Range;

use super::map_gradient::map_gradient;
use super::outer_products::OuterProducts;
use super::product::Product;
use super::terms::{AddTerms, Runs, Term, add_terms};
use super::vector::{LANES, Plain, Vector};
use super::{Aligned, Extension, InstructionSet, Positions, Reach, Weights};

/// Gradient of a layer's parameters.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// `[output][row_step]`: the taps, then zeros up to a multiple of 16.
    pub weights: Aligned,
    /// One per output; empty where nobody asks for it.
    pub bias: Vec<f32>,
    /// Floats from one output's weights to the next's.
    pub row_step: usize,
}

impl Gradient {
    /// Zero, for a layer of `outputs` outputs and `taps` taps.
    pub fn zero(outputs: usize, taps: usize) -> Self {
        let row_step = taps.next_multiple_of(LANES);
        Self { weights: Aligned::zeros(outputs * row_step), bias: vec![0.0; outputs], row_step }
    }

    /// Makes it zero again.
    pub fn clear(&mut self) {
        self.weights.fill(0.0);
        self.bias.fill(0.0);
    }
}

/// Gradient of the map, to be added to; `None` where nobody asks for it.
pub type InputGradient<'g> = Option<&'g mut [f32]>;

/// Adds to the gradients of weights, bias and map, given those of the outputs (0 where a ReLU cut
/// them). Of a layer with one tap, no two positions share a place: it writes the gradient of the
/// map at its positions.
///
/// # Panics
/// When a slice does not have the size that the positions ask for.
#[allow(clippy::too_many_arguments)]
pub fn backward(
    set: InstructionSet,
    weights: &Weights,
    positions: &Positions<'_>,
    map: &[f32],
    choices: &[u16],
    output_gradient: &[f32],
    gradient: &mut Gradient,
    input_gradient: InputGradient<'_>,
) {
    let outputs = weights.outputs();
    assert!(positions.reached() <= map.len(), "a position lies outside of the map");
    assert!(input_gradient.as_ref().is_none_or(|gradient| gradient.len() == map.len()));
    assert_eq!(output_gradient.len(), positions.pixels.len() * outputs);
    if positions.window.len() > 1 {
        assert_eq!(choices.len(), output_gradient.len());
        // The largest of all rather than a search for one too large: that is done on whole vectors.
        let largest = choices.iter().fold(0, |largest, choice| largest.max(*choice));
        assert!((largest as usize) < positions.window.len(), "a choice lies outside of its window");
    }
    let sources = map.len().max(weights.rows.len());
    assert!(u32::try_from(sources).is_ok(), "places are stored in 32 bits");
    assert_eq!(gradient.weights.len(), outputs * gradient.row_step);
    assert!(gradient.row_step >= positions.reach.taps().next_multiple_of(LANES));
    let add_terms = add_terms_of(set);
    let job = Job { weights, positions, map, choices, output_gradient, add_terms };
    // SAFETY: an `InstructionSet` is there only where the machine has it.
    unsafe {
        match set.extension() {
            #[cfg(target_arch = "x86_64")]
            Extension::Avx512 => avx512(&job, gradient, input_gradient),
            #[cfg(target_arch = "x86_64")]
            Extension::Avx2 => avx2(&job, gradient, input_gradient),
            #[cfg(target_arch = "aarch64")]
            Extension::Neon => layer::<super::vector::Neon>(&job, gradient, input_gradient),
            _ => layer::<Plain>(&job, gradient, input_gradient),
        }
    }
}

/// What a layer works on; the slices' sizes were checked by [`backward`].
pub(super) struct Job<'j> {
    pub weights: &'j Weights,
    pub positions: &'j Positions<'j>,
    map: &'j [f32],
    choices: &'j [u16],
    output_gradient: &'j [f32],
    pub add_terms: AddTerms,
}

impl Job<'_> {
    fn outer_products(&self) -> OuterProducts<'_> {
        let Self { positions, map, choices, output_gradient, .. } = *self;
        OuterProducts { positions, map, choices, output_gradient, outputs: self.weights.outputs() }
    }

    /// Gradient of an output, and where the position it came from begins, given the place of its
    /// pixel's first.
    ///
    /// # Safety
    /// `index` is below the number of outputs of all pixels.
    #[inline(always)]
    pub unsafe fn term<const POOLED: bool>(
        &self,
        index: usize,
        offsets: &[usize],
    ) -> (f32, usize, usize) {
        // SAFETY: `backward` checked that gradients and choices are there for each output of each
        // pixel, and that each choice is one of the window's positions. `offsets` has one entry
        // for each position.
        unsafe {
            let choice = if POOLED { *self.choices.get_unchecked(index) as usize } else { 0 };
            (*self.output_gradient.get_unchecked(index), choice, *offsets.get_unchecked(choice))
        }
    }
}

/// Writes a term at `count` and counts it unless its factor is 0; no branch, because zeros come at
/// random.
///
/// # Safety
/// `count` is below the length of `terms`.
#[inline(always)]
pub(super) unsafe fn push(terms: &mut [Term], count: &mut usize, factor: f32, place: usize) {
    // SAFETY: passed on from the caller.
    unsafe { *terms.get_unchecked_mut(*count) = Term { factor, place: place as u32 } };
    // The bits without the sign: both zeros are 0.
    *count += (factor.to_bits() << 1 != 0) as usize;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512(job: &Job<'_>, gradient: &mut Gradient, input: InputGradient<'_>) {
    // SAFETY: the caller's machine has AVX-512F.
    unsafe { layer::<super::vector::Avx512>(job, gradient, input) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(job: &Job<'_>, gradient: &mut Gradient, input: InputGradient<'_>) {
    // SAFETY: the caller's machine has AVX2 and FMA.
    unsafe { layer::<super::vector::Avx2>(job, gradient, input) }
}

/// The sums' kernel of an instruction set: one function, for its many sizes take much code.
fn add_terms_of(set: InstructionSet) -> AddTerms {
    match set.extension() {
        #[cfg(target_arch = "x86_64")]
        Extension::Avx512 => add_terms_avx512,
        #[cfg(target_arch = "x86_64")]
        Extension::Avx2 => add_terms_avx2,
        #[cfg(target_arch = "aarch64")]
        Extension::Neon => add_terms::<super::vector::Neon>,
        _ => add_terms::<Plain>,
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn add_terms_avx512(to: &mut [f32], runs: Runs, terms: &[Term], source: &[f32]) {
    // SAFETY: passed on from the caller.
    unsafe { add_terms::<super::vector::Avx512>(to, runs, terms, source) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_terms_avx2(to: &mut [f32], runs: Runs, terms: &[Term], source: &[f32]) {
    // SAFETY: passed on from the caller.
    unsafe { add_terms::<super::vector::Avx2>(to, runs, terms, source) }
}

#[inline(always)]
unsafe fn layer<V: Vector>(job: &Job<'_>, gradient: &mut Gradient, input: InputGradient<'_>) {
    // SAFETY: passed on from the caller.
    unsafe {
        if job.positions.window.len() == 1 {
            gradients::<V, false>(job, gradient, input);
        } else {
            gradients::<V, true>(job, gradient, input);
        }
    }
    bias_gradient(job, &mut gradient.bias);
}

#[inline(always)]
unsafe fn gradients<V: Vector, const POOLED: bool>(
    job: &Job<'_>,
    gradient: &mut Gradient,
    input: InputGradient<'_>,
) {
    // SAFETY: passed on from the caller.
    unsafe {
        if job.positions.window == [0] && job.positions.reach.taps() == job.positions.reach.channels
        {
            return products::<V>(job, gradient, input);
        }
        if job.positions.reach.run < LANES {
            job.outer_products().add::<V, POOLED>(gradient);
        } else if !POOLED && job.positions.reach.run.is_multiple_of(LANES) {
            weight_products::<V>(job, gradient);
        } else {
            weight_gradient::<POOLED>(job, gradient);
        }
        if let Some(input) = input {
            map_gradient::<V, POOLED>(job, input);
        }
    }
}

/// Both gradients of a layer whose positions have one tap of all channels.
#[inline(always)]
unsafe fn products<V: Vector>(job: &Job<'_>, gradient: &mut Gradient, input: InputGradient<'_>) {
    let (outputs, run) = (job.weights.outputs(), job.positions.reach.run);
    // SAFETY: passed on from the caller.
    unsafe {
        match run < LANES {
            true => job.outer_products().add::<V, false>(gradient),
            false => weight_products::<V>(job, gradient),
        }
    }
    if let Some(input) = input {
        let weights: Vec<usize> = (0..outputs).map(|output| output * run).collect();
        let (rows, factors, source) =
            (job.positions.pixels, job.output_gradient, &job.weights.rows[..]);
        let (factor_steps, terms) = ([outputs, 1], &weights[..]);
        let product = Product { rows, run, factors, factor_steps, source, terms, is_new: true };
        // SAFETY: the same; `input` is as long as the map, and no pixels share a place, as none of
        // a layer with one tap do.
        unsafe { product.add::<V>(input) };
    }
}

/// The weights' gradient of a layer without pooling: a product for each row of taps.
#[inline(always)]
unsafe fn weight_products<V: Vector>(job: &Job<'_>, gradient: &mut Gradient) {
    let (outputs, reach) = (job.weights.outputs(), job.positions.reach);
    let row_step = gradient.row_step;
    let rows: Vec<usize> = (0..outputs).map(|output| output * row_step).collect();
    for part in parts(job.positions.pixels) {
        let (factors, terms) =
            (&job.output_gradient[part.start * outputs..], &job.positions.pixels[part]);
        for row in 0..reach.rows {
            let product = Product {
                rows: &rows,
                run: reach.run,
                factors,
                factor_steps: [1, outputs],
                source: &job.map[row * reach.row_step..],
                terms,
                is_new: false,
            };
            // SAFETY: `backward` checked that the map holds a position's taps at each place, that
            // there is a row of weights for each output, and a gradient for each output of each
            // pixel.
            unsafe { product.add::<V>(&mut gradient.weights[row * reach.run..]) };
        }
    }
}

/// Bytes of a map that all outputs' sums pass over before the next part is taken: what stays in the
/// nearest cache, beside the sums.
const PART_BYTES: usize = 32 * 1024;

/// Pixel after pixel, in parts whose taps stay in the cache from one output to the next.
#[inline(always)]
unsafe fn weight_gradient<const POOLED: bool>(job: &Job<'_>, gradient: &mut Gradient) {
    let Reach { rows, run, row_step, .. } = job.positions.reach;
    let runs = Runs { rows, run, to_step: run, source_step: row_step };
    let mut terms = vec![Term::default(); job.positions.pixels.len() + 1];
    for part in parts(job.positions.pixels) {
        for (output, row) in gradient.weights.chunks_exact_mut(gradient.row_step).enumerate() {
            // SAFETY: there are as many outputs as rows; `backward` checked that every place plus
            // the reach's span lies in the map.
            unsafe {
                let count = terms_of_output::<POOLED>(job, output, part.clone(), &mut terms);
                (job.add_terms)(row, runs, &terms[..count], job.map);
            }
        }
    }
}

/// The pixels, cut where places lie more than [`PART_BYTES`] after the part's first.
fn parts(pixels: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let first = *pixels.get(start)?;
        let near = |place: &usize| place.saturating_sub(first) * size_of::<f32>() < PART_BYTES;
        let count = pixels[start..].iter().take_while(|place| near(place)).count();
        start += count;
        Some(start - count..start)
    })
}

/// The terms of one output's weight gradient, pixel by pixel, at the place of the chosen position;
/// their number.
///
/// # Safety
/// There are such an output and such pixels, and `terms` has one entry more than those.
#[inline(always)]
unsafe fn terms_of_output<const POOLED: bool>(
    job: &Job<'_>,
    output: usize,
    pixels: Range<usize>,
    terms: &mut [Term],
) -> usize {
    let outputs = job.weights.outputs();
    let mut count = 0;
    for pixel in pixels {
        // SAFETY: the output is one of the pixel's; at most one term was counted for each pixel
        // before.
        unsafe {
            let (factor, _, offset) =
                job.term::<POOLED>(pixel * outputs + output, job.positions.window);
            push(terms, &mut count, factor, job.positions.pixels.get_unchecked(pixel) + offset);
        }
    }
    count
}

#[inline(always)]
fn bias_gradient(job: &Job<'_>, bias: &mut [f32]) {
    if bias.is_empty() {
        return;
    }
    for row in job.output_gradient.chunks_exact(job.weights.outputs()) {
        for (sum, value) in bias.iter_mut().zip(row) {
            *sum += value;
        }
    }
}
