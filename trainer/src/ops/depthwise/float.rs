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
use crate::kernels::{Aligned, Gradient, Loops};
use crate::ops::{Buffers, FloatOperator, InputGradients, Inputs, Part, Pass, Source};

/// Most channels whose sums stay in registers.
const BLOCK: usize = 32;

/// A depthwise convolution and where its taps lie.
#[derive(Clone, Debug)]
pub struct Float {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// Which rows meet, then which columns.
    meetings: [Meetings; 2],
    /// Kernel rows and columns.
    kernel: [usize; 2],
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Whether batch normalisation follows, which then does the ReLU too.
    pub normalised: bool,
}

/// Which rows of the map, taps and rows of the output meet inside of the map; or columns.
#[derive(Clone, Debug)]
struct Meetings {
    /// Of each output row: map rows and taps.
    of_output: Vec<Vec<[usize; 2]>>,
    /// Of each map row: output rows and taps.
    of_input: Vec<Vec<[usize; 2]>>,
    /// Of each tap: map rows and output rows.
    of_tap: Vec<Vec<[usize; 2]>>,
}

impl Meetings {
    fn new(origin: i64, stride: usize, [inputs, taps, outputs]: [usize; 3]) -> Self {
        let mut meetings = Self {
            of_output: vec![Vec::new(); outputs],
            of_input: vec![Vec::new(); inputs],
            of_tap: vec![Vec::new(); taps],
        };
        for output in 0..outputs {
            for tap in 0..taps {
                let input = usize::try_from(origin + (output * stride + tap) as i64);
                let Some(input) = input.ok().filter(|input| *input < inputs) else { continue };
                meetings.of_output[output].push([input, tap]);
                meetings.of_input[input].push([output, tap]);
                meetings.of_tap[tap].push([input, output]);
            }
        }
        meetings
    }
}

impl Float {
    /// The part that is computed.
    pub fn new(depthwise: &Depthwise, part: &Part) -> Self {
        let (Source { shape: input, origin }, output) = (part.inputs[0], part.output);
        let (kernel, stride) =
            (depthwise.kernel.map(usize::from), depthwise.stride.map(usize::from));
        let [inputs, outputs] =
            [input, output].map(|shape| [shape.height, shape.width].map(usize::from));
        let meetings = [0, 1].map(|axis| {
            let counts = [inputs[axis], kernel[axis], outputs[axis]];
            Meetings::new(origin[axis] as i64, stride[axis], counts)
        });
        let relu = depthwise.rectifier.is_some();
        Self { input, output, meetings, kernel, relu, normalised: false }
    }

