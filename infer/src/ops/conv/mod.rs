//! Convolution, with the requantisation and the pooling that follow it, in one pass.

pub(crate) mod algorithms;
#[cfg(not(kindling_backend = "portable"))]
mod arm;
mod in_place;
pub(crate) mod packing;
mod portable;
mod record;
mod reference;
mod unpacked;
pub(crate) mod winograd;

use super::operator::{
    Buffers, Inputs, Operator, Reading, Tensor, WINDOW_ROW_OPERATIONS, Work, operations_of_map,
};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::{ChannelParameters, OutputQuant, Rounding, with_shifts};
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;
use algorithms::Packing;
use winograd::{GROUP, TileGrid};

pub use algorithms::Algorithm;
pub use packing::Filters;
pub use record::ConvRecord;

/// A convolution with the pooling that follows it.
///
/// Output pixel (row, column) is the maximum over the pooling window of the convolved pixels
/// `(row * pool[0] + i, column * pool[1] + j)`; convolved pixel (row, column) reads input rows
/// `origin[0] + row * stride[0] ..` and input columns `origin[1] + column * stride[1] ..`.
#[derive(Clone, Copy, Debug)]
pub struct Conv<'m> {
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
    /// Step from one tap to the next in rows and columns: 1, 1 but in a
    /// [`Dilated`](crate::Dilated).
    pub dilation: [u8; 2],
    /// Real value of one step of the output. It and the zero point are fields of their own: so a
    /// layer of any operator stays within [`LAYER_BYTES`](crate::LAYER_BYTES).
    pub output_scale: f32,
    /// The output that stands for 0.0.
    pub output_zero_point: i8,
    /// Which algorithm runs it.
    pub algorithm: Algorithm,
    /// Channel parameters, 8 bytes per output channel; with two roundings one more each for the
    /// shifts, after all others.
    pub(crate) channels: &'m [u8],
    /// Weights as the algorithm packs them.
    pub(crate) weights: &'m [u8],
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

/// The kernels of a set for convolutions.
pub trait Kernels: super::sets::KernelSet {
    /// Convolution, requantisation and pooling.
    fn run(conv: &Conv<'_>, buffers: Buffers<'_>);
}

impl<'m> Conv<'m> {
    /// Weights of one output channel: kernel rows * kernel columns * input channels.
    pub const fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize * self.input.channels as usize
    }

    /// Pixels of one pooling window.
    pub const fn window(&self) -> usize {
        self.pool[0] as usize * self.pool[1] as usize
    }

    /// Whether it pools: always in a build without the part for layers that do not.
    #[inline(always)]
    pub(crate) const fn pools(&self) -> bool {
        !Feature::Unpooled.is_built() || self.window() > 1
    }

    /// Whether its taps lie apart: never in a build without that part.
    #[inline(always)]
    pub(crate) const fn is_dilated(&self) -> bool {
        Feature::Dilation.is_built() && !matches!(self.dilation, [1, 1])
    }

    /// Rows (0) or columns (1) from the first tap to the last. Inlined, so that no axis is checked.
    #[inline(always)]
    const fn reach(&self, axis: usize) -> u32 {
        let kernel = self.kernel[axis] as u32;
        if self.is_dilated() {
            kernel.saturating_sub(1) * self.dilation[axis] as u32 + 1
        } else {
            kernel
        }
    }

    /// Bytes of scratch memory the algorithm needs.
    pub fn scratch_bytes(&self) -> usize {
        self.algorithm.scratch_bytes(self)
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
        with_shifts(self.channels, self.output.channels)
    }

    /// How its accumulators become int8.
    #[inline(always)]
    pub const fn rounding(&self) -> Rounding {
        Rounding::of(self.channels, self.output.channels)
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads a tensor of this size, no side is 0, an algorithm computes it, and its
    /// numbers have the sizes that it states.
    pub(crate) const fn belongs_to(&self, [input, ..]: &[Shape; INPUTS_MAX]) -> bool {
        self.input.is(*input)
            && !self.output.is_empty()
            && self.taps() > 0
            && self.window() > 0
            && self.algorithm.fits(self)
            && self.channels.len()
                == self.rounding().channel_bytes() * self.output.channels as usize
            && self.weights.len() as u64 == self.filters().packed_bytes()
    }

    /// Whether it needs [`Feature::Edges`].
    fn reaches_edges(&self) -> bool {
        if self.algorithm.tile().is_some() {
            self.pool != [2, 2] || TileGrid::new(self).is_none_or(|grid| !grid.is_whole(self))
        } else {
            self.algorithm.packing() == Packing::SingleChannel && !self.is_inside()
        }
    }

    /// Whether it needs [`Feature::WinogradSingleTile`].
    fn has_single_tile(&self) -> bool {
        TileGrid::new(self)
            .is_some_and(|grid| !(grid.tiles[0] * grid.tiles[1]).is_multiple_of(GROUP))
    }

    /// Whether it needs [`Feature::Unpooled`].
    fn is_unpooled(&self) -> bool {
        let has_loop = matches!(
            self.algorithm,
            Algorithm::DirectInPlace
                | Algorithm::DirectPaired
                | Algorithm::DirectPairedInt4
                | Algorithm::DirectPairedWide
                | Algorithm::DirectVector
                | Algorithm::DirectVectorInt4
        );
        has_loop && self.window() == 1
    }

    /// Whether no kernel reaches outside of the map.
    fn is_inside(&self) -> bool {
        let inside = |axis: usize, outputs: u16, map: u16| {
            let pixels = outputs as i32 * self.pool[axis] as i32;
            let end = self.origin[axis] as i32
                + (pixels - 1) * self.stride[axis] as i32
                + self.kernel[axis] as i32;
            self.origin[axis] >= 0 && end <= map as i32
        };
        inside(0, self.output.height, self.input.height)
            && inside(1, self.output.width, self.input.width)
    }
}

