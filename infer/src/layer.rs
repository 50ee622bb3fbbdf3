//! The layers of a validated model: what each computes, with its numbers and its place in the
//! arena.

use crate::error::LayerProblem;
use crate::format::{Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, OutputQuant};
use crate::kernels::winograd::TileGrid;
use crate::packing::{Filters, Matrix};
use crate::quant::ChannelParameters;
use crate::reader::{check_channels, check_sections};
use crate::schedule::{RowWindow, Slice, Stage};
use crate::shape::Shape;

/// How the caller's image becomes the first feature map: map pixel (row, column) is image pixel
/// `(row + origin[0], column + origin[1])`, less 128; outside of the image it is black.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// The image the caller hands over, 8 bits per value.
    pub image: Shape,
    /// The first feature map.
    pub map: Shape,
    /// Row and column of the image at which the map begins.
    pub origin: [i16; 2],
    /// Real value of one step of a pixel.
    pub scale: f32,
    /// Rows of the first feature map that are held at once.
    pub held_rows: u16,
    pub(crate) arena_at: usize,
}

/// One layer with its place in the arena.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// What it computes.
    pub kind: LayerKind<'a>,
    /// Rows of its output that are held at once.
    pub held_rows: u16,
    pub(crate) rows_at_once: u16,
    pub(crate) buffers: Buffers,
}

/// Where a layer works, bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffers {
    pub input_at: usize,
    /// The held rows of its input.
    pub input_bytes: usize,
    pub output_at: usize,
    pub scratch_at: usize,
    /// Most scratch memory that any slice of the layer needs.
    pub scratch_bytes: usize,
}

/// What a layer computes.
#[derive(Clone, Copy, Debug)]
pub enum LayerKind<'a> {
    /// Convolution, with the pooling behind it.
    Conv(Conv<'a>),
    /// Maximum over windows.
    MaxPool(MaxPool),
    /// Fully connected.
    Dense(Dense<'a>),
}

/// A convolution with the pooling behind it.
///
/// Output pixel (row, column) is the maximum over the pooling window of the convolved pixels
/// `(row * pool[0] + i, column * pool[1] + j)`; convolved pixel (row, column) reads input rows
/// `origin[0] + row * stride[0] ..` and input columns `origin[1] + column * stride[1] ..`.
#[derive(Clone, Copy, Debug)]
pub struct Conv<'a> {
    /// The map it reads.
    pub input: Shape,
    /// What input outside of the map reads as.
    pub input_zero_point: i8,
    /// The map it leaves, after pooling.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the first tap of convolved pixel (0, 0).
    pub origin: [i16; 2],
    /// Rows and columns of the pooling window, which is also its step; 1, 1 without pooling.
    pub pool: [u8; 2],
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it.
    pub algorithm: Algorithm,
    /// Channel parameters, 8 bytes per output channel.
    pub(crate) channels: &'a [u8],
    /// Weights as the algorithm packs them.
    pub(crate) weights: &'a [u8],
}

/// Maximum over windows.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
}

/// The tiles of a Winograd convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Tiles in a column and in a row of the map.
    pub grid: [usize; 2],
    /// Tiles that are worked on at once.
    pub per_pass: usize,
    /// Pooled outputs on a tile's side.
    pub outputs: usize,
}

/// Fully connected layer over all values of its input in memory order.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// The map it reads.
    pub input: Shape,
    /// Outputs.
    pub units: u16,
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it.
    pub algorithm: DenseAlgorithm,
    /// Channel parameters, 8 bytes per output.
    pub(crate) channels: &'a [u8],
    /// Weights as the algorithm packs them.
    pub(crate) weights: &'a [u8],
}

impl<'a> Conv<'a> {
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

    /// Weights of one output channel: kernel rows * kernel columns * input channels.
    pub const fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize * self.input.channels as usize
    }

    /// Pixels of one pooling window.
    pub const fn window(&self) -> usize {
        self.pool[0] as usize * self.pool[1] as usize
    }

    /// Bytes of scratch memory the algorithm needs.
    pub fn scratch_bytes(&self) -> usize {
        self.algorithm.scratch_bytes(self)
    }

    /// The layer with its numbers: [`ChannelParameters`] as the file holds them, and packed
    /// weights.
    ///
    /// # Errors
    /// Numbers with which some input would give a wrong result, or weights that are not as the
    /// algorithm packs them.
    pub fn with_numbers(self, channels: &'a [u8], weights: &'a [u8]) -> Result<Self, LayerProblem> {
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

    /// How the weights lie, and how many bytes they take.
    pub const fn filters(&self) -> Filters {
        Filters {
            algorithm: self.algorithm,
            kernel: self.kernel,
            input_channels: self.input.channels,
            output_channels: self.output.channels,
        }
    }

    /// The int8 weight of a tap of an output channel, read back from its packed form: see
    /// [`Filters::weight`].
    pub fn weight(&self, channel: usize, tap: usize) -> i8 {
        self.filters().weight(self.weights, channel, tap)
    }

    /// How Winograd's algorithm cuts the map; `None` for other algorithms.
    pub fn tiles(&self) -> Option<Tiles> {
        let grid = TileGrid::new(self)?;
        Some(Tiles { grid: grid.tiles, per_pass: grid.tiles_per_pass, outputs: grid.outputs })
    }

    /// Channel parameters in the order of the output channels.
    pub fn channel_parameters(&self) -> impl Iterator<Item = ChannelParameters> {
        channel_parameters(self.channels)
    }
}

