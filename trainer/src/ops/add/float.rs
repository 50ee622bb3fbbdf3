//! A sum of float maps.

use infer::Shape;
use infer::schedule::INPUTS_MAX;

use crate::kernels::{Aligned, Gradient};
use crate::ops::float::rows_of;
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// A sum and where its rows lie in the maps that it reads.
#[derive(Clone, Debug)]
pub struct Float {
    /// The maps it reads, and the row and column of each under the first output.
    pub inputs: [Source; INPUTS_MAX],
    /// The map it leaves.
    pub output: Shape,
    /// Whether a ReLU follows.
    pub relu: bool,
}

impl Float {
    /// The sum of the parts that are computed.
    pub const fn new(relu: bool, part: &Part) -> Self {
        Self { inputs: part.inputs, output: part.output, relu }
    }

    /// Where the rows of the sum begin in the map that is its input number `input`.
    fn rows(&self, input: usize, images: usize) -> impl Iterator<Item = usize> {
        rows_of(&self.inputs[input], self.output, images)
    }
}

impl FloatOperator for Float {
    fn output(&self) -> Shape {
        self.output
    }

    fn relu(&self) -> bool {
        self.relu
    }

    fn buffers(&self, _: usize) -> Buffers {
        Buffers { padded: Aligned::default(), pixels: Vec::new(), choices: Vec::new() }
    }

    fn forward(&self, pass: &mut Pass<'_>, [first, second]: Inputs<'_>, output: &mut [f32]) {
        let row_len = self.output.row_len();
        let starts = self.rows(0, pass.images).zip(self.rows(1, pass.images));
        let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        for (output, (a, b)) in output.chunks_exact_mut(row_len).zip(starts) {
            let pairs = first[a..a + row_len].iter().zip(&second[b..b + row_len]);
            for (output, (a, b)) in output.iter_mut().zip(pairs) {
                *output = (a + b).max(least);
            }
        }
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        _: Inputs<'_>,
        output_gradient: &[f32],
        _: &mut Gradient,
        input_gradients: InputGradients<'_>,
    ) {
        let row_len = self.output.row_len();
        for (input, gradient) in input_gradients.into_iter().enumerate() {
            if gradient.is_empty() {
                continue;
            }
            let rows = output_gradient.chunks_exact(row_len).zip(self.rows(input, pass.images));
            for (row, start) in rows {
                let sums = &mut gradient[start..start + row_len];
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}
