//! What the instructions of a convolution grow with, algorithm by algorithm.
//!
//! A core's costs are a number of instructions for each of these terms, fitted to measured counts.

use infer::packing::WeightBits;
use infer::quant::{RELU_ZERO_POINT, Rounding};
use infer::{Conv, Tiles};

use super::Algorithm;
use crate::ops::{self, CALL, Term};

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        format!("{self:?}")
    }

    fn formula(self) -> String {
        format!("Conv{self:?}")
    }

    fn loop_term(self) -> Option<&'static str> {
        matches!(self, Self::DirectVector | Self::DirectVectorInt4).then_some(VECTOR_LOOP)
    }

    fn weight_bits(self) -> WeightBits {
        self.weight_bits()
    }
}

/// The term of the vector kernel's loop, which only cores with vectors have.
const VECTOR_LOOP: &str = "window_chunk";

/// The terms of a convolution.
pub fn of(conv: &Conv<'_>) -> Vec<Term> {
    match conv.algorithm {
        Algorithm::Direct => of_direct(conv),
        Algorithm::DirectInPlace => of_direct_in_place(conv),
        Algorithm::DirectPaired | Algorithm::DirectPairedInt4 | Algorithm::DirectPairedWide => {
            of_paired(conv)
        }
        Algorithm::DirectVector | Algorithm::DirectVectorInt4 => of_vector(conv),
        Algorithm::SingleChannel | Algorithm::SingleChannelInt4 => of_single_channel(conv),
        Algorithm::WinogradF2
        | Algorithm::WinogradF4
        | Algorithm::WinogradF2OnTheFly
        | Algorithm::WinogradF4OnTheFly => of_winograd(conv),
        // The tests ask for the terms of every algorithm.
        other => unreachable!("{other:?} has no terms"),
    }
}

fn of_direct(conv: &Conv<'_>) -> Vec<Term> {
    let Sizes { pixels, window, taps, rows, channels } = Sizes::of(conv);
    let (fours, ones) = (conv.window() as u64 / 4, conv.window() as u64 % 4);
    let (fours, ones) = (fours as f64, ones as f64);
    vec![
        (CALL, 1.0),
        ("pixel", pixels),
        ("patch_row", pixels * window * rows),
        ("patch_value", pixels * window * taps),
        ("output", pixels * channels),
        ("four", pixels * channels * fours),
        ("one", pixels * channels * ones),
        ("four_tap", pixels * channels * fours * taps),
        ("one_tap", pixels * channels * ones * taps),
    ]
}

/// Windows of 2x2 pixels inside of the map, and, without pooling, four pixels of a row, at a time;
/// all others pixel by pixel. Without pooling those whose patches lie in one piece take four
/// channels at once, by quads of taps with the DSP extension and by chunks with vectors.
fn of_direct_in_place(conv: &Conv<'_>) -> Vec<Term> {
    let Sizes { pixels, window, taps, rows, channels } = Sizes::of(conv);
    let windows =
        if conv.pool == [2, 2] { pixels * (1.0 - part_outside(conv, conv.pool)) } else { 0.0 };
    let side_by_side = fours_side_by_side(conv);
    let alone = pixels_in_one_piece(conv, side_by_side);
    let (fours, ones) =
        (windows + side_by_side, (pixels - windows) * window - 4.0 * side_by_side - alone);
    let (quads, loose) = ((taps / 4.0).floor(), taps % 4.0);
    let alone_fours = alone * (channels / 4.0).ceil();
    let row_chunks = (taps / rows / VECTOR_CHUNK as f64).ceil();
    let at_edge = match conv.window() {
        1 => ones.min(pixels * part_outside(conv, [1, 1])),
        _ => ones * part_outside(conv, [1, 1]),
    };
    vec![
        (CALL, 1.0),
        ("pixel", pixels - 3.0 * side_by_side),
        ("output", pixels * channels),
        ("four", fours * channels),
        ("four_row", fours * channels * rows),
        ("four_chunk", fours * channels * rows * row_chunks),
        ("four_tap", fours * channels * taps),
        ("one", ones * channels),
        ("one_row", ones * channels * rows),
        ("one_tap", ones * channels * taps),
        ("edge_tap", channels * at_edge * taps),
        ("alone", alone),
        ("alone_four", alone_fours),
        ("alone_quad", alone_fours * quads),
        ("alone_tap", alone_fours * loose),
        ("alone_chunk", alone_fours * (taps / VECTOR_CHUNK as f64).ceil()),
    ]
}

