//! Dense layers, four outputs at once; the loop is in `dense.s`.
#![allow(unsafe_code)]

use core::arch::global_asm;

use super::instructions::requantise;
use super::is_at_word;
use crate::kernels::{Kernels, Portable};
use crate::model::Dense;
use crate::quant::ChannelParameters;

global_asm!(include_str!("dense.s"), options(raw));

unsafe extern "C" {
    fn kindling_dsp_dense(inputs: *const i8, weights: *const u8, sums: &mut [i32; 4], quads: usize);
}

pub(super) fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    if input.is_empty() || !input.len().is_multiple_of(4) || !is_at_word(dense.weights) || !is_at_word(input)
    {
        return Portable::dense(dense, input, output);
    }
    let blocks = dense.weights.chunks_exact(4 * input.len());
    let parameters = dense.channels.chunks(4 * ChannelParameters::BYTES);
    for ((weights, parameters), out) in blocks.zip(parameters).zip(output.chunks_mut(4)) {
        four_units(dense, input, weights, parameters, out);
    }
}

/// Up to four outputs: as many as there are parameters.
fn four_units(dense: &Dense<'_>, input: &[i8], weights: &[u8], parameters: &[u8], out: &mut [i8]) {
    let parameters = || parameters.as_chunks().0.iter().map(ChannelParameters::from_le_bytes);
    let mut sums = [0; 4];
    for (sum, parameters) in sums.iter_mut().zip(parameters()) {
        *sum = parameters.bias;
    }
    // SAFETY: the function reads `input.len()` inputs and four weights for each, which `weights` holds; both are at
    // whole words and there is one quad at least, as checked by the caller.
    unsafe { kindling_dsp_dense(input.as_ptr(), weights.as_ptr(), &mut sums, input.len() / 4) }
    for ((sum, parameters), out) in sums.into_iter().zip(parameters()).zip(out) {
        *out = requantise(sum, parameters.multiplier, dense.output_quant.zero_point);
    }
}
