//! The specification of a softmax, value by value.

use super::fixed_point::{SUM_BITS, share};
use super::{Kernels, Softmax};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::quant::divide_by_power_of_two;

impl Kernels for Reference {
    /// ```text
    /// for each pixel:
    ///     d[channel]      = factor(input[channel] - largest input of the pixel)
    ///     sum             = sum of exp(d[channel]), each rounded to 19 fraction bits
    ///     output[channel] = saturate(-128 + exp(d[channel]) / sum * 256)
    /// ```
    /// A difference below `least` counts as none: its output is -128.
    fn run(softmax: &Softmax, Buffers { input, output, .. }: Buffers<'_>) {
        let channels = softmax.input.channels as usize;
        for (pixel, out) in input.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            let largest = *pixel.iter().max().expect("a channel");
            let counted = pixel.iter().filter_map(|value| softmax.exp(*value, largest));
            let sum = counted.map(|exp| divide_by_power_of_two(exp, SUM_BITS)).sum();
            for (value, out) in pixel.iter().zip(out) {
                *out = softmax.exp(*value, largest).map_or(i8::MIN, |exp| share(exp, sum));
            }
        }
    }
}
