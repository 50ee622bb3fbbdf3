//! Product of two tensors, value by value, or of a tensor with one value for each channel.

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
use crate::quant::{Factor, OutputQuant, requantise, requantise_twice};
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// Largest product: a value less its zero point is at most 255 in size.
const PRODUCT_MAX: u64 = 255 * 255;

/// Product of the two tensors that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MulRecord {
    /// The tensors that it reads.
    pub inputs: [u8; 2],
    /// Row and column of each input under the first output.
    pub origins: [[u16; 2]; 2],
    /// `scale of one input * scale of the other / output scale`, times 2^32: 1 or more. With two
    /// roundings times `2^(31 - shift)`: 2^30 or more, or 0.
    pub multiplier: i32,
    /// With two roundings, as TensorFlow Lite does: -31 to 15, a positive one to the left.
    pub shift: Option<i8>,
}

/// Product of two tensors, value by value.
///
/// Output pixel (row, column) is the product of pixel `(origins[i][0] + row, origins[i][1] +
/// column)` of each input `i`; a second input of one pixel is that for every output.
#[derive(Clone, Copy, Debug)]
pub struct Mul {
    /// The maps it reads.
    pub inputs: [Shape; 2],
    /// The values that stand for 0.0 there.
    pub input_zero_points: [i8; 2],
    /// Row and column of each input under output pixel (0, 0).
    pub origins: [[u16; 2]; 2],
    /// `scale of one input * scale of the other / output scale`, times 2^32: see [`MulRecord`].
    pub multiplier: i32,
    /// With two roundings: see [`MulRecord`].
    pub shift: Option<i8>,
    /// The map it leaves.
    pub output: Shape,
    /// How the output is quantised. With a zero point of -128 saturation is the ReLU.
    pub output_quant: OutputQuant,
}

/// The kernels of a set for products.
pub trait Kernels: super::sets::KernelSet {
    /// Product of two tensors.
    fn run(mul: &Mul, buffers: Buffers<'_>);
}

impl Kernels for Reference {
    /// ```text
    /// for each output pixel and channel:
    ///     output = requantise((a - zero of a) * (b - zero of b))
    /// ```
    fn run(mul: &Mul, Buffers { input, second, output, .. }: Buffers<'_>) {
        let shape = mul.output;
        for ([row, column, channel], out) in
            coordinates(shape.height, shape.width, shape.channels).zip(output)
        {
            let factor = |index: usize, values: &[i8]| {
                let [first_row, first_column] = mul.origins[index].map(usize::from);
                let (map, is_pixel) = (mul.inputs[index], index == 1 && mul.is_by_channel());
                let (row, column) = if is_pixel { (0, 0) } else { (row, column) };
                let at = (first_row + row) * map.row_len()
                    + (first_column + column) * shape.channels as usize
                    + channel;
                values[at] as i32 - mul.input_zero_points[index] as i32
            };
            let product = factor(0, input) * factor(1, second);
            let zero = mul.output_quant.zero_point;
            *out = match mul.shift {
                None => requantise(product, mul.multiplier, zero),
                Some(shift) => requantise_twice(product, mul.multiplier, shift, zero),
            };
        }
    }
}

impl Kernels for Portable {
    fn run(mul: &Mul, Buffers { input, second, output, .. }: Buffers<'_>) {
        let (multiplier, zero) = (mul.multiplier, mul.output_quant.zero_point);
        match mul.shift {
            Some(shift) if Feature::TwoRoundings.is_built() => {
                let value = |product| requantise_twice(product, multiplier, shift, zero);
                each_product(mul, [input, second], output, value);
            }
            _ => {
                let value = |product| requantise(product, multiplier, zero);
                each_product(mul, [input, second], output, value);
            }
        }
    }
}

/// Pixel by pixel; `value` is what a product becomes. Each factor is below 2^8 in size, so the
/// product is below 2^16.
#[inline(always)]
fn each_product(
    mul: &Mul,
    [input, second]: [&[i8]; 2],
    output: &mut [i8],
    value: impl Fn(i32) -> i8,
) {
    let channels = mul.output.channels as usize;
    let [zero_a, zero_b] = mul.input_zero_points.map(i32::from);
    for (row, out) in output.chunks_exact_mut(mul.output.row_len().max(1)).enumerate() {
        for (column, out) in out.chunks_exact_mut(channels.max(1)).enumerate() {
            let a = mul.pixel(0, input, row, column);
            let b = mul.pixel(1, second, row, column);
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out = value((*a as i32 - zero_a) * (*b as i32 - zero_b));
            }
        }
    }
}

#[cfg(not(kindling_backend = "portable"))]
impl Kernels for CortexM {
    fn run(mul: &Mul, buffers: Buffers<'_>) {
        if Feature::Mul.is_built() {
            <Portable as Kernels>::run(mul, buffers);
        }
    }
}

