//! A product of float maps.

use infer::Shape;
use infer::schedule::INPUTS_MAX;

use super::Mul;
use crate::kernels::Gradient;
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// A product and where its pixels lie in the maps that it reads.
#[derive(Clone, Debug)]
pub struct Float {
    inputs: [Source; INPUTS_MAX],
    output: Shape,
    /// Whether the second map is a factor for each channel.
    is_by_channel: bool,
    /// Whether a ReLU follows.
    relu: bool,
}

impl Float {
    /// The product of the parts that are computed.
    pub fn new(mul: &Mul, part: &Part) -> Self {
        Self {
            inputs: part.inputs,
            output: part.output,
            is_by_channel: mul.is_by_channel(),
            relu: mul.rectifier.is_some(),
        }
    }

    /// The place of each output pixel's first channel in the maps, then in those of the first and
    /// of the second input.
    fn pixels(&self, images: usize) -> impl Iterator<Item = [usize; 3]> {
        let Self { inputs, output, is_by_channel, .. } = *self;
        let channels = output.channels as usize;
        let place = move |image: usize, shape: Shape, row: usize, column: usize| {
            image * shape.len() + row * shape.row_len() + column * channels
        };
        let of_input = move |input: usize, image: usize, row: usize, column: usize| {
            let Source { shape, origin } = inputs[input];
            if input == 1 && is_by_channel {
                return place(image, shape, 0, 0);
            }
            // A product reads no padding.
            let [first_row, first_column] = origin.map(|origin| origin.max(0) as usize);
            place(image, shape, first_row + row, first_column + column)
        };
        let [rows, columns] = [output.height, output.width].map(usize::from);
        (0..images * rows * columns).map(move |pixel| {
            let (image, row) = (pixel / columns / rows, pixel / columns % rows);
            let (column, to) = (pixel % columns, pixel * channels);
            [to, of_input(0, image, row, column), of_input(1, image, row, column)]
        })
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
        Buffers::default()
    }

    fn forward(&self, pass: &mut Pass<'_>, [first, second]: Inputs<'_>, output: &mut [f32]) {
        let channels = self.output.channels as usize;
        let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        for [to, a, b] in self.pixels(pass.images) {
            let factors = first[a..].iter().zip(&second[b..]);
            for (output, (a, b)) in output[to..to + channels].iter_mut().zip(factors) {
                *output = (a * b).max(least);
            }
        }
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        [first, second]: Inputs<'_>,
        output_gradient: &[f32],
        _: &mut Gradient,
        [to_first, to_second]: InputGradients<'_>,
    ) {
        let channels = self.output.channels as usize;
        for [from, a, b] in self.pixels(pass.images) {
            let gradient = &output_gradient[from..from + channels];
            let add = |sums: &mut [f32], at: usize, factors: &[f32]| {
                if !sums.is_empty() {
                    let sums = sums[at..].iter_mut().zip(gradient).zip(factors);
                    sums.for_each(|((sum, gradient), factor)| *sum += gradient * factor);
                }
            };
            add(to_first, a, &second[b..]);
            add(to_second, b, &first[a..]);
        }
    }
}
