//! Depthwise convolution: each output channel reads one channel of the input.

#[cfg(not(kindling_backend = "portable"))]
mod arm;
mod portable;
mod reference;

use serde::{Deserialize, Serialize};

use super::checks::{check_channels, check_coordinates, check_sections, check_sides};
use super::operator::{
    Buffers, Inputs, Operator, Reading, Record, Tensor, WINDOW_ROW_OPERATIONS, Work,
    operations_of_map,
};
use super::packing::size;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::{ChannelParameters, OutputQuant, Rounding, with_shifts};
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// A depthwise convolution of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepthwiseRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the kernel's first tap for the first output; negative where
    /// padding is read. Input outside of the tensor reads as its zero point.
    pub origin: [i16; 2],
}

/// A depthwise convolution.
///
/// Output channel `c` reads input channel `c / multiplier`, where the multiplier is the number of
/// output channels for each input channel. Output pixel (row, column) reads input rows `origin[0] +
/// row * stride[0] ..` and input columns `origin[1] + column * stride[1] ..`.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise<'m> {
    /// The map it reads.
    pub input: Shape,
    /// What input outside of the map reads as.
    pub input_zero_point: i8,
    /// The map it leaves.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the first tap of output pixel (0, 0).
    pub origin: [i16; 2],
    /// Real value of one step of the output. It and the zero point are fields of their own: so a
    /// layer of any operator stays within [`LAYER_BYTES`](crate::LAYER_BYTES).
    pub output_scale: f32,
    /// The output that stands for 0.0.
    pub output_zero_point: i8,
    /// Channel parameters, 8 bytes per output channel; with two roundings one more each for the
    /// shifts, after all others.
    pub(crate) channels: &'m [u8],
    /// int8, `[kernel row][kernel column][output channel]`.
    pub(crate) weights: &'m [u8],
}

/// The kernels of a set for depthwise convolutions.
pub trait Kernels: super::sets::KernelSet {
    /// Depthwise convolution and requantisation.
    fn run(depthwise: &Depthwise<'_>, buffers: Buffers<'_>);
}

impl<'m> Depthwise<'m> {
    /// Weights of one output channel.
    pub const fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize
    }

    /// Output channels for each input channel.
    pub const fn multiplier(&self) -> usize {
        match (self.output.channels as usize).checked_div(self.input.channels as usize) {
            None | Some(0) => 1,
            Some(multiplier) => multiplier,
        }
    }

    /// Place of a weight, bytes; the tap is `kernel row * kernel columns + kernel column`.
    pub const fn weight_place(&self, channel: usize, tap: usize) -> usize {
        tap * self.output.channels as usize + channel
    }

    /// Bytes of the weights.
    pub const fn weight_bytes(&self) -> u64 {
        self.taps() as u64 * self.output.channels as u64
    }

    /// The int8 weight of a tap of an output channel.
    pub fn weight(&self, channel: usize, tap: usize) -> i8 {
        self.weights.get(self.weight_place(channel, tap)).copied().unwrap_or_default() as i8
    }

    /// Channel parameters in the order of the output channels.
    pub fn channel_parameters(&self) -> impl Iterator<Item = ChannelParameters> {
        with_shifts(self.channels, self.output.channels)
    }

    /// How its accumulators become int8.
    #[inline(always)]
    pub const fn rounding(&self) -> Rounding {
        Rounding::of(self.channels, self.output.channels)
    }

    /// The operator of a record that reads `inputs` and makes `output`, still without its numbers.
    pub const fn of(
        record: &DepthwiseRecord,
        inputs: &[Tensor; INPUTS_MAX],
        output: Tensor,
    ) -> Self {
        let DepthwiseRecord { kernel, stride, origin, .. } = *record;
        let [input, ..] = inputs;
        Self {
            input: input.shape,
            input_zero_point: input.quant.zero_point,
            output: output.shape,
            kernel,
            stride,
            origin,
            output_scale: output.quant.scale,
            output_zero_point: output.quant.zero_point,
            channels: &[],
            weights: &[],
        }
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads a tensor of this size, no side is 0, its channels are a
    /// multiple of the input's, and its numbers have the sizes that it states.
    pub(crate) const fn belongs_to(&self, [input, ..]: &[Shape; INPUTS_MAX]) -> bool {
        self.input.is(*input)
            && !self.input.is_empty()
            && !self.output.is_empty()
            && self.output.channels.is_multiple_of(self.input.channels)
            && self.taps() > 0
            && self.stride[0] > 0
            && self.stride[1] > 0
            && self.channels.len()
                == self.rounding().channel_bytes() * self.output.channels as usize
            && self.weights.len() as u64 == self.weight_bytes()
    }

    pub(crate) const fn with_unchecked(self, channels: &'m [u8], weights: &'m [u8]) -> Self {
        Self { channels, weights, ..self }
    }

    /// The layer with its numbers: [`ChannelParameters`] as the file holds them, and weights.
    ///
    /// # Errors
    /// Numbers with which some input would give a wrong result.
    pub fn with_numbers(self, channels: &'m [u8], weights: &'m [u8]) -> Result<Self, LayerProblem> {
        check_sections(channels, self.output.channels, weights, self.weight_bytes())?;
        let of_channel = (self.output.channels as usize).max(1);
        // 32 bits are enough: a channel has at most 255 * 255 weights of at most 128.
        let magnitude = |channel| {
            let weights = weights.iter().skip(channel).step_by(of_channel);
            Ok(weights.map(|weight| size(*weight as i8)).sum::<u32>() as u64)
        };
        check_channels(channels, self.output.channels, 1, u64::MAX, magnitude)?;
        Ok(Self { channels, weights, ..self })
    }
}

