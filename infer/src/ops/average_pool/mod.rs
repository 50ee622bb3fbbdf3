//! Average over windows, or over a whole map.

mod portable;
mod reference;

use core::ops::Range;

use serde::{Deserialize, Serialize};

use super::checks::check_coordinates;
use super::operator::{
    Buffers, Inputs, Operator, Reading, Record, Tensor, WINDOW_ROW_OPERATIONS, Work,
    operations_of_map,
};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// Most pixels of a window: the sum of that number of values, and half that number, fit 32 bits.
const PIXELS_MAX: u32 = 1 << 23;

/// Average over windows of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AveragePoolRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// Window rows and columns.
    pub size: [u16; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column at which the first window begins; negative where that is padding.
    pub origin: [i16; 2],
}

/// Average over windows.
///
/// Output pixel (row, column) is the average of the pixels of its window that lie inside of the
/// map: padding counts for nothing.
#[derive(Clone, Copy, Debug)]
pub struct AveragePool {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// Window rows and columns.
    pub size: [u16; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column at which the first window begins.
    pub origin: [i16; 2],
    /// Quantisation of input and output.
    pub quant: OutputQuant,
    /// Rows of the window that lie in the map and are summed before this slice, and after it: see
    /// [`Operator::reduces`].
    pub(crate) other_rows: [u16; 2],
}

/// The kernels of a set for average poolings.
pub trait Kernels: super::sets::KernelSet {
    /// Average over windows.
    fn run(pool: &AveragePool, buffers: Buffers<'_>);
}

impl AveragePool {
    /// The operator of a record that reads `inputs` and makes `output`.
    pub const fn of(
        record: &AveragePoolRecord,
        inputs: &[Tensor; INPUTS_MAX],
        output: Tensor,
    ) -> Self {
        let AveragePoolRecord { size, stride, origin, .. } = *record;
        let [Tensor { shape: input, .. }, ..] = *inputs;
        let Tensor { shape: output, quant } = output;
        Self { input, output, size, stride, origin, quant, other_rows: [0, 0] }
    }

    pub(crate) const fn with_unchecked(self, _: &[u8], _: &[u8]) -> Self {
        self
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads a tensor of this size, no side is 0, and each window has a pixel.
    pub(crate) const fn belongs_to(&self, [input, ..]: &[Shape; INPUTS_MAX]) -> bool {
        self.input.is(*input)
            && !self.output.is_empty()
            && self.input.channels == self.output.channels
            && self.pixels() > 0
            && self.pixels() <= PIXELS_MAX as u64
            && self.stride[0] > 0
            && self.stride[1] > 0
            && self.meets_the_map()
    }

    /// Pixels of a window.
    const fn pixels(&self) -> u64 {
        self.size[0] as u64 * self.size[1] as u64
    }

    /// Whether each window has a pixel inside of the map: then the first has, and the last.
    const fn meets_the_map(&self) -> bool {
        let Self { input, output, .. } = self;
        self.meets(0, input.height, output.height) && self.meets(1, input.width, output.width)
    }

    /// The same along an axis (0: rows, 1: columns).
    const fn meets(&self, axis: usize, inputs: u16, outputs: u16) -> bool {
        let first = self.origin[axis] as i64;
        let last = first + (outputs as i64 - 1) * self.stride[axis] as i64;
        first + self.size[axis] as i64 > 0 && last < inputs as i64
    }

    /// The rows of the map in the window of output row `row`.
    fn rows(&self, row: usize) -> Range<usize> {
        inside(self.origin[0], row * self.stride[0] as usize, self.size[0], self.input.height)
    }

    /// The columns of the map in the window of output column `column`.
    fn columns(&self, column: usize) -> Range<usize> {
        inside(self.origin[1], column * self.stride[1] as usize, self.size[1], self.input.width)
    }

    /// Pixels of the map in a window of which these rows and columns are in the slice.
    const fn count(&self, rows: &Range<usize>, columns: &Range<usize>) -> usize {
        let [before, after] = self.other_rows;
        (before as usize + (rows.end - rows.start) + after as usize) * (columns.end - columns.start)
    }
}

/// The part of a window, `step` after the first one, that lies in a map of `length` rows or
/// columns.
fn inside(origin: i16, step: usize, size: u16, length: u16) -> Range<usize> {
    let start = origin as i32 + step as i32;
    let within = |place: i32| place.clamp(0, length as i32) as usize;
    within(start)..within(start + size as i32)
}

impl<'m> Operator<'m> for AveragePool {
    type Record = AveragePoolRecord;