impl<'m> Operator<'m> for Conv<'m> {
    type Record = ConvRecord;

    const IS_BUILT: bool = Algorithm::any_is_built();
    const PART: Feature = Feature::Direct;

    fn read(record: &ConvRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        record.read([1, 1], reading)
    }

    fn record(&self, inputs: Inputs) -> ConvRecord {
        let Self { kernel, stride, origin, pool, algorithm, .. } = *self;
        ConvRecord { input: inputs.first(), kernel, stride, origin, pool, algorithm }
    }

    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Tensor {
        let (scale, zero_point) = (self.output_scale, self.output_zero_point);
        Tensor { shape: self.output, quant: OutputQuant { scale, zero_point } }
    }

    fn row_window(&self, _: usize) -> RowWindow {
        let [pool, stride] = [self.pool[0] as u32, self.stride[0] as u32];
        RowWindow {
            origin: self.origin[0] as i32,
            step: pool * stride,
            reach: (pool - 1) * stride + self.reach(0),
        }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let [input, ..] = &slice.inputs;
        let mut conv = *self;
        conv.input.height = input.rows.end - input.rows.start;
        conv.output.height = slice.rows.end - slice.rows.start;
        conv.origin[0] = input.origin;
        conv
    }

    fn scratch_bytes(&self) -> usize {
        Conv::scratch_bytes(self)
    }

    fn numbers(&self) -> [&'m [u8]; 2] {
        [self.channels, self.weights]
    }

    fn work(&self) -> Work {
        const WEIGHT_OPERATIONS: u64 = 4;
        let window = self.window() as u64;
        let macs = self.output.len() as u64 * window * self.taps() as u64;
        let positions = self.output.height as u64 * self.output.width as u64 * window;
        let columns = if self.is_dilated() { self.kernel[1] as u64 } else { 1 };
        let window_rows = positions * self.kernel[0] as u64 * columns;
        let weights = self.taps() as u64 * self.output.channels as u64;
        let kernels = WINDOW_ROW_OPERATIONS * window_rows + WEIGHT_OPERATIONS * weights;
        Work { macs, operations: macs + kernels + operations_of_map(self.output) * window }
    }

    fn left_out(&self) -> Option<Feature> {
        let if_needed = |part: Feature, is_needed: fn(&Self) -> bool| {
            part.left_out().filter(|_| is_needed(self))
        };
        self.algorithm
            .left_out()
            .or_else(|| if_needed(Feature::Edges, Self::reaches_edges))
            .or_else(|| if_needed(Feature::WinogradSingleTile, Self::has_single_tile))
            .or_else(|| if_needed(Feature::Unpooled, Self::is_unpooled))
    }

    fn needs(&self, feature: Feature) -> bool {
        match feature {
            Feature::Edges => self.reaches_edges(),
            Feature::WinogradSingleTile => self.has_single_tile(),
            Feature::Unpooled => self.is_unpooled(),
            Feature::TwoRoundings => self.rounding() == Rounding::Twice,
            other => self.algorithm.needs(other),
        }
    }
}
