//! A sum of float maps.

use infer::Shape;
use infer::schedule::INPUTS_MAX;

use crate::kernels::{Aligned, Gradient, Loops};
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
            let (first, second) = (&first[a..a + row_len], &second[b..b + row_len]);
            pass.set.run(SumRow { first, second, least, output });
        }
    }

    fn writes_gradients(&self) -> bool {
        self.inputs.iter().all(|input| input.shape == self.output)
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
                gradient[start..start + row_len].copy_from_slice(row);
            }
        }
    }
}

struct SumRow<'s> {
    first: &'s [f32],
    second: &'s [f32],
    least: f32,
    output: &'s mut [f32],
}

impl Loops for SumRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let pairs = self.first.iter().zip(self.second);
        for (output, (a, b)) in self.output.iter_mut().zip(pairs) {
            *output = (a + b).max(self.least);
        }
    }
}
