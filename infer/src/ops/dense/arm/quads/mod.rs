//! Dense layers, four outputs at once; the loop is in assembly, for each class of cores.
#![allow(unsafe_code)]

mod per_tensor;
mod twice;

#[cfg(kindling_backend = "armv6m")]
use crate::arm::instructions::requantise;
use crate::arm::is_at_word;
use crate::features::Feature;
use crate::ops::dense::{Dense, DenseAlgorithm};
use crate::quant::{ChannelParameters, Rounding};

#[cfg(kindling_dsp)]
crate::arm::assembly!("twice.s", "dsp.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("twice.s", "armv7m.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

/// Arguments of the loop: see `dsp.s`.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct Blocks {
    inputs: *const i8,
    inputs_end: *const i8,
    parameters: *const u8,
    parameters_end: *const u8,
    output: *mut i8,
    zero_point: i32,
    quads: usize,
    weights: *const u8,
}

/// The same with two roundings: see `twice.s`.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct TwiceBlocks {
    blocks: Blocks,
    shifts: *const u8,
}

/// The same with one multiplier and shift for all units: see `twice.s`.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
struct PerTensorBlocks {
    blocks: Blocks,
    /// Doubled, in 32 bits.
    multiplier: i32,
    /// Its complement.
    shift: i32,
}

#[cfg(not(kindling_backend = "armv6m"))]
unsafe extern "C" {
    fn kindling_dense(blocks: &Blocks);
    fn kindling_dense_int4(blocks: &Blocks);
    fn kindling_dense_twice(blocks: &TwiceBlocks);
    fn kindling_dense_per_tensor(blocks: &PerTensorBlocks);
}

#[cfg(kindling_dsp)]
unsafe extern "C" {
    fn kindling_dense_wide(blocks: &Blocks);
    fn kindling_dense_wide_twice(blocks: &TwiceBlocks);
    fn kindling_dense_wide_per_tensor(blocks: &PerTensorBlocks);
}

#[cfg(kindling_backend = "armv7m")]
unsafe extern "C" {
    fn kindling_dense_paired(blocks: &Blocks);
    fn kindling_dense_paired_twice(blocks: &TwiceBlocks);
    fn kindling_dense_paired_per_tensor(blocks: &PerTensorBlocks);
}

/// Bytes of four units' parameters.
const BLOCK_BYTES: usize = 4 * ChannelParameters::BYTES;

/// Four units' parameters at a whole word.
#[repr(align(4))]
struct Parameters([u8; BLOCK_BYTES]);

pub(super) fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    if !is_as_stated(dense, input, output) {
        return;
    }
    match dense.rounding() {
        Rounding::Once => rounded_once(dense, input, output),
        Rounding::Twice if dense.is_per_tensor() => per_tensor::dense(dense, input, output),
        Rounding::Twice => twice::dense(dense, input, output),
    }
}

fn rounded_once(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    let whole = output.len() / 4 * 4;
    let block_weights = dense.weights.len() / output.len().div_ceil(4);
    let parameters = dense.channels.split_at_checked(whole * ChannelParameters::BYTES);
    let weights = dense.weights.split_at_checked(whole / 4 * block_weights);
    let (Some(parameters), Some(weights), Some(output)) =
        (parameters, weights, output.split_at_mut_checked(whole))
    else {
        return;
    };
    blocks(dense, input, parameters.0, weights.0, output.0);
    if !output.1.is_empty() {
        let mut padded = Parameters([0; BLOCK_BYTES]);
        for (out, byte) in padded.0.iter_mut().zip(parameters.1) {
            *out = *byte;
        }
        let mut outputs = [0; 4];
        blocks(dense, input, &padded.0, weights.1, &mut outputs);
        for (out, value) in output.1.iter_mut().zip(outputs) {
            *out = value;
        }
    }
}

/// Whether all slices have the sizes the layer states, and begin at whole words.
fn is_as_stated(dense: &Dense<'_>, input: &[i8], output: &[i8]) -> bool {
    dense.algorithm.fits(dense)
        && !input.is_empty()
        && input.len() == dense.input.len()
        && !output.is_empty()
        && output.len() == dense.units as usize
        && dense.channels.len() == dense.channel_bytes()
        && dense.weights.len() as u64 == dense.matrix().packed_bytes()
        && is_at_word(input)
        && is_at_word(dense.channels)
        && is_at_word(dense.weights)
}

