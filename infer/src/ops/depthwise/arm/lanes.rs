//! Depthwise convolution 3x3 with two roundings, with the vector extension: blocks of pixels all of
//! whose taps lie inside of the map, eight pixels at once; the loop is in `mve_lanes.s`.
//!
//! ```text
//! for each tile of up to 64 pixels of the block:
//!     groups = where eight pixels each lie, in input and output
//!     for each channel, for each group: outputs = requantise(start + sum of inputs * weights)
//! ```
//!
//! The last group of a tile repeats its last pixel: that output is written again.

use super::super::portable::Block;
use super::{BLOCK, Depthwise};
use crate::arm::is_at_word;

/// Pixels of a group.
const GROUP: usize = 8;

/// Groups of a tile.
const GROUPS: usize = 8;

/// Least pixels of a block for which this pays: with fewer, eight channels at once take less.
const PIXELS_MIN: usize = 8;

/// Where the pixels of a group lie: pixels 0, 2, 4, 6, 1, 3, 5, 7.
#[derive(Clone, Copy)]
#[repr(C)]
struct Group {
    /// After the tile's input.
    inputs: [u32; GROUP],
    /// After the tile's output; in order.
    outputs: [u16; GROUP],
}

/// Arguments of the loop: see `mve_lanes.s`.
#[repr(C)]
struct Lanes {
    input: *const i8,
    weights: *const u8,
    starts: *const i8,
    parameters: *const u8,
    shifts: *const u8,
    output: *mut i8,
    channels: usize,
    row_bytes: usize,
    groups: *const Group,
    group_count: usize,
    zero_point: i32,
}

unsafe extern "C" {
    fn kindling_depthwise_lanes(lanes: &Lanes);
    fn kindling_depthwise_lanes_any(lanes: &Lanes);
}

/// Whether the loop can compute a block, and pays: all slices have what it reads and writes.
pub(super) fn fits(
    depthwise: &Depthwise<'_>,
    block: &Block<'_>,
    shifts: &[u8],
    output: &[i8],
) -> bool {
    let channels = depthwise.output.channels as usize;
    let pixels = block.out_rows.len() * block.out_columns.len();
    // Rows that a tile's pixels are apart.
    let rows = (GROUP * GROUPS) / block.out_columns.len().max(1) + 1;
    pixels >= PIXELS_MIN
        && depthwise.kernel == [3, 3]
        && [block.rows.len(), block.columns.len()] == [3, 3]
        && (rows + 1) * depthwise.output.row_len() <= u16::MAX as usize
        && channels >= BLOCK
        && channels == depthwise.input.channels as usize
        && depthwise.weights.len() as u64 == depthwise.weight_bytes()
        && depthwise.channels.len() == depthwise.rounding().channel_bytes() * channels
        && shifts.len() == channels
        && block.starts.len() == size_of::<i32>() * channels
        && is_at_word(block.starts)
        && is_at_word(depthwise.channels)
        && output.len() == depthwise.output.len()
        && block.out_rows.end <= depthwise.output.height as usize
        && block.out_columns.end <= depthwise.output.width as usize
        && end_of_input(depthwise, block) <= block.input.len() as u64
}

/// The value after the last that a block reads, all of whose 3x3 taps lie inside of the map.
fn end_of_input(depthwise: &Depthwise<'_>, block: &Block<'_>) -> u64 {
    let last = |outputs: usize, stride: u8| (outputs as u64).saturating_sub(1) * stride as u64 + 2;
    let [down, right] = depthwise.stride;
    let (map, channels) = (depthwise.input, depthwise.input.channels as u64);
    let last_row = last(block.out_rows.len(), down) * map.row_len() as u64;
    block.place(depthwise, block.out_rows.start) as u64
        + last_row
        + (last(block.out_columns.len(), right) + 1) * channels
}

/// All channels of a block that [`fits`]; `is_common` where the zero point is -128 and no shift is
/// to the left.
pub(super) fn block(
    depthwise: &Depthwise<'_>,
    block: &Block<'_>,
    shifts: &[u8],
    is_common: bool,
    output: &mut [i8],
) {
    let mut walk = Walk::of(depthwise, block);
    while walk.left > 0 {
        let mut groups = [Group { inputs: [0; GROUP], outputs: [0; GROUP] }; GROUPS];
        let ([input, out], count) = (walk.at, walk.left.div_ceil(GROUP).min(GROUPS));
        for group in groups.iter_mut().take(count) {
            for (pixel, output) in group.outputs.iter_mut().enumerate() {
                let [of_input, of_out] = walk.at;
                if let Some(place) = group.inputs.get_mut(pixel % 2 * (GROUP / 2) + pixel / 2) {
                    *place = (of_input - input) as u32;
                }
                *output = (of_out - out) as u16;
                walk.step();
            }
        }
        let lanes = Lanes {
            input: block.input.get(input..).unwrap_or_default().as_ptr(),
            weights: depthwise.weights.as_ptr(),
            starts: block.starts.as_ptr(),
            parameters: depthwise.channels.as_ptr(),
            shifts: shifts.as_ptr(),
            output: output.get_mut(out..).unwrap_or_default().as_mut_ptr(),
            channels: depthwise.output.channels as usize,
            row_bytes: depthwise.input.row_len(),
            groups: groups.as_ptr(),
            group_count: count,
            zero_point: depthwise.output_zero_point as i32,
        };
        // SAFETY: `fits` holds, so
        // - there is a channel, and a group, as there is a pixel;
        // - the input that the taps of all pixels read ends within `block.input`;
        // - there are nine weights, a start, parameters and a shift for each channel, starts and
        //   parameters at whole words;
        // - all outputs lie in `output`, which is borrowed mutably, and their places after the
        //   tile's first one fit 16 bits.
        unsafe {
            match is_common {
                true => kindling_depthwise_lanes(&lanes),
                false => kindling_depthwise_lanes_any(&lanes),
            }
        }
    }
}

/// The pixels of a block, one after the other.
struct Walk {
    /// Places of a pixel's first tap and of its output, at channel 0.
    at: [usize; 2],
    /// Those of the first pixel in its row.
    row: [usize; 2],
    /// From a pixel to the next in its row, and from row to row.
    steps: [[usize; 2]; 2],
    columns: usize,
    columns_left: usize,
    /// Pixels left, this one among them.
    left: usize,
}

impl Walk {
    fn of(depthwise: &Depthwise<'_>, block: &Block<'_>) -> Self {
        let [down, right] = depthwise.stride.map(usize::from);
        let (channels, row_len) = (depthwise.output.channels as usize, depthwise.output.row_len());
        let input = block.place(depthwise, block.out_rows.start);
        let out = block.out_rows.start * row_len + block.out_columns.start * channels;
        let columns = block.out_columns.len();
        Self {
            at: [input, out],
            row: [input, out],
            steps: [[right * channels, channels], [down * depthwise.input.row_len(), row_len]],
            columns,
            columns_left: columns,
            left: block.out_rows.len() * columns,
        }
    }

    /// To the next pixel; the last one stays.
    fn step(&mut self) {
        let [in_row, to_row] = self.steps;
        let add = |[a, b]: [usize; 2], [c, d]: [usize; 2]| [a + c, b + d];
        if self.left <= 1 {
            self.left = 0;
            return;
        }
        (self.left, self.columns_left) = (self.left - 1, self.columns_left - 1);
        self.at = add(self.at, in_row);
        if self.columns_left == 0 {
            self.row = add(self.row, to_row);
            (self.at, self.columns_left) = (self.row, self.columns);
        }
    }
}
