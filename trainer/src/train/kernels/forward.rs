//! Forward: sums of weights and taps, the largest of a pooling window, bias, ReLU.
//!
//! ```text
//! for each output pixel:
//!     for each block of 16 outputs (32 with AVX-512):
//!         for each four positions of the window (or four pixels without pooling):
//!             sums[4][block] = sum over taps of splat(map[position + tap]) * weights[block][tap]
//!         output = relu(bias + largest sum of the window); choice = which position had it
//! ```
//!
//! Four positions share each load of weights; with two blocks, eight sums are under way at a time, which hides the latency of
//! the multiply-add. A sum adds its taps in their order on every instruction set.
#![allow(unsafe_code)]

use super::vector::{LANES, Plain, Vector};
use super::{InstructionSet, Positions, Weights};

/// Positions whose sums are computed together.
const GROUP: usize = 4;

/// Computes `output[pixel][output]` from `map`; with pooling also `choices[pixel][output]`, the number of the window's
/// position that had the largest sum (the first of equal ones).
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
    let job = Job { weights, positions, map };
    // SAFETY: `InstructionSet::detect` and `available` name a set only where the machine has it.
    unsafe {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => avx512(&job, output, choices),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => avx2(&job, output, choices),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => layer::<super::vector::Neon, 1>(&job, output, choices),
            _ => layer::<Plain, 1>(&job, output, choices),
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
    unsafe { layer::<super::vector::Avx512, 2>(job, output, choices) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(job: &Job<'_>, output: &mut [f32], choices: &mut [u16]) {
    // SAFETY: the caller's machine has AVX2 and FMA.
    unsafe { layer::<super::vector::Avx2, 1>(job, output, choices) }
}

/// All pixels, in steps of `BLOCKS` blocks of outputs and then the blocks that remain.
#[inline(always)]
unsafe fn layer<V: Vector, const BLOCKS: usize>(job: &Job<'_>, output: &mut [f32], choices: &mut [u16]) {
    let blocks = job.weights.outputs().div_ceil(LANES);
    let whole = blocks / BLOCKS * BLOCKS;
    // SAFETY: passed on from the caller.
    unsafe {
        for block in (0..whole).step_by(BLOCKS) {
            pixels::<V, BLOCKS>(job, block, output, choices);
        }
        for block in whole..blocks {
            pixels::<V, 1>(job, block, output, choices);
        }
    }
}

#[inline(always)]
unsafe fn pixels<V: Vector, const BLOCKS: usize>(
    job: &Job<'_>,
    block: usize,
    output: &mut [f32],
    choices: &mut [u16],
) {
    // SAFETY: passed on from the caller.
    unsafe {
        if job.positions.window.len() == 1 {
            pixels_without_pooling::<V, BLOCKS>(job, block, output);
        } else {
            pixels_with_pooling::<V, BLOCKS>(job, block, output, choices);
        }
    }
}

#[inline(always)]
unsafe fn pixels_without_pooling<V: Vector, const BLOCKS: usize>(
    job: &Job<'_>,
    block: usize,
    output: &mut [f32],
) {
    let outputs = job.weights.outputs();
    let rows = output.chunks_mut(GROUP * outputs);
    for (pixels, rows) in job.positions.pixels.chunks(GROUP).zip(rows) {
        // SAFETY: passed on from the caller.
        unsafe {
            let sums = group::<V, BLOCKS>(job, block, 0, pixels);
            for (sums, row) in sums.iter().zip(rows.chunks_exact_mut(outputs)) {
                finish(job, block, sums, row);
            }
        }
    }
}

/// The numbers of the window's positions are chosen among as the bits of floats.
#[inline(always)]
unsafe fn pixels_with_pooling<V: Vector, const BLOCKS: usize>(
    job: &Job<'_>,
    block: usize,
    output: &mut [f32],
    choices: &mut [u16],
) {
    let outputs = job.weights.outputs();
    let rows = output.chunks_exact_mut(outputs).zip(choices.chunks_exact_mut(outputs));
    for (pixel, (row, choice_row)) in job.positions.pixels.iter().zip(rows) {
        // SAFETY: passed on from the caller.
        unsafe {
            let mut largest = [V::splat(f32::NEG_INFINITY); BLOCKS];
            let mut choice = [V::zero(); BLOCKS];
            for (first, window) in (0..).step_by(GROUP).zip(job.positions.window.chunks(GROUP)) {
                let sums = group::<V, BLOCKS>(job, block, *pixel, window);
                for (index, sums) in sums.iter().enumerate().take(window.len()) {
                    keep_larger(sums, first + index as u32, &mut largest, &mut choice);
                }
            }
            finish(job, block, &largest, row);
            store_choices(&choice, &mut choice_row[block * LANES..]);
        }
    }
}

/// Sums of up to four positions `base + offsets[i]`; missing ones repeat the last.
#[inline(always)]
unsafe fn group<V: Vector, const BLOCKS: usize>(
    job: &Job<'_>,
    block: usize,
    base: usize,
    offsets: &[usize],
) -> [[V; BLOCKS]; GROUP] {
    let places = core::array::from_fn(|index| base + offsets[index.min(offsets.len() - 1)]);
    // SAFETY: passed on from the caller.
    unsafe { tile::<V, BLOCKS>(job, block, places) }
}

/// The micro-kernel: `GROUP` positions by `BLOCKS` blocks of outputs.
#[inline(always)]
unsafe fn tile<V: Vector, const BLOCKS: usize>(
    job: &Job<'_>,
    block: usize,
    places: [usize; GROUP],
) -> [[V; BLOCKS]; GROUP] {
    let reach = job.positions.reach;
    let block_step = job.weights.taps * LANES;
    // SAFETY: `forward` checked that every place plus the reach's span lies in the map; `packed` holds `taps` vectors
    // for each block below `outputs / 16` rounded up, and the caller's blocks are below that.
    unsafe {
        let mut sums = [[V::zero(); BLOCKS]; GROUP];
        let mut weights = job.weights.packed.as_ptr().add(block * block_step);
        for row in 0..reach.rows {
            let taps = places.map(|place| job.map.as_ptr().add(place + row * reach.row_step));
            for tap in 0..reach.run {
                let vectors: [V; BLOCKS] =
                    core::array::from_fn(|index| V::load(weights.add(index * block_step)));
                for (sums, taps) in sums.iter_mut().zip(taps) {
                    let value = V::splat(*taps.add(tap));
                    for (sum, vector) in sums.iter_mut().zip(vectors) {
                        *sum = value.mul_add(vector, *sum);
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
    let parts = row[first..].chunks_mut(LANES).zip(job.weights.bias[first..].chunks(LANES));
    for (sum, (out, bias)) in sums.iter().zip(parts) {
        let mut values = [0.0; LANES];
        values[..bias.len()].copy_from_slice(bias);
        // SAFETY: the caller's machine has the instruction set, and `values` has the floats of a vector.
        unsafe {
            // A product by 1 is exact, so this is a sum with one rounding.
            let value = sum.mul_add(V::splat(1.0), V::load(values.as_ptr()));
            let cut = V::zero().where_above(value, V::zero(), value);
            let value = if job.positions.relu { cut } else { value };
            value.store(values.as_mut_ptr());
        }
        out.copy_from_slice(&values[..out.len()]);
    }
}

/// Writes the choices of as many outputs as `to` has.
#[inline(always)]
unsafe fn store_choices<V: Vector>(choices: &[V], to: &mut [u16]) {
    for (choices, to) in choices.iter().zip(to.chunks_mut(LANES)) {
        let mut bits = [0.0f32; LANES];
        // SAFETY: the caller's machine has the instruction set, and `bits` has the floats of a vector.
        unsafe { choices.store(bits.as_mut_ptr()) };
        to.iter_mut().zip(bits).for_each(|(to, bits)| *to = bits.to_bits() as u16);
    }
}