/// Whole blocks of four units.
#[cfg(not(kindling_backend = "armv6m"))]
fn blocks(dense: &Dense<'_>, input: &[i8], parameters: &[u8], weights: &[u8], output: &mut [i8]) {
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
        zero_point: dense.output_quant.zero_point as i32,
        quads: input.len() / 4,
        weights: weights.as_ptr(),
    };
    let run = match dense.algorithm {
        #[cfg(kindling_dsp)]
        DenseAlgorithm::QuadsWide if Feature::DenseQuadsWide.is_built() => kindling_dense_wide,
        #[cfg(kindling_backend = "armv7m")]
        DenseAlgorithm::QuadsPaired if Feature::DenseQuadsPaired.is_built() => {
            kindling_dense_paired
        }
        DenseAlgorithm::Quads if Feature::DenseQuads.is_built() => kindling_dense,
        DenseAlgorithm::QuadsInt4 if dense.algorithm.is_built() => kindling_dense_int4,
        _ => return,
    };
    // SAFETY: there is a block and a quad. The function reads all inputs, which are whole quads, 32
    // bytes of parameters and the weights of all inputs for each block, and writes four outputs for
    // it; all of these begin at whole words and have the sizes checked by the caller.
    unsafe { run(&blocks) }
}

/// Adds products to four sums: inputs, weights, sums, end of the inputs. See `armv6m.s`.
#[cfg(kindling_backend = "armv6m")]
type Sums = unsafe extern "C" fn(*const i8, *const u8, &mut [i32; 4], *const i8);

#[cfg(kindling_backend = "armv6m")]
unsafe extern "C" {
    fn kindling_dense_sums(_: *const i8, _: *const u8, _: &mut [i32; 4], _: *const i8);
    fn kindling_dense_sums_int4(_: *const i8, _: *const u8, _: &mut [i32; 4], _: *const i8);
    fn kindling_dense_sums_paired(_: *const i8, _: *const u8, _: &mut [i32; 4], _: *const i8);
}

/// Arguments of the end of a block with one multiplier and shift: see `armv6m.s`.
#[cfg(kindling_backend = "armv6m")]
#[repr(C)]
struct SharedFactor {
    right: i32,
    zero_point: i32,
    half: i32,
    high: i32,
    low: i32,
}

#[cfg(kindling_backend = "armv6m")]
unsafe extern "C" {
    fn kindling_dense_outputs(sums: &[i32; 4], outputs: &mut [i8; 4], factor: &SharedFactor);
}

/// The loop of an algorithm, and the bytes of four units' weights for an input.
#[cfg(kindling_backend = "armv6m")]
fn sums_of(algorithm: DenseAlgorithm) -> (Sums, usize) {
    match algorithm {
        DenseAlgorithm::QuadsPaired if Feature::DenseQuadsPaired.is_built() => {
            (kindling_dense_sums_paired, 8)
        }
        DenseAlgorithm::QuadsInt4 if algorithm.is_built() => (kindling_dense_sums_int4, 2),
        _ => (kindling_dense_sums, 4),
    }
}

/// Whole blocks of four units.
#[cfg(kindling_backend = "armv6m")]
fn blocks(dense: &Dense<'_>, input: &[i8], parameters: &[u8], weights: &[u8], output: &mut [i8]) {
    let range = input.as_ptr_range();
    let parameters = parameters.as_chunks().0.as_chunks::<4>().0;
    let (sum, input_bytes) = sums_of(dense.algorithm);
    let weights = weights.chunks_exact((input_bytes * input.len()).max(1));
    for ((out, parameters), weights) in
        output.as_chunks_mut::<4>().0.iter_mut().zip(parameters).zip(weights)
    {
        let parameters = parameters.each_ref().map(ChannelParameters::from_le_bytes);
        let mut sums = parameters.map(|parameters| parameters.bias);
        // SAFETY: reads all inputs, a quad or more and whole ones, and four weights for each, in
        // `input_bytes` bytes, which `weights` has; all begin at whole words, as checked by the
        // caller.
        unsafe { sum(range.start, weights.as_ptr(), &mut sums, range.end) }
        for ((out, accumulator), parameters) in out.iter_mut().zip(sums).zip(parameters) {
            *out = requantise(accumulator, parameters.multiplier, dense.output_quant.zero_point);
        }
    }
}
