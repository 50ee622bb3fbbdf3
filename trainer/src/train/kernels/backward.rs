//! Backward: from the gradient of each output to those of the weights, the bias and the map.
//!
//! An output depends on one position only: the one that had the largest sum of its window. Where a ReLU cut the output, or the
//! gradient is 0, nothing is done, so the work is a fraction of the forward pass.
//!
//! ```text
//! for each output o:
//!     for each pixel with a gradient g = output_gradient[pixel][o] other than 0:
//!         position = the one that was chosen
//!         weight_gradient[o]      += g * taps of map at position
//!         map_gradient at position += g * weights[o]
//! ```
//!
//! Both lines are `a += g * b` over runs of taps; lanes are taps. Every element adds its terms in the order of the loop.
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
    assert!(positions.window.len() == 1 || choices.len() == output_gradient.len());
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
    /// Number of the window's position that an output came from.
    #[inline(always)]
    fn choice(&self, index: usize) -> usize {
        if self.positions.window.len() == 1 { 0 } else { self.choices[index] as usize }
    }

    /// Place in the map of the position that an output came from.
    #[inline(always)]
    fn place(&self, pixel: usize, index: usize) -> usize {
        self.positions.pixels[pixel] + self.positions.window[self.choice(index)]
    }
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
        if gathers(job.positions.reach) {
            gathered_weight_gradient::<V>(job, gradient);
        } else {
            weight_gradient::<V>(job, gradient);
        }
        if let Some(input) = input {
            map_gradient::<V>(job, input);
        }
    }
    bias_gradient(job, &mut gradient.bias);
}

/// Whether runs are too short for vectors and the taps few enough to be gathered into one run first: a convolution
/// over an image of one channel, say.
const fn gathers(reach: Reach) -> bool {
    reach.run < LANES && reach.rows > 1 && reach.taps() <= GATHERED_TAPS
}

#[inline(always)]
unsafe fn weight_gradient<V: Vector>(job: &Job<'_>, gradient: &mut Gradient) {
    let (reach, outputs) = (job.positions.reach, job.weights.outputs());
    for (output, row) in gradient.weights.chunks_exact_mut(gradient.row_step).enumerate() {
        for pixel in 0..job.positions.pixels.len() {
            let index = pixel * outputs + output;
            let factor = job.output_gradient[index];
            if factor == 0.0 {
                continue;
            }
            let place = job.place(pixel, index);
            for (run, part) in row.chunks_exact_mut(reach.run).take(reach.rows).enumerate() {
                let from = &job.map[place + run * reach.row_step..][..reach.run];
                // SAFETY: passed on from the caller.
                unsafe { add_scaled::<V>(part, factor, from) };
            }
        }
    }
}

/// As [`weight_gradient`], with each position's taps copied into one run, filled up with zeros to whole vectors.
#[inline(always)]
unsafe fn gathered_weight_gradient<V: Vector>(job: &Job<'_>, gradient: &mut Gradient) {
    let (reach, outputs) = (job.positions.reach, job.weights.outputs());
    let padded = reach.taps().next_multiple_of(LANES);
    let mut patches = vec![0.0; job.positions.window.len() * padded];
    for (pixel, base) in job.positions.pixels.iter().enumerate() {
        for (patch, offset) in patches.chunks_exact_mut(padded).zip(job.positions.window) {
            for (run, part) in patch.chunks_exact_mut(reach.run).take(reach.rows).enumerate() {
                part.copy_from_slice(&job.map[base + offset + run * reach.row_step..][..reach.run]);
            }
        }
        for (output, row) in gradient.weights.chunks_exact_mut(gradient.row_step).enumerate() {
            let index = pixel * outputs + output;
            let factor = job.output_gradient[index];
            if factor != 0.0 {
                let patch = &patches[job.choice(index) * padded..][..padded];
                // SAFETY: passed on from the caller.
                unsafe { add_scaled::<V>(&mut row[..padded], factor, patch) };
            }
        }
    }
}

#[inline(always)]
unsafe fn map_gradient<V: Vector>(job: &Job<'_>, input: &mut [f32]) {
    let (reach, outputs) = (job.positions.reach, job.weights.outputs());
    for pixel in 0..job.positions.pixels.len() {
        for (output, row) in job.weights.rows.chunks_exact(reach.taps()).enumerate() {
            let index = pixel * outputs + output;
            let factor = job.output_gradient[index];
            if factor == 0.0 {
                continue;
            }
            let place = job.place(pixel, index);
            for (run, part) in row.chunks_exact(reach.run).enumerate() {
                let to = &mut input[place + run * reach.row_step..][..reach.run];
                // SAFETY: passed on from the caller.
                unsafe { add_scaled::<V>(to, factor, part) };
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

/// `to += factor * from`, element by element.
#[inline(always)]
unsafe fn add_scaled<V: Vector>(to: &mut [f32], factor: f32, from: &[f32]) {
    let whole = to.len().min(from.len()) / LANES * LANES;
    // SAFETY: the caller's machine has the instruction set, and `whole` is within both slices.
    unsafe {
        let scale = V::splat(factor);
        for at in (0..whole).step_by(LANES) {
            let place = to.as_mut_ptr().add(at);
            scale.mul_add(V::load(from.as_ptr().add(at)), V::load(place)).store(place);
        }
    }
    for (to, from) in to[whole..].iter_mut().zip(&from[whole..]) {
        *to = V::mul_add_one(factor, *from, *to);
    }
}
