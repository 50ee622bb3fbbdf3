//! 3x3 convolution of one input channel with 2x2 pooling, a row of outputs at once; the loop is in
//! `single_channel.s`.
//!
//! ```text
//! for each row of outputs:
//!     windows = twelve int16 pairs of each output's 4x4 pixels, shared by all channels
//!     run all channels over them
//! ```
#![allow(unsafe_code)]

use core::arch::global_asm;

use super::instructions::{high_halves, low_and_high, low_halves, widen_even, widen_odd};
use crate::algorithm::SINGLE_CHANNEL_WINDOW_BYTES;
use crate::kernels::window;
use crate::model::Conv;

global_asm!(include_str!("single_channel.s"), options(raw));

/// Arguments of the loop: see `single_channel.s`.
#[repr(C)]
struct Row {
    windows: *const i8,
    windows_end: *const i8,
    weights: *const u8,
    weights_end: *const u8,
    parameters: *const u8,
    output: *mut i8,
    output_step: usize,
    zero_point: i32,
}

unsafe extern "C" {
    fn kindling_dsp_single_channel(row: &Row);
}

/// The caller has checked all sizes, and that scratch memory, weights and parameters begin at whole words.
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    for (row, out) in (0..).zip(output.chunks_exact_mut(conv.output.row_len().max(1))) {
        for (column, window) in (0..).zip(scratch.as_chunks_mut::<SINGLE_CHANNEL_WINDOW_BYTES>().0) {
            let pairs = pairs(pixels(conv, input, row, column));
            for (out, pair) in window.as_chunks_mut::<4>().0.iter_mut().zip(pairs) {
                *out = pair.to_le_bytes().map(|byte| byte as i8);
            }
        }
        let windows = scratch.as_ptr_range();
        let weights = conv.weights.as_ptr_range();
        let row = Row {
            windows: windows.start,
            windows_end: windows.end,
            weights: weights.start,
            weights_end: weights.end,
            parameters: conv.channels.as_ptr(),
            output: out.as_mut_ptr(),
            output_step: conv.output.channels as usize,
            zero_point: conv.output_quant.zero_point as i32,
        };
        // SAFETY: scratch memory holds one window or more of 48 bytes each and nothing else, `weights` 12 bytes per
        // channel and `parameters` 8, all at whole words; one byte per window and channel is written, windows
        // `channels` bytes apart and channels 1: all of `out`.
        unsafe { kindling_dsp_single_channel(&row) }
    }
}

/// The 4x4 pixels under a pooling window, a word per row; outside of the map they are the zero point.
fn pixels(conv: &Conv<'_>, input: &[i8], row: i32, column: i32) -> [u32; 4] {
    let (y, x) = (conv.origin[0] as i32 + 2 * row, conv.origin[1] as i32 + 2 * column);
    core::array::from_fn(|i| {
        let values = window::row(input, conv.input, y + i as i32);
        let inside =
            usize::try_from(x).ok().and_then(|x| values.get(x..)).and_then(|rest| rest.first_chunk());
        u32::from_le_bytes(match inside {
            Some(values) => values.map(|value: i8| value as u8),
            None => over_edge(values, x, conv.input_zero_point),
        })
    })
}

#[cold]
fn over_edge(values: &[i8], x: i32, outside: i8) -> [u8; 4] {
    let mut bytes = [0; 4];
    window::copy(values, x, &mut bytes, outside, |value| value);
    bytes.map(|value| value as u8)
}

/// The pairs of a window in the order of their use.
fn pairs(rows: [u32; 4]) -> [u32; 12] {
    let [r0, r1, r2, r3] = rows.map(|row| (widen_even(row), widen_odd(row)));
    let first = |(even, odd): (u32, u32)| low_halves(even, odd);
    let middle = |(even, odd): (u32, u32)| low_and_high(odd, even);
    let last = |(even, odd): (u32, u32)| high_halves(even, odd);
    [
        first(r0),
        middle(r0),
        last(r0),
        first(r1),
        middle(r1),
        high_halves(r1.0, r2.0),
        first(r2),
        middle(r2),
        high_halves(r1.1, r2.1),
        first(r3),
        middle(r3),
        last(r3),
    ]
}