/// Pixels that make no four of a row and whose patches lie inside of the map in one piece.
fn pixels_in_one_piece(conv: &Conv<'_>, side_by_side: f64) -> f64 {
    let is_piece = conv.kernel[0] == 1 || conv.kernel[1] as u16 == conv.input.width;
    if conv.window() > 1 || conv.dilation != [1, 1] || !is_piece {
        return 0.0;
    }
    let pixels = conv.output.height as f64 * conv.output.width as f64;
    pixels * (1.0 - part_outside(conv, [1, 1])) - 4.0 * side_by_side
}

/// Fours of pixels of a row whose patches lie inside of the map.
fn fours_side_by_side(conv: &Conv<'_>) -> f64 {
    if conv.window() > 1 || conv.dilation != [1, 1] {
        return 0.0;
    }
    let first =
        |axis: usize, place: i64| conv.origin[axis] as i64 + place * conv.stride[axis] as i64;
    let end = |axis: usize, place: i64| first(axis, place) + conv.kernel[axis] as i64;
    let (map, width) = (conv.input, conv.output.width as i64);
    let rows = (0..conv.output.height as i64)
        .filter(|row| first(0, *row) >= 0 && end(0, *row) <= map.height as i64)
        .count();
    let (mut fours, mut column) = (0, 0);
    while column < width {
        let is_four =
            column + 4 <= width && first(1, column) >= 0 && end(1, column + 3) <= map.width as i64;
        fours += usize::from(is_four);
        column += if is_four { 4 } else { 1 };
    }
    (rows * fours) as f64
}

/// Four convolved pixels at a time, by pairs of channels: without pooling, whole pairs of channels
/// have a loop of their own, the first of the `_pair` terms. Pixels of the map that lie in a row
/// are not copied. Armv6-M copies all other patches one by one, those inside of the map another way
/// than those at its edge: the terms from `patch` to `edge_value`. Others copy four that lie inside
/// of the map in a row together, or none of them where a kernel's row has whole words. Armv6-M
/// looks at each int8 weight first, and copies short rows byte by byte; its outputs that are no
/// ReLU's take longer.
fn of_paired(conv: &Conv<'_>) -> Vec<Term> {
    let Sizes { pixels, window, taps, rows, channels } = Sizes::of(conv);
    let batches =
        if window == 1.0 { (pixels / 4.0).ceil() } else { pixels * (window / 4.0).ceil() };
    let quads = (taps / 4.0).ceil();
    let whole = if window == 1.0 { (channels / 2.0).floor() } else { 0.0 };
    let loose = (channels / 2.0).ceil() - whole;
    let (patches, inside) = (copied_patches(conv, batches), inside_part(conv));
    let (inside_rows, edge_rows) = (patches * inside * rows, patches * (1.0 - inside) * rows);
    let fours = if patches > 0.0 { fours_inside(conv) } else { 0.0 };
    let has_words = (taps / rows) % 4.0 == 0.0;
    let (widened, copied) = if has_words { (fours, 0.0) } else { (0.0, fours) };
    let alone = patches - 4.0 * fours;
    let is_any = conv.output_zero_point != RELU_ZERO_POINT;
    let is_short = taps / rows <= SHORT_ROW_BYTES;
    let is_int8 = conv.algorithm.weight_bits() == WeightBits::Eight;
    vec![
        (CALL, 1.0),
        ("weight", if is_int8 { channels * taps } else { 0.0 }),
        ("batch", batches),
        ("patch", patches),
        ("inside_row", inside_rows),
        ("inside_value", inside_rows * taps / rows),
        ("short_value", if is_short { inside_rows * taps / rows } else { 0.0 }),
        ("long_row", if is_short { 0.0 } else { inside_rows }),
        ("edge_row", edge_rows),
        ("edge_value", edge_rows * taps / rows),
        ("alone", alone),
        ("alone_row", alone * rows),
        ("alone_value", alone * taps),
        ("alone_edge", (patches * (1.0 - inside)).min(alone)),
        ("widened_four", widened),
        ("widened_row", widened * rows),
        ("copied_four", copied),
        ("copied_row", copied * rows),
        ("copied_value", copied * taps),
        ("widened_quad", batches * quads),
        ("whole_pair", batches * whole),
        ("any_pair", if is_any { batches * whole } else { 0.0 }),
        ("whole_quad", batches * whole * quads),
        ("loose_pair", batches * loose),
        ("loose_quad", batches * loose * quads),
        ("loose_output", pixels * (channels - 2.0 * whole)),
    ]
}

