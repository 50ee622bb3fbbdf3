//! Backward: from the gradient of each output to those of the weights, the bias and the map.
//!
//! An output depends on one position only: the one that had the largest sum of its window. Where a ReLU cut the output, or the
//! gradient is 0, nothing is done, so the work is a fraction of the forward pass.
//!
//! ```text
//! for each output o:
//!     terms = (g, place of the chosen position) of each pixel with a gradient g other than 0
//!     weight_gradient[o] += sum over terms of g * taps of map at place
//! for each pixel, for each position of its window:
//!     terms = (g, weights of o) of each output o that chose the position, with a gradient g other than 0
//!     map_gradient at the position += sum over terms of g * weights[o]
//! ```
//!
//! Both sums are the same kernel, [`add_terms`]: up to twelve vectors of taps stay in registers while the terms pass by. Lanes are
//! taps; every element adds its terms in the order of the loop.
#![allow(unsafe_code)]

use super::vector::{LANES, Plain, Vector};
use super::{InstructionSet, Positions, Reach, Weights};

/// Most taps of a position that are gathered before use; see [`gathers`].
const GATHERED_TAPS: usize = 64;

/// Gradient of a layer's parameters.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// `[output][row_step]`: the taps, then zeros up to a multiple of 16.
    pub weights: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
    /// Floats from one output's weights to the next's.
    pub row_step: usize,
}

impl Gradient {
    /// Zero, for a layer of `outputs` outputs and `taps` taps.
    pub fn zero(outputs: usize, taps: usize) -> Self {
        let row_step = taps.next_multiple_of(LANES);
        Self { weights: vec![0.0; outputs * row_step], bias: vec![0.0; outputs], row_step }
    }

    /// Makes it zero again.
    pub fn clear(&mut self) {
        self.weights.fill(0.0);
        self.bias.fill(0.0);
    }
}

/// Gradient of the map, to be added to; `None` where nobody asks for it.
pub type InputGradient<'g> = Option<&'g mut [f32]>;

/// Adds to the gradients of weights, bias and map, given those of the outputs (0 where a ReLU cut them).
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
        assert!(choices.iter().all(|choice| (*choice as usize) < positions.window.len()));
    }
    let sources = map
        .len()
        .max(weights.rows.len())
        .max(positions.pixels.len() * positions.window.len() * GATHERED_TAPS);
    assert!(u32::try_from(sources).is_ok(), "places are stored in 32 bits");
    assert_eq!(gradient.weights.len(), outputs * gradient.row_step);
    assert!(gradient.row_step >= positions.reach.taps().next_multiple_of(LANES));
    let job = Job { weights, positions, map, choices, output_gradient };
    // SAFETY: `InstructionSet::detect` and `available` name a set only where the machine has it.
    unsafe {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => avx512(&job, gradient, input_gradient),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => avx2(&job, gradient, input_gradient),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => layer::<super::vector::Neon>(&job, gradient, input_gradient),
            _ => layer::<Plain>(&job, gradient, input_gradient),
        }
    }
}

/// What a layer works on; the slices' sizes were checked by [`backward`].
struct Job<'j> {
    weights: &'j Weights,
    positions: &'j Positions<'j>,
    map: &'j [f32],
    choices: &'j [u16],
    output_gradient: &'j [f32],
}

impl Job<'_> {
    /// Gradient of an output, and where the position it came from begins, given the place of its pixel's first.
    ///
    /// # Safety
    /// `index` is below the number of outputs of all pixels.
    #[inline(always)]
    unsafe fn term<const POOLED: bool>(&self, index: usize, offsets: &[usize]) -> (f32, usize, usize) {
        // SAFETY: `backward` checked that gradients and choices are there for each output of each pixel, and that each choice is
        // one of the window's positions, of which `offsets` has one entry each.
        unsafe {
            let choice = if POOLED { *self.choices.get_unchecked(index) as usize } else { 0 };
            (*self.output_gradient.get_unchecked(index), choice, *offsets.get_unchecked(choice))
        }
    }
}

/// One term of a sum: a factor, and where the run of floats that it scales begins.
#[derive(Clone, Copy, Default)]
struct Term {
    factor: f32,
    place: u32,
}

/// Writes a term at `count` and counts it unless its factor is 0; no branch, because zeros come at random.
///
/// # Safety
/// `count` is below the length of `terms`.
#[inline(always)]
unsafe fn push(terms: &mut [Term], count: &mut usize, factor: f32, place: usize) {
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
        if gathers(job.positions.reach) {
            gathered_weight_gradient::<V, POOLED>(job, gradient);
        } else {
            weight_gradient::<V, POOLED>(job, gradient);
        }
        if let Some(input) = input {
            map_gradient::<V, POOLED>(job, input);
        }
    }
}

/// Whether runs are too short for vectors and the taps few enough to be gathered into one run first: a convolution
/// over an image of one channel, say.
const fn gathers(reach: Reach) -> bool {
    reach.run < LANES && reach.rows > 1 && reach.taps() <= GATHERED_TAPS
}

