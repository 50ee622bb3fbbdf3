//! Softmax in plain safe Rust, for every core; no panics.
//!
//! As the reference; the reciprocal of a pixel's sum is made once.

use super::fixed_point::{Reciprocal, SUM_BITS};
use super::{Kernels, Softmax};
#[cfg(not(kindling_backend = "portable"))]
use crate::features::Feature;
use crate::ops::operator::Buffers;
#[cfg(not(kindling_backend = "portable"))]
use crate::ops::sets::CortexM;
use crate::ops::sets::Portable;
use crate::quant::divide_by_power_of_two;

impl Kernels for Portable {
    fn run(softmax: &Softmax, Buffers { input, output, .. }: Buffers<'_>) {
        let channels = (softmax.input.channels as usize).max(1);
        for (pixel, out) in input.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            share_out(softmax, pixel, out);
        }
    }
}

#[cfg(not(kindling_backend = "portable"))]
impl Kernels for CortexM {
    fn run(softmax: &Softmax, buffers: Buffers<'_>) {
        if Feature::Softmax.is_built() {
            <Portable as Kernels>::run(softmax, buffers);
        }
    }
}

/// One pixel. An exponential is made twice: keeping all of them would take memory.
#[inline(never)]
fn share_out(softmax: &Softmax, pixel: &[i8], out: &mut [i8]) {
    let largest = pixel.iter().fold(i8::MIN, |largest, value| largest.max(*value));
    let mut sum = 0_i32;
    for value in pixel {
        let exp = softmax.exp(*value, largest).unwrap_or_default();
        sum = sum.wrapping_add(divide_by_power_of_two(exp, SUM_BITS));
    }
    let reciprocal = Reciprocal::of(sum);
    for (value, out) in pixel.iter().zip(out) {
        let exp = softmax.exp(*value, largest).unwrap_or_default();
        *out = reciprocal.share(exp);
    }
}
