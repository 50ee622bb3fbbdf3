//! Depthwise convolution 3x3 with the vector extension: blocks of pixels with the same taps inside
//! of the map, eight pixels at once; the loop is in `mve_lanes.s`.
//!
//! ```text
//! for each tile of up to 64 pixels of the block, some rows where these fill groups:
//!     groups = where eight pixels each lie, in input and output
//!     for each channel, for each group: outputs = requantise(start + sum of inputs * weights)
//! ```
//!
//! The last group of a tile repeats its last pixel: that output is written again.

use super::super::portable::Block;
use super::{BLOCK, Depthwise};
use crate::arm::is_at_word;
use crate::quant::ChannelParameters;

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

impl Group {
    /// Where a pixel lies, after the tile's input and output.
    #[inline(always)]
    fn put(&mut self, pixel: usize, [input, out]: [usize; 2]) {
        let place = pixel % 2 * (GROUP / 2) + pixel / 2;
        if let (Some(to), Some(to_out)) = (self.inputs.get_mut(place), self.outputs.get_mut(pixel))
        {
            *to = input as u32;
            *to_out = out as u16;
        }
    }
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
    sides: u32,
}

unsafe extern "C" {
    fn kindling_depthwise_lanes_once(lanes: &Lanes);
    fn kindling_depthwise_lanes_relu(lanes: &Lanes);
    fn kindling_depthwise_lanes_any(lanes: &Lanes);
    fn kindling_depthwise_lanes_once_part(lanes: &Lanes);
    fn kindling_depthwise_lanes_relu_part(lanes: &Lanes);
    fn kindling_depthwise_lanes_any_part(lanes: &Lanes);
}

/// How sums become int8.
#[derive(Clone, Copy)]
pub(super) enum Finish {
    /// With one rounding.
    Once,
    /// With two, where the zero point is -128 and no shift is to the left.
    Relu,
    /// With two.
    Any,
}

/// Whether the loop can compute a block, and pays: all slices have what it reads and writes.
pub(super) fn fits(depthwise: &Depthwise<'_>, block: &Block<'_>, output: &[i8]) -> bool {
    let channels = depthwise.output.channels as usize;
    let pixels = block.out_rows.len() * block.out_columns.len();
    // Rows that a tile's pixels are apart.
    let rows = (GROUP * GROUPS) / block.out_columns.len().max(1) + 1;
    pixels >= PIXELS_MIN
        && depthwise.kernel == [3, 3]
        && [&block.rows, &block.columns].iter().all(|taps| (2..=3).contains(&taps.len()))
        && block.rows.end <= 3
        && block.columns.end <= 3
        && (rows + 1) * depthwise.output.row_len() <= u16::MAX as usize
        && channels >= BLOCK
        && channels == depthwise.input.channels as usize
        && depthwise.weights.len() as u64 == depthwise.weight_bytes()
        && depthwise.channels.len() == depthwise.rounding().channel_bytes() * channels
        && block.starts.len() == size_of::<i32>() * channels
        && is_at_word(block.starts)
        && is_at_word(depthwise.channels)
        && output.len() == depthwise.output.len()
        && block.out_rows.end <= depthwise.output.height as usize
        && block.out_columns.end <= depthwise.output.width as usize
        && end_of_input(depthwise, block) <= block.input.len() as u64
}

/// The value after the last that a block reads; it has pixels and taps.
fn end_of_input(depthwise: &Depthwise<'_>, block: &Block<'_>) -> u64 {
    let last = |outputs: usize, stride: u8, taps: usize| {
        (outputs as u64).saturating_sub(1) * stride as u64 + (taps as u64).saturating_sub(1)
    };
    let [down, right] = depthwise.stride;
    let (map, channels) = (depthwise.input, depthwise.input.channels as u64);
    let last_row = last(block.out_rows.len(), down, block.rows.len()) * map.row_len() as u64;
    let last_column = last(block.out_columns.len(), right, block.columns.len());
    block.place(depthwise, block.out_rows.start) as u64 + last_row + (last_column + 1) * channels
}

/// All channels of a block that [`fits`].
pub(super) fn block(
    depthwise: &Depthwise<'_>,
    block: &Block<'_>,
    finish: Finish,
    output: &mut [i8],
) {
    let mut walk = Walk::of(depthwise, block);
    let mut groups = [Group { inputs: [0; GROUP], outputs: [0; GROUP] }; GROUPS];
    if let Some(rows) = walk.rows_at_once() {
        let groups_of_row = walk.columns.div_ceil(GROUP);
        walk.fill_rows(&mut groups, rows);
        let mut left = block.out_rows.len();
        while left > 0 {
            let now = left.min(rows);
            let groups = groups.get(..now * groups_of_row).unwrap_or_default();
            tile(depthwise, block, finish, walk.at, groups, output);
            walk.skip_rows(now);
            left -= now;
        }
        return;
    }
    while walk.left > 0 {
        let at = walk.at;
        let count = walk.fill(&mut groups);
        tile(depthwise, block, finish, at, groups.get(..count).unwrap_or_default(), output);
    }
}

