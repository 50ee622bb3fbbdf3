//! With two roundings.
//!
//! ```text
//! for each block of four units:
//!     sums = inputs . weights
//!     outputs = requantise(bias + sum)
//! ```
//!
//! Units that make no whole block are computed with others whose multiplier is 0.

use super::BLOCK_BYTES;
#[cfg(kindling_backend = "armv7m")]
use super::kindling_dense_paired_twice;
#[cfg(kindling_dsp)]
use super::kindling_dense_wide_twice;
#[cfg(kindling_backend = "armv6m")]
use super::sums_of;
#[cfg(not(kindling_backend = "armv6m"))]
use super::{Blocks, TwiceBlocks, kindling_dense_twice};
#[cfg(kindling_backend = "armv6m")]
use crate::arm::instructions::requantise_twice;
#[cfg(not(kindling_backend = "armv6m"))]
use crate::features::Feature;
use crate::ops::dense::Dense;
#[cfg(not(kindling_backend = "armv6m"))]
use crate::ops::dense::DenseAlgorithm;
use crate::quant::ChannelParameters;

/// Units of a block.
const BLOCK: usize = 4;

/// Four units' parameters at a whole word.
#[repr(align(4))]
struct Parameters([u8; BLOCK_BYTES]);

/// The caller has checked all sizes, and that inputs, parameters and weights begin at whole words.
#[inline(never)]
pub(super) fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    let whole = output.len() / BLOCK * BLOCK;
    let block_weights = dense.weights.len() / output.len().div_ceil(BLOCK).max(1);
    let bytes = output.len() * ChannelParameters::BYTES;
    let Some((parameters, shifts)) = dense.channels.split_at_checked(bytes) else { return };
    let (Some(parameters), Some(shifts), Some(weights), Some((output, rest))) = (
        parameters.split_at_checked(whole * ChannelParameters::BYTES),
        shifts.split_at_checked(whole),
        dense.weights.split_at_checked(whole / BLOCK * block_weights),
        output.split_at_mut_checked(whole),
    ) else {
        return;
    };
    blocks(dense, input, [parameters.0, shifts.0, weights.0], output);
    if !rest.is_empty() {
        let (mut padded, mut padded_shifts) = (Parameters([0; BLOCK_BYTES]), [0; BLOCK]);
        for (out, byte) in padded.0.iter_mut().zip(parameters.1) {
            *out = *byte;
        }
        for (out, shift) in padded_shifts.iter_mut().zip(shifts.1) {
            *out = *shift;
        }
        let mut outputs = [0; BLOCK];
        blocks(dense, input, [&padded.0, &padded_shifts, weights.1], &mut outputs);
        for (out, value) in rest.iter_mut().zip(outputs) {
            *out = value;
        }
    }
}

/// Whole blocks of four units: parameters, shifts and weights of all of them.
#[cfg(not(kindling_backend = "armv6m"))]
fn blocks(
    dense: &Dense<'_>,
    input: &[i8],
    [parameters, shifts, weights]: [&[u8]; 3],
    output: &mut [i8],
) {
    if output.is_empty() {
        return;
    }
    let (inputs, parameters) = (input.as_ptr_range(), parameters.as_ptr_range());
    let blocks = Blocks {
        inputs: inputs.start,
        inputs_end: inputs.end,
        parameters: parameters.start,
        parameters_end: parameters.end,
        output: output.as_mut_ptr(),
        zero_point: 2 * dense.output_quant.zero_point as i32 + 1,
        quads: input.len() / 4,
        weights: weights.as_ptr(),
    };
    let blocks = TwiceBlocks { blocks, shifts: shifts.as_ptr() };
    let run = match dense.algorithm {
        #[cfg(kindling_dsp)]
        DenseAlgorithm::QuadsWide if Feature::DenseQuadsWide.is_built() => {
            kindling_dense_wide_twice
        }
        #[cfg(kindling_backend = "armv7m")]
        DenseAlgorithm::QuadsPaired if Feature::DenseQuadsPaired.is_built() => {
            kindling_dense_paired_twice
        }
        DenseAlgorithm::Quads if Feature::DenseQuads.is_built() => kindling_dense_twice,
        _ => return,
    };
    // SAFETY: there is a block and a quad. The function reads all inputs, which are whole quads, 32
    // bytes of parameters, four shifts and the weights of all inputs for each block, and writes
    // four outputs for it; inputs, parameters and weights begin at whole words, and all have the
    // sizes checked by the callers.
    unsafe { run(&blocks) }
}

/// Whole blocks of four units: parameters, shifts and weights of all of them.
#[cfg(kindling_backend = "armv6m")]
fn blocks(
    dense: &Dense<'_>,
    input: &[i8],
    [parameters, shifts, weights]: [&[u8]; 3],
    output: &mut [i8],
) {
    let range = input.as_ptr_range();
    let parameters = parameters.as_chunks().0.as_chunks::<BLOCK>().0;
    let shifts = shifts.as_chunks::<BLOCK>().0;
    let (sum, input_bytes) = sums_of(dense.algorithm);
    let weights = weights.chunks_exact((input_bytes * input.len()).max(1));
    let outputs = output.as_chunks_mut::<BLOCK>().0.iter_mut();
    for (((out, parameters), shifts), weights) in outputs.zip(parameters).zip(shifts).zip(weights) {
        let parameters = parameters.each_ref().map(ChannelParameters::from_le_bytes);
        let mut sums = parameters.map(|parameters| parameters.bias);
        // SAFETY: reads all inputs, a quad or more and whole ones, and four weights for each, in
        // `input_bytes` bytes, which `weights` has; all begin at whole words, as checked by the
        // caller.
        unsafe { sum(range.start, weights.as_ptr(), &mut sums, range.end) }
        for (((out, accumulator), parameters), shift) in
            out.iter_mut().zip(sums).zip(parameters).zip(shifts)
        {
            let zero_point = dense.output_quant.zero_point;
            *out = requantise_twice(accumulator, parameters.multiplier, *shift as i8, zero_point);
        }
    }
}
