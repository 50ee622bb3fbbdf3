//! Sums in plain safe Rust, for every core; no panics.

use super::{Add, HEADROOM_BITS, Kernels, Scaling, factors};
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::sets::Portable;
use crate::quant::{Factor, saturate};

impl Kernels for Portable {
    fn run(add: &Add, Buffers { input, second, output, .. }: Buffers<'_>) {
        match Sum::new(add) {
            Some(sum) => each_run(add, [input, second], output, |a, b, out| sum.of(a, b, out)),
            None => rounded_twice(add, [input, second], output),
        }
    }
}

/// All values of a sum with two roundings.
#[inline(never)]
fn rounded_twice(add: &Add, inputs: [&[i8]; 2], output: &mut [i8]) {
    if let Some(sum) = TwiceSum::new(add) {
        sum.each_run(add, inputs, output, |scaled, halved, out| {
            sum.of(scaled, halved, out, Factor::scale);
        });
    }
}

/// What turns a value of each input into one of the output, with two roundings.
///
/// ```text
/// scaled = factor of scaled((scaled - its zero point) << 20)
/// output = saturate(zero point + factor of the sum(scaled + ((halved - its zero point) << 19)))
/// ```
///
/// Range: a value less its zero point is at most 255 in size. Shifted, it is below 2^28, and half
/// of that at most after its factor. The loader has proved that the sum fits 32 bits after its
/// shift to the left.
#[derive(Clone, Copy)]
pub(super) struct TwiceSum {
    /// Whether the first input is the one that has a factor; else the second is.
    is_first: bool,
    /// Of the input that has a factor, and of the sum.
    pub factors: [Factor; 2],
    /// Of the input that has a factor, and of the other.
    pub zero_points: [i32; 2],
    /// Of the output.
    pub output_zero_point: i32,
}

impl TwiceSum {
    /// The sum of a layer; `None` if it rounds once.
    pub fn new(add: &Add) -> Option<Self> {
        let Scaling::Twice { scaled, multipliers, shifts } = &add.scaling else { return None };
        let ([a, b], is_first) = (add.input_zero_points.map(i32::from), *scaled == 0);
        Some(Self {
            is_first,
            factors: factors(multipliers, shifts),
            zero_points: if is_first { [a, b] } else { [b, a] },
            output_zero_point: add.output_zero_point as i32,
        })
    }

    /// Calls `run` for each run of outputs, with the input that has a factor, then the other.
    #[inline(always)]
    pub fn each_run(
        &self,
        add: &Add,
        inputs: [&[i8]; 2],
        output: &mut [i8],
        run: impl Fn(&[i8], &[i8], &mut [i8]),
    ) {
        each_run(add, inputs, output, |a, b, out| match self.is_first {
            true => run(a, b, out),
            false => run(b, a, out),
        });
    }

    /// Values that lie side by side in both inputs; `scale` is [`Factor::scale`], or the same for a
    /// core.
    #[inline(always)]
    pub fn of(
        &self,
        scaled: &[i8],
        halved: &[i8],
        out: &mut [i8],
        scale: impl Fn(Factor, i32) -> i32,
    ) {
        let ([of_input, of_sum], [zero_scaled, zero_halved]) = (self.factors, self.zero_points);
        for ((out, scaled), halved) in out.iter_mut().zip(scaled).zip(halved) {
            let scaled = (*scaled as i32 - zero_scaled) << HEADROOM_BITS;
            let halved = (*halved as i32 - zero_halved) << (HEADROOM_BITS - 1);
            let sum = scale(of_sum, scale(of_input, scaled).wrapping_add(halved));
            *out = saturate(sum.saturating_add(self.output_zero_point));
        }
    }
}

/// What turns a value of each input into one of the output.
///
/// ```text
/// output = saturate((a * multiplier of a + b * multiplier of b + offset) >> shift)
/// ```
///
/// The offset holds all that is the same for every value: the zero points of the inputs, the one of
/// the output, which may be added before the shift as it is a multiple of `2^shift` there, and the
/// half for the rounding.
///
/// Range: a multiplier is below 2^15 and a value within 128 in size, so each product, of a value or
/// a zero point, is below 2^22. `2^(shift - 1)` is at most 2^22, the shifted zero point of the
/// output at most 2^30 in size, since the shift is at most 23. All together stays below 2^31, in
/// any order of summation.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Sum {
    pub multipliers: [i16; 2],
    pub offset: i32,
    pub shift: u32,
}

impl Sum {
    /// The sum of a layer; `None` if it rounds twice.
    pub fn new(add: &Add) -> Option<Self> {
        let (multipliers, shift) = match add.scaling {
            Scaling::Twice { .. } if Feature::TwoRoundings.is_built() => return None,
            Scaling::Twice { .. } => ([0; 2], 0),
            Scaling::Once { multipliers, shift } => (multipliers, shift),
        };
        let ([a, b], [zero_a, zero_b]) = (multipliers, add.input_zero_points);
        let shift = shift as u32 & 31;
        let zeros = zero_a as i32 * a as i32 + zero_b as i32 * b as i32;
        let rounded = (add.output_zero_point as i32) << shift;
        let half = (1u32 << shift) as i32 / 2;
        let offset = rounded.wrapping_add(half).wrapping_sub(zeros);
        Some(Self { multipliers, offset, shift })
    }

    /// Values that lie side by side in both inputs.
    pub fn of(self, a: &[i8], b: &[i8], out: &mut [i8]) {
        let [a_multiplier, b_multiplier] = self.multipliers.map(i32::from);
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let sum = *a as i32 * a_multiplier + *b as i32 * b_multiplier + self.offset;
            *out = (sum >> self.shift).clamp(i8::MIN as i32, i8::MAX as i32) as i8;
        }
    }
}

/// Calls `add_run` for each run of outputs whose inputs lie side by side, as long as these: a row,
/// or all rows where those of the inputs are no longer than those of the output.
#[inline(always)]
pub(super) fn each_run(
    add: &Add,
    [a, b]: [&[i8]; 2],
    output: &mut [i8],
    add_run: impl Fn(&[i8], &[i8], &mut [i8]),
) {
    let is_whole = add.inputs.iter().all(|[_, width]| *width == add.output.width);
    let rows = if is_whole { add.output.height as usize } else { 1 };
    let run = (rows * add.output.row_len()).max(1);
    for (index, out) in output.chunks_exact_mut(run).enumerate() {
        let row = rows * index;
        if let (Some(a), Some(b)) = (inputs_of(add, 0, a, row, run), inputs_of(add, 1, b, row, run))
        {
            add_run(a, b, out);
        }
    }
}

/// The values of input number `index` that a run of outputs from `row` on reads.
#[inline(always)]
fn inputs_of<'v>(
    add: &Add,
    index: usize,
    values: &'v [i8],
    row: usize,
    run: usize,
) -> Option<&'v [i8]> {
    let (shape, [first_row, first_column]) = (add.map(index), add.origins.get(index)?);
    let start = (*first_row as usize + row) * shape.row_len()
        + *first_column as usize * shape.channels as usize;
    values.get(start..start + run)
}
