//! Dense layers with the vector extension; the loop is in `mve.s`. The vector unit must be switched
//! on before: `cortex-m-rt` does so on `thumbv8m.main-none-eabihf`.
#![allow(unsafe_code)]

use core::ops::Range;

use crate::arm::is_at_word;
use crate::ops::dense::Dense;
use crate::ops::dense::portable;
use crate::quant::{ChannelParameters, per_tensor};

crate::arm::vector_assembly!("mve.s");
crate::arm::vector_assembly!("mve_twice.s");

/// Arguments of the loop over units: see `mve.s`.
#[repr(C)]
struct Units {
    inputs: *const i8,
    input_count: usize,
    weights: *const u8,
    parameters: *const u8,
    parameters_end: *const u8,
    output: *mut i8,
    zero_point: i32,
}

/// Arguments of the loop over units with two roundings: see `mve_twice.s`.
#[repr(C)]
struct UnitsTwice {
    weights: *const u8,
    inputs: *const i8,
    input_count: usize,
    parameters: *const u8,
    parameters_end: *const u8,
    shifts: *const u8,
    output: *mut i8,
    zero_point: i32,
}

/// Arguments of the loop over units with one multiplier and shift: see `mve_twice.s`.
#[repr(C)]
struct UnitsPerTensor {
    multiplier: i32,
    shift: i32,
    zero_point: i32,
    biases_end: *const [u8; 4],
    inputs: *const i8,
    output: *mut i8,
    weights: *const u8,
    input_count: usize,
    biases: *const [u8; 4],
}

/// Inputs of which a multiple has a loop of its own with two roundings.
const LONG_INPUTS: usize = 32;

/// Units that the loop with two roundings takes at once.
const AT_ONCE: usize = 4;

unsafe extern "C" {
    fn kindling_vector_dense(units: &Units);
    fn kindling_vector_dense_twice(units: &UnitsTwice);
    fn kindling_vector_dense_twice_long(units: &UnitsTwice);
    fn kindling_vector_dense_per_tensor(units: &UnitsPerTensor);
    fn kindling_vector_dense_per_tensor_long(units: &UnitsPerTensor);
}

/// Weights in rows, unit by unit.
pub(super) fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    let as_stated = input.len() == dense.input.len()
        && output.len() == dense.units as usize
        && dense.channels.len() == ChannelParameters::BYTES * output.len()
        && dense.weights.len() == input.len() * output.len()
        && is_at_word(dense.channels);
    if !as_stated || input.is_empty() || output.is_empty() {
        return;
    }
    let parameters = dense.channels.as_ptr_range();
    let units = Units {
        inputs: input.as_ptr(),
        input_count: input.len(),
        weights: dense.weights.as_ptr(),
        parameters: parameters.start,
        parameters_end: parameters.end,
        output: output.as_mut_ptr(),
        zero_point: dense.output_quant.zero_point as i32,
    };
    // SAFETY: reads all inputs, and for each unit as many weights and 8 bytes of parameters, at a
    // whole word; writes an output for each unit; there is one. All sizes are those just checked.
    unsafe { kindling_vector_dense(&units) }
}

/// The same with two roundings: all units by four, then the last four; some of these may be
/// computed again. Fewer than four are left to the portable loop.
#[inline(never)]
pub(super) fn dense_twice(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    let units = output.len();
    let as_stated = input.len() == dense.input.len()
        && units == dense.units as usize
        && dense.channels.len() == dense.channel_bytes()
        && dense.weights.len() == input.len() * units
        && is_at_word(dense.channels);
    if !as_stated || input.is_empty() || units < AT_ONCE || has_rare_factor(dense) {
        return portable::rows(dense, input, output);
    }
    some_units(dense, input, 0..units / AT_ONCE * AT_ONCE, output);
    if !units.is_multiple_of(AT_ONCE) {
        some_units(dense, input, units - AT_ONCE..units, output);
    }
}

/// Whether all units have one multiplier and a shift that is none to the right.
fn has_rare_factor(dense: &Dense<'_>) -> bool {
    let factor = if dense.is_per_tensor() { dense.channels.last() } else { None };
    factor.is_some_and(|shift| !(-31..=-1).contains(&(*shift as i8)))
}

/// Some of the units.
fn some_units(dense: &Dense<'_>, input: &[i8], units: Range<usize>, output: &mut [i8]) {
    let weights = dense.weights.get(input.len() * units.start..input.len() * units.end);
    let (Some(weights), Some(output)) = (weights, output.get_mut(units.clone())) else { return };
    if dense.is_per_tensor() {
        units_per_tensor(dense, input, weights, units, output);
    } else {
        units_twice(dense, input, weights, units, output);
    }
}

/// Units of a multiplier and a shift each: as many weights and outputs.
fn units_twice(
    dense: &Dense<'_>,
    input: &[i8],
    weights: &[u8],
    units: Range<usize>,
    output: &mut [i8],
) {
    let numbers = dense.channels.split_at_checked(ChannelParameters::BYTES * dense.units as usize);
    let Some((numbers, shifts)) = numbers else { return };
    let of_units = ChannelParameters::BYTES * units.start..ChannelParameters::BYTES * units.end;
    let (Some(numbers), Some(shifts)) = (numbers.get(of_units), shifts.get(units)) else { return };
    let numbers = numbers.as_ptr_range();
    let units = UnitsTwice {
        weights: weights.as_ptr(),
        inputs: input.as_ptr(),
        input_count: input.len(),
        parameters: numbers.start,
        parameters_end: numbers.end,
        shifts: shifts.as_ptr(),
        output: output.as_mut_ptr(),
        zero_point: dense.output_quant.zero_point as i32,
    };
    let run = match input.len().is_multiple_of(LONG_INPUTS) {
        true => kindling_vector_dense_twice_long,
        false => kindling_vector_dense_twice,
    };
    // SAFETY: reads all inputs, of which there is one, and for each unit as many weights, 8 bytes
    // of parameters, at a whole word, and a shift; writes an output for each. Units are a multiple
    // of four, and not 0; inputs are one of 32 for the loop that asks for it. All slices were just
    // taken for them, weights and output by the caller.
    unsafe { run(&units) }
}

/// Units with one multiplier and shift: as many weights and outputs.
fn units_per_tensor(
    dense: &Dense<'_>,
    input: &[i8],
    weights: &[u8],
    units: Range<usize>,
    output: &mut [i8],
) {
    let Some((biases, factor)) = per_tensor(dense.channels, dense.units) else { return };
    let Some(biases) = biases.get(units) else { return };
    let biases = biases.as_ptr_range();
    let units = UnitsPerTensor {
        multiplier: factor.multiplier,
        shift: factor.shift as i32,
        zero_point: dense.output_quant.zero_point as i32,
        biases_end: biases.end,
        inputs: input.as_ptr(),
        output: output.as_mut_ptr(),
        weights: weights.as_ptr(),
        input_count: input.len(),
        biases: biases.start,
    };
    let run = match input.len().is_multiple_of(LONG_INPUTS) {
        true => kindling_vector_dense_per_tensor_long,
        false => kindling_vector_dense_per_tensor,
    };
    // SAFETY: reads all inputs, of which there is one, and for each unit as many weights and a
    // bias, at a whole word; writes an output for each. Units are a multiple of four, and not 0;
    // inputs are one of 32 for the loop that asks for it. All slices were just taken for them,
    // weights and output by the caller.
    unsafe { run(&units) }
}
