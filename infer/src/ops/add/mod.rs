//! Sum of two tensors, each with a scale of its own: where a branch meets the way past it.

#[cfg(not(kindling_backend = "portable"))]
mod arm;
mod portable;
mod reference;

use serde::{Deserialize, Serialize};

use super::operator::{
    Buffers, Inputs, Operator, Reading, Record, Tensor, Work, operations_of_map,
};
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// Largest shift: `portable.rs` has the proof that 32 bits suffice.
const SHIFT_MAX: u8 = 23;

/// Sum of the two tensors that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddRecord {
    /// The tensors that it reads.
    pub inputs: [u8; 2],
    /// Row and column of each input under the first output.
    pub origins: [[u16; 2]; 2],
    /// Scale of each input in scales of the output, times `2^shift`: 1 or more.
    pub multipliers: [i16; 2],
    /// See `multipliers`; 1 to 23.
    pub shift: u8,
}

/// Sum of two tensors, value by value.
///
/// Output pixel (row, column) is the sum of pixel `(origins[i][0] + row, origins[i][1] + column)`
/// of each input `i`.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    /// The maps it reads.
    pub inputs: [Shape; 2],
    /// The values that stand for 0.0 there.
    pub input_zero_points: [i8; 2],
    /// Row and column of each input under output pixel (0, 0).
    pub origins: [[u16; 2]; 2],
    /// Scale of each input in scales of the output, times `2^shift`.
    pub multipliers: [i16; 2],
    /// See `multipliers`; 1 to 23.
    pub shift: u8,
    /// The map it leaves.
    pub output: Shape,
    /// How the output is quantised. With a zero point of -128 saturation is the ReLU.
    pub output_quant: OutputQuant,
}

/// The kernels of a set for sums.
pub trait Kernels {
    /// Sum of two tensors.
    fn run(add: &Add, buffers: Buffers<'_>);
}

impl<'m> Operator<'m> for Add {
    type Record = AddRecord;

    const IS_BUILT: bool = Feature::Add.is_built();

    fn read(record: &AddRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        record.read(reading)
    }

    fn record(&self, inputs: Inputs) -> AddRecord {
        let Self { origins, multipliers, shift, .. } = *self;
        let inputs = [0, 1].map(|input| inputs.get(input).unwrap_or_default() as u8);
        AddRecord { inputs, origins, multipliers, shift }
    }

    fn input(&self, input: usize) -> Shape {
        let [first, second] = self.inputs;
        if input == 0 { first } else { second }
    }

    fn output(&self) -> Tensor {
        Tensor { shape: self.output, quant: self.output_quant }
    }

    fn row_window(&self, input: usize) -> RowWindow {
        let [[first, _], [second, _]] = self.origins;
        let origin = if input == 0 { first } else { second };
        RowWindow { origin: origin as i32, step: 1, reach: 1 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let mut add = *self;
        for ((shape, origin), rows) in
            add.inputs.iter_mut().zip(&mut add.origins).zip(&slice.inputs)
        {
            shape.height = rows.rows.end - rows.rows.start;
            origin[0] = 0;
        }
        add.output.height = slice.rows.end - slice.rows.start;
        add
    }

    fn work(&self) -> Work {
        Work { macs: 0, operations: operations_of_map(self.output) }
    }

    fn is_built(&self) -> bool {
        Feature::Add.is_built()
    }

    fn needs(&self, feature: Feature) -> bool {
        feature == Feature::Add
    }
}

impl Record for AddRecord {
    fn inputs(&self) -> Inputs {
        Inputs::two(self.inputs)
    }
}

impl AddRecord {
    fn read(&self, reading: &Reading<'_, '_>) -> Result<Add, LayerProblem> {
        let add = Add::of(self, reading.inputs, reading.output);
        if !add.is_inside(0) || !add.is_inside(1) {
            return Err(LayerProblem::OutsideMap);
        }
        if let Some(channel) = self.multipliers.iter().position(|multiplier| *multiplier < 1) {
            return Err(LayerProblem::Multiplier { channel: channel as u16 });
        }
        if self.shift < 1 || self.shift > SHIFT_MAX {
            return Err(LayerProblem::AccumulatorRange { channel: 0 });
        }
        if !Feature::Add.is_built() {
            return Err(LayerProblem::NotBuilt);
        }
        Ok(add)
    }
}

impl Add {
    /// The operator of a record that reads `inputs` and makes `output`.
    pub const fn of(record: &AddRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let AddRecord { origins, multipliers, shift, .. } = *record;
        let [first, second] = inputs;
        Self {
            inputs: [first.shape, second.shape],
            input_zero_points: [first.quant.zero_point, second.quant.zero_point],
            origins,
            multipliers,
            shift,
            output: output.shape,
            output_quant: output.quant,
        }
    }

    pub(crate) const fn with_unchecked(self, _: &[u8], _: &[u8]) -> Self {
        self
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.output
    }

    /// Whether it reads tensors of these sizes, no side is 0, and the output lies inside of both.
    pub(crate) const fn belongs_to(&self, inputs: &[Shape; INPUTS_MAX]) -> bool {
        self.inputs[0].is(inputs[0])
            && self.inputs[1].is(inputs[1])
            && !self.output.is_empty()
            && self.is_inside(0)
            && self.is_inside(1)
            && self.shift <= SHIFT_MAX
    }

    /// Whether the output lies inside of input number `input`, channel by channel.
    const fn is_inside(&self, input: usize) -> bool {
        let (map, [row, column], output) = (self.inputs[input], self.origins[input], self.output);
        row as u32 + output.height as u32 <= map.height as u32
            && column as u32 + output.width as u32 <= map.width as u32
            && map.channels == output.channels
    }
}
