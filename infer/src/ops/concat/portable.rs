//! Maps side by side in plain safe Rust, for every core; no panics.
//!
//! ```text
//! for each map that is read, for each output pixel:
//!     its channels = the map's, scaled, or zeros outside of the map
//! ```

use super::{Concat, Kernels, Part};
#[cfg(not(kindling_backend = "portable"))]
use crate::features::Feature;
use crate::ops::operator::Buffers;
#[cfg(not(kindling_backend = "portable"))]
use crate::ops::sets::CortexM;
use crate::ops::sets::Portable;
use crate::ops::window;

impl Kernels for Portable {
    fn run(concat: &Concat, Buffers { input, second, output, .. }: Buffers<'_>) {
        let mut first = 0;
        for (part, input) in concat.parts.iter().zip([input, second]) {
            place(concat, part, input, first, output);
            first += part.input.channels as usize;
        }
    }
}

#[cfg(not(kindling_backend = "portable"))]
impl Kernels for CortexM {
    fn run(concat: &Concat, buffers: Buffers<'_>) {
        if Feature::Concat.is_built() {
            <Portable as Kernels>::run(concat, buffers);
        }
    }
}

/// The channels of one map, which begin at channel `first` of the output.
fn place(concat: &Concat, part: &Part, input: &[i8], first: usize, output: &mut [i8]) {
    let channels = part.input.channels as usize;
    let (row_len, pixel_len) = (concat.output.row_len(), concat.output.channels as usize);
    if channels == 0 {
        return;
    }
    let scaling = Scaling::new(concat, part);
    for (row, out) in (part.origin[0] as i32..).zip(output.chunks_exact_mut(row_len.max(1))) {
        let source = window::row(input, part.input, row);
        for (column, out) in (part.origin[1] as i32..).zip(out.chunks_exact_mut(pixel_len.max(1))) {
            let Some(out) = out.get_mut(first..first + channels) else { return };
            let start = usize::try_from(column).ok().map(|column| column * channels);
            match start.and_then(|start| source.get(start..start + channels)) {
                Some(values) => scaling.of(values, out),
                None => out.fill(concat.output_quant.zero_point),
            }
        }
    }
}

/// What turns a value of a map into one of the output.
///
/// ```text
/// output = saturate((value * multiplier + offset) >> shift)
/// ```
///
/// The offset holds the zero points of both, that of the output as a multiple of `2^shift`, and the
/// half for the rounding.
///
/// Range: a multiplier is below 2^15 and a value within 128 in size, so the product, of a value or
/// the zero point, is below 2^22. The half is at most 2^22, the shifted zero point of the output at
/// most 2^30 in size, since the shift is at most 23. All together stays below 2^31.
struct Scaling {
    multiplier: i32,
    offset: i32,
    shift: u32,
    /// Whether every value stays what it is.
    is_identity: bool,
}

impl Scaling {
    fn new(concat: &Concat, part: &Part) -> Self {
        let (multiplier, shift) = (part.multiplier as i32, concat.shift as u32 & 31);
        let (zero, output_zero) = (part.zero_point, concat.output_quant.zero_point);
        let half = (1u32 << shift) as i32 / 2;
        let offset = ((output_zero as i32) << shift).wrapping_add(half);
        let offset = offset.wrapping_sub(zero as i32 * multiplier);
        let is_identity = zero == output_zero && multiplier as u32 == 1u32 << shift;
        Self { multiplier, offset, shift, is_identity }
    }

    fn of(&self, values: &[i8], out: &mut [i8]) {
        if self.is_identity {
            out.iter_mut().zip(values).for_each(|(out, value)| *out = *value);
            return;
        }
        for (out, value) in out.iter_mut().zip(values) {
            let steps = (*value as i32 * self.multiplier).wrapping_add(self.offset) >> self.shift;
            *out = steps.clamp(i8::MIN as i32, i8::MAX as i32) as i8;
        }
    }
}