#[inline(always)]
unsafe fn weight_gradient<V: Vector, const POOLED: bool>(job: &Job<'_>, gradient: &mut Gradient) {
    let (reach, pixels) = (job.positions.reach, job.positions.pixels);
    let mut terms = vec![Term::default(); pixels.len() + 1];
    for (output, row) in gradient.weights.chunks_exact_mut(gradient.row_step).enumerate() {
        // SAFETY: there are as many outputs as rows; `backward` checked that every place plus the reach's span lies in the map.
        unsafe {
            let count =
                terms_of_output::<POOLED>(job, output, &mut terms, job.positions.window, |p| pixels[p]);
            for (run, part) in row.chunks_exact_mut(reach.run).take(reach.rows).enumerate() {
                add_terms::<V>(part, &terms[..count], job.map, run * reach.row_step);
            }
        }
    }
}

/// As [`weight_gradient`], with each position's taps copied into one run first, filled up with zeros to whole vectors, and
/// [`TOGETHER`] outputs at a time.
#[inline(always)]
unsafe fn gathered_weight_gradient<V: Vector, const POOLED: bool>(job: &Job<'_>, gradient: &mut Gradient) {
    let padded = job.positions.reach.taps().next_multiple_of(LANES);
    let (window, pixels) = (job.positions.window.len(), job.positions.pixels.len());
    let patches = gathered(job, padded);
    let offsets: Vec<usize> = (0..window).map(|choice| choice * padded).collect();
    let mut terms: [Vec<Term>; TOGETHER] = core::array::from_fn(|_| vec![Term::default(); pixels + 1]);
    let mut counts = [0; TOGETHER];
    for (block, rows) in gradient.weights.chunks_mut(TOGETHER * gradient.row_step).enumerate() {
        let outputs = rows.len() / gradient.row_step;
        for (index, (terms, count)) in terms.iter_mut().zip(&mut counts).enumerate().take(outputs) {
            let place = |pixel| pixel * window * padded;
            // SAFETY: the row of the gradient shows that there is such an output.
            *count =
                unsafe { terms_of_output::<POOLED>(job, block * TOGETHER + index, terms, &offsets, place) };
        }
        let lists: [&[Term]; TOGETHER] = core::array::from_fn(|index| &terms[index][..counts[index]]);
        // SAFETY: there is a patch of `padded` floats for each pixel and each position of its window.
        unsafe { add_lists::<V>(rows, gradient.row_step, padded, &lists[..outputs], &patches) };
    }
}

/// Outputs whose short sums are computed at once, to hide the latency of the multiply-add.
const TOGETHER: usize = 4;

/// Adds a list of terms to the first `len` floats of each row, a whole number of vectors.
#[inline(always)]
unsafe fn add_lists<V: Vector>(
    rows: &mut [f32],
    row_step: usize,
    len: usize,
    lists: &[&[Term]],
    source: &[f32],
) {
    let mut common = 0;
    if let [one, two, three, four] = lists {
        common = one.len().min(two.len()).min(three.len()).min(four.len());
        for at in (0..len).step_by(LANES) {
            // SAFETY: each row has `row_step`, so at least `len` floats; the caller answers for places and `len`.
            unsafe {
                let row = |index: usize| rows.as_ptr().add(index * row_step + at);
                let mut sums: [V; TOGETHER] = core::array::from_fn(|index| V::load(row(index)));
                for term in 0..common {
                    for (sum, list) in sums.iter_mut().zip(lists) {
                        let Term { factor, place } = *list.get_unchecked(term);
                        let from = source.as_ptr().add(place as usize + at);
                        *sum = V::splat(factor).mul_add(V::load(from), *sum);
                    }
                }
                for (index, sum) in sums.into_iter().enumerate() {
                    sum.store(rows.as_mut_ptr().add(index * row_step + at));
                }
            }
        }
    }
    for (row, list) in rows.chunks_exact_mut(row_step).zip(lists) {
        // SAFETY: passed on from the caller.
        unsafe { add_terms::<V>(&mut row[..len], &list[common..], source, 0) };
    }
}

/// The taps of all positions: `[pixel][position of the window][tap, filled up to padded]`.
fn gathered(job: &Job<'_>, padded: usize) -> Vec<f32> {
    let (reach, window) = (job.positions.reach, job.positions.window);
    let mut patches = vec![0.0; job.positions.pixels.len() * window.len() * padded];
    let mut rest = patches.chunks_exact_mut(padded);
    for base in job.positions.pixels {
        for (offset, patch) in window.iter().zip(&mut rest) {
            for (run, part) in patch.chunks_exact_mut(reach.run).take(reach.rows).enumerate() {
                part.copy_from_slice(&job.map[base + offset + run * reach.row_step..][..reach.run]);
            }
        }
    }
    patches
}

