//! A depthwise convolution on float maps, with a verifiable loop: tap by tap, channel by channel.

use std::ops::Range;

use infer::Shape;

use super::Depthwise;
use crate::kernels::{Aligned, Gradient, Loops};
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// A depthwise convolution and where its taps lie.
#[derive(Clone, Debug)]
pub struct Float {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// The taps of each row of the output, then of each column.
    taps: [Vec<Taps>; 2],
    /// Kernel rows and columns.
    kernel: [usize; 2],
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Whether batch normalisation follows, which then does the ReLU too.
    pub normalised: bool,
}

/// The taps of a row or column of the output that lie inside of the map.
#[derive(Clone, Debug)]
struct Taps {
    /// The taps.
    range: Range<usize>,
    /// Row or column of the input under the first of them.
    first: usize,
}

impl Float {
    /// The part that is computed.
    pub fn new(depthwise: &Depthwise, part: &Part) -> Self {
        let (Source { shape: input, origin }, output) = (part.inputs[0], part.output);
        let (kernel, stride) =
            (depthwise.kernel.map(usize::from), depthwise.stride.map(usize::from));
        let [inputs, outputs] =
            [input, output].map(|shape| [shape.height, shape.width].map(usize::from));
        let taps = [0, 1].map(|axis| {
            let taps = |index: usize| {
                let first = origin[axis] as i64 + (index * stride[axis]) as i64;
                Taps::new(first, kernel[axis], inputs[axis])
            };
            (0..outputs[axis]).map(taps).collect()
        });
        Self { input, output, taps, kernel, relu: depthwise.rectifier.is_some(), normalised: false }
    }

    /// Calls `each` with every tap inside of the map: its number, and the places of the input pixel
    /// and of the output pixel in the maps of all images.
    #[inline(always)]
    fn each_tap(&self, images: usize, mut each: impl FnMut(usize, usize, usize)) {
        let [channels, outputs] = [self.input, self.output].map(|shape| shape.channels as usize);
        let mut output = 0;
        for image in 0..images {
            for rows in &self.taps[0] {
                for columns in &self.taps[1] {
                    for (row, kernel_row) in rows.range.clone().enumerate() {
                        let row =
                            image * self.input.len() + (rows.first + row) * self.input.row_len();
                        for (column, kernel_column) in columns.range.clone().enumerate() {
                            let tap = kernel_row * self.kernel[1] + kernel_column;
                            each(tap, row + (columns.first + column) * channels, output);
                        }
                    }
                    output += outputs;
                }
            }
        }
    }

    fn tap_count(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}

impl Taps {
    /// The taps of `kernel` that lie inside of a side of `length`, when the first of all lies at
    /// `first`.
    fn new(first: i64, kernel: usize, length: usize) -> Self {
        let start = (-first).clamp(0, kernel as i64);
        let end = (length as i64 - first).clamp(start, kernel as i64);
        Self { range: start as usize..end as usize, first: (first + start).max(0) as usize }
    }
}

impl FloatOperator for Float {
    fn output(&self) -> Shape {
        self.output
    }

