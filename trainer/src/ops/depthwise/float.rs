//! A depthwise convolution on float maps.
//!
//! ```text
//! for each output row o, tap row t and map row i that meet (and so for columns):
//!     output[o][c]         += map[i][c] * weight[t][c]
//!     weight_gradient[t][c] += map[i][c] * gradient[o][c]
//!     map_gradient[i][c]    += gradient[o][c] * weight[t][c]
//! ```
//!
//! Each sum adds its terms in the order of the output's pixels, of one pixel in that of the taps.
//! With several outputs per channel the map is one of that many equal channels, whose gradients are
//! added at the end. Nothing is fused, so every host gets the same bits.

use infer::Shape;

use super::Depthwise;
use super::windows::{PixelSums, Side, TapSums, Windows};
use crate::kernels::{Gradient, Loops};
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// A depthwise convolution and where its taps lie.
#[derive(Clone, Debug)]
pub struct Float {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// The windows of the output's pixels in the map.
    forward: Windows,
    /// The windows of the map's pixels in the output's gradient.
    backward: Windows,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Whether batch normalisation follows, which then does the ReLU too.
    pub normalised: bool,
}

impl Float {
    /// The part that is computed.
    pub fn new(depthwise: &Depthwise, part: &Part) -> Self {
        let (Source { shape: input, origin }, output) = (part.inputs[0], part.output);
        let (kernel, stride) =
            (depthwise.kernel.map(usize::from), depthwise.stride.map(usize::from));
        let [inputs, outputs] =
            [input, output].map(|shape| [shape.height, shape.width].map(usize::from));
        let sides = [0, 1].map(|axis| Side {
            kernel: kernel[axis],
            stride: stride[axis],
            origin: origin[axis] as i64,
            input: inputs[axis],
            output: outputs[axis],
        });
        let channels = output.channels as usize;
        Self {
            input,
            output,
            forward: Windows::of_outputs(sides, channels),
            backward: Windows::of_inputs(sides, channels),
            relu: depthwise.rectifier.is_some(),
            normalised: false,
        }
    }

    fn tap_count(&self) -> usize {
        self.forward.taps.len()
    }

    /// Outputs for each channel of the map.
    fn multiplier(&self) -> usize {
        (self.output.channels / self.input.channels) as usize
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
        Buffers::default()
    }

    fn forward(&self, pass: &mut Pass<'_>, [input, ..]: Inputs<'_>, output: &mut [f32]) {
        let weights = &by_tap(&pass.weights.rows, self.tap_count())[..];
        pass.scratch.set_zeros(self.forward.len());
        let images = output.chunks_exact_mut(self.output.len());
        for (image, sums) in input.chunks_exact(self.input.len()).zip(images) {
            let source = self.forward.place(image, self.multiplier(), pass.scratch);
            let (windows, start) = (&self.forward, &pass.weights.bias[..]);
            pass.set.run(PixelSums { windows, source, weights, start, sums });
        }
        if self.relu && !self.normalised {
            pass.set.run(Relu { values: output });
        }
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
        self.weight_gradient(pass, input, output_gradient, gradient);
        if !input_gradient.is_empty() {
            self.map_gradient(pass, output_gradient, input_gradient);
        }
    }
}

impl Float {
    fn weight_gradient(
        &self,
        pass: &mut Pass<'_>,
        input: &[f32],
        output_gradient: &[f32],
        gradient: &mut Gradient,
    ) {
        let outputs = self.output.channels as usize;
        let mut sums = vec![0.0; self.tap_count() * outputs];
        pass.scratch.set_zeros(self.forward.len());
        let images = output_gradient.chunks_exact(self.output.len());
        for (image, factors) in input.chunks_exact(self.input.len()).zip(images) {
            let source = self.forward.place(image, self.multiplier(), pass.scratch);
            pass.set.run(TapSums { windows: &self.forward, source, factors, sums: &mut sums });
        }
        for (index, sum) in sums.iter().enumerate() {
            let (tap, output) = (index / outputs, index % outputs);
            gradient.weights[output * gradient.row_step + tap] += sum;
        }
        // A normalised layer has no bias of its own.
        if !gradient.bias.is_empty() {
            for values in output_gradient.chunks_exact(outputs) {
                gradient.bias.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
    }

    fn map_gradient(&self, pass: &mut Pass<'_>, gradient: &[f32], input_gradient: &mut [f32]) {
        let multiplier = self.multiplier();
        // The windows meet the taps from last to first.
        let mut weights = by_tap(&pass.weights.rows, self.tap_count());
        let outputs = self.output.channels as usize;
        weights.reverse();
        weights.chunks_exact_mut(outputs).for_each(<[f32]>::reverse);
        let place_len = self.backward.len().next_multiple_of(16);
        let sums_len = if multiplier > 1 { self.input.len() * multiplier } else { 0 };
        pass.scratch.set_zeros(place_len + sums_len);
        let (placed, of_outputs) = pass.scratch.split_at_mut(place_len);
        let start = &vec![0.0; outputs][..];
        let images = input_gradient.chunks_exact_mut(self.input.len());
        for (image, to) in gradient.chunks_exact(self.output.len()).zip(images) {
            let source = self.backward.place(image, 1, placed);
            let sums = if multiplier > 1 { &mut *of_outputs } else { &mut *to };
            let (windows, weights) = (&self.backward, &weights[..]);
            pass.set.run(PixelSums { windows, source, weights, start, sums });
            if multiplier > 1 {
                gather(of_outputs, multiplier, to);
            }
        }
    }
}

/// The gradient of the map, of that of a map of as many channels as there are outputs.
fn gather(of_outputs: &[f32], multiplier: usize, to: &mut [f32]) {
    for (value, copies) in to.iter_mut().zip(of_outputs.chunks_exact(multiplier)) {
        *value = copies.iter().sum();
    }
}

/// Weights `[output][tap]` as `[tap][output]`.
fn by_tap(rows: &[f32], taps: usize) -> Vec<f32> {
    let of_tap = |tap: usize| rows.iter().skip(tap).step_by(taps).copied();
    (0..taps).flat_map(of_tap).collect()
}

struct Relu<'l> {
    values: &'l mut [f32],
}

impl Loops for Relu<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for value in self.values {
            *value = value.max(0.0);
        }
    }
}