impl<'a> Dense<'a> {
    /// The layer of a record that reads a map of shape `input`, still without its numbers.
    pub const fn from_record(record: &DenseRecord<'_>, input: Shape) -> Self {
        let DenseRecord { units, output_quant, algorithm, .. } = *record;
        Self { input, units, output_quant, algorithm, channels: &[], weights: &[] }
    }

    /// The layer with its numbers: [`ChannelParameters`] as the file holds them, and packed
    /// weights.
    ///
    /// # Errors
    /// Numbers with which some input would give a wrong result, or weights that are not as the
    /// algorithm packs them.
    pub fn with_numbers(self, channels: &'a [u8], weights: &'a [u8]) -> Result<Self, LayerProblem> {
        if !self.algorithm.fits(&self) {
            return Err(LayerProblem::Algorithm);
        }
        let matrix = self.matrix();
        check_sections(channels, self.units, weights, matrix.packed_bytes())?;
        let magnitude = |unit| Ok(matrix.magnitude(weights, unit));
        check_channels(channels, i32::MAX as u64, magnitude)?;
        matrix.check(weights)?;
        Ok(Self { channels, weights, ..self })
    }

    /// How the weights lie, and how many bytes they take.
    pub const fn matrix(&self) -> Matrix {
        Matrix { algorithm: self.algorithm, inputs: self.input.len(), units: self.units as usize }
    }

    /// The int8 weight between an input and an output, read back from its packed form.
    pub fn weight(&self, output: usize, input: usize) -> i8 {
        self.matrix().weight(self.weights, output, input)
    }

    /// Channel parameters in the order of the outputs.
    pub fn channel_parameters(&self) -> impl Iterator<Item = ChannelParameters> {
        channel_parameters(self.channels)
    }
}

impl LayerKind<'_> {
    /// The rows of its input that a row of its output reads.
    pub const fn row_window(&self) -> RowWindow {
        match self {
            Self::Conv(conv) => {
                let [pool, stride, kernel] =
                    [conv.pool[0] as u32, conv.stride[0] as u32, conv.kernel[0] as u32];
                RowWindow {
                    origin: conv.origin[0] as i32,
                    step: pool * stride,
                    reach: (pool - 1) * stride + kernel,
                }
            }
            Self::MaxPool(pool) => {
                RowWindow { origin: 0, step: pool.stride[0] as u32, reach: pool.size[0] as u32 }
            }
            Self::Dense(dense) => {
                let rows = dense.input.height as u32;
                RowWindow { origin: 0, step: rows, reach: rows }
            }
        }
    }

    /// The layer that makes just the rows of a slice, of just the rows that are held.
    pub const fn slice(&self, slice: &Slice) -> Self {
        let rows = slice.rows.end - slice.rows.start;
        let held = slice.input.end - slice.input.start;
        match *self {
            Self::Conv(mut conv) => {
                conv.input.height = held;
                conv.output.height = rows;
                conv.origin[0] = slice.origin;
                Self::Conv(conv)
            }
            Self::MaxPool(mut pool) => {
                pool.input.height = held;
                pool.output.height = rows;
                Self::MaxPool(pool)
            }
            Self::Dense(dense) => Self::Dense(dense),
        }
    }

    /// Bytes of scratch memory.
    pub fn scratch_bytes(&self) -> usize {
        match self {
            Self::Conv(conv) => conv.scratch_bytes(),
            Self::MaxPool(_) | Self::Dense(_) => 0,
        }
    }

    /// The map it reads.
    pub const fn input(&self) -> Shape {
        match self {
            Self::Conv(conv) => conv.input,
            Self::MaxPool(pool) => pool.input,
            Self::Dense(dense) => dense.input,
        }
    }

    /// The map it leaves.
    pub const fn output(&self) -> Shape {
        match self {
            Self::Conv(conv) => conv.output,
            Self::MaxPool(pool) => pool.output,
            Self::Dense(dense) => Shape::vector(dense.units),
        }
    }
}

