//! The record of a convolution in the model file, and every check of it.

use serde::{Deserialize, Serialize};

use super::{Algorithm, Conv};
use crate::error::LayerProblem;
use crate::ops::checks::{
    SIZE_MAX_BYTES, check_channels, check_coordinates, check_sections, check_sides,
};
use crate::ops::operator::{Inputs, Reading, Record, Tensor};
use crate::quant::NORMAL;
use crate::schedule::INPUTS_MAX;
use crate::shape::Shape;

/// A convolution of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the kernel's first tap for the first output; negative where
    /// padding is read. Input outside of the tensor reads as its zero point.
    pub origin: [i16; 2],
    /// Rows and columns of the pooling window, which is also its step; 1, 1 without pooling.
    pub pool: [u8; 2],
    /// Which algorithm runs it, and so how its weights are packed.
    pub algorithm: Algorithm,
}

impl Record for ConvRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}

impl ConvRecord {
    /// The convolution of the record whose taps lie so far apart.
    pub(crate) fn read<'m>(
        &self,
        dilation: [u8; 2],
        reading: &mut Reading<'_, 'm>,
    ) -> Result<Conv<'m>, LayerProblem> {
        check_sides(&[self.kernel, self.stride, self.pool])?;
        let Shape { height, width, .. } = reading.output.shape;
        let convolved = [height as u64 * self.pool[0] as u64, width as u64 * self.pool[1] as u64];
        let conv = Conv { dilation, ..Conv::of(self, reading.inputs, reading.output) };
        // Fits: below 2^16.
        let reach = [conv.reach(0) as u16, conv.reach(1) as u16];
        check_coordinates(reading.inputs[0].shape, convolved, self.stride, reach)?;
        if conv.window() as u64 * conv.taps() as u64 > SIZE_MAX_BYTES as u64 {
            return Err(LayerProblem::TooLarge);
        }
        if let Some(part) = conv.algorithm.left_out() {
            return Err(LayerProblem::NotBuilt(part));
        }
        if !conv.algorithm.fits(&conv) {
            return Err(LayerProblem::Algorithm);
        }
        let (channels, weights) =
            reading.sections.numbers(conv.output.channels, conv.filters().packed_bytes())?;
        conv.with_numbers(channels, weights)
    }
}

impl<'m> Conv<'m> {
    /// The operator of a record that reads `inputs` and makes `output`, still without its numbers:
    /// what an exporter asks for [`Conv::scratch_bytes`], [`Conv::filters`] and [`Algorithm::fits`]
    /// before there is a file.
    pub const fn of(record: &ConvRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let [input, ..] = inputs;
        Self {
            input: input.shape,
            input_zero_point: input.quant.zero_point,
            output: output.shape,
            kernel: record.kernel,
            stride: record.stride,
            origin: record.origin,
            pool: record.pool,
            dilation: [1, 1],
            output_scale: output.quant.scale,
            output_zero_point: output.quant.zero_point,
            algorithm: record.algorithm,
            channels: &[],
            weights: &[],
        }
    }

    pub(crate) const fn with_unchecked(self, channels: &'m [u8], weights: &'m [u8]) -> Self {
        Self { channels, weights, ..self }
    }

    /// The layer with its numbers:
    /// [`ChannelParameters`](crate::quant::ChannelParameters) as the file holds them, and packed
    /// weights.
    ///
    /// # Errors
    /// Numbers with which some input would give a wrong result, or weights that are not as the
    /// algorithm packs them.
    pub fn with_numbers(self, channels: &'m [u8], weights: &'m [u8]) -> Result<Self, LayerProblem> {
        if !self.algorithm.fits(&self) {
            return Err(LayerProblem::Algorithm);
        }
        let filters = self.filters();
        check_sections(channels, self.output.channels, weights, filters.packed_bytes())?;
        let magnitude = |channel| filters.magnitude(weights, channel);
        check_channels(
            channels,
            self.output.channels,
            NORMAL,
            self.algorithm.sum_max(),
            magnitude,
        )?;
        filters.check(weights)?;
        let conv = Self { channels, weights, ..self };
        if conv.algorithm.fits(&conv) { Ok(conv) } else { Err(LayerProblem::Algorithm) }
    }
}
