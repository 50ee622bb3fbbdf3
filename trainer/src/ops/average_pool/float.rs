//! An average pooling on float maps.

use std::ops::Range;

use infer::Shape;

use super::AveragePool;
use crate::kernels::Gradient;
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// The windows of an average pooling.
#[derive(Clone, Debug)]
pub struct Float {
    input: Shape,
    output: Shape,
    /// The input rows of each row of the output, then the columns of each column.
    inside: [Vec<Range<usize>>; 2],
}

impl Float {
    /// The windows of the part that is computed.
    pub fn new(pool: &AveragePool, part: &Part) -> Self {
        let (Source { shape: input, origin }, output) = (part.inputs[0], part.output);
        let [inputs, outputs] = [input, output].map(|shape| [shape.height, shape.width]);
        let inside = [0, 1].map(|axis| {
            let within = |place: i64| place.clamp(0, inputs[axis] as i64) as usize;
            let window = |index: u16| {
                let first = origin[axis] as i64 + index as i64 * pool.stride[axis] as i64;
                within(first)..within(first + pool.size[axis] as i64)
            };
            (0..outputs[axis]).map(window).collect()
        });
        Self { input, output, inside }
    }

    /// Calls `each` with every pixel of the output: its place in the maps of all images, those of
    /// the rows of pixels in its window, and how many pixels these are.
    fn each_window(&self, images: usize, mut each: impl FnMut(usize, &[Range<usize>], f32)) {
        let channels = self.input.channels as usize;
        let (mut output, mut window) = (0, vec![]);
        for image in 0..images {
            for rows in &self.inside[0] {
                for columns in &self.inside[1] {
                    let row = |row: usize| image * self.input.len() + row * self.input.row_len();
                    window.clear();
                    window.extend(rows.clone().map(|at| {
                        row(at) + columns.start * channels..row(at) + columns.end * channels
                    }));
                    each(output, &window, (rows.len() * columns.len()) as f32);
                    output += channels;
                }
            }
        }
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
        let channels = self.input.channels as usize;
        self.each_window(pass.images, |at, window, count| {
            let sums = &mut output[at..at + channels];
            sums.fill(0.0);
            for pixel in window.iter().flat_map(|row| input[row.clone()].chunks_exact(channels)) {
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
            }
            sums.iter_mut().for_each(|sum| *sum /= count);
        });
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        _: Inputs<'_>,
        output_gradient: &[f32],
        _: &mut Gradient,
        [input_gradient, ..]: InputGradients<'_>,
    ) {
        if input_gradient.is_empty() {
            return;
        }
        let channels = self.input.channels as usize;
        self.each_window(pass.images, |at, window, count| {
            let gradients = &output_gradient[at..at + channels];
            for row in window {
                for pixel in input_gradient[row.clone()].chunks_exact_mut(channels) {
                    pixel.iter_mut().zip(gradients).for_each(|(sum, g)| *sum += g / count);
                }
            }
        });
    }
}
