//! A convolution on float maps: where its kernel's taps lie, worked out once per network.

use infer::Shape;

use super::Conv;
use super::transposed::{Side, Transposed};
use crate::kernels::{self, Gradient, LANES, Positions, Reach, Weights};
use crate::ops::float::{of_images, places};
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// Positions of a convolution.
#[derive(Clone, Debug)]
pub struct Float {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// Rows and columns of the input with its padding, which may be more than the 16 bits of a
    /// [`Shape`] hold.
    padded: [usize; 2],
    /// Row and column of the input in the padded map.
    pub inset: [usize; 2],
    /// How a position reads its taps.
    pub reach: Reach,
    /// Values of a padded row.
    padded_row: usize,
    /// Place of each output pixel's first position in the padded map.
    pub pixels: Vec<usize>,
    /// The window's positions, relative to the first.
    pub window: Vec<usize>,
    /// The way back to the map where nothing is pooled, and a position has several taps or its
    /// channels are no whole vectors.
    pub(super) transposed: Option<Transposed>,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Whether batch normalisation follows, which then does the ReLU too.
    pub normalised: bool,
}

impl Float {
    /// The positions of the part that is computed.
    pub fn new(conv: &Conv, part: &Part) -> Self {
        let (Source { shape: input, origin }, output) = (part.inputs[0], part.output);
        let [kernel, stride, pool, dilation] =
            [conv.kernel, conv.stride, conv.pool_size(), conv.dilation]
                .map(|sides| sides.map(usize::from));
        let reach = conv.reach().map(usize::from);
        let outputs = [output.height, output.width].map(usize::from);
        let sides = [input.height, input.width].map(usize::from);
        let inset: [usize; 2] = origin.map(|origin| origin.min(0).unsigned_abs() as usize);
        let first: [usize; 2] = origin.map(|origin| origin.max(0) as usize);
        let padded: [usize; 2] = [0, 1].map(|axis| {
            let last = (outputs[axis] * pool[axis] - 1) * stride[axis];
            (first[axis] + last + reach[axis]).max(inset[axis] + sides[axis])
        });
        let channels = input.channels as usize;
        let padded_row = padded[1] * channels;
        let steps = [padded_row, channels];
        // Columns that lie apart are rows of one column each: then there is one row only.
        let (rows, row_step, columns) = match dilation[1] {
            1 => (kernel[0], dilation[0] * padded_row, kernel[1]),
            _ if kernel[1] == 1 => (kernel[0], dilation[0] * padded_row, 1),
            apart => (kernel[1], apart * channels, 1),
        };
        let step = [stride[0] * pool[0], stride[1] * pool[1]];
        let side = |axis: usize| Side {
            kernel: kernel[axis],
            stride: stride[axis],
            dilation: dilation[axis],
            origin: origin[axis] as i64,
            input: sides[axis],
            output: outputs[axis],
        };
        let is_whole = kernel == [1, 1] && channels.is_multiple_of(LANES);
        let is_transposed = pool == [1, 1] && !is_whole;
        Self {
            input,
            output,
            padded,
            inset,
            reach: Reach { rows, row_step, run: columns * channels, channels },
            padded_row,
            pixels: places(steps, first, outputs, step),
            window: places(steps, [0, 0], pool, stride),
            transposed: is_transposed.then(|| Transposed::new(input, output, [side(0), side(1)])),
            relu: conv.rectifier.is_some(),
            normalised: false,
        }
    }

    /// The positions of all images, given where their pixels lie.
    fn positions<'p>(&'p self, pixels: &'p [usize], images: usize) -> Positions<'p> {
        Positions {
            reach: self.reach,
            pixels: &pixels[..images * self.pixels.len()],
            window: &self.window,
            relu: self.relu && !self.normalised,
        }
    }

    /// Whether each pixel of the map is read by one pixel of the output, without pooling.
    fn is_pointwise(&self) -> bool {
        let pixels = self.input.height as usize * self.input.width as usize;
        let is_one_tap = self.reach.taps() == self.reach.channels;
        is_one_tap && self.window.len() == 1 && self.pixels.len() == pixels
    }

    /// Whether the input must be copied into a larger map of zeros.
    fn pads(&self) -> bool {
        self.padded != [self.input.height, self.input.width].map(usize::from)
    }

    /// Values of a padded row.
    const fn padded_row(&self) -> usize {
        self.padded_row
    }