/// Most bytes of a kernel's row that Armv6-M copies one by one.
const SHORT_ROW_BYTES: f64 = 24.0;

/// Batches of four pixels in a row whose patches all lie inside of the map.
fn fours_inside(conv: &Conv<'_>) -> f64 {
    let (width, pixels) = (conv.output.width as usize, conv.output.height as usize);
    let pixels = pixels * width;
    if conv.window() > 1 || conv.dilation != [1, 1] || pixels < 4 {
        return 0.0;
    }
    let is_inside = |axis: usize, first: usize, last: usize, side: u16| {
        let place =
            |output: usize| conv.origin[axis] as i64 + output as i64 * conv.stride[axis] as i64;
        place(first) >= 0 && place(last) + conv.kernel[axis] as i64 <= side as i64
    };
    let is_four = |first: &usize| {
        let (row, column) = (first / width, first % width);
        column + 4 <= width
            && is_inside(0, row, row, conv.input.height)
            && is_inside(1, column, column + 3, conv.input.width)
    };
    (0..pixels).step_by(4).map(|first| first.min(pixels - 4)).filter(is_four).count() as f64
}

/// Patches that are copied: none, where the pixels of the map are patches themselves.
fn copied_patches(conv: &Conv<'_>, batches: f64) -> f64 {
    let is_pixel = conv.kernel == [1, 1]
        && conv.stride == [1, 1]
        && conv.origin == [0, 0]
        && conv.window() == 1
        && conv.input.width == conv.output.width
        && conv.taps().is_multiple_of(4)
        && conv.output.height as usize * conv.output.width as usize >= 4;
    if is_pixel { 0.0 } else { 4.0 * batches }
}

/// The part of all patches that lie inside of the map, in one piece.
fn inside_part(conv: &Conv<'_>) -> f64 {
    if conv.dilation == [1, 1] { 1.0 - part_outside(conv, [1, 1]) } else { 0.0 }
}

/// Layers that pool, and those with int4 weights, have other loops than all others.
fn of_vector(conv: &Conv<'_>) -> Vec<Term> {
    let is_pixels = conv.window() == 1 && conv.algorithm == Algorithm::DirectVector;
    let (mut windows, mut pixels) = (of_windows(conv), of_pixels(conv));
    let other = if is_pixels { &mut windows } else { &mut pixels };
    other.iter_mut().for_each(|(_, count)| *count = 0.0);
    let of_loop = |terms: &mut Vec<Term>| terms.pop().map_or(0.0, |(_, count)| count);
    let loops = of_loop(&mut windows) + of_loop(&mut pixels);
    let mut terms = vec![(CALL, 1.0)];
    terms.extend(windows);
    terms.extend(pixels);
    terms.push((VECTOR_LOOP, loops));
    terms.extend(unpacked(conv));
    terms
}

