//! Forward: sums of weights and taps, the largest of a pooling window, bias, ReLU.
//!
//! ```text
//! for each block of 16 outputs (32 with AVX-512):
//!     for each output pixel (two with AVX-512):
//!         for each four positions of the window (or four pixels without pooling):
//!             sums[4][block] = sum over taps of splat(map[position + tap]) * weights[block][tap]
//!         output = relu(bias + largest sum of the window); choice = which position had it
//! ```
//!
//! All positions share each load of weights; with two blocks and two pixels, sixteen sums are under
//! way at a time, twice as many as hide the latency of the multiply-add. A block alone has twelve,
//! of three pixels: the places of more would not stay in registers. A sum adds its taps in
//! their order on every instruction set.
#![allow(unsafe_code)]

use super::vector::{LANES, Plain, Vector};
use super::{Extension, InstructionSet, Positions, Weights};

/// Most positions of a window: their numbers fit the choices. Windows of 255x255, the most that a
/// layer can have, are fewer.
pub const WINDOW_MAX: usize = 1 << 16;

/// Positions whose sums are computed together.
const GROUP: usize = 4;

/// Computes `output[pixel][output]` from `map`; with pooling also `choices[pixel][output]`, the
/// number of the window's position that had the largest sum (the first of equal ones).
///
/// # Panics
/// When a slice does not have the size that the positions ask for.
pub fn forward(
    set: InstructionSet,
    weights: &Weights,
    positions: &Positions<'_>,
    map: &[f32],
    output: &mut [f32],
    choices: &mut [u16],
) {
    assert!(positions.reached() <= map.len(), "a position lies outside of the map");
    assert_eq!(positions.reach.taps(), weights.taps);
    assert_eq!(output.len(), positions.pixels.len() * weights.outputs());
    assert!(positions.window.len() == 1 || choices.len() == output.len());
    assert!(positions.window.len() <= WINDOW_MAX, "choices are stored in sixteen bits");
    let job = Job { weights, positions, map };
    // SAFETY: an `InstructionSet` is there only where the machine has it.
    unsafe {
        match set.extension() {
            #[cfg(target_arch = "x86_64")]
            Extension::Avx512 => avx512(&job, output, choices),
            #[cfg(target_arch = "x86_64")]
            Extension::Avx2 => avx2(&job, output, choices),
            #[cfg(target_arch = "aarch64")]
            Extension::Neon => layer::<super::vector::Neon, 1, 1, 1>(&job, output, choices),
            _ => layer::<Plain, 1, 1, 1>(&job, output, choices),
        }
    }
}

