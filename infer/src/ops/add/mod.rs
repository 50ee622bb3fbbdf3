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
use crate::quant::{Factor, OutputQuant};
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// Largest shift: `portable.rs` has the proof that 32 bits suffice.
const SHIFT_MAX: u8 = 23;

/// Bits that a value is shifted to the left before it is scaled with two roundings.
const HEADROOM_BITS: u32 = 20;

/// Sum of the two tensors that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddRecord {
    /// The tensors that it reads.
    pub inputs: [u8; 2],
    /// Row and column of each input under the first output.
    pub origins: [[u16; 2]; 2],
    /// How values of the inputs become one of the output.
    pub scaling: Scaling,
}

/// How values of the two inputs of a sum become one of its output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scaling {
    /// With one rounding.
    Once {
        /// Scale of each input in scales of the output, times `2^shift`: 1 or more.
        multipliers: [i16; 2],
        /// See `multipliers`; 1 to 23.
        shift: u8,
    },
    /// Each input is rounded to a common scale, and the sum to that of the output, as TensorFlow
    /// Lite does. One input's scale is half of the common one; [`Factor`]s, as multipliers and
    /// shifts apart, are those of the other input, and of the sum.
    Twice {
        /// Number of the input that has a factor: its scale in the common one, a half or less.
        scaled: u8,
        /// Multipliers of that input and of the common scale, by `2^20`, in scales of the output.
        multipliers: [i32; 2],
        /// Their shifts.
        shifts: [i8; 2],
    },
}

/// Sum of two tensors, value by value.
///
/// Output pixel (row, column) is the sum of pixel `(origins[i][0] + row, origins[i][1] + column)`
/// of each input `i`.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    /// Rows and columns of the maps it reads, whose channels are the output's.
    pub inputs: [[u16; 2]; 2],
    /// The values that stand for 0.0 there.
    pub input_zero_points: [i8; 2],
    /// Row and column of each input under output pixel (0, 0).
    pub origins: [[u16; 2]; 2],
    /// How values of the inputs become one of the output.
    pub scaling: Scaling,
    /// The map it leaves.
    pub output: Shape,
    /// Real value of one step of the output. It and the zero point are fields of their own: so a
    /// layer of any operator stays within [`LAYER_BYTES`](crate::LAYER_BYTES).
    pub output_scale: f32,
    /// The output that stands for 0.0. With one of -128 saturation is the ReLU.
    pub output_zero_point: i8,
}

/// The kernels of a set for sums.
pub trait Kernels: super::sets::KernelSet {
    /// Sum of two tensors.
    fn run(add: &Add, buffers: Buffers<'_>);
}

impl<'m> Operator<'m> for Add {
    type Record = AddRecord;

    const IS_BUILT: bool = Feature::Add.is_built();
    const PART: Feature = Feature::Add;

    fn read(record: &AddRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        record.read(reading)
    }

    fn record(&self, inputs: Inputs) -> AddRecord {
        let Self { origins, scaling, .. } = *self;
        let inputs = [0, 1].map(|input| inputs.get(input).unwrap_or_default() as u8);
        AddRecord { inputs, origins, scaling }
    }

    fn input(&self, input: usize) -> Shape {
        self.map(input)
    }

    fn output(&self) -> Tensor {
        let (scale, zero_point) = (self.output_scale, self.output_zero_point);
        Tensor { shape: self.output, quant: OutputQuant { scale, zero_point } }
    }

    fn row_window(&self, input: usize) -> RowWindow {
        let [[first, _], [second, _]] = self.origins;
        let origin = if input == 0 { first } else { second };
        RowWindow { origin: origin as i32, step: 1, reach: 1 }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let mut add = *self;
        for (([height, _], origin), rows) in
            add.inputs.iter_mut().zip(&mut add.origins).zip(&slice.inputs)
        {
            *height = rows.rows.end - rows.rows.start;
            origin[0] = 0;
        }
        add.output.height = slice.rows.end - slice.rows.start;
        add
    }