/// Four convolved pixels at a time, by pairs of channels and by 16 taps; windows of two to four
/// pixels have a loop of their own, the first of the `_pair` terms.
fn of_windows(conv: &Conv<'_>) -> Vec<Term> {
    let Sizes { pixels, window, taps, rows, channels } = Sizes::of(conv);
    let batches =
        if window == 1.0 { (pixels / 4.0).ceil() } else { pixels * (window / 4.0).ceil() };
    let chunks = (taps / VECTOR_CHUNK as f64).ceil();
    let pairs = batches * channels / 2.0;
    let (window_pairs, loose_pairs) =
        if (2.0..=4.0).contains(&window) { (pairs, 0.0) } else { (0.0, pairs) };
    let edge_taps = batches * 4.0 * taps * part_outside(conv, [1, 1]);
    vec![
        ("batch", batches),
        ("patch_row", 4.0 * batches * rows),
        ("patch_run", 4.0 * batches * runs(conv)),
        ("edge_tap", edge_taps),
        ("window_pair", window_pairs),
        ("loose_pair", loose_pairs),
        ("loose_chunk", loose_pairs * chunks),
        ("loose_output", if loose_pairs > 0.0 { pixels * channels } else { 0.0 }),
        (VECTOR_LOOP, window_pairs * chunks),
    ]
}

/// Without pooling: two pixels at a time, by four channels and by 16 taps; the last channel of an
/// odd number by itself. A kernel of one row, or of rows of whole chunks, reads the map where it
/// lies; others read copies of their patches, up to four at a time. Patches of more than one row or
/// of many chunks have another loop. Outputs that are no ReLU's take longer.
fn of_pixels(conv: &Conv<'_>) -> Vec<Term> {
    let Sizes { taps, rows, channels, .. } = Sizes::of(conv);
    let [in_place, copied] = VectorTiles::of(conv);
    let fours = (conv.output.channels / 2).div_ceil(2) + conv.output.channels % 2;
    let (fours, chunks) = (f64::from(fours), (taps / VECTOR_CHUNK as f64).ceil());
    let (pairs, tiles) = (fours * (in_place.pairs + copied.pairs), in_place.tiles + copied.tiles);
    let of_long = |tiles: &VectorTiles, rows: f64| {
        let is_short = rows == 1.0 && chunks <= SHORT_CHUNKS_MAX;
        if is_short { 0.0 } else { fours * tiles.pairs * rows }
    };
    let is_any = conv.output_zero_point != RELU_ZERO_POINT;
    let row_chunks = (taps / rows / VECTOR_CHUNK as f64).ceil();
    vec![
        ("channel", channels),
        ("tile", tiles - copied.fours),
        ("tile_of_four", copied.fours),
        ("tile_fours", tiles * fours),
        ("pixel_pair", pairs),
        ("any_pair", if is_any { pairs } else { 0.0 }),
        ("long_row", of_long(&in_place, rows) + of_long(&copied, 1.0)),
        ("copy", copied.copies),
        ("copied_patch", copied.patches),
        ("copied_row", copied.patches * rows),
        ("copied_chunk", copied.patches * rows * (row_chunks - 1.0)),
        ("edge_patch", copied.edges),
        ("edge_chunk", copied.edges * chunks),
        (VECTOR_LOOP, pairs * chunks),
    ]
}

/// Most chunks of a patch of one row for the loop that is unrolled.
const SHORT_CHUNKS_MAX: f64 = 4.0;

/// The pixels that the vector kernel computes at once, of which patches are read where they lie, or
/// of which they are copied.
#[derive(Default)]
struct VectorTiles {
    tiles: f64,
    /// Pairs of pixels of a tile; one that is left is a pair too.
    pairs: f64,
    /// Tiles of four pixels of a row whose patches are copied, all inside of the map.
    fours: f64,
    /// For other tiles, how often patches inside of the map are copied, or one at its edge.
    copies: f64,
    /// Patches that are copied.
    patches: f64,
    /// Those at the edge.
    edges: f64,
}

