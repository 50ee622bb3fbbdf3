//! Maximum over windows: a pooling that is a layer of its own.

mod portable;
mod record;
mod reference;

use super::operator::{Buffers, Operator, Reading, WINDOW_ROW_OPERATIONS, Work, operations_of_map};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{RowWindow, Slice};
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
}

/// The kernels of a set for poolings.
pub trait Kernels {
    /// Maximum over windows.
    fn run(pool: &MaxPool, buffers: Buffers<'_>);
}

impl<'m> Operator<'m> for MaxPool {
    type Record = MaxPoolRecord<'m>;

    fn read(
        record: &MaxPoolRecord<'m>,
        reading: &mut Reading<'_, 'm>,
    ) -> Result<Self, LayerProblem> {
        record.read(reading.input.shape)
    }

    fn input(&self) -> Shape {
        self.input
    }

    fn output(&self) -> Shape {
        self.output
    }

    fn output_quant(&self) -> Option<OutputQuant> {
        None
    }

    fn row_window(&self) -> RowWindow {
        RowWindow { origin: 0, step: self.stride[0] as u32, reach: self.size[0] as u32 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let mut pool = *self;
        pool.input.height = slice.input.end - slice.input.start;
        pool.output.height = slice.rows.end - slice.rows.start;
        pool
    }

    fn work(&self) -> Work {
        let window_rows = self.output.len() as u64 * self.size[0] as u64;
        let windows = (self.size[1] as u64 + WINDOW_ROW_OPERATIONS) * window_rows;
        Work { macs: 0, operations: operations_of_map(self.output) + windows }
    }

    fn is_built(&self) -> bool {
        Feature::MaxPool.is_built()
    }

    fn needs(&self, feature: Feature) -> bool {
        feature == Feature::MaxPool
    }
}