    fn tap_count(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The map with as many equal channels for each as it has outputs.
    fn spread<'m>(&self, input: &'m [f32], scratch: &'m mut Aligned) -> &'m [f32] {
        let [channels, outputs] = [self.input, self.output].map(|map| map.channels as usize);
        if channels == outputs {
            return input;
        }
        let multiplier = outputs / channels;
        scratch.set_zeros(input.len() * multiplier);
        for (value, copies) in input.iter().zip(scratch.chunks_exact_mut(multiplier)) {
            copies.fill(*value);
        }
        scratch
    }

    /// The gradient of the map, of `sums`, that of a map of as many channels as there are outputs.
    fn gather(&self, sums: &[f32], input_gradient: &mut [f32]) {
        let multiplier = self.output.channels / self.input.channels;
        for (value, copies) in input_gradient.iter_mut().zip(sums.chunks_exact(multiplier.into())) {
            *value += copies.iter().sum::<f32>();
        }
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
        let outputs = self.output.channels as usize;
        for pixel in output.chunks_exact_mut(outputs) {
            pixel.copy_from_slice(&pass.weights.bias);
        }
        pass.set.run(OfPixels {
            meetings: self.meetings.each_ref().map(|meetings| &meetings.of_output[..]),
            source: self.spread(input, pass.scratch),
            source_sides: [self.input.height, self.input.width].map(usize::from),
            weights: &by_tap(&pass.weights.rows, self.tap_count()),
            kernel_row: self.kernel[1],
            channels: outputs,
            sums: output,
        });
        if self.relu && !self.normalised {
            pass.set.run(Relu { values: output });
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
        let (taps, outputs) = (self.tap_count(), self.output.channels as usize);
        let mut sums = vec![0.0; taps * outputs];
        let input = self.spread(input, pass.scratch);
        pass.set.run(OfWeights { float: self, input, output_gradient, sums: &mut sums });
        for (index, sum) in sums.iter().enumerate() {
            let (tap, output) = (index / outputs, index % outputs);
            gradient.weights[output * gradient.row_step + tap] += sum;
        }
        for values in output_gradient.chunks_exact(outputs) {
            gradient.bias.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        if !input_gradient.is_empty() {
            self.map_gradient(pass, output_gradient, input_gradient);
        }
    }
}

impl Float {
    fn map_gradient(&self, pass: &mut Pass<'_>, gradient: &[f32], input_gradient: &mut [f32]) {
        let [channels, outputs] = [self.input, self.output].map(|map| map.channels as usize);
        let weights = &by_tap(&pass.weights.rows, self.tap_count())[..];
        let of_pixels = |sums| OfPixels {
            meetings: self.meetings.each_ref().map(|meetings| &meetings.of_input[..]),
            source: gradient,
            source_sides: [self.output.height, self.output.width].map(usize::from),
            weights,
            kernel_row: self.kernel[1],
            channels: outputs,
            sums,
        };
        if channels == outputs {
            return pass.set.run(of_pixels(input_gradient));
        }
        pass.scratch.set_zeros(input_gradient.len() * (outputs / channels));
        pass.set.run(of_pixels(pass.scratch));
        self.gather(pass.scratch, input_gradient);
    }
}

/// Weights `[output][tap]` as `[tap][output]`.
fn by_tap(rows: &[f32], taps: usize) -> Vec<f32> {
    let of_tap = |tap: usize| rows.iter().skip(tap).step_by(taps).copied();
    (0..taps).flat_map(of_tap).collect()
}

/// `sums[pixel][c] += sum over what meets the pixel of source[other pixel][c] * weights[tap][c]`:
/// forward, and the gradient of the map.
struct OfPixels<'l> {
    /// For rows and columns of the sums: those of the source, and taps.
    meetings: [&'l [Vec<[usize; 2]>]; 2],
    /// `[image][row][column][channel]`.
    source: &'l [f32],
    source_sides: [usize; 2],
    /// `[tap][channel]`.
    weights: &'l [f32],
    /// Taps of a row of the kernel.
    kernel_row: usize,
    channels: usize,
    /// `[image][row][column][channel]`.
    sums: &'l mut [f32],
}

impl Loops for OfPixels<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { meetings: [rows, columns], source, source_sides, channels, sums, .. } = self;
        let source_len = source_sides[0] * source_sides[1] * channels;
        let images = sums.chunks_exact_mut(rows.len() * columns.len() * channels);
        // Loops rather than closures: what is not inlined would be compiled without the
        // instruction set.
        for (sums, source) in images.zip(source.chunks_exact(source_len)) {
            let mut pixels = sums.chunks_exact_mut(channels);
            for row in rows {
                for (column, sums) in columns.iter().zip(&mut pixels) {
                    let terms = PixelTerms {
                        row,
                        column,
                        source,
                        source_row: source_sides[1] * channels,
                        weights: self.weights,
                        kernel_row: self.kernel_row,
                        channels,
                    };
                    terms.add(sums);
                }
            }
        }
    }
}

/// What is added to a pixel.
struct PixelTerms<'t> {
    row: &'t [[usize; 2]],
    column: &'t [[usize; 2]],
    source: &'t [f32],
    /// Values of a row of the source.
    source_row: usize,
    weights: &'t [f32],
    kernel_row: usize,
    channels: usize,
}

