//! A depthwise convolution in integers: its record, as `infer` runs it, and its cost.

use infer::format::{DepthwiseRecord, OperatorRecord};
use infer::quant::{ChannelParameters, RELU_ZERO_POINT, Rounding};
use infer::{Depthwise, LayerProblem, Shape};

use crate::ops::{self, CALL, Choice, Mixing, PlainKind, PlainOperator, Running, Term, leaves_map};

/// A depthwise convolution; fields as in [`DepthwiseRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the first tap of the first output.
    pub origin: [i16; 2],
}

/// How a depthwise convolution is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Some channels of a pixel at once.
    Direct,
}

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        "Depthwise".to_owned()
    }

    fn formula(self) -> String {
        "Depthwise".to_owned()
    }

    fn cases(self) -> &'static [&'static str] {
        &["", ONE_PIXEL, SQUARE]
    }
}

/// The case of layers of one pixel.
const ONE_PIXEL: &str = "OnePixel";

/// The case of layers of 3x3 for which cores with the DSP extension have a loop of their own;
/// elsewhere they cost what others do.
pub const SQUARE: &str = "Square";

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn mixing(&self, input: Shape, output: Shape) -> Mixing {
        let axis = |axis: usize, inputs: u16, outputs: u16| {
            let Self { kernel, stride, origin } = *self;
            let [kernel, stride] = [kernel, stride].map(|of| i32::from(of[axis]));
            let window = [i32::from(origin[axis]), kernel, 1, stride];
            leaves_map(window, [inputs.into(), outputs.into()])
        };
        let is_padded = axis(0, input.height, output.height) || axis(1, input.width, output.width);
        Mixing::Own { is_padded }
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        let Self { kernel, stride, origin } = *self;
        OperatorRecord::Depthwise(DepthwiseRecord { input: inputs[0], kernel, stride, origin })
    }
}

