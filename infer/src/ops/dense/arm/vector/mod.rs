//! Dense layers with the vector extension; the loop is in `mve.s`. The vector unit must be switched
//! on before: `cortex-m-rt` does so on `thumbv8m.main-none-eabihf`.
#![allow(unsafe_code)]

use core::arch::global_asm;

use crate::arm::is_at_word;
use crate::ops::dense::Dense;
use crate::quant::ChannelParameters;

global_asm!(include_str!("mve.s"), options(raw));

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

unsafe extern "C" {
    fn kindling_vector_dense(units: &Units);
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