impl Mul {
    /// The operator of a record that reads `inputs` and makes `output`.
    pub const fn of(record: &MulRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let MulRecord { origins, multiplier, shift, .. } = *record;
        let [first, second] = inputs;
        Self {
            inputs: [first.shape, second.shape],
            input_zero_points: [first.quant.zero_point, second.quant.zero_point],
            origins,
            multiplier,
            shift,
            output: output.shape,
            output_quant: output.quant,
        }
    }

    pub(crate) const fn with_unchecked(self, _: &[u8], _: &[u8]) -> Self {
        self
    }

    /// Whether multiplier and shift are in their ranges: all products fit 32 bits, shifted too.
    fn has_factor(&self) -> bool {
        match self.shift {
            None => self.multiplier >= 1,
            Some(shift) => Factor { multiplier: self.multiplier, shift }.fits(PRODUCT_MAX),
        }
    }

    /// Whether the second input is one pixel for all outputs.
    const fn is_by_channel(&self) -> bool {
        self.inputs[1].height == 1 && self.inputs[1].width == 1
    }

    /// The channels of input number `index` under an output pixel.
    #[inline(always)]
    fn pixel<'v>(&self, index: usize, values: &'v [i8], row: usize, column: usize) -> &'v [i8] {
        if index == 1 && self.is_by_channel() {
            return values;
        }
        let (Some(map), Some([first_row, first_column])) =
            (self.inputs.get(index), self.origins.get(index))
        else {
            return &[];
        };
        let start = (*first_row as usize + row) * map.row_len()
            + (*first_column as usize + column) * map.channels as usize;
        values.get(start..start + map.channels as usize).unwrap_or_default()
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
            && self.is_inside()
    }

    /// Whether the output lies inside of each input, or has the channels of the one pixel.
    const fn is_inside(&self) -> bool {
        let [first, second] = self.inputs;
        let is_inside_of_second = match self.is_by_channel() {
            true => {
                let is_at_pixel = matches!(self.origins[1], [0, 0]);
                is_at_pixel && second.channels == self.output.channels
            }
            false => self.output.is_inside(self.origins[1], second),
        };
        self.output.is_inside(self.origins[0], first) && is_inside_of_second
    }
}

impl<'m> Operator<'m> for Mul {
    type Record = MulRecord;

    const IS_BUILT: bool = Feature::Mul.is_built();
    const PART: Feature = Feature::Mul;

    fn read(record: &MulRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        let mul = Self::of(record, reading.inputs, reading.output);
        if !mul.is_inside() {
            return Err(LayerProblem::OutsideMap);
        }
        if !mul.has_factor() {
            return Err(LayerProblem::Multiplier { channel: 0 });
        }
        if mul.shift.is_some() {
            Feature::TwoRoundings.check()?;
        }
        Feature::Mul.check()?;
        Ok(mul)
    }

    fn record(&self, inputs: Inputs) -> MulRecord {
        let Self { origins, multiplier, shift, .. } = *self;
        let inputs = [0, 1].map(|input| inputs.get(input).unwrap_or_default() as u8);
        MulRecord { inputs, origins, multiplier, shift }
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
        match (input, self.is_by_channel()) {
            (0, _) => RowWindow { origin: first as i32, step: 1, reach: 1 },
            (_, false) => RowWindow { origin: second as i32, step: 1, reach: 1 },
            (_, true) => RowWindow { origin: 0, step: 0, reach: 1 },
        }
    }

    /// The one pixel for all rows of a map comes after all of them.
    fn stream_window(&self, input: usize) -> Option<RowWindow> {
        let window = self.row_window(input);
        match window.step {
            0 if self.output.height > 1 => None,
            _ => Some(RowWindow { step: 1, ..window }),
        }
    }

    fn slice(&self, slice: &Slice) -> Self {
        let (mut mul, [first, second]) = (*self, &slice.inputs);
        mul.inputs[0].height = first.rows.end - first.rows.start;
        mul.origins[0][0] = 0;
        if !self.is_by_channel() {
            mul.inputs[1].height = second.rows.end - second.rows.start;
            mul.origins[1][0] = 0;
        }
        mul.output.height = slice.rows.end - slice.rows.start;
        mul
    }

    fn work(&self) -> Work {
        const PIXEL_OPERATIONS: u64 = 32;
        let pixels = self.output.height as u64 * self.output.width as u64;
        let operations = operations_of_map(self.output) + PIXEL_OPERATIONS * pixels;
        Work { macs: 0, operations }
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Mul.left_out()
    }

    fn needs(&self, feature: Feature) -> bool {
        match feature {
            Feature::TwoRoundings => self.shift.is_some(),
            other => matches!(other, Feature::Mul | Feature::Branches),
        }
    }
}

impl Record for MulRecord {
    fn inputs(&self) -> Inputs {
        Inputs::two(self.inputs)
    }
}
