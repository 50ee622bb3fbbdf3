//! With two roundings, and one multiplier and shift for all units.
//!
//! ```text
//! for each block of four units:
//!     sums = inputs . weights
//!     outputs = requantise(bias + sum)
//! ```
//!
//! Units that make no whole block are computed with others whose bias is 0. The loops are for
//! multipliers of 2^30 or more and shifts of 2 to 23 bits to the right: others go to the portable
//! loop.

#[cfg(kindling_backend = "armv7m")]
use super::kindling_dense_paired_per_tensor;
#[cfg(kindling_dsp)]
use super::kindling_dense_wide_per_tensor;
#[cfg(not(kindling_backend = "armv6m"))]
use super::{Blocks, PerTensorBlocks, kindling_dense_per_tensor};
#[cfg(kindling_backend = "armv6m")]
use super::{SharedFactor, kindling_dense_outputs, sums_of};
#[cfg(not(kindling_backend = "armv6m"))]
use crate::features::Feature;
#[cfg(not(kindling_backend = "armv6m"))]
use crate::ops::dense::DenseAlgorithm;
use crate::ops::dense::{Dense, portable};
use crate::quant::{Factor, NORMAL, per_tensor};

/// Units of a block.
const BLOCK: usize = 4;

/// Biases of the units, at whole words where the channel parameters are.
type Biases<'b> = &'b [[u8; 4]];

/// Four biases at a whole word.
#[repr(align(4))]
struct Padded([[u8; 4]; BLOCK]);

/// The caller has checked all sizes, and that inputs, parameters and weights begin at whole words.
#[inline(never)]
pub(super) fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    let Some((biases, factor)) = per_tensor(dense.channels, dense.units) else { return };
    if factor.multiplier < NORMAL || !(-23..=-2).contains(&factor.shift) {
        return portable::quads(dense, input, output);
    }
    let whole = output.len() / BLOCK * BLOCK;
    let block_weights = dense.weights.len() / output.len().div_ceil(BLOCK).max(1);
    let (Some(biases), Some(weights), Some((output, rest))) = (
        biases.split_at_checked(whole),
        dense.weights.split_at_checked(whole / BLOCK * block_weights),
        output.split_at_mut_checked(whole),
    ) else {
        return;
    };
    blocks(dense, factor, input, (biases.0, weights.0), output);
    if !rest.is_empty() {
        let (mut padded, mut outputs) = (Padded([[0; 4]; BLOCK]), [0; BLOCK]);
        for (out, bias) in padded.0.iter_mut().zip(biases.1) {
            *out = *bias;
        }
        blocks(dense, factor, input, (&padded.0, weights.1), &mut outputs);
        for (out, value) in rest.iter_mut().zip(outputs) {
            *out = value;
        }
    }
}

/// Whole blocks of four units: biases and weights of all of them.
#[cfg(not(kindling_backend = "armv6m"))]
fn blocks(
    dense: &Dense<'_>,
    Factor { multiplier, shift }: Factor,
    input: &[i8],
    (biases, weights): (Biases<'_>, &[u8]),
    output: &mut [i8],
) {
    if output.is_empty() {
        return;
    }
    let (inputs, biases) = (input.as_ptr_range(), biases.as_ptr_range());
    // As the macro for a channel has them: a shift of 2 to 23 bits to the right.
    let shift = !(shift as i32);
    let odd = 2 * dense.output_quant.zero_point as i32 + 1;
    let blocks = Blocks {
        inputs: inputs.start,
        inputs_end: inputs.end,
        parameters: biases.start.cast(),
        parameters_end: biases.end.cast(),
        output: output.as_mut_ptr(),
        zero_point: odd.wrapping_shl(shift.wrapping_sub(1) as u32),
        quads: input.len() / 4,
        weights: weights.as_ptr(),
    };
    let blocks = PerTensorBlocks { blocks, multiplier: multiplier.wrapping_mul(2), shift };
    let run = match dense.algorithm {
        #[cfg(kindling_dsp)]
        DenseAlgorithm::QuadsWide if Feature::DenseQuadsWide.is_built() => {
            kindling_dense_wide_per_tensor
        }
        #[cfg(kindling_backend = "armv7m")]
        DenseAlgorithm::QuadsPaired if Feature::DenseQuadsPaired.is_built() => {
            kindling_dense_paired_per_tensor
        }
        DenseAlgorithm::Quads if Feature::DenseQuads.is_built() => kindling_dense_per_tensor,
        _ => return,
    };
    // SAFETY: there is a block and a quad. The function reads all inputs, which are whole quads,
    // four biases and the weights of all inputs for each block, and writes four outputs for it;
    // inputs, biases and weights begin at whole words, and all have the sizes checked by the
    // caller.
    unsafe { run(&blocks) }
}

/// Whole blocks of four units: biases and weights of all of them.
#[cfg(kindling_backend = "armv6m")]
fn blocks(
    dense: &Dense<'_>,
    Factor { multiplier, shift }: Factor,
    input: &[i8],
    (biases, weights): (Biases<'_>, &[u8]),
    output: &mut [i8],
) {
    let range = input.as_ptr_range();
    let factor = SharedFactor {
        right: -(shift as i32),
        zero_point: dense.output_quant.zero_point as i32,
        half: 1 << 14,
        high: multiplier >> 16,
        low: multiplier & 0xffff,
    };
    let (sum, input_bytes) = sums_of(dense.algorithm);
    let weights = weights.chunks_exact((input_bytes * input.len()).max(1));
    let outputs = output.as_chunks_mut::<BLOCK>().0.iter_mut();
    for ((out, biases), weights) in outputs.zip(biases.as_chunks::<BLOCK>().0).zip(weights) {
        let mut sums = biases.map(i32::from_le_bytes);
        // SAFETY: reads all inputs, a quad or more and whole ones, and four weights for each, in
        // `input_bytes` bytes, which `weights` has; all begin at whole words, as checked by the
        // caller.
        unsafe { sum(range.start, weights.as_ptr(), &mut sums, range.end) }
        // SAFETY: reads the four sums and the factor, whose multiplier is 2^30 or more and whose
        // shift is 2 to 23, as the caller has checked; writes the four outputs.
        unsafe { kindling_dense_outputs(&sums, out, &factor) }
    }
}