impl Running for Depthwise<'_> {
    fn choice(&self) -> Choice {
        Choice::Depthwise(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        let Self { kernel, stride, origin, .. } = *self;
        PlainKind::Depthwise(Plain { kernel, stride, origin })
    }

    fn channels(&self) -> Vec<ChannelParameters> {
        self.channel_parameters().collect()
    }

    fn weights(&self) -> Vec<i8> {
        let row = |channel| (0..self.taps()).map(move |tap| self.weight(channel, tap));
        (0..self.output.channels as usize).flat_map(row).collect()
    }

    fn pack(&self, channels: &[u8], weights: &[i8]) -> Result<Vec<u8>, LayerProblem> {
        if weights.len() as u64 != self.weight_bytes() {
            return Err(LayerProblem::SectionMissing);
        }
        let taps = self.taps();
        let of_tap = |tap: usize| weights.iter().skip(tap).step_by(taps);
        let packed: Vec<u8> = (0..taps).flat_map(of_tap).map(|weight| *weight as u8).collect();
        self.with_numbers(channels, &packed)?;
        Ok(packed)
    }

    fn case(&self) -> &'static str {
        if is_one_pixel(self) {
            ONE_PIXEL
        } else if is_square(self) {
            SQUARE
        } else {
            ""
        }
    }

    /// Where there is one output channel for each of the input, by blocks of channels of which the
    /// last ends with the last channel; else, and where there are fewer channels than a block has,
    /// channel by channel. A core has blocks of two, four or eight. With blocks of two or four a
    /// list of the taps is made for each, unless there are more taps than it holds: then by blocks
    /// of eight, the rest channel by channel. What the sums of a block start with is written for
    /// each, or, on Armv7-M with lists, once for all: the `whole_` terms. With two roundings blocks
    /// of eight take longer where the output is no ReLU's. Blocks of many pixels of a 3x3 kernel
    /// are left to a loop over pixels: the `lane_` terms.
    fn terms(&self) -> Vec<Term> {
        if is_one_pixel(self) {
            return pixel_terms(self);
        }
        let [rows, columns] = [0, 1].map(|axis| TapsInside::along(self, axis));
        let (all_taps, blocks) = (self.taps() as f64, rows.blocks * columns.blocks);
        let (channels, outputs) = (self.output.channels, self.output.channels as f64);
        let pixels = self.output.height as f64 * self.output.width as f64;
        let (tap_rows, taps) = (rows.taps * self.output.width as f64, rows.taps * columns.taps);
        let inside_of_blocks = rows.taps_of_blocks * columns.taps_of_blocks;
        let padding = (blocks * all_taps - inside_of_blocks) * outputs;
        let of = |is_so: bool, count: f64| if is_so { count } else { 0.0 };
        let runs = self.output.height as f64 * columns.blocks;
        let lanes = Lanes::of(self, &rows, &columns);
        let is_plain = self.multiplier() == 1;
        let is_any =
            self.rounding() == Rounding::Twice && self.output_zero_point != RELU_ZERO_POINT;
        let is_long = is_plain && channels > 1 && self.taps() > LIST_TAPS_MAX;
        let long = if is_long { beyond_list(&rows, &columns) } else { [0.0; 3] };
        let [long_pixels, long_rows, long_taps] = long;
        let four = of(is_plain && channels >= 4, (outputs / 4.0).ceil());
        let two = of(is_plain && (2..4).contains(&channels), (outputs / 2.0).ceil());
        let (long, loose) = ((outputs / 8.0).floor(), outputs % 8.0);
        let eight = of(is_plain && channels >= 8, (outputs / 8.0).ceil());
        let few = of(is_plain && (4..8).contains(&channels), outputs);
        let one = of(!is_plain || channels < 2, outputs);
        let mut terms = vec![
            (CALL, 1.0),
            ("block", blocks),
            ("start", blocks * outputs),
            ("start_tap", blocks * all_taps),
            ("padding", padding),
            ("loose_start", blocks * of(four == 0.0, outputs)),
            ("loose_start_tap", blocks * of(four == 0.0, all_taps)),
            ("loose_padding", of(four == 0.0, padding)),
            ("whole_start", of(four > 0.0, outputs)),
            ("whole_start_tap", of(four > 0.0, all_taps)),
            ("whole_padding", of(four > 0.0, all_taps * outputs)),
            ("run", runs - lanes.runs),
            ("lane_run", lanes.runs),
            ("pixel", pixels - lanes.pixels),
            ("lane_pixel", lanes.pixels),
            ("list", blocks * four),
            ("list_tap", inside_of_blocks * four),
            ("four", (pixels - long_pixels) * four),
            ("four_any", of(is_any, (pixels - long_pixels) * four)),
            ("four_tap", (taps - long_taps) * four),
            ("two", (pixels - long_pixels) * two),
            ("two_tap", (taps - long_taps) * two),
            ("long", long_pixels * long),
            ("long_tap", long_taps * long),
            ("loose", long_pixels * loose),
            ("loose_row", long_rows * loose),
            ("loose_tap", long_taps * loose),
            ("eight", (pixels - lanes.pixels) * eight),
            ("eight_any", of(is_any, (pixels - lanes.pixels) * eight)),
            ("eight_row", (tap_rows - lanes.rows) * eight),
            ("eight_tap", (taps - lanes.taps) * eight),
            ("lane", lanes.places),
            ("lane_tile", lanes.tiles),
            ("tile", lanes.tiles * outputs),
            ("group", lanes.groups * outputs),
            ("group_any", of(is_any, lanes.groups * outputs)),
            ("group_tap", lanes.group_taps * outputs),
            ("few", pixels * few),
            ("few_tap", taps * few),
            ("one", pixels * one),
            ("one_row", tap_rows * one),
            ("one_tap", taps * one),
        ];
        if is_square(self) {
            terms.extend(square_terms(self));
        }
        terms
    }

    /// `depthwise 3x3 stride 2x2`.
    fn describe(&self) -> String {
        let by = |[rows, columns]: [u8; 2]| format!("{rows}x{columns}");
        match self.stride {
            [1, 1] => format!("depthwise {}", by(self.kernel)),
            stride => format!("depthwise {} stride {}", by(self.kernel), by(stride)),
        }
    }
}

