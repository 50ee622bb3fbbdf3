//! The record of a convolution in the model file, and every check of it.

use serde::{Deserialize, Serialize};

use super::{Algorithm, Conv};
use crate::error::LayerProblem;
use crate::ops::checks::{
    SIZE_MAX_BYTES, check_channels, check_scale, check_sections, check_sizes,
};
use crate::ops::operator::{Place, Reading, Record};
use crate::quant::OutputQuant;
use crate::shape::Shape;

/// Largest row number, and largest offset of a value in its row, that a window may reach.
const COORDINATE_MAX: u64 = 1 << 30;

/// A convolution of the map that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvRecord<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// The map it leaves, after pooling.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the kernel's first tap for the first output; negative where
    /// padding is read. Input outside of the map reads as the zero point.
    pub origin: [i16; 2],
    /// Rows and columns of the pooling window, which is also its step; 1, 1 without pooling.
    pub pool: [u8; 2],
    /// How the output is quantised and where the layer works.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it, and so how its weights are packed.
    pub algorithm: Algorithm,
    /// Rows of the output that are held at once, from 1 to all of them: see
    /// [`schedule`](crate::schedule).
    pub held_rows: u16,
    /// Place of the held rows in the arena, bytes.
    pub output_at: u32,
    /// Place of the scratch memory in the arena, bytes.
    pub scratch_at: u32,
}

impl<'m> Record<'m> for ConvRecord<'m> {
    fn place(&self) -> Place<'m> {
        let Self { name, held_rows, output_at, scratch_at, .. } = *self;
        Place { name, held_rows, output_at, scratch_at }
    }
}

impl<'m> ConvRecord<'m> {
    pub(super) fn read(&self, reading: &mut Reading<'_, 'm>) -> Result<Conv<'m>, LayerProblem> {
        check_sizes(self.name, self.output, &[self.kernel, self.stride, self.pool])?;
        check_scale(self.output_quant.scale)?;
        self.check_coordinates(reading.input.shape)?;
        let conv = Conv::from_record(self, reading.input.shape, reading.input.quant.zero_point);
        if conv.window() as u64 * conv.taps() as u64 > SIZE_MAX_BYTES as u64 {
            return Err(LayerProblem::TooLarge);
        }
        if !conv.algorithm.is_built() {
            return Err(LayerProblem::NotBuilt);
        }
        if !conv.algorithm.fits(&conv) {
            return Err(LayerProblem::Algorithm);
        }
        let (channels, weights) =
            reading.sections.numbers(self.output.channels, conv.filters().packed_bytes())?;
        conv.with_numbers(channels, weights)
    }

    /// Bounds the rows, columns and offsets in a row that a convolution can name, so that kernels
    /// may compute them in 32 bits. An origin adds at most 2^15 rows or columns to what is counted
    /// here.
    fn check_coordinates(&self, input: Shape) -> Result<(), LayerProblem> {
        let reach = |outputs: u16, axis: usize| {
            let convolved = outputs as u64 * self.pool[axis] as u64;
            convolved * self.stride[axis] as u64 + self.kernel[axis] as u64 + (1 << 15)
        };
        let (rows, columns) = (reach(self.output.height, 0), reach(self.output.width, 1));
        let bounded = rows <= COORDINATE_MAX && columns * input.channels as u64 <= COORDINATE_MAX;
        if bounded { Ok(()) } else { Err(LayerProblem::TooLarge) }
    }
}

impl<'m> Conv<'m> {
    /// The layer of a record that reads a map of shape `input`, still without its numbers: what an
    /// exporter asks for [`Conv::scratch_bytes`], [`Conv::filters`] and [`Algorithm::fits`] before
    /// there is a file.
    pub const fn from_record(record: &ConvRecord<'_>, input: Shape, input_zero_point: i8) -> Self {
        Self {
            input,
            input_zero_point,
            output: record.output,
            kernel: record.kernel,
            stride: record.stride,
            origin: record.origin,
            pool: record.pool,
            output_quant: record.output_quant,
            algorithm: record.algorithm,
            channels: &[],
            weights: &[],
        }
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
        check_channels(channels, self.algorithm.sum_max(), magnitude)?;
        filters.check(weights)?;
        Ok(Self { channels, weights, ..self })
    }
}