impl PixelTerms<'_> {
    #[inline(always)]
    fn add(&self, sums: &mut [f32]) {
        let mut first = 0;
        while self.add_block::<BLOCK>(sums, first) {
            first += BLOCK;
        }
        first += if self.add_block::<16>(sums, first) { 16 } else { 0 };
        first += if self.add_block::<8>(sums, first) { 8 } else { 0 };
        while self.add_block::<1>(sums, first) {
            first += 1;
        }
    }

    /// `CHANNELS` channels from `first` on, if there are as many.
    #[inline(always)]
    fn add_block<const CHANNELS: usize>(&self, sums: &mut [f32], first: usize) -> bool {
        let Some(block) = sums[first..].first_chunk_mut::<CHANNELS>() else { return false };
        let mut in_registers = *block;
        for [row, tap_row] in self.row {
            for [column, tap_column] in self.column {
                let from = row * self.source_row + column * self.channels + first;
                let tap = tap_row * self.kernel_row + tap_column;
                let values = self.source[from..].first_chunk().expect("a block");
                let weights =
                    self.weights[tap * self.channels + first..].first_chunk().expect("a block");
                add_products::<CHANNELS>(&mut in_registers, values, weights);
            }
        }
        *block = in_registers;
        true
    }
}

/// `sums[c] += a[c] * b[c]`.
#[inline(always)]
fn add_products<const CHANNELS: usize>(
    sums: &mut [f32; CHANNELS],
    a: &[f32; CHANNELS],
    b: &[f32; CHANNELS],
) {
    for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
        *sum += a * b;
    }
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

/// `sums[tap][c] += sum over the pixels of input[c] * output_gradient[c]`. A block of an image's
/// channels stays in the nearest cache while the taps pass by.
struct OfWeights<'l> {
    float: &'l Float,
    input: &'l [f32],
    output_gradient: &'l [f32],
    sums: &'l mut [f32],
}

impl Loops for OfWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { float, input, output_gradient, sums } = self;
        let [inputs, outputs] =
            [float.input, float.output].map(|map| map.height as usize * map.width as usize);
        let channels = float.output.channels as usize;
        let images = output_gradient.chunks_exact(outputs * channels);
        for (input, gradient) in input.chunks_exact(inputs * channels).zip(images) {
            for first in (0..channels).step_by(BLOCK) {
                for (tap, sums) in sums.chunks_exact_mut(channels).enumerate() {
                    let terms = TapTerms { float, tap, input, gradient };
                    terms.add(sums, first);
                }
            }
        }
    }
}

/// What is added to a tap's weights.
struct TapTerms<'t> {
    float: &'t Float,
    tap: usize,
    input: &'t [f32],
    gradient: &'t [f32],
}

impl TapTerms<'_> {
    /// Up to [`BLOCK`] channels from `first` on.
    #[inline(always)]
    fn add(&self, sums: &mut [f32], mut first: usize) {
        if self.add_block::<BLOCK>(sums, first) {
            return;
        }
        first += if self.add_block::<16>(sums, first) { 16 } else { 0 };
        first += if self.add_block::<8>(sums, first) { 8 } else { 0 };
        while self.add_block::<1>(sums, first) {
            first += 1;
        }
    }

    /// Places of a row of the map and of one of the gradient, and what a column of each takes.
    #[inline(always)]
    fn steps(&self) -> [usize; 3] {
        let channels = self.float.output.channels as usize;
        let width = |map: Shape| map.width as usize * channels;
        [width(self.float.input), width(self.float.output), channels]
    }

    #[inline(always)]
    fn meetings(&self) -> [&[[usize; 2]]; 2] {
        let [rows, columns] = &self.float.meetings;
        let kernel_row = self.float.kernel[1];
        [&rows.of_tap[self.tap / kernel_row], &columns.of_tap[self.tap % kernel_row]]
    }

    /// `CHANNELS` channels from `first` on, if there are as many.
    #[inline(always)]
    fn add_block<const CHANNELS: usize>(&self, sums: &mut [f32], first: usize) -> bool {
        let Some(block) = sums[first..].first_chunk_mut::<CHANNELS>() else { return false };
        let ([rows, columns], [input_row, output_row, channels]) = (self.meetings(), self.steps());
        let mut in_registers = *block;
        for [input, output] in rows {
            let inputs = &self.input[input * input_row + first..];
            let gradients = &self.gradient[output * output_row + first..];
            for [input, output] in columns {
                let values = inputs[input * channels..].first_chunk().expect("a block");
                let factors = gradients[output * channels..].first_chunk().expect("a block");
                add_products::<CHANNELS>(&mut in_registers, values, factors);
            }
        }
        *block = in_registers;
        true
    }
}
