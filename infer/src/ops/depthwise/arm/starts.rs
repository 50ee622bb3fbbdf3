//! Where the sums of a block of pixels start, with the vector extension; the loops are in
//! `mve_starts.s`.

use core::ops::Range;

use super::Depthwise;
use crate::arm::is_at_word;

unsafe extern "C" {
    fn kindling_depthwise_biases(starts: *mut i8, parameters: *const u8, channels: usize);
    fn kindling_depthwise_outside(
        starts: *mut i8,
        weights: *const u8,
        channels: usize,
        zero_point: i32,
    );
}

/// Writes each channel's bias with what padding adds to it; nothing unless all slices are as the
/// layer states.
pub(super) fn write(
    depthwise: &Depthwise<'_>,
    rows: &Range<usize>,
    columns: &Range<usize>,
    starts: &mut [i8],
) {
    let channels = depthwise.output.channels as usize;
    let is_as_stated = channels > 0
        && starts.len() == size_of::<i32>() * channels
        && depthwise.channels.len() == depthwise.rounding().channel_bytes() * channels
        && is_at_word(starts)
        && is_at_word(depthwise.channels);
    if !is_as_stated {
        return;
    }
    let parameters = depthwise.channels.as_ptr();
    // SAFETY: there are parameters and a start for each channel, at whole words, and a channel.
    unsafe { kindling_depthwise_biases(starts.as_mut_ptr(), parameters, channels) }
    let kernel_columns = depthwise.kernel[1] as usize;
    for row in 0..depthwise.kernel[0] as usize {
        for column in 0..kernel_columns {
            let tap = row * kernel_columns + column;
            let weights = depthwise.weights.get(tap * channels..);
            let weights = weights.and_then(|weights| weights.get(..channels));
            let is_outside = !rows.contains(&row) || !columns.contains(&column);
            let (Some(weights), true) = (weights, is_outside) else { continue };
            let zero_point = depthwise.input_zero_point as i32;
            // SAFETY: there is a weight and a start for each channel, starts at whole words, and a
            // channel.
            unsafe {
                kindling_depthwise_outside(
                    starts.as_mut_ptr(),
                    weights.as_ptr(),
                    channels,
                    zero_point,
                )
            }
        }
    }
}