/// Whether it makes one pixel, as a row of a stream may be, whose taps lie inside of the map one
/// after the other: most cores have a loop of their own for it.
fn is_one_pixel(depthwise: &Depthwise<'_>) -> bool {
    let (map, [rows, columns]) = (depthwise.input, depthwise.kernel.map(i32::from));
    let [y, x] = depthwise.origin.map(i32::from);
    depthwise.output.height == 1
        && depthwise.output.width == 1
        && depthwise.multiplier() == 1
        && depthwise.output.channels >= 8
        && (rows == 1 || columns == i32::from(map.width))
        && y >= 0
        && x >= 0
        && y + rows <= i32::from(map.height)
        && x + columns <= i32::from(map.width)
}

/// Whether the loop for 3x3 computes it, where no factor is a rare one: with steps of one, for a
/// ReLU, three rows or more, and at most one row or column of padding at each side.
fn is_square(depthwise: &Depthwise<'_>) -> bool {
    let (map, made) = (depthwise.input, depthwise.output);
    let is_inside = |axis: usize, outputs: u16, inputs: u16| {
        let origin = i32::from(depthwise.origin[axis]);
        (-1..=0).contains(&origin) && i32::from(outputs) + origin < i32::from(inputs)
    };
    depthwise.kernel == [3, 3]
        && depthwise.stride == [1, 1]
        && made.height >= 3
        && made.channels >= 4
        && depthwise.multiplier() == 1
        && is_inside(0, made.height, map.height)
        && is_inside(1, made.width, map.width)
        && depthwise.rounding() == Rounding::Twice
        && depthwise.output_zero_point == RELU_ZERO_POINT
}

/// Outputs of a row that the loop for 3x3 takes at once.
const STRIP: f64 = 12.0;

/// What the loop for 3x3 takes: four channels, strips of them, two rows of a strip, with columns
/// that are widened, and outputs.
fn square_terms(depthwise: &Depthwise<'_>) -> [Term; 5] {
    let Shape { height, width, channels } = depthwise.output;
    let quads = (f64::from(channels) / 4.0).ceil();
    let strips = quads * (f64::from(width) / STRIP).ceil();
    let pairs = (f64::from(height) / 2.0).ceil();
    let is_after =
        i32::from(width) + i32::from(depthwise.origin[1]) + 1 == i32::from(depthwise.input.width);
    let outside = f64::from(depthwise.origin[1] < 0) + f64::from(!is_after);
    let columns = f64::from(width) * quads + 2.0 * strips - outside * quads;
    [
        ("square", quads),
        ("square_strip", strips),
        ("square_pair", strips * pairs),
        ("square_column", columns * pairs),
        ("square_output", quads * f64::from(width) * pairs),
    ]
}

/// The terms of a layer of one pixel, by blocks of four channels or of eight.
fn pixel_terms(depthwise: &Depthwise<'_>) -> Vec<Term> {
    let taps = depthwise.taps() as f64;
    let blocks = |channels: f64| (f64::from(depthwise.output.channels) / channels).ceil();
    let [four, eight] = [4.0, 8.0].map(blocks);
    vec![
        (CALL, 1.0),
        ("tap", taps),
        ("four", four),
        ("four_tap", four * taps),
        ("eight", eight),
        ("eight_tap", eight * taps),
    ]
}

/// Taps of which the loops for blocks of two and four channels make a list.
const LIST_TAPS_MAX: usize = 25;

/// The pixels that have more taps inside of the map than a list holds, the rows of these taps, and
/// the taps.
fn beyond_list(rows: &TapsInside, columns: &TapsInside) -> [f64; 3] {
    let mut long = [0.0; 3];
    for in_rows in &rows.counts {
        for in_columns in &columns.counts {
            if in_rows * in_columns > LIST_TAPS_MAX {
                let more = [1, *in_rows, in_rows * in_columns];
                long = std::array::from_fn(|index| long[index] + more[index] as f64);
            }
        }
    }
    long
}