/// The terms of one output's weight gradient, pixel by pixel, at the pixel's place plus the chosen position's offset; their number.
///
/// # Safety
/// There is such an output, `offsets` has an entry for each position of the window, and `terms` one more than there are pixels.
#[inline(always)]
unsafe fn terms_of_output<const POOLED: bool>(
    job: &Job<'_>,
    output: usize,
    terms: &mut [Term],
    offsets: &[usize],
    place: impl Fn(usize) -> usize,
) -> usize {
    let outputs = job.weights.outputs();
    let mut count = 0;
    for pixel in 0..job.positions.pixels.len() {
        // SAFETY: the output is one of the pixel's; at most one term was counted for each pixel before.
        unsafe {
            let (factor, _, offset) = job.term::<POOLED>(pixel * outputs + output, offsets);
            push(terms, &mut count, factor, place(pixel) + offset);
        }
    }
    count
}

#[inline(always)]
unsafe fn map_gradient<V: Vector, const POOLED: bool>(job: &Job<'_>, input: &mut [f32]) {
    let (reach, outputs, window) = (job.positions.reach, job.weights.outputs(), job.positions.window);
    let list = outputs + 1;
    let starts: Vec<usize> = (0..window.len()).map(|choice| choice * list).collect();
    let mut terms = vec![Term::default(); window.len() * list];
    let mut counts = vec![0; window.len()];
    for (pixel, base) in job.positions.pixels.iter().enumerate() {
        counts.fill(0);
        for output in 0..outputs {
            // SAFETY: the output is one of the pixel's; its choice has a list with a place for each output and one more.
            unsafe {
                let (factor, choice, start) = job.term::<POOLED>(pixel * outputs + output, &starts);
                let terms = terms.get_unchecked_mut(start..start + list);
                push(terms, counts.get_unchecked_mut(choice), factor, output * reach.taps());
            }
        }
        let lists = terms.chunks_exact(list).zip(&counts);
        for (offset, (terms, count)) in window.iter().zip(lists) {
            for run in 0..reach.rows {
                let to = &mut input[base + offset + run * reach.row_step..][..reach.run];
                // SAFETY: each place is the start of a row of `taps` weights, and `run` is within the row.
                unsafe { add_terms::<V>(to, &terms[..*count], &job.weights.rows, run * reach.run) };
            }
        }
    }
}

#[inline(always)]
fn bias_gradient(job: &Job<'_>, bias: &mut [f32]) {
    for row in job.output_gradient.chunks_exact(job.weights.outputs()) {
        for (sum, value) in bias.iter_mut().zip(row) {
            *sum += value;
        }
    }
}

/// `to[i] += sum over terms of factor * source[place + offset + i]`, each element's terms in order.
///
/// # Safety
/// The machine has the instruction set of `V`; `place + offset + to.len()` is within `source` for every term.
#[inline(always)]
unsafe fn add_terms<V: Vector>(to: &mut [f32], terms: &[Term], source: &[f32], offset: usize) {
    let mut at = 0;
    // SAFETY: passed on from the caller; `at` plus the vectors' floats stays within `to`.
    unsafe {
        while V::MANY && to.len() - at >= 12 * LANES {
            add_to_vectors::<V, 12>(&mut to[at..], terms, source, offset + at);
            at += 12 * LANES;
        }
        while to.len() - at >= 6 * LANES {
            add_to_vectors::<V, 6>(&mut to[at..], terms, source, offset + at);
            at += 6 * LANES;
        }
        if to.len() - at >= 4 * LANES {
            add_to_vectors::<V, 4>(&mut to[at..], terms, source, offset + at);
            at += 4 * LANES;
        }
        if to.len() - at >= 2 * LANES {
            add_to_vectors::<V, 2>(&mut to[at..], terms, source, offset + at);
            at += 2 * LANES;
        }
        if to.len() - at >= LANES {
            add_to_vectors::<V, 1>(&mut to[at..], terms, source, offset + at);
            at += LANES;
        }
    }
    for (index, sum) in to[at..].iter_mut().enumerate() {
        for term in terms {
            *sum = V::mul_add_one(term.factor, source[term.place as usize + offset + at + index], *sum);
        }
    }
}

/// The micro-kernel: the first `VECTORS` vectors of `to`, kept in registers over all terms.
#[inline(always)]
unsafe fn add_to_vectors<V: Vector, const VECTORS: usize>(
    to: &mut [f32],
    terms: &[Term],
    source: &[f32],
    offset: usize,
) {
    debug_assert!(to.len() >= VECTORS * LANES);
    // SAFETY: `add_terms` gives a `to` of at least `VECTORS` vectors; its contract covers `source`.
    unsafe {
        let mut sums: [V; VECTORS] = core::array::from_fn(|index| V::load(to.as_ptr().add(index * LANES)));
        for term in terms {
            let factor = V::splat(term.factor);
            let from = source.as_ptr().add(term.place as usize + offset);
            for (index, sum) in sums.iter_mut().enumerate() {
                *sum = factor.mul_add(V::load(from.add(index * LANES)), *sum);
            }
        }
        for (index, sum) in sums.into_iter().enumerate() {
            sum.store(to.as_mut_ptr().add(index * LANES));
        }
    }
}