    /// Values of a padded map.
    fn padded_len(&self) -> usize {
        self.padded[0] * self.padded_row()
    }

    /// Choices of an image.
    fn choice_len(&self) -> usize {
        if self.window.len() > 1 { self.output.len() } else { 0 }
    }
}

impl FloatOperator for Float {
    fn output(&self) -> Shape {
        self.output
    }

    fn weights(&self) -> Option<(usize, usize)> {
        Some((self.output.channels as usize, self.reach.taps()))
    }

    fn for_map_gradient(&self, weights: Weights) -> Weights {
        match &self.transposed {
            Some(transposed) => weights.with_transposed(|rows| transposed.weights(rows)),
            None => weights.with_map_gradient(self.reach),
        }
    }

    fn relu(&self) -> bool {
        self.relu
    }

    fn normalise(&mut self) {
        self.normalised = true;
    }

    fn normalised(&self) -> bool {
        self.normalised
    }

    fn buffers(&self, images: usize) -> Buffers {
        let padded = if self.pads() { images * self.padded_len() } else { 0 };
        Buffers {
            padded: kernels::Aligned::zeros(padded),
            pixels: of_images(self.padded_len(), &self.pixels, images),
            choices: vec![0; images * self.choice_len()],
        }
    }

    fn forward(&self, pass: &mut Pass<'_>, [input, ..]: Inputs<'_>, output: &mut [f32]) {
        let Buffers { padded, pixels, choices } = &mut *pass.buffers;
        let map = if self.pads() { self.copy_inset(input, padded) } else { input };
        let positions = self.positions(pixels, pass.images);
        let choices = &mut choices[..pass.images * self.choice_len()];
        kernels::forward(pass.set, pass.weights, &positions, map, output, choices);
    }

    fn writes_gradients(&self) -> bool {
        match &self.transposed {
            Some(transposed) => transposed.is_all_read,
            None => self.pads() || self.is_pointwise(),
        }
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
        let choices = &pass.buffers.choices[..pass.images * self.choice_len()];
        let mut back = |map: &[f32], wanted: kernels::InputGradient<'_>| {
            kernels::backward(
                pass.set,
                pass.weights,
                &positions,
                map,
                choices,
                output_gradient,
                gradient,
                wanted,
            );
        };
        let is_asked = !input_gradient.is_empty();
        let is_packed = !pass.weights.transposed.is_empty();
        if let Some(transposed) = self.transposed.as_ref().filter(|_| is_asked && is_packed) {
            back(if self.pads() { &pass.buffers.padded } else { input }, None);
            let (set, weights) = (pass.set, &pass.weights.transposed);
            transposed.run(set, weights, pass.scratch, output_gradient, input_gradient);
        } else if self.pads() {
            let len = pass.images * self.padded_len();
            pass.scratch.set_zeros(if is_asked { len } else { 0 });
            back(&pass.buffers.padded[..len], is_asked.then_some(&mut *pass.scratch));
            self.copy_outset(pass.scratch, input_gradient);
        } else {
            back(input, is_asked.then_some(input_gradient));
        }
    }
}

impl Float {
    /// Copies maps into the middle of padded ones, whose border stays zero; returns those.
    fn copy_inset<'p>(&self, maps: &[f32], padded: &'p mut [f32]) -> &'p [f32] {
        let (shape, start) = (self.input, self.inset[1] * self.input.channels as usize);
        let images = maps.len() / shape.len();
        let padded = &mut padded[..images * self.padded_len()];
        for (map, padded) in
            maps.chunks_exact(shape.len()).zip(padded.chunks_exact_mut(self.padded_len()))
        {
            let rows = padded.chunks_exact_mut(self.padded_row()).skip(self.inset[0]);
            for (row, to) in map.chunks_exact(shape.row_len()).zip(rows) {
                to[start..start + row.len()].copy_from_slice(row);
            }
        }
        padded
    }

    /// Copies the middle of padded maps out.
    fn copy_outset(&self, padded: &[f32], maps: &mut [f32]) {
        let (shape, start) = (self.input, self.inset[1] * self.input.channels as usize);
        for (map, padded) in
            maps.chunks_exact_mut(shape.len()).zip(padded.chunks_exact(self.padded_len()))
        {
            let rows = padded.chunks_exact(self.padded_row()).skip(self.inset[0]);
            for (row, from) in map.chunks_exact_mut(shape.row_len()).zip(rows) {
                row.copy_from_slice(&from[start..start + shape.row_len()]);
            }
        }
    }
}