impl VectorTiles {
    /// As the kernel walks the outputs: those in place, then those copied.
    fn of(conv: &Conv<'_>) -> [Self; 2] {
        const FOUR: usize = 4;
        let places = VectorPlaces::of(conv);
        let [mut in_place, mut copied] = [(); 2].map(|()| Self::default());
        let mut at = [0, 0];
        while at[0] < places.outputs[0] {
            let run = places.in_place(at);
            if run > 0 {
                in_place.add(run);
                places.advance(&mut at, run);
                continue;
            }
            let fours = if places.read_bytes > 0 { 0 } else { places.inside(at).1 / FOUR };
            if fours > 0 {
                copied.fours += fours as f64;
                copied.patches += (fours * FOUR) as f64;
                (0..fours).for_each(|_| copied.add(FOUR));
                places.advance(&mut at, fours * FOUR);
                continue;
            }
            let mut count = 0;
            while count < FOUR
                && at[0] < places.outputs[0]
                && (count == 0 || places.in_place(at) == 0)
            {
                let inside = places.inside(at).1;
                let now = inside.clamp(1, FOUR - count);
                copied.copies += 1.0;
                copied.patches += now as f64;
                copied.edges += f64::from(u8::from(inside == 0));
                count += now;
                places.advance(&mut at, now);
            }
            copied.add(count);
        }
        [in_place, copied]
    }

    fn add(&mut self, pixels: usize) {
        self.tiles += 1.0;
        self.pairs += pixels.div_ceil(2) as f64;
    }
}

/// Where the patches of the vector kernel lie.
struct VectorPlaces<'c> {
    conv: &'c Conv<'c>,
    /// Rows and columns of the map; one row where each pixel is a patch.
    sides: [usize; 2],
    /// Output rows and columns, the same.
    outputs: [usize; 2],
    /// Bytes that are read of a patch where it lies; 0 where all are copied.
    read_bytes: usize,
}

impl<'c> VectorPlaces<'c> {
    fn of(conv: &'c Conv<'c>) -> Self {
        let is_flat = conv.kernel == [1, 1]
            && conv.stride == [1, 1]
            && conv.origin == [0, 0]
            && conv.input.width == conv.output.width;
        let of = |map: infer::Shape| {
            let [height, width] = [map.height, map.width].map(usize::from);
            if is_flat { [1, height * width] } else { [height, width] }
        };
        let (sides, channels) = (of(conv.input), conv.input.channels as usize);
        let kernel_row = conv.kernel[1] as usize * channels;
        let read_bytes = match (conv.kernel[0] as usize, kernel_row % VECTOR_CHUNK) {
            (1, _) => kernel_row.next_multiple_of(VECTOR_CHUNK),
            (rows, 0) => (rows - 1) * sides[1] * channels + kernel_row,
            _ => 0,
        };
        Self { conv, sides, outputs: of(conv.output), read_bytes }
    }

    /// Where the patch of a pixel begins, and how many pixels of the row, it first, have patches
    /// inside of the map.
    fn inside(&self, at: [usize; 2]) -> (usize, usize) {
        let first = |axis: usize| {
            self.conv.origin[axis] as i64 + at[axis] as i64 * self.conv.stride[axis] as i64
        };
        let fits = |axis: usize| {
            first(axis) >= 0
                && first(axis) + self.conv.kernel[axis] as i64 <= self.sides[axis] as i64
        };
        if !fits(0) || !fits(1) {
            return (0, 0);
        }
        let [y, x] = [first(0), first(1)].map(|place| place as usize);
        let more =
            (self.sides[1] - x - self.conv.kernel[1] as usize) / self.conv.stride[1] as usize;
        let start = (y * self.sides[1] + x) * self.conv.input.channels as usize;
        (start, (more + 1).min(self.outputs[1] - at[1]))
    }

    /// How many of them are read where they lie.
    fn in_place(&self, at: [usize; 2]) -> usize {
        let (start, run) = self.inside(at);
        let Some(more) = self.conv.input.len().checked_sub(start + self.read_bytes) else {
            return 0;
        };
        let step = self.conv.stride[1] as usize * self.conv.input.channels as usize;
        if self.read_bytes == 0 { 0 } else { run.min(more / step + 1) }
    }

    fn advance(&self, at: &mut [usize; 2], run: usize) {
        at[1] += run;
        if at[1] >= self.outputs[1] {
            *at = [at[0] + 1, 0];
        }
    }
}