/// The blocks of pixels that the vector extension's loop over pixels computes.
#[derive(Default)]
struct Lanes {
    pixels: f64,
    /// Runs of pixels side by side.
    runs: f64,
    /// Rows of taps of all pixels, and their taps.
    rows: f64,
    taps: f64,
    /// Pixels whose places are found one by one.
    places: f64,
    /// Between tiles the loop changes the channel.
    tiles: f64,
    /// Groups of eight pixels, and their taps.
    groups: f64,
    group_taps: f64,
}

impl Lanes {
    /// Pixels of a group.
    const GROUP: usize = 8;

    /// Groups of a tile.
    const GROUPS: usize = 8;

    fn of(depthwise: &Depthwise<'_>, rows: &TapsInside, columns: &TapsInside) -> Self {
        let mut lanes = Self::default();
        let has_lanes = depthwise.kernel == [3, 3]
            && depthwise.multiplier() == 1
            && depthwise.output.channels >= 8;
        for (height, in_rows) in rows.in_blocks.iter().filter(|_| has_lanes) {
            for (width, in_columns) in &columns.in_blocks {
                if height * width >= Self::GROUP && *in_rows >= 2 && *in_columns >= 2 {
                    lanes.add(depthwise, [*height, *width], [*in_rows, *in_columns]);
                }
            }
        }
        lanes
    }

    fn add(
        &mut self,
        depthwise: &Depthwise<'_>,
        [height, width]: [usize; 2],
        [rows, columns]: [usize; 2],
    ) {
        const PLACE_MACS: usize = 24;
        let pixels = height * width;
        let of_row = width.div_ceil(Self::GROUP);
        let repeated = of_row * Self::GROUP - width;
        let is_less = repeated * depthwise.output.channels as usize * 9 <= width * PLACE_MACS;
        let (groups, tiles, places) = if is_less && of_row <= Self::GROUPS {
            let rows_at_once = Self::GROUPS / of_row;
            let places = height.min(rows_at_once) * of_row * Self::GROUP;
            (height * of_row, height.div_ceil(rows_at_once), places)
        } else {
            let groups = pixels.div_ceil(Self::GROUP);
            (groups, groups.div_ceil(Self::GROUPS), pixels)
        };
        self.pixels += pixels as f64;
        self.runs += height as f64;
        self.rows += (pixels * rows) as f64;
        self.taps += (pixels * rows * columns) as f64;
        self.places += places as f64;
        self.tiles += tiles as f64;
        self.groups += groups as f64;
        self.group_taps += (groups * rows * columns) as f64;
    }
}

/// The taps along an axis that lie inside of the map.
#[derive(Default)]
struct TapsInside {
    /// Those of all outputs.
    taps: f64,
    /// Blocks of outputs with the same taps.
    blocks: f64,
    /// Those of one output of each block.
    taps_of_blocks: f64,
    /// The outputs of each block, and the taps of one.
    in_blocks: Vec<(usize, usize)>,
    /// The taps of each output.
    counts: Vec<usize>,
}

impl TapsInside {
    /// Along rows (0) or columns (1).
    fn along(depthwise: &Depthwise<'_>, axis: usize) -> Self {
        let sides = |shape: Shape| [shape.height, shape.width][axis] as i64;
        let (map, outputs) = (sides(depthwise.input), sides(depthwise.output));
        let (kernel, stride) = (depthwise.kernel[axis] as i64, depthwise.stride[axis] as i64);
        let (mut sums, mut before) = (Self::default(), None);
        for output in 0..outputs {
            let first = depthwise.origin[axis] as i64 + output * stride;
            let start = (-first).clamp(0, kernel);
            let taps = start..(map - first).clamp(start, kernel);
            let count = (taps.end - taps.start) as f64;
            sums.taps += count;
            sums.counts.push(count as usize);
            if before.as_ref() != Some(&taps) {
                sums.blocks += 1.0;
                sums.taps_of_blocks += count;
                sums.in_blocks.push((0, count as usize));
            }
            if let Some((outputs, _)) = sums.in_blocks.last_mut() {
                *outputs += 1;
            }
            before = Some(taps);
        }
        sums
    }
}
