//! Float maps side by side, and within a border.

use infer::Shape;

use super::Concat;
use crate::kernels::Gradient;
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// The maps, and where they lie in the output.
#[derive(Clone, Debug)]
pub struct Float {
    inputs: Vec<Source>,
    output: Shape,
    /// Whether a ReLU follows.
    relu: bool,
}

impl Float {
    /// The parts that are computed.
    pub fn new(concat: &Concat, part: &Part) -> Self {
        let count = if concat.is_pad() { 1 } else { 2 };
        let (inputs, relu) = (part.inputs[..count].to_vec(), concat.rectifier.is_some());
        Self { inputs, output: part.output, relu }
    }

    /// Calls `each` with every pixel of input number `input` that is in the output: the place of
    /// its first channel in the maps of all images, and that of the first channel it becomes.
    fn each_pixel(&self, input: usize, images: usize, mut each: impl FnMut(usize, usize)) {
        let Source { shape, origin } = self.inputs[input];
        let before: usize =
            self.inputs[..input].iter().map(|source| source.shape.channels as usize).sum();
        let inside = |axis: usize, place: u16, length: u16| {
            let at = origin[axis] as i64 + place as i64;
            (at >= 0 && at < length as i64).then_some(at as usize)
        };
        for image in 0..images {
            for row in 0..self.output.height {
                let Some(from_row) = inside(0, row, shape.height) else { continue };
                for column in 0..self.output.width {
                    let Some(from_column) = inside(1, column, shape.width) else { continue };
                    let pixel = row as usize * self.output.width as usize + column as usize;
                    let to = image * self.output.len() + pixel * self.output.channels as usize;
                    let pixel = from_row * shape.width as usize + from_column;
                    let from = image * shape.len() + pixel * shape.channels as usize;
                    each(from, to + before);
                }
            }
        }
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

    fn forward(&self, pass: &mut Pass<'_>, inputs: Inputs<'_>, output: &mut [f32]) {
        output.fill(0.0);
        for (index, source) in self.inputs.iter().enumerate() {
            let channels = source.shape.channels as usize;
            self.each_pixel(index, pass.images, |from, to| {
                output[to..to + channels].copy_from_slice(&inputs[index][from..from + channels]);
            });
        }
        if self.relu {
            output.iter_mut().for_each(|value| *value = value.max(0.0));
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
        for (index, gradient) in input_gradients.into_iter().enumerate() {
            if gradient.is_empty() {
                continue;
            }
            let channels = self.inputs[index].shape.channels as usize;
            self.each_pixel(index, pass.images, |from, to| {
                let sums = gradient[from..from + channels].iter_mut();
                sums.zip(&output_gradient[to..]).for_each(|(sum, value)| *sum += value);
            });
        }
    }
}