    const IS_BUILT: bool = Feature::AveragePool.is_built();
    const PART: Feature = Feature::AveragePool;

    fn read(
        record: &AveragePoolRecord,
        reading: &mut Reading<'_, 'm>,
    ) -> Result<Self, LayerProblem> {
        let pool = Self::of(record, reading.inputs, reading.output);
        let Self { input, output, .. } = pool;
        if pool.pixels() == 0 || record.stride.contains(&0) {
            return Err(LayerProblem::ZeroSize);
        }
        if pool.pixels() > PIXELS_MAX as u64 {
            return Err(LayerProblem::TooLarge);
        }
        check_coordinates(
            input,
            [output.height, output.width].map(u64::from),
            record.stride,
            record.size,
        )?;
        if output.channels != input.channels {
            return Err(LayerProblem::OutputShape);
        }
        if !pool.meets_the_map() {
            return Err(LayerProblem::OutsideMap);
        }
        if pool.quant != reading.inputs[0].quant {
            return Err(LayerProblem::OutputQuant);
        }
        Feature::AveragePool.check()?;
        Ok(pool)
    }

    fn record(&self, inputs: Inputs) -> AveragePoolRecord {
        let Self { size, stride, origin, .. } = *self;
        AveragePoolRecord { input: inputs.first(), size, stride, origin }
    }

    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Tensor {
        Tensor { shape: self.output, quant: self.quant }
    }

    /// A window is read row by row where there is one only.
    fn row_window(&self, _: usize) -> RowWindow {
        let (origin, [step, _], [reach, _]) = (self.origin[0] as i32, self.stride, self.size);
        match self.reduces() {
            Some(_) => RowWindow { origin: origin.max(0), step: 1, reach: 1 },
            None => RowWindow { origin, step: step as u32, reach: reach as u32 },
        }
    }

    /// An average of the whole map slides.
    fn stream_window(&self, input: usize) -> Option<RowWindow> {
        let window = self.row_window(input);
        Some(self.reduces().map_or(window, |rows| RowWindow { reach: rows as u32, ..window }))
    }

    fn reduces(&self) -> Option<u16> {
        let rows = self.rows(0).len();
        (self.output.height == 1 && rows > 1).then_some(rows as u16)
    }

    fn slice(&self, slice: &Slice) -> Self {
        let [input, ..] = &slice.inputs;
        let mut pool = *self;
        pool.input.height = input.rows.end - input.rows.start;
        pool.origin[0] = input.origin;
        let rows = slice.rows.end - slice.rows.start;
        match self.reduces() {
            Some(all) => {
                pool.size[0] = rows;
                pool.other_rows = [slice.rows.start, all.saturating_sub(slice.rows.end)];
            }
            None => pool.output.height = rows,
        }
        pool
    }

    /// A division counts as this number of operations: a core without one has a loop for it.
    fn work(&self) -> Work {
        const DIVISION_OPERATIONS: u64 = 32;
        let values = self.output.len() as u64;
        let windows = (self.size[1] as u64 + WINDOW_ROW_OPERATIONS) * values * self.size[0] as u64;
        let operations = operations_of_map(self.output) + windows + DIVISION_OPERATIONS * values;
        Work { macs: 0, operations }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::AveragePool.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        matches!(feature, Feature::AveragePool | Feature::HeldRows)
    }
}

impl Record for AveragePoolRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}
