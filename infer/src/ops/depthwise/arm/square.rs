//! Depthwise convolution with the DSP extension: 3x3 with steps of one, two rounding, for a ReLU.
//! The loop is in `dsp_square.s`: it takes two rows of outputs at once, widens each input once for
//! both, and reads padding as any other input. So it needs no lists of taps, and no starts.

use super::{BLOCK, Depthwise};
use crate::arm::instructions::has_common_factors;
use crate::arm::is_at_word;
use crate::quant::{ChannelParameters, RELU_ZERO_POINT, Rounding};

/// Arguments of the loop: see `dsp_square.s`.
#[repr(C)]
struct Square {
    input: *const i8,
    output: *mut i8,
    weights: *const u8,
    parameters: *const u8,
    shifts: *const u8,
    channels: usize,
    row_bytes: [usize; 2],
    rows: usize,
    columns: usize,
    /// Rows and columns of padding before the map.
    padding: [usize; 2],
    /// The first row whose lower output reads padding, and the end of the columns that read none.
    inside: [i32; 2],
    zero_point: i32,
    input_zero_points: [i8; 4],
}

unsafe extern "C" {
    fn kindling_depthwise_square(square: &Square);
}

/// Fewest rows of outputs: with fewer, two rows may read padding above and below.
const ROWS_MIN: u16 = 3;

/// All of a layer; `false` where the loop does not compute it.
pub(super) fn depthwise(depthwise: &Depthwise<'_>, input: &[i8], output: &mut [i8]) -> bool {
    if !fits(depthwise, input, output) {
        return false;
    }
    let (map, made, channels) =
        (depthwise.input, depthwise.output, depthwise.output.channels as usize);
    let shifts = depthwise.channels.get(ChannelParameters::BYTES * channels..);
    let padding = depthwise.origin.map(|origin| if origin < 0 { 1 } else { 0 });
    let row_bytes = map.row_len();
    let square = Square {
        input: input.as_ptr().wrapping_sub(padding[0] * row_bytes + padding[1] * channels),
        output: output.as_mut_ptr(),
        weights: depthwise.weights.as_ptr(),
        parameters: depthwise.channels.as_ptr(),
        shifts: shifts.unwrap_or_default().as_ptr(),
        channels,
        row_bytes: [row_bytes, made.row_len()],
        rows: made.height as usize,
        columns: made.width as usize,
        padding,
        inside: [
            map.height as i32 - 3 + padding[0] as i32,
            map.width as i32 - 2 + padding[1] as i32,
        ],
        zero_point: depthwise.output_zero_point as i32,
        input_zero_points: [depthwise.input_zero_point; 4],
    };
    // SAFETY: `fits` holds, so
    // - there are three rows, a column and as many channels as the loop takes at once, or more;
    // - a row and a column before the map and after it are the only ones outside of it that taps
    //   lie in, and these the loop does not read: not both rows for the same two rows of outputs,
    //   as there are three;
    // - input and output are as large as their maps, and the output is borrowed mutably;
    // - there are a weight for each tap, and parameters and a shift for each channel, parameters at
    //   whole words, all of them factors that the loop takes.
    // Input and weights are read by words: this core loads them from any address.
    unsafe { kindling_depthwise_square(&square) }
    true
}

fn fits(depthwise: &Depthwise<'_>, input: &[i8], output: &[i8]) -> bool {
    let (map, made) = (depthwise.input, depthwise.output);
    let [y, x] = depthwise.origin.map(i32::from);
    // At most one row or column lies after the map.
    let is_inside = |origin: i32, outputs: u16, inputs: u16| {
        (-1..=0).contains(&origin) && outputs as i32 + origin < inputs as i32
    };
    depthwise.kernel == [3, 3]
        && depthwise.stride == [1, 1]
        && made.height >= ROWS_MIN
        && made.width >= 1
        && made.channels as usize >= BLOCK
        && made.channels == map.channels
        && is_inside(y, made.height, map.height)
        && is_inside(x, made.width, map.width)
        && input.len() == map.len()
        && output.len() == made.len()
        && depthwise.weights.len() as u64 == depthwise.weight_bytes()
        && depthwise.rounding() == Rounding::Twice
        && depthwise.channels.len() == Rounding::Twice.channel_bytes() * made.channels as usize
        && is_at_word(depthwise.channels)
        && depthwise.output_zero_point == RELU_ZERO_POINT
        && has_common_factors(depthwise.channels, made.channels)
}