    fn work(&self) -> Work {
        Work { macs: 0, operations: operations_of_map(self.output) }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Add.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        match feature {
            Feature::TwoRoundings => matches!(self.scaling, Scaling::Twice { .. }),
            other => matches!(other, Feature::Add | Feature::Branches),
        }
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
        let channels = reading.inputs.map(|input| input.shape.channels);
        if channels != [add.output.channels; 2] || !add.is_inside(0) || !add.is_inside(1) {
            return Err(LayerProblem::OutsideMap);
        }
        self.scaling.check()?;
        Feature::Add.check()?;
        Ok(add)
    }
}

/// The factors of [`Scaling::Twice`].
const fn factors([input, sum]: &[i32; 2], [of_input, of_sum]: &[i8; 2]) -> [Factor; 2] {
    [Factor { multiplier: *input, shift: *of_input }, Factor { multiplier: *sum, shift: *of_sum }]
}

impl Scaling {
    /// [`Scaling::Twice`] by the factors of input number `scaled` and of the sum.
    pub const fn twice(scaled: u8, [input, sum]: [Factor; 2]) -> Self {
        let (multipliers, shifts) = ([input.multiplier, sum.multiplier], [input.shift, sum.shift]);
        Self::Twice { scaled, multipliers, shifts }
    }

    fn check(&self) -> Result<(), LayerProblem> {
        let (is_right, shift_fits) = match self {
            Self::Once { multipliers, shift } => {
                (multipliers.map(|multiplier| multiplier >= 1), (1..=SHIFT_MAX).contains(shift))
            }
            Self::Twice { .. } if !Feature::TwoRoundings.is_built() => {
                return Err(LayerProblem::NotBuilt(Feature::TwoRoundings));
            }
            // A value less its zero point is at most 255 in size, half of that is left of it, and
            // a sum is at most 2 steps larger by its roundings.
            Self::Twice { scaled, .. } if *scaled > 1 => return Err(LayerProblem::UnknownInput),
            Self::Twice { scaled, multipliers, shifts } => {
                let [input, sum] = factors(multipliers, shifts);
                let mut is_right = [true; 2];
                if let Some(is_right) = is_right.get_mut(*scaled as usize) {
                    *is_right = input.fits(0) && input.shift <= 0;
                }
                (is_right, sum.fits((255 << HEADROOM_BITS) + 2))
            }
        };
        if let Some(input) = is_right.iter().position(|is_right| !is_right) {
            return Err(LayerProblem::Multiplier { channel: input as u16 });
        }
        if shift_fits { Ok(()) } else { Err(LayerProblem::AccumulatorRange { channel: 0 }) }
    }
}

impl Add {
    /// The operator of a record that reads `inputs` and makes `output`.
    pub const fn of(record: &AddRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let AddRecord { origins, scaling, .. } = *record;
        let [first, second] = inputs;
        Self {
            inputs: [
                [first.shape.height, first.shape.width],
                [second.shape.height, second.shape.width],
            ],
            input_zero_points: [first.quant.zero_point, second.quant.zero_point],
            origins,
            scaling,
            output: output.shape,
            output_scale: output.quant.scale,
            output_zero_point: output.quant.zero_point,
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
        self.map(0).is(inputs[0])
            && self.map(1).is(inputs[1])
            && !self.output.is_empty()
            && self.is_inside(0)
            && self.is_inside(1)
            && !matches!(self.scaling, Scaling::Once { shift, .. } if shift > SHIFT_MAX)
    }

    /// Whether the output lies inside of input number `input`.
    const fn is_inside(&self, input: usize) -> bool {
        let ([height, width], [row, column]) = (self.inputs[input], self.origins[input]);
        row as u32 + self.output.height as u32 <= height as u32
            && column as u32 + self.output.width as u32 <= width as u32
    }

    /// The map that is input number `input`.
    const fn map(&self, input: usize) -> Shape {
        let [first, second] = self.inputs;
        let [height, width] = if input == 0 { first } else { second };
        Shape::new(height, width, self.output.channels)
    }
}
