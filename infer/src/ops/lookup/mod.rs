//! A function of one value, by a table of all 256 answers: sigmoid, tanh and the like.

use serde::{Deserialize, Serialize};

use super::operator::{
    Buffers, Inputs, Operator, Reading, Record, Tensor, Work, operations_of_map,
};
#[cfg(not(kindling_backend = "portable"))]
use super::sets::CortexM;
use super::sets::{Portable, Reference};
use super::window::coordinates;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// Bytes of a table.
pub const TABLE_BYTES: usize = 256;

/// What a table says of each value of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LookupRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// Row and column of the input under the first output.
    pub origin: [u16; 2],
}

/// A function of each value, from a table.
///
/// Output pixel (row, column) is the table's answer to input pixel `(origin[0] + row, origin[1] +
/// column)`.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'m> {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// Row and column of the input under output pixel (0, 0).
    pub origin: [u16; 2],
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// The answer to each value: that to value `v` at place `v as u8`.
    pub(crate) table: &'m [u8],
}

/// The kernels of a set for lookups.
pub trait Kernels: super::sets::KernelSet {
    /// Looks each value up.
    fn run(lookup: &Lookup<'_>, buffers: Buffers<'_>);
}

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel:
    ///     output = table[input as u8]
    /// ```
    fn run(lookup: &Lookup<'_>, Buffers { input, output, .. }: Buffers<'_>) {
        let shape = lookup.output;
        let [first_row, first_column] = lookup.origin.map(usize::from);
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let pixel = (first_row + row) * lookup.input.width as usize + first_column + column;
            let value = input[pixel * shape.channels as usize + channel];
            *out = lookup.table[value as u8 as usize] as i8;
        }
    }
}

impl Kernels for Portable {
    /// Row by row; a core takes four instructions or so for a value.
    fn run(lookup: &Lookup<'_>, Buffers { input, output, .. }: Buffers<'_>) {
        let Some(table) = lookup.table.first_chunk::<TABLE_BYTES>() else { return };
        let [first_row, first_column] = lookup.origin.map(usize::from);
        let (row_len, channels) = (lookup.input.row_len(), lookup.input.channels as usize);
        let rows = input.chunks(row_len.max(1)).skip(first_row);
        for (out, row) in output.chunks_exact_mut(lookup.output.row_len().max(1)).zip(rows) {
            let values = row.get(first_column * channels..).unwrap_or_default();
            for (out, value) in out.iter_mut().zip(values) {
                *out = table[*value as u8 as usize] as i8;
            }
        }
    }
}

#[cfg(not(kindling_backend = "portable"))]
impl Kernels for CortexM {
    fn run(lookup: &Lookup<'_>, buffers: Buffers<'_>) {
        if Feature::Lookup.is_built() {
            <Portable as Kernels>::run(lookup, buffers);
        }
    }
}

impl<'m> Lookup<'m> {
    /// The operator of a record that reads `inputs` and makes `output`, still without its table.
    pub const fn of(record: &LookupRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let [Tensor { shape: input, .. }, ..] = *inputs;
        let Tensor { shape: output, quant: output_quant } = output;
        Self { input, output, origin: record.origin, output_quant, table: &[] }
    }

    /// The answers, as they lie in a file: that to value `v` at place `v as u8`.
    pub const fn table(&self) -> &'m [u8] {
        self.table
    }

    pub(crate) const fn with_unchecked(self, _: &'m [u8], table: &'m [u8]) -> Self {
        Self { table, ..self }
    }

    /// The operator with its table.
    ///
    /// # Errors
    /// A table of another size.
    pub fn with_table(self, table: &'m [u8]) -> Result<Self, LayerProblem> {
        match table.len() {
            TABLE_BYTES => Ok(Self { table, ..self }),
            _ => Err(LayerProblem::SectionMissing),
        }
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads a tensor of this size, no side is 0, the output lies inside, and the table
    /// is whole.
    pub(crate) const fn belongs_to(&self, [input, ..]: &[Shape; INPUTS_MAX]) -> bool {
        self.input.is(*input)
            && !self.output.is_empty()
            && self.output.is_inside(self.origin, self.input)
            && self.table.len() == TABLE_BYTES
    }
}

impl<'m> Operator<'m> for Lookup<'m> {
    type Record = LookupRecord;

    const IS_BUILT: bool = Feature::Lookup.is_built();
    const PART: Feature = Feature::Lookup;

    fn read(record: &LookupRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        let lookup = Self::of(record, reading.inputs, reading.output);
        if !lookup.output.is_inside(lookup.origin, lookup.input) {
            return Err(LayerProblem::OutsideMap);
        }
        Feature::Lookup.check()?;
        lookup.with_table(reading.sections.next(TABLE_BYTES)?)
    }

    fn record(&self, inputs: Inputs) -> LookupRecord {
        LookupRecord { input: inputs.first(), origin: self.origin }
    }

    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Tensor {
        Tensor { shape: self.output, quant: self.output_quant }
    }

    fn row_window(&self, _: usize) -> RowWindow {
        RowWindow { origin: self.origin[0] as i32, step: 1, reach: 1 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let [input, ..] = &slice.inputs;
        let mut lookup = *self;
        lookup.input.height = input.rows.end - input.rows.start;
        lookup.output.height = slice.rows.end - slice.rows.start;
        lookup.origin[0] = 0;
        lookup
    }

    fn numbers(&self) -> [&'m [u8]; 2] {
        [&[], self.table]
    }

    fn work(&self) -> Work {
        Work { macs: 0, operations: operations_of_map(self.output) }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Lookup.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        feature == Feature::Lookup
    }
}

impl Record for LookupRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}