/// The loop of cores without vectors: channel by channel over all pixels.
fn unpacked(conv: &Conv<'_>) -> [Term; 8] {
    let Sizes { pixels, window, taps, rows, channels } = Sizes::of(conv);
    let (inside_rows, row_taps) = (kernel_rows_inside(conv), taps / rows);
    let edge_rows = pixels * window * rows - inside_rows;
    [
        ("unpacked_channel", channels),
        ("unpacked_weight", channels * taps),
        ("unpacked_output", pixels * channels),
        ("unpacked_pixel", pixels * window * channels),
        ("unpacked_row", inside_rows * channels),
        ("unpacked_tap", inside_rows * channels * row_taps),
        ("unpacked_edge_row", edge_rows * channels),
        ("unpacked_edge_tap", edge_rows * channels * row_taps),
    ]
}

/// Kernel rows of all convolved pixels that lie inside of the map.
fn kernel_rows_inside(conv: &Conv<'_>) -> f64 {
    let firsts = |axis: usize, outputs: u16| {
        let step = conv.stride[axis] as i64;
        (0..outputs as i64 * conv.pool[axis] as i64)
            .map(move |pixel| conv.origin[axis] as i64 + pixel * step)
    };
    let has_row = |row: &i64| (0..conv.input.height as i64).contains(row);
    let rows = |first: i64| (first..first + conv.kernel[0] as i64).filter(has_row).count();
    let rows: usize = firsts(0, conv.output.height).map(rows).sum();
    let fits =
        |first: &i64| *first >= 0 && first + conv.kernel[1] as i64 <= conv.input.width as i64;
    (rows * firsts(1, conv.output.width).filter(fits).count()) as f64
}

/// Taps in a chunk of the vector kernel.
const VECTOR_CHUNK: usize = 16;

/// Runs of bytes that make a patch: a kernel row is one for each chunk that it has a part in.
fn runs(conv: &Conv<'_>) -> f64 {
    let kernel_row = conv.kernel[1] as usize * conv.input.channels as usize;
    let run = |row: usize| {
        ((row + 1) * kernel_row).div_ceil(VECTOR_CHUNK) - row * kernel_row / VECTOR_CHUNK
    };
    (0..conv.kernel[0] as usize).map(run).sum::<usize>() as f64
}

/// The part of the windows of `pixels` convolved pixels whose kernels reach outside of the map.
fn part_outside(conv: &Conv<'_>, pixels: [u8; 2]) -> f64 {
    let part_inside = |axis: usize, outputs: u16, map: u16| {
        let windows = outputs as i64 * conv.pool[axis] as i64 / pixels[axis] as i64;
        let step = conv.stride[axis] as i64;
        let first = |window: i64| conv.origin[axis] as i64 + window * pixels[axis] as i64 * step;
        let reach = (pixels[axis] as i64 - 1) * step + conv.kernel[axis] as i64;
        let is_inside = |window: &i64| first(*window) >= 0 && first(*window) + reach <= map as i64;
        (0..windows).filter(is_inside).count() as f64 / windows.max(1) as f64
    };
    let rows = part_inside(0, conv.output.height, conv.input.height);
    1.0 - rows * part_inside(1, conv.output.width, conv.input.width)
}

fn of_single_channel(conv: &Conv<'_>) -> Vec<Term> {
    let Sizes { pixels, channels, .. } = Sizes::of(conv);
    let rows = conv.output.height as f64;
    let inside = windows_inside(conv);
    vec![
        (CALL, 1.0),
        ("channel", channels),
        ("row", rows),
        ("row_channel", rows * channels),
        ("window_inside", inside),
        ("window_at_edge", pixels - inside),
        ("output", pixels * channels),
    ]
}

/// Windows of 4x4 pixels in rows of outputs that read no pixel outside of the map.
fn windows_inside(conv: &Conv<'_>) -> f64 {
    let [top, left] = conv.origin.map(i32::from);
    let columns = 2 * conv.output.width as i32 + 2;
    let is_inside = |row: &i32| {
        let y = top + 2 * row;
        y >= 0
            && y + 4 <= conv.input.height as i32
            && left >= 0
            && left + columns <= conv.input.width as i32
    };
    let rows = (0..conv.output.height as i32).filter(is_inside).count();
    (rows * conv.output.width as usize) as f64
}

