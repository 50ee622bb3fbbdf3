//! A function of one value on float maps.

use infer::Shape;

use crate::kernels::Gradient;
use crate::ops::float::rows_of;
use crate::ops::{Buffers, FloatOperator, Function, InputGradients, Inputs, Part, Pass, Source};

/// A function, and where its rows lie in the map that it reads.
#[derive(Clone, Debug)]
pub struct Float {
    input: Source,
    output: Shape,
    function: Function,
}

impl Float {
    /// The function of the part that is computed.
    pub const fn new(function: Function, part: &Part) -> Self {
        Self { input: part.inputs[0], output: part.output, function }
    }
}

impl FloatOperator for Float {
    fn output(&self) -> Shape {
        self.output
    }

    fn buffers(&self, _: usize) -> Buffers {
        Buffers::default()
    }

    fn forward(&self, pass: &mut Pass<'_>, [input, ..]: Inputs<'_>, output: &mut [f32]) {
        let rows = rows_of(&self.input, self.output, pass.images);
        for (output, start) in output.chunks_exact_mut(self.output.row_len()).zip(rows) {
            for (output, value) in output.iter_mut().zip(&input[start..]) {
                *output = self.function.at((*value).into()) as f32;
            }
        }
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        [input, ..]: Inputs<'_>,
        output_gradient: &[f32],
        _: &mut Gradient,
        [input_gradient, ..]: InputGradients<'_>,
    ) {
        if input_gradient.is_empty() {
            return;
        }
        let rows = rows_of(&self.input, self.output, pass.images);
        for (row, start) in output_gradient.chunks_exact(self.output.row_len()).zip(rows) {
            let sums = input_gradient[start..].iter_mut().zip(&input[start..]);
            for (gradient, (sum, value)) in row.iter().zip(sums) {
                *sum += gradient * self.function.slope_at((*value).into()) as f32;
            }
        }
    }
}