impl<'m> Operator<'m> for Depthwise<'m> {
    type Record = DepthwiseRecord;

    const IS_BUILT: bool = Feature::Depthwise.is_built();
    const PART: Feature = Feature::Depthwise;

    fn read(record: &DepthwiseRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        check_sides(&[record.kernel, record.stride])?;
        let depthwise = Self::of(record, reading.inputs, reading.output);
        let Shape { height, width, channels } = depthwise.output;
        let windows = [height as u64, width as u64];
        let kernel = record.kernel.map(u16::from);
        check_coordinates(depthwise.input, windows, record.stride, kernel)?;
        if !channels.is_multiple_of(depthwise.input.channels) {
            return Err(LayerProblem::OutputShape);
        }
        Feature::Depthwise.check()?;
        let (channels, weights) = reading.sections.numbers(channels, depthwise.weight_bytes())?;
        depthwise.with_numbers(channels, weights)
    }

    fn record(&self, inputs: Inputs) -> DepthwiseRecord {
        let Self { kernel, stride, origin, .. } = *self;
        DepthwiseRecord { input: inputs.first(), kernel, stride, origin }
    }

    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Tensor {
        let (scale, zero_point) = (self.output_scale, self.output_zero_point);
        Tensor { shape: self.output, quant: OutputQuant { scale, zero_point } }
    }

    fn row_window(&self, _: usize) -> RowWindow {
        let ([step, _], [reach, _]) = (self.stride, self.kernel);
        RowWindow { origin: self.origin[0] as i32, step: step as u32, reach: reach as u32 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let [input, ..] = &slice.inputs;
        let mut depthwise = *self;
        depthwise.input.height = input.rows.end - input.rows.start;
        depthwise.output.height = slice.rows.end - slice.rows.start;
        depthwise.origin[0] = input.origin;
        depthwise
    }

    /// A sum for each channel, at which every pixel begins.
    fn scratch_bytes(&self) -> usize {
        4 * self.output.channels as usize
    }

    fn numbers(&self) -> [&'m [u8]; 2] {
        [self.channels, self.weights]
    }

    fn work(&self) -> Work {
        const WEIGHT_OPERATIONS: u64 = 4;
        let values = self.output.len() as u64;
        let macs = values * self.taps() as u64;
        let window_rows = WINDOW_ROW_OPERATIONS * values * self.kernel[0] as u64;
        let weights = WEIGHT_OPERATIONS * self.weight_bytes();
        Work { macs, operations: macs + window_rows + weights + operations_of_map(self.output) }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Depthwise.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        match feature {
            Feature::TwoRoundings => self.rounding() == Rounding::Twice,
            other => other == Feature::Depthwise,
        }
    }
}

impl Record for DepthwiseRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}
