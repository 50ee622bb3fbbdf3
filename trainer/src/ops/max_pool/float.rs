//! A pooling on float maps.

use infer::Shape;

use super::Pooling;
use crate::kernels::{Aligned, Gradient};
use crate::ops::float::places;
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// Windows of a pooling.
#[derive(Clone, Debug)]
pub struct Float {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// Place of each output pixel's first input pixel.
    pub pixels: Vec<usize>,
    /// The window's pixels, relative to the first.
    pub window: Vec<usize>,
}

impl Float {
    /// The windows of the part that is computed.
    pub fn new(pool: Pooling, part: &Part) -> Self {
        let (Source { shape: input, origin }, output) = (part.inputs[0], part.output);
        let count = [output.height, output.width].map(usize::from);
        // No window of a pooling begins outside of its map.
        let first = origin.map(|origin| origin.max(0) as usize);
        let steps = [input.row_len(), input.channels as usize];
        Self {
            input,
            output,
            pixels: places(steps, first, count, pool.stride.map(usize::from)),
            window: places(steps, [0, 0], pool.size.map(usize::from), [1, 1]),
        }
    }
}

impl FloatOperator for Float {
    fn output(&self) -> Shape {
        self.output
    }

    fn buffers(&self, images: usize) -> Buffers {
        let choices = vec![0; images * self.output.len()];
        Buffers { padded: Aligned::default(), pixels: Vec::new(), choices }
    }

    fn forward(&self, pass: &mut Pass<'_>, [input, ..]: Inputs<'_>, output: &mut [f32]) {
        let channels = self.output.channels as usize;
        let images =
            input.chunks_exact(self.input.len()).zip(output.chunks_exact_mut(self.output.len()));
        let choices = pass.buffers.choices.chunks_exact_mut(self.output.len());
        for ((input, output), choices) in images.zip(choices) {
            let pixels = output.chunks_exact_mut(channels).zip(choices.chunks_exact_mut(channels));
            for (place, (output, choices)) in self.pixels.iter().zip(pixels) {
                largest_of_window(&input[*place..], &self.window, output, choices);
            }
        }
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        _: Inputs<'_>,
        output_gradient: &[f32],
        _gradient: &mut Gradient,
        [input_gradient, ..]: InputGradients<'_>,
    ) {
        let channels = self.output.channels as usize;
        let choices = pass.buffers.choices.chunks_exact(self.output.len());
        let outputs = output_gradient.chunks_exact(self.output.len()).zip(choices);
        for ((gradient, choices), input) in
            outputs.zip(input_gradient.chunks_exact_mut(self.input.len()))
        {
            let pixels = gradient.chunks_exact(channels).zip(choices.chunks_exact(channels));
            for (place, (gradient, choices)) in self.pixels.iter().zip(pixels) {
                for (channel, (gradient, choice)) in gradient.iter().zip(choices).enumerate() {
                    input[place + self.window[*choice as usize] + channel] += gradient;
                }
            }
        }
    }
}

fn largest_of_window(input: &[f32], window: &[usize], output: &mut [f32], choices: &mut [u16]) {
    output.fill(f32::NEG_INFINITY);
    for (number, offset) in window.iter().enumerate() {
        for ((output, choice), value) in output.iter_mut().zip(&mut *choices).zip(&input[*offset..])
        {
            if *value > *output {
                (*output, *choice) = (*value, number as u16);
            }
        }
    }
}
