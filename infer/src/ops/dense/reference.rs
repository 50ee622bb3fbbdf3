//! The specification of a dense layer: one loop per index.

use super::{Dense, Kernels};
use crate::ops::operator::Buffers;
use crate::ops::sets::Reference;
use crate::quant;

impl Kernels for Reference {
    /// ```text
    /// for each output:
    ///     output = requantise(bias + sum over inputs of input * weight)
    /// ```
    fn run(dense: &Dense<'_>, Buffers { input, output, .. }: Buffers<'_>) {
        for (unit, (parameters, out)) in dense.channel_parameters().zip(output).enumerate() {
            let weight = |index: usize| dense.matrix().weight(dense.weights, unit, index) as i32;
            let products =
                input.iter().enumerate().map(|(index, value)| *value as i32 * weight(index));
            let accumulator = parameters.bias + products.sum::<i32>();
            *out = quant::output(accumulator, parameters, dense.output_quant.zero_point);
        }
    }
}
