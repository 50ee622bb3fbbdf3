//! Sums in plain safe Rust, for every core; no panics.

use super::{Add, Kernels};
use crate::ops::operator::Buffers;
use crate::ops::sets::Portable;

impl Kernels for Portable {
    fn run(add: &Add, Buffers { input, second, output, .. }: Buffers<'_>) {
        each_run(add, [input, second], output, |sum, a, b, out| sum.of(a, b, out));
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
    fn new(add: &Add) -> Self {
        let ([a, b], [zero_a, zero_b]) = (add.multipliers, add.input_zero_points);
        let shift = add.shift as u32 & 31;
        let zeros = zero_a as i32 * a as i32 + zero_b as i32 * b as i32;
        let rounded = (add.output_quant.zero_point as i32) << shift;
        let half = (1u32 << shift) as i32 / 2;
        let offset = rounded.wrapping_add(half).wrapping_sub(zeros);
        Self { multipliers: add.multipliers, offset, shift }
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
    add_run: impl Fn(Sum, &[i8], &[i8], &mut [i8]),
) {
    let sum = Sum::new(add);
    let is_whole = add.inputs.iter().all(|input| input.width == add.output.width);
    let rows = if is_whole { add.output.height as usize } else { 1 };
    let run = (rows * add.output.row_len()).max(1);
    for (index, out) in output.chunks_exact_mut(run).enumerate() {
        let row = rows * index;
        if let (Some(a), Some(b)) = (inputs_of(add, 0, a, row, run), inputs_of(add, 1, b, row, run))
        {
            add_run(sum, a, b, out);
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
    let (shape, [first_row, first_column]) = (add.inputs.get(index)?, add.origins.get(index)?);
    let start = (*first_row as usize + row) * shape.row_len()
        + *first_column as usize * shape.channels as usize;
    values.get(start..start + run)
}