/// What a layer works on; the slices' sizes were checked by [`forward`].
struct Job<'j> {
    weights: &'j Weights,
    positions: &'j Positions<'j>,
    map: &'j [f32],
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512(job: &Job<'_>, output: &mut [f32], choices: &mut [u16]) {
    // SAFETY: the caller's machine has AVX-512F.
    unsafe { layer::<super::vector::Avx512, 2, 2, 3>(job, output, choices) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(job: &Job<'_>, output: &mut [f32], choices: &mut [u16]) {
    // SAFETY: the caller's machine has AVX2 and FMA.
    unsafe { layer::<super::vector::Avx2, 1, 1, 1>(job, output, choices) }
}

/// All pixels, `PIXELS` at a time, in steps of `BLOCKS` blocks of outputs; then the blocks that
/// remain, `ALONE` pixels at a time.
#[inline(always)]
unsafe fn layer<V: Vector, const BLOCKS: usize, const PIXELS: usize, const ALONE: usize>(
    job: &Job<'_>,
    output: &mut [f32],
    choices: &mut [u16],
) {
    let blocks = job.weights.outputs().div_ceil(LANES);
    let whole = blocks / BLOCKS * BLOCKS;
    // SAFETY: passed on from the caller.
    unsafe {
        for block in (0..whole).step_by(BLOCKS) {
            pixels::<V, BLOCKS, PIXELS>(job, block, output, choices);
        }
        for block in whole..blocks {
            pixels::<V, 1, ALONE>(job, block, output, choices);
        }
    }
}

/// All pixels of `BLOCKS` blocks, `PIXELS` at a time, or without pooling [`GROUP`] times as many.
#[inline(always)]
unsafe fn pixels<V: Vector, const BLOCKS: usize, const PIXELS: usize>(
    job: &Job<'_>,
    block: usize,
    output: &mut [f32],
    choices: &mut [u16],
) {
    let outputs = job.weights.outputs();
    let (pixels, window) = (job.positions.pixels, job.positions.window);
    let mut at = 0;
    // SAFETY: passed on from the caller.
    unsafe {
        while at < pixels.len() {
            let output = &mut output[at * outputs..];
            if window.len() == 1 {
                let pixels = &pixels[at..pixels.len().min(at + PIXELS * GROUP)];
                without_pooling::<V, BLOCKS, PIXELS>(job, block, pixels, output);
                at += pixels.len();
                continue;
            }
            let choices = &mut choices[at * outputs..];
            if let Some(pixels) = pixels[at..].first_chunk::<PIXELS>() {
                with_pooling::<V, BLOCKS, PIXELS>(job, block, *pixels, output, choices);
                at += PIXELS;
            } else {
                with_pooling::<V, BLOCKS, 1>(job, block, [pixels[at]], output, choices);
                at += 1;
            }
        }
    }
}

/// Up to `PIXELS` times [`GROUP`] pixels.
#[inline(always)]
unsafe fn without_pooling<V: Vector, const BLOCKS: usize, const PIXELS: usize>(
    job: &Job<'_>,
    block: usize,
    pixels: &[usize],
    output: &mut [f32],
) {
    let mut rows = output.chunks_exact_mut(job.weights.outputs()).take(pixels.len());
    let mut places = [[0; GROUP]; PIXELS];
    for (index, place) in places.as_flattened_mut().iter_mut().enumerate() {
        *place = pixels[index.min(pixels.len() - 1)];
    }
    // SAFETY: passed on from the caller.
    unsafe {
        for sums in tile::<V, BLOCKS, PIXELS>(job, block, places).as_flattened() {
            // What repeats the last pixel has no row.
            let Some(row) = rows.next() else { break };
            finish(job, block, sums, row);
        }
    }
}

/// The numbers of the window's positions are chosen among as the bits of floats.
#[inline(always)]
unsafe fn with_pooling<V: Vector, const BLOCKS: usize, const PIXELS: usize>(
    job: &Job<'_>,
    block: usize,
    pixels: [usize; PIXELS],
    output: &mut [f32],
    choices: &mut [u16],
) {
    let outputs = job.weights.outputs();
    // SAFETY: passed on from the caller.
    unsafe {
        let mut largest = [[V::splat(f32::NEG_INFINITY); BLOCKS]; PIXELS];
        let mut choice = [[V::zero(); BLOCKS]; PIXELS];
        for (first, window) in (0..).step_by(GROUP).zip(job.positions.window.chunks(GROUP)) {
            let mut places = [[0; GROUP]; PIXELS];
            for (places, pixel) in places.iter_mut().zip(pixels) {
                for (index, place) in places.iter_mut().enumerate() {
                    *place = pixel + window[index.min(window.len() - 1)];
                }
            }
            let sums = tile::<V, BLOCKS, PIXELS>(job, block, places);
            for (sums, (largest, choice)) in sums.iter().zip(largest.iter_mut().zip(&mut choice)) {
                // What repeats the window's last position is not larger than it.
                for (index, sums) in sums.iter().enumerate() {
                    keep_larger(sums, first + index as u32, largest, choice);
                }
            }
        }
        let rows = output.chunks_exact_mut(outputs).zip(choices.chunks_exact_mut(outputs));
        for ((row, choice_row), (largest, choice)) in rows.zip(largest.iter().zip(&choice)) {
            finish(job, block, largest, row);
            store_choices(choice, &mut choice_row[block * LANES..]);
        }
    }
}

/// The micro-kernel: [`GROUP`] positions of each of `PIXELS` pixels by `BLOCKS` blocks of outputs.
#[inline(always)]
unsafe fn tile<V: Vector, const BLOCKS: usize, const PIXELS: usize>(
    job: &Job<'_>,
    block: usize,
    places: [[usize; GROUP]; PIXELS],
) -> [[[V; BLOCKS]; GROUP]; PIXELS] {
    let reach = job.positions.reach;
    let block_step = job.weights.taps * LANES;
    // SAFETY: `forward` checked that every place plus the reach's span lies in the map; `packed`
    // holds `taps` vectors for each block below `outputs / 16` rounded up, and the caller's blocks
    // are below that.
    unsafe {
        let mut sums = [[[V::zero(); BLOCKS]; GROUP]; PIXELS];
        let mut weights = job.weights.packed.as_ptr().add(block * block_step);
        for row in 0..reach.rows {
            let map = job.map.as_ptr().add(row * reach.row_step);
            for tap in 0..reach.run {
                let vectors: [V; BLOCKS] =
                    core::array::from_fn(|index| V::load(weights.add(index * block_step)));
                // Nested loops: sums that are reached through a slice would not stay in registers.
                for (sums, places) in sums.iter_mut().zip(places) {
                    for (sums, place) in sums.iter_mut().zip(places) {
                        let value = V::splat(*map.add(place + tap));
                        for (sum, vector) in sums.iter_mut().zip(vectors) {
                            *sum = value.mul_add(vector, *sum);
                        }
                    }
                }
                weights = weights.add(LANES);
            }
        }
        sums
    }
}

#[inline(always)]
unsafe fn keep_larger<V: Vector, const BLOCKS: usize>(
    sums: &[V; BLOCKS],
    number: u32,
    largest: &mut [V; BLOCKS],
    choice: &mut [V; BLOCKS],
) {
    for ((sum, largest), choice) in sums.iter().zip(largest).zip(choice) {
        // SAFETY: passed on from the caller.
        unsafe {
            *choice = sum.where_above(*largest, V::splat(f32::from_bits(number)), *choice);
            *largest = sum.where_above(*largest, *sum, *largest);
        }
    }
}

/// Bias and ReLU; `row` holds all outputs of the pixel.
#[inline(always)]
unsafe fn finish<V: Vector, const BLOCKS: usize>(
    job: &Job<'_>,
    block: usize,
    sums: &[V; BLOCKS],
    row: &mut [f32],
) {
    let first = block * LANES;
    let parts =
        row[first..].chunks_mut(LANES).zip(job.weights.packed_bias[first..].chunks_exact(LANES));
    for (sum, (out, bias)) in sums.iter().zip(parts) {
        // SAFETY: the caller's machine has the instruction set; the chunks of the bias have the
        // floats of a vector, and so has `out` where it is written to directly.
        unsafe {
            // A product by 1 is exact, so this is a sum with one rounding.
            let value = sum.mul_add(V::splat(1.0), V::load(bias.as_ptr()));
            let cut = V::zero().where_above(value, V::zero(), value);
            let value = if job.positions.relu { cut } else { value };
            if out.len() == LANES {
                value.store(out.as_mut_ptr());
            } else {
                let mut values = [0.0; LANES];
                value.store(values.as_mut_ptr());
                out.copy_from_slice(&values[..out.len()]);
            }
        }
    }
}

/// Writes the choices of as many outputs as `to` has.
#[inline(always)]
unsafe fn store_choices<V: Vector>(choices: &[V], to: &mut [u16]) {
    for (choices, to) in choices.iter().zip(to.chunks_mut(LANES)) {
        // SAFETY: the caller's machine has the instruction set; both buffers have the choices of a
        // vector where they are written to, and a window has at most 2^16 positions.
        unsafe {
            if to.len() == LANES {
                choices.store_choices(to.as_mut_ptr());
            } else {
                let mut all = [0; LANES];
                choices.store_choices(all.as_mut_ptr());
                to.copy_from_slice(&all[..to.len()]);
            }
        }
    }
}
