//! Maximum over windows: a pooling that is a layer of its own.

mod portable;
mod record;
mod reference;

use super::operator::{
    Buffers, Inputs, Operator, Reading, Tensor, WINDOW_ROW_OPERATIONS, Work, operations_of_map,
};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

pub use record::MaxPoolRecord;

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
    /// Input row and column at which the first window begins.
    pub origin: [u16; 2],
    /// Quantisation of input and output.
    pub quant: OutputQuant,
}

/// The kernels of a set for poolings.
pub trait Kernels: super::sets::KernelSet {
    /// Maximum over windows.
    fn run(pool: &MaxPool, buffers: Buffers<'_>);
}

impl MaxPool {
    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads a tensor of this size, no side is 0, and all windows lie inside.
    pub(crate) const fn belongs_to(&self, [input, ..]: &[Shape; INPUTS_MAX]) -> bool {
        let sides_are_there = !matches!(self.size, [0, _] | [_, 0]) && !self.output.is_empty();
        self.input.is(*input) && sides_are_there && self.is_inside()
    }

    /// Whether all windows lie inside of the input, channel by channel.
    pub(crate) const fn is_inside(&self) -> bool {
        let Self { input, output, .. } = self;
        self.end(0, output.height) <= input.height as u32
            && self.end(1, output.width) <= input.width as u32
            && output.channels == input.channels
    }

    /// Row or column at which the last of `outputs` windows ends.
    const fn end(&self, axis: usize, outputs: u16) -> u32 {
        let steps = (outputs as u32).saturating_sub(1) * self.stride[axis] as u32;
        self.origin[axis] as u32 + steps + self.size[axis] as u32
    }
}

impl<'m> Operator<'m> for MaxPool {
    type Record = MaxPoolRecord;

    const IS_BUILT: bool = Feature::MaxPool.is_built();
    const PART: Feature = Feature::MaxPool;

    fn read(record: &MaxPoolRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        record.read(reading)
    }

    fn record(&self, inputs: Inputs) -> MaxPoolRecord {
        let Self { size, stride, origin, .. } = *self;
        MaxPoolRecord { input: inputs.first(), size, stride, origin }
    }

    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Tensor {
        Tensor { shape: self.output, quant: self.quant }
    }

    fn row_window(&self, _: usize) -> RowWindow {
        let [origin, step, reach] =
            [self.origin[0] as u32, self.stride[0] as u32, self.size[0] as u32];
        RowWindow { origin: origin as i32, step, reach }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let [input, ..] = &slice.inputs;
        let mut pool = *self;
        pool.input.height = input.rows.end - input.rows.start;
        pool.output.height = slice.rows.end - slice.rows.start;
        pool.origin[0] = 0;
        pool
    }

    fn work(&self) -> Work {
        let window_rows = self.output.len() as u64 * self.size[0] as u64;
        let windows = (self.size[1] as u64 + WINDOW_ROW_OPERATIONS) * window_rows;
        Work { macs: 0, operations: operations_of_map(self.output) + windows }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::MaxPool.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        feature == Feature::MaxPool
    }
}
