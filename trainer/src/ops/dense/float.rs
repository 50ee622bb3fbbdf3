//! A dense layer on float maps: one position in each image, whose taps are the whole map.

use infer::Shape;

use crate::kernels::{self, Aligned, Gradient, Positions, Reach};
use crate::ops::float::of_images;
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Pass};

/// A dense layer; all images are multiplied at once.
#[derive(Clone, Debug)]
pub struct Float {
    /// The map it reads.
    pub input: Shape,
    /// Its outputs.
    pub output: Shape,
    /// Whether a ReLU follows.
    pub relu: bool,
}

impl Float {
    fn positions<'p>(&self, pixels: &'p [usize], images: usize) -> Positions<'p> {
        let (run, channels) = (self.input.len(), self.input.len());
        let reach = Reach { rows: 1, row_step: 0, run, channels };
        Positions { reach, pixels: &pixels[..images], window: &[0], relu: self.relu }
    }
}

impl FloatOperator for Float {
    fn output(&self) -> Shape {
        self.output
    }

    fn weights(&self) -> Option<(usize, usize)> {
        Some((self.output.len(), self.input.len()))
    }

    fn relu(&self) -> bool {
        self.relu
    }

    fn buffers(&self, images: usize) -> Buffers {
        let pixels = of_images(self.input.len(), &[0], images);
        Buffers { padded: Aligned::default(), pixels, choices: Vec::new() }
    }

    fn forward(&self, pass: &mut Pass<'_>, [input, ..]: Inputs<'_>, output: &mut [f32]) {
        let positions = self.positions(&pass.buffers.pixels, pass.images);
        kernels::forward(pass.set, pass.weights, &positions, input, output, &mut []);
    }

    fn writes_gradients(&self) -> bool {
        true
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        [input, ..]: Inputs<'_>,
        output_gradient: &[f32],
        gradient: &mut Gradient,
        [input_gradient, ..]: InputGradients<'_>,
    ) {
        let positions = self.positions(&pass.buffers.pixels, pass.images);
        let wanted = (!input_gradient.is_empty()).then_some(input_gradient);
        kernels::backward(
            pass.set,
            pass.weights,
            &positions,
            input,
            &[],
            output_gradient,
            gradient,
            wanted,
        );
    }
}
