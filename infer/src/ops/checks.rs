//! Checks that several operators make of their records and numbers.

use crate::error::LayerProblem;
use crate::quant::{ChannelParameters, Factor, Rounding, with_shifts};
use crate::shape::Shape;

/// Largest map or section, bytes.
pub const SIZE_MAX_BYTES: usize = 1 << 30;

/// Largest row number, and largest offset of a value in its row, that a window may reach.
const COORDINATE_MAX: u64 = 1 << 30;

/// The sizes of a tensor.
#[inline(never)]
pub fn check_shape(shape: Shape) -> Result<(), LayerProblem> {
    if shape.is_empty() {
        return Err(LayerProblem::ZeroSize);
    }
    match shape.checked_len() {
        Some(len) if len <= SIZE_MAX_BYTES => Ok(()),
        _ => Err(LayerProblem::TooLarge),
    }
}

/// Rows and columns of kernels, windows and steps: 1 at least.
pub fn check_sides(sides: &[[u8; 2]]) -> Result<(), LayerProblem> {
    if sides.as_flattened().contains(&0) { Err(LayerProblem::ZeroSize) } else { Ok(()) }
}

/// Bounds the rows, columns and offsets in a row that windows can name, so that kernels may compute
/// them in 32 bits: those of `windows` rows and columns of windows. An origin adds at most 2^15
/// rows or columns to what is counted here.
pub fn check_coordinates(
    input: Shape,
    windows: [u64; 2],
    stride: [u8; 2],
    size: [u16; 2],
) -> Result<(), LayerProblem> {
    let reach = |axis: usize| windows[axis] * stride[axis] as u64 + size[axis] as u64 + (1 << 15);
    let (rows, columns) = (reach(0), reach(1));
    let bounded = rows <= COORDINATE_MAX && columns * input.channels as u64 <= COORDINATE_MAX;
    if bounded { Ok(()) } else { Err(LayerProblem::TooLarge) }
}

/// A scale is the size of a step.
pub fn check_scale(scale: f32) -> Result<(), LayerProblem> {
    if scale.is_finite() && scale > 0.0 { Ok(()) } else { Err(LayerProblem::Scale) }
}

/// The sizes of a layer's sections.
pub fn check_sections(
    parameters: &[u8],
    channels: u16,
    weights: &[u8],
    weight_bytes: u64,
) -> Result<(), LayerProblem> {
    let channel_bytes = Rounding::of(parameters, channels).channel_bytes();
    check_bytes(parameters, channels as usize * channel_bytes, weights, weight_bytes)
}

/// The sizes of two sections.
pub fn check_bytes(
    parameters: &[u8],
    parameter_bytes: usize,
    weights: &[u8],
    weight_bytes: u64,
) -> Result<(), LayerProblem> {
    let parameters_fit = parameters.len() == parameter_bytes;
    let weights_fit = weights.len() as u64 == weight_bytes;
    if parameters_fit && weights_fit { Ok(()) } else { Err(LayerProblem::SectionMissing) }
}

/// Proves that no input can overflow a channel's accumulator.
///
/// Every input value lies in -128 to 127, so every partial sum of the channel lies within `|bias| +
/// 128 * sum(|weight|)`, in any order of summation. `sum_max` is the largest `128 * sum(|weight|)`
/// that the layer's algorithm computes exactly; `magnitude` gives a channel's `sum(|weight|)`.
///
/// With two roundings an accumulator is shifted to the left where its shift is positive, and still
/// has to fit; a multiplier is 0, or `least` or more.
pub fn check_channels(
    parameters: &[u8],
    channels: u16,
    least: i32,
    sum_max: u64,
    magnitude: impl Fn(usize) -> Result<u64, LayerProblem>,
) -> Result<(), LayerProblem> {
    let rounding = Rounding::of(parameters, channels);
    check_parameters(with_shifts(parameters, channels), rounding, least, sum_max, magnitude)
}

/// The same of channel parameters that are read already.
#[inline(always)]
pub fn check_parameters(
    parameters: impl Iterator<Item = ChannelParameters>,
    rounding: Rounding,
    least: i32,
    sum_max: u64,
    magnitude: impl Fn(usize) -> Result<u64, LayerProblem>,
) -> Result<(), LayerProblem> {
    for (channel, parameters) in (0u16..).zip(parameters) {
        if !is_factor(&parameters, least, rounding) {
            return Err(LayerProblem::Multiplier { channel });
        }
        let magnitude = magnitude(channel as usize)?;
        let largest = parameters.bias.unsigned_abs() as u64 + 128 * magnitude;
        if largest > i32::MAX as u64 >> parameters.shift.unwrap_or_default().max(0) {
            return Err(LayerProblem::AccumulatorRange { channel });
        }
        if 128 * magnitude > sum_max {
            return Err(LayerProblem::AlgorithmRange { channel });
        }
    }
    Ok(())
}

/// Whether a channel's factor is in range.
fn is_factor(parameters: &ChannelParameters, least: i32, rounding: Rounding) -> bool {
    let multiplier = parameters.multiplier;
    match (rounding, parameters.shift) {
        (Rounding::Once, _) => multiplier >= 1,
        (Rounding::Twice, Some(shift)) => {
            (multiplier == 0 || multiplier >= least) && Factor { multiplier: 0, shift }.fits(0)
        }
        (Rounding::Twice, None) => false,
    }
}