pub(crate) fn channel_parameters(section: &[u8]) -> impl Iterator<Item = ChannelParameters> {
    section.as_chunks().0.iter().map(ChannelParameters::from_le_bytes)
}

impl<'a> Layer<'a> {
    /// The map the layer reads.
    pub const fn input(&self) -> Shape {
        self.kind.input()
    }

    /// The map the layer leaves.
    pub const fn output(&self) -> Shape {
        self.kind.output()
    }

    pub(crate) const fn stage(&self) -> Stage {
        Stage {
            rows: self.output().height,
            held: self.held_rows,
            window: self.kind.row_window(),
            rows_at_once: self.rows_at_once,
        }
    }

    /// Quantisation of the output; `None` for a pooling, which keeps that of its input.
    pub const fn output_quant(&self) -> Option<OutputQuant> {
        match &self.kind {
            LayerKind::Conv(conv) => Some(conv.output_quant),
            LayerKind::Dense(dense) => Some(dense.output_quant),
            LayerKind::MaxPool(_) => None,
        }
    }

    /// Bytes of scratch memory.
    pub const fn scratch_bytes(&self) -> usize {
        self.buffers.scratch_bytes
    }

    /// Bytes of channel parameters and weights in the file, without padding.
    pub const fn parameter_bytes(&self) -> usize {
        match &self.kind {
            LayerKind::Conv(conv) => conv.channels.len() + conv.weights.len(),
            LayerKind::Dense(dense) => dense.channels.len() + dense.weights.len(),
            LayerKind::MaxPool(_) => 0,
        }
    }

    /// Multiply-accumulates that are computed, taps on padding included.
    pub const fn macs(&self) -> u64 {
        match &self.kind {
            LayerKind::Conv(conv) => {
                conv.output.len() as u64 * conv.window() as u64 * conv.taps() as u64
            }
            LayerKind::Dense(dense) => dense.input.len() as u64 * dense.units as u64,
            LayerKind::MaxPool(_) => 0,
        }
    }

    /// Work of one run of the layer: multiply-accumulates, comparisons of a pooling, and what each
    /// row of a window, each weight of a convolution (which some kernels read back from another
    /// core's packing first), each value that is made and each row of the output takes besides,
    /// counted as so many of them.
    pub const fn operations(&self) -> u64 {
        const WINDOW_ROW_OPERATIONS: u64 = 8;
        const WEIGHT_OPERATIONS: u64 = 4;
        let made = operations_of_map(self.output());
        match &self.kind {
            LayerKind::Conv(conv) => {
                let Shape { height, width, .. } = conv.output;
                let positions = height as u64 * width as u64 * conv.window() as u64;
                let window_rows = positions * conv.kernel[0] as u64;
                let weights = conv.taps() as u64 * conv.output.channels as u64;
                let kernels = WINDOW_ROW_OPERATIONS * window_rows + WEIGHT_OPERATIONS * weights;
                self.macs() + kernels + made * conv.window() as u64
            }
            LayerKind::Dense(_) => self.macs() + made,
            LayerKind::MaxPool(pool) => {
                let window_rows = pool.output.len() as u64 * pool.size[0] as u64;
                made + (pool.size[1] as u64 + WINDOW_ROW_OPERATIONS) * window_rows
            }
        }
    }

    /// The layer's buffers in the arena as `(start, bytes)`: the held rows of its input, scratch
    /// memory, the held rows of its output.
    pub const fn arena_use(&self) -> [(usize, usize); 3] {
        let Buffers { input_at, input_bytes, scratch_at, scratch_bytes, output_at } = self.buffers;
        let output_bytes = self.held_rows as usize * self.output().row_len();
        [(input_at, input_bytes), (scratch_at, scratch_bytes), (output_at, output_bytes)]
    }
}

/// What the values and rows of a map take beside their sums, counted as so many operations.
pub(crate) const fn operations_of_map(map: Shape) -> u64 {
    const VALUE_OPERATIONS: u64 = 16;
    const ROW_OPERATIONS: u64 = 32;
    VALUE_OPERATIONS * map.len() as u64 + ROW_OPERATIONS * map.height as u64
}

impl Input {
    /// The held rows of the first map in the arena, as `(start, bytes)`.
    pub const fn arena_use(&self) -> (usize, usize) {
        (self.arena_at, self.held_rows as usize * self.map.row_len())
    }
}