    fn weights(&self) -> Option<(usize, usize)> {
        Some((self.output.channels as usize, self.tap_count()))
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

    fn buffers(&self, _: usize) -> Buffers {
        Buffers { padded: Aligned::default(), pixels: Vec::new(), choices: Vec::new() }
    }

    fn forward(&self, pass: &mut Pass<'_>, [input, ..]: Inputs<'_>, output: &mut [f32]) {
        let weights = by_tap(&pass.weights.rows, self.tap_count());
        let (images, bias) = (pass.images, &pass.weights.bias);
        pass.set.run(Forward { float: self, images, weights: &weights, bias, input, output });
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        [input, ..]: Inputs<'_>,
        output_gradient: &[f32],
        gradient: &mut Gradient,
        [input_gradient, ..]: InputGradients<'_>,
    ) {
        let (float, images, taps) = (self, pass.images, self.tap_count());
        let mut sums = vec![0.0; pass.weights.rows.len()];
        pass.set.run(OfWeights { float, images, input, output_gradient, sums: &mut sums });
        let outputs = self.output.channels as usize;
        for (index, sum) in sums.iter().enumerate() {
            let (tap, output) = (index / outputs, index % outputs);
            gradient.weights[output * gradient.row_step + tap] += sum;
        }
        for values in output_gradient.chunks_exact(outputs) {
            gradient.bias.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        if !input_gradient.is_empty() {
            let weights = &by_tap(&pass.weights.rows, taps)[..];
            pass.set.run(OfInput { float, images, weights, output_gradient, input_gradient });
        }
    }
}

/// Weights `[output][tap]` as `[tap][output]`.
fn by_tap(rows: &[f32], taps: usize) -> Vec<f32> {
    let of_tap = |tap: usize| rows.iter().skip(tap).step_by(taps).copied();
    (0..taps).flat_map(of_tap).collect()
}

/// `sums[c] += a[c] * b[c]`: what a tap adds where each channel has one output. Nothing is fused:
/// the bits are those of the loops over several outputs, but whole vectors are computed at once.
#[inline(always)]
fn add_products(sums: &mut [f32], a: &[f32], b: &[f32]) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += a * b;
    }
}

/// `output[c] = bias[c] + sum over the taps of input[c / multiplier] * weight[tap][c]`.
struct Forward<'l> {
    float: &'l Float,
    images: usize,
    weights: &'l [f32],
    bias: &'l [f32],
    input: &'l [f32],
    output: &'l mut [f32],
}

impl Loops for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { float, images, weights, bias, input, output } = self;
        let [channels, outputs] = [float.input, float.output].map(|map| map.channels as usize);
        output.chunks_exact_mut(outputs).for_each(|pixel| pixel.copy_from_slice(bias));
        float.each_tap(images, |tap, from, to| {
            let (weights, sums) =
                (&weights[tap * outputs..][..outputs], &mut output[to..][..outputs]);
            if outputs == channels {
                return add_products(sums, &input[from..][..channels], weights);
            }
            let products = weights.chunks_exact(outputs / channels);
            let sums = sums.chunks_exact_mut(outputs / channels);
            for ((sums, weights), value) in sums.zip(products).zip(&input[from..]) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        });
        if float.relu && !float.normalised {
            output.iter_mut().for_each(|value| *value = value.max(0.0));
        }
    }
}

/// `sum[tap][c] = sum over the pixels of input[c / multiplier] * output_gradient[c]`.
struct OfWeights<'l> {
    float: &'l Float,
    images: usize,
    input: &'l [f32],
    output_gradient: &'l [f32],
    sums: &'l mut [f32],
}

impl Loops for OfWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { float, images, input, output_gradient, sums } = self;
        let [channels, outputs] = [float.input, float.output].map(|map| map.channels as usize);
        float.each_tap(images, |tap, from, to| {
            let gradients = &output_gradient[to..][..outputs];
            let sums = &mut sums[tap * outputs..][..outputs];
            if outputs == channels {
                return add_products(sums, &input[from..][..channels], gradients);
            }
            let gradients = gradients.chunks_exact(outputs / channels);
            let sums = sums.chunks_exact_mut(outputs / channels);
            for ((sums, gradients), value) in sums.zip(gradients).zip(&input[from..]) {
                for (sum, gradient) in sums.iter_mut().zip(gradients) {
                    *sum += value * gradient;
                }
            }
        });
    }
}

/// `input_gradient[c / multiplier] += output_gradient[c] * weight[tap][c]`.
struct OfInput<'l> {
    float: &'l Float,
    images: usize,
    weights: &'l [f32],
    output_gradient: &'l [f32],
    input_gradient: &'l mut [f32],
}

impl Loops for OfInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { float, images, weights, output_gradient, input_gradient } = self;
        let [channels, outputs] = [float.input, float.output].map(|map| map.channels as usize);
        float.each_tap(images, |tap, from, to| {
            let gradients = &output_gradient[to..][..outputs];
            let weights = &weights[tap * outputs..][..outputs];
            let sums = &mut input_gradient[from..][..channels];
            if outputs == channels {
                return add_products(sums, gradients, weights);
            }
            let gradients = gradients.chunks_exact(outputs / channels);
            let weights = weights.chunks_exact(outputs / channels);
            for ((sum, gradients), weights) in sums.iter_mut().zip(gradients).zip(weights) {
                for (gradient, weight) in gradients.iter().zip(weights) {
                    *sum += gradient * weight;
                }
            }
        });
    }
}