/// Pairs of tiles, or a single tile, by pairs of output channels; everything per input channel by
/// four.
fn of_winograd(conv: &Conv<'_>) -> Vec<Term> {
    let Some(tiles) = conv.tiles() else { return vec![] };
    let count = tiles.grid[0] * tiles.grid[1];
    let passes = count.div_ceil(tiles.per_pass.max(1)) as f64;
    let (doubles, singles) = ((count / 2) as f64, (count % 2) as f64);
    let count = count as f64;
    let (quads, channels) = (conv.input.channels as f64 / 4.0, conv.output.channels as f64);
    let pairs = channels / 2.0;
    let (fast, plain_outputs) = finished_tiles(conv, tiles);
    vec![
        (CALL, 1.0),
        ("pass", passes),
        ("tile", count),
        ("tile_quad", count * quads),
        ("outside_quad", tiles_outside(conv, tiles.grid) * quads),
        ("pass_pair", passes * pairs),
        ("weight_quad", passes * pairs * quads),
        ("double", doubles * pairs),
        ("double_quad", doubles * pairs * quads),
        ("single", singles * pairs),
        ("single_quad", singles * pairs * quads),
        ("fast_tile", fast * channels),
        ("plain_tile", (count - fast) * channels),
        ("plain_output", plain_outputs * channels),
    ]
}

/// Tiles that a core's own loop finishes, which are those in pairs that pooling leaves whole, with
/// two roundings those of F(4x4) without pooling; and outputs of the others.
fn finished_tiles(conv: &Conv<'_>, tiles: Tiles) -> (f64, f64) {
    let width = tiles.grid[1].max(1);
    let sides = [conv.output.height, conv.output.width].map(usize::from);
    let inside = |tile: usize| {
        let left =
            |place: usize, axis: usize| (sides[axis] - place * tiles.outputs).min(tiles.outputs);
        left(tile / width, 0) * left(tile % width, 1)
    };
    let (mut fast, mut plain_outputs) = (0, 0);
    let all: Vec<usize> = (0..tiles.grid[0] * tiles.grid[1]).map(inside).collect();
    for pair in all.chunks(2) {
        let is_whole = pair.iter().all(|outputs| *outputs == tiles.outputs * tiles.outputs);
        let has_loop = match conv.rounding() {
            Rounding::Once => conv.pool == [2, 2],
            Rounding::Twice => conv.pool == [1, 1] && tiles.outputs == 4,
        };
        if is_whole && has_loop {
            fast += pair.len();
        } else {
            plain_outputs += pair.iter().sum::<usize>();
        }
    }
    (fast as f64, plain_outputs as f64)
}

/// Tiles some of whose inputs lie outside of the map.
fn tiles_outside(conv: &Conv<'_>, grid: [usize; 2]) -> f64 {
    let side = if matches!(conv.algorithm, Algorithm::WinogradF2 | Algorithm::WinogradF2OnTheFly) {
        4
    } else {
        6
    };
    let map = [conv.input.height as i64, conv.input.width as i64];
    let inside = |axis: usize| {
        let first = |tile: usize| conv.origin[axis] as i64 + tile as i64 * (side - 2);
        (0..grid[axis]).filter(|tile| first(*tile) >= 0 && first(*tile) + side <= map[axis]).count()
    };
    (grid[0] * grid[1] - inside(0) * inside(1)) as f64
}

/// Sizes of a convolution as numbers to multiply.
struct Sizes {
    pixels: f64,
    window: f64,
    taps: f64,
    rows: f64,
    channels: f64,
}

impl Sizes {
    fn of(conv: &Conv<'_>) -> Self {
        Self {
            pixels: conv.output.height as f64 * conv.output.width as f64,
            window: conv.window() as f64,
            taps: conv.taps() as f64,
            // Taps that lie apart are read one by one.
            rows: match conv.dilation {
                [1, 1] => conv.kernel[0] as f64,
                _ => conv.kernel[0] as f64 * conv.kernel[1] as f64,
            },
            channels: conv.output.channels as f64,
        }
    }
}