/// All channels of the pixels of some groups, a group or more, whose places are after these.
fn tile(
    depthwise: &Depthwise<'_>,
    block: &Block<'_>,
    finish: Finish,
    [input, out]: [usize; 2],
    groups: &[Group],
    output: &mut [i8],
) {
    let channels = depthwise.output.channels as usize;
    let first_tap = block.rows.start * depthwise.kernel[1] as usize + block.columns.start;
    let sides = [block.rows.len() == 3, block.columns.len() == 3];
    let shifts = ChannelParameters::BYTES * channels;
    let lanes = Lanes {
        input: block.input.get(input..).unwrap_or_default().as_ptr(),
        weights: depthwise.weights.get(first_tap * channels..).unwrap_or_default().as_ptr(),
        starts: block.starts.as_ptr(),
        parameters: depthwise.channels.as_ptr(),
        shifts: depthwise.channels.get(shifts..).unwrap_or_default().as_ptr(),
        output: output.get_mut(out..).unwrap_or_default().as_mut_ptr(),
        channels,
        row_bytes: depthwise.input.row_len(),
        groups: groups.as_ptr(),
        group_count: groups.len(),
        zero_point: depthwise.output_zero_point as i32,
        sides: u32::from(sides[0]) << 31 | u32::from(sides[1]) << 30,
    };
    let run = match (finish, sides == [true; 2]) {
        (Finish::Once, true) => kindling_depthwise_lanes_once,
        (Finish::Relu, true) => kindling_depthwise_lanes_relu,
        (Finish::Any, true) => kindling_depthwise_lanes_any,
        (Finish::Once, false) => kindling_depthwise_lanes_once_part,
        (Finish::Relu, false) => kindling_depthwise_lanes_relu_part,
        (Finish::Any, false) => kindling_depthwise_lanes_any_part,
    };
    // SAFETY: `fits` holds, so
    // - there is a channel, and a group, as there is a pixel;
    // - the input that the taps of all pixels read ends within `block.input`;
    // - there are nine weights, a start, parameters and, with two roundings, a shift for each
    //   channel, starts and parameters at whole words;
    // - rows and columns of taps inside are two or three, within the kernel;
    // - all outputs lie in `output`, which is borrowed mutably, and their places after the tile's
    //   first one fit 16 bits.
    unsafe { run(&lanes) }
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

    /// Rows that are a tile, if all tiles may have the same groups: if what a row's last group
    /// repeats takes less, for all channels, than to find each pixel's place.
    fn rows_at_once(&self) -> Option<usize> {
        const PLACE_MACS: usize = 24;
        const TAPS: usize = 9;
        let [[_, channels], _] = self.steps;
        let groups_of_row = self.columns.div_ceil(GROUP);
        let repeated = groups_of_row * GROUP - self.columns;
        let is_less = repeated * channels * TAPS <= self.columns * PLACE_MACS;
        (is_less && groups_of_row <= GROUPS).then(|| GROUPS / groups_of_row.max(1))
    }

    /// The groups of some rows, each of whose last pixel is repeated.
    fn fill_rows(&self, groups: &mut [Group; GROUPS], rows: usize) {
        let [[right, out_right], [down, out_down]] = self.steps;
        let groups_of_row = self.columns.div_ceil(GROUP);
        for (number, group) in groups.iter_mut().take(rows * groups_of_row).enumerate() {
            let (row, first) =
                (number / groups_of_row.max(1), number % groups_of_row.max(1) * GROUP);
            for pixel in 0..GROUP {
                let column = (first + pixel).min(self.columns - 1);
                let at = [row * down + column * right, row * out_down + column * out_right];
                group.put(pixel, at);
            }
        }
    }

    /// To the first pixel some rows below, of which this is the first one.
    fn skip_rows(&mut self, rows: usize) {
        let [_, [down, out_down]] = self.steps;
        let [input, out] = self.at;
        self.at = [input + rows * down, out + rows * out_down];
    }

    /// The next groups; how many they are.
    fn fill(&mut self, groups: &mut [Group; GROUPS]) -> usize {
        let ([input, out], count) = (self.at, self.left.div_ceil(GROUP).min(GROUPS));
        for group in groups.iter_mut().take(count) {
            for pixel in 0..GROUP {
                let [of_input, of_out] = self.at;
                group.put(pixel, [of_input - input, of_out - out]);
                self.step();
            }
        }
        count
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
