//! Direct convolution without scratch memory: the input is read where it lies.
//!
//! ```text
//! for each output pixel, for each output channel:
//!     output = requantise(bias + max over the pooling window of sum(input * weights))
//! ```
//!
//! A row of the kernel times a row of the map is a sum of products of values that lie side by side
//! in both. Four pixels inside of the map take each weight once for all: those of a window of 2x2,
//! or, without pooling, four of a row. One pixel by itself whose patch lies in one piece, as those
//! of a stream, takes each value of the input once for four channels. Sums stay within 32 bits: see
//! [`portable`](super::portable).

use super::Conv;
use crate::ops::window::{self, dot};
use crate::quant::{ChannelParameters, Once, Requantise, Rounding, Twice};

/// Pixels that are computed at once.
pub(super) const FOUR: usize = 4;

/// How a set of kernels sums the products of weights with four patches of the input, which begin at
/// these places, all inside of the map.
pub(super) trait Four: Copy {
    /// The sums.
    fn sums(
        self,
        conv: &Conv<'_>,
        input: &[i8],
        weights: &[u8],
        places: [usize; FOUR],
    ) -> [i32; FOUR];

    /// The largest of them.
    fn largest(self, conv: &Conv<'_>, input: &[i8], weights: &[u8], places: [usize; FOUR]) -> i32 {
        let [a, b, c, d] = self.sums(conv, input, weights, places);
        a.max(b).max(c.max(d))
    }

    /// The sums of products of a patch with the weights of four channels, which lie one after the
    /// other.
    fn of_channels(self, patch: &[i8], weights: &[u8]) -> [i32; FOUR] {
        channel_by_channel(patch, weights)
    }

    /// An accumulator of [`Four::of_channels`] as int8.
    #[inline(always)]
    fn output<Rounded: Requantise>(sum: i32, parameters: ChannelParameters, zero_point: i8) -> i8 {
        Rounded::output(sum, parameters, zero_point)
    }

    /// All channels of one output pixel without pooling, whose patch lies in one piece.
    #[inline(always)]
    fn pixel<Rounded: Requantise>(self, conv: &Conv<'_>, patch: &[i8], out: &mut [i8]) {
        channels_of_patch::<Rounded, _>(conv, patch, out, self);
    }
}

/// In plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Four for Plain {
    #[inline(always)]
    fn sums(
        self,
        conv: &Conv<'_>,
        input: &[i8],
        weights: &[u8],
        places: [usize; FOUR],
    ) -> [i32; FOUR] {
        sums_of_four(conv, input, weights, places)
    }
}

/// All of a layer; `four` as the set of kernels has it.
pub(super) fn conv(conv: &Conv<'_>, input: &[i8], output: &mut [i8], four: impl Four) {
    match conv.rounding() {
        Rounding::Once => rounded::<Once>(conv, input, output, four),
        Rounding::Twice => rounded::<Twice>(conv, input, output, four),
    }
}

fn rounded<Rounded: Requantise>(conv: &Conv<'_>, input: &[i8], output: &mut [i8], four: impl Four) {
    let channels = (conv.output.channels as usize).max(1);
    for (row, out_row) in (0..).zip(output.chunks_exact_mut(conv.output.row_len().max(1))) {
        let (mut rest, mut column) = (out_row, 0);
        while !rest.is_empty() {
            let places = four_side_by_side(conv, row, column);
            let pixels = if places.is_some() { FOUR } else { 1 };
            let Some((out, after)) = rest.split_at_mut_checked(pixels * channels) else { return };
            match places {
                Some(places) => {
                    four_pixels::<Rounded>(conv, input, places, out, four);
                }
                None => pixel::<Rounded>(conv, input, [row, column], out, four),
            }
            (rest, column) = (after, column + pixels as i32);
        }
    }
}

/// All channels of four output pixels whose patches begin at `places`, without pooling.
#[inline(never)]
fn four_pixels<Rounded: Requantise>(
    conv: &Conv<'_>,
    input: &[i8],
    places: [usize; FOUR],
    out: &mut [i8],
    four: impl Four,
) {
    let channels = (conv.output.channels as usize).max(1);
    let filters = conv.weights.chunks_exact(conv.taps().max(1));
    let parameters = Rounded::parameters(conv.channels, conv.output.channels);
    for (channel, (parameters, weights)) in parameters.zip(filters).enumerate() {
        let sums = four.sums(conv, input, weights, places);
        for (pixel, sum) in sums.into_iter().enumerate() {
            if let Some(out) = out.get_mut(pixel * channels + channel) {
                let accumulator = parameters.bias + sum;
                *out = Rounded::output(accumulator, parameters, conv.output_zero_point);
            }
        }
    }
}

/// All channels of one output pixel. By itself: the loop over the taps wants the registers that the
/// loops around it would take.
#[inline(never)]
fn pixel<Rounded: Requantise>(
    conv: &Conv<'_>,
    input: &[i8],
    [row, column]: [i32; 2],
    out: &mut [i8],
    four: impl Four,
) {
    if let Some(patch) = patch_in_one_piece(conv, input, [row, column]) {
        return four.pixel::<Rounded>(conv, patch, out);
    }
    let places = four_of_window(conv, row, column);
    let filters = conv.weights.chunks_exact(conv.taps().max(1));
    let parameters = Rounded::parameters(conv.channels, conv.output.channels);
    for ((parameters, weights), out) in parameters.zip(filters).zip(out) {
        let largest = match places {
            Some(places) => four.largest(conv, input, weights, places),
            None => largest_sum(conv, input, weights, |weight| weight as i8 as i32, row, column),
        };
        let accumulator = parameters.bias + largest;
        *out = Rounded::output(accumulator, parameters, conv.output_zero_point);
    }
}

/// All channels of an output pixel from its patch, four at once.
#[inline(always)]
pub(super) fn channels_of_patch<Rounded: Requantise, Of: Four>(
    conv: &Conv<'_>,
    patch: &[i8],
    out: &mut [i8],
    four: Of,
) {
    let four_taps = (FOUR * patch.len()).max(1);
    // Not zipped with the outputs: two such iterators divide by their steps.
    let mut filters = conv.weights.chunks(four_taps);
    let mut parameters = Rounded::parameters(conv.channels, conv.output.channels);
    for out in out.chunks_mut(FOUR) {
        let Some(weights) = filters.next() else { return };
        let sums = match weights.len() == four_taps {
            true => four.of_channels(patch, weights),
            false => channel_by_channel(patch, weights),
        };
        for ((sum, out), parameters) in sums.into_iter().zip(out).zip(&mut parameters) {
            let accumulator = parameters.bias + sum;
            *out = Of::output::<Rounded>(accumulator, parameters, conv.output_zero_point);
        }
    }
}

/// The sums of products of a patch with the weights of up to four channels.
#[inline(always)]
fn channel_by_channel(patch: &[i8], weights: &[u8]) -> [i32; FOUR] {
    let mut filters = weights.chunks_exact(patch.len().max(1));
    [(); FOUR].map(|()| filters.next().map_or(0, |weights| dot(patch, weights)))
}

/// The input under the kernel for an output pixel, where it lies inside of the map in one piece and
/// there is no pooling.
fn patch_in_one_piece<'i>(
    conv: &Conv<'_>,
    input: &'i [i8],
    [row, column]: [i32; 2],
) -> Option<&'i [i8]> {
    let kernel_row = conv.kernel[1] as usize * conv.input.channels as usize;
    if conv.pools() || (conv.kernel[0] > 1 && kernel_row != conv.input.row_len()) {
        return None;
    }
    let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
    let start = inside(conv, [y, x], [0, 0])?;
    input.get(start..start + conv.taps())
}

/// Where the patches of four output pixels of a row begin in the map, if all lie inside of it and
/// there is no pooling.
fn four_side_by_side(conv: &Conv<'_>, row: i32, column: i32) -> Option<[usize; FOUR]> {
    if conv.pools() || column + FOUR as i32 > conv.output.width as i32 {
        return None;
    }
    let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
    let start = inside(conv, [y, x], [0, FOUR as i32 - 1])?;
    let right = conv.stride[1] as usize * conv.input.channels as usize;
    Some([start, start + right, start + 2 * right, start + 3 * right])
}

/// Where the patches of a 2x2 window begin in the map, if all lie inside of it.
fn four_of_window(conv: &Conv<'_>, row: i32, column: i32) -> Option<[usize; FOUR]> {
    if conv.pool != [2, 2] {
        return None;
    }
    let y = conv.origin[0] as i32 + 2 * row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + 2 * column * conv.stride[1] as i32;
    let start = inside(conv, [y, x], [1, 1])?;
    let (row_len, channels) = (conv.input.row_len(), conv.input.channels as usize);
    let (below, right) = (conv.stride[0] as usize * row_len, conv.stride[1] as usize * channels);
    Some([start, start + right, start + below, start + below + right])
}

/// Where the patch at this row and column begins in the map, if it and those up to `last` steps
/// after it lie inside, and their taps side by side.
fn inside(conv: &Conv<'_>, [y, x]: [i32; 2], last: [i32; 2]) -> Option<usize> {
    let [down, right] = last;
    let bottom = y + down * conv.stride[0] as i32 + conv.kernel[0] as i32;
    let end = x + right * conv.stride[1] as i32 + conv.kernel[1] as i32;
    let is_inside = !conv.is_dilated()
        && y >= 0
        && x >= 0
        && bottom <= conv.input.height as i32
        && end <= conv.input.width as i32;
    // At negative places there is nothing to compute.
    is_inside.then(|| y as usize * conv.input.row_len() + x as usize * conv.input.channels as usize)
}

/// The sums of products of the weights with four patches inside of the map.
fn sums_of_four(
    conv: &Conv<'_>,
    input: &[i8],
    weights: &[u8],
    places: [usize; FOUR],
) -> [i32; FOUR] {
    let kernel_row = (conv.kernel[1] as usize * conv.input.channels as usize).max(1);
    let (mut sums, mut places) = ([0; FOUR], places);
    for weights in weights.chunks_exact(kernel_row) {
        let values = places.map(|place| input.get(place..place + kernel_row).unwrap_or_default());
        let more = dot_of_four(values, weights);
        for (sum, more) in sums.iter_mut().zip(more) {
            *sum += more;
        }
        places = places.map(|place| place + conv.input.row_len());
    }
    sums
}

#[inline(always)]
fn dot_of_four([a, b, c, d]: [&[i8]; FOUR], weights: &[u8]) -> [i32; FOUR] {
    let mut sums = [0; FOUR];
    for ((((weight, a), b), c), d) in weights.iter().zip(a).zip(b).zip(c).zip(d) {
        let weight = *weight as i8 as i32;
        sums[0] += *a as i32 * weight;
        sums[1] += *b as i32 * weight;
        sums[2] += *c as i32 * weight;
        sums[3] += *d as i32 * weight;
    }
    sums
}

/// Largest sum of products in a pooling window; `value` makes a number of a stored weight.
#[inline(always)]
pub(super) fn largest_sum<Weight: Copy>(
    conv: &Conv<'_>,
    input: &[i8],
    weights: &[Weight],
    value: impl Fn(Weight) -> i32 + Copy,
    row: i32,
    column: i32,
) -> i32 {
    let [pool_rows, pool_columns] = conv.pool.map(i32::from);
    let mut largest = i32::MIN;
    for i in 0..pool_rows {
        for j in 0..pool_columns {
            let sum =
                sum(conv, input, weights, value, row * pool_rows + i, column * pool_columns + j);
            largest = largest.max(sum);
        }
    }
    largest
}

/// Sum of products of one convolved pixel.
#[inline(always)]
fn sum<Weight: Copy>(
    conv: &Conv<'_>,
    input: &[i8],
    weights: &[Weight],
    value: impl Fn(Weight) -> i32 + Copy,
    row: i32,
    column: i32,
) -> i32 {
    let channels = conv.input.channels as i32;
    let y = conv.origin[0] as i32 + row * conv.stride[0] as i32;
    let x = conv.origin[1] as i32 + column * conv.stride[1] as i32;
    if conv.is_dilated() {
        return sum_apart(conv, input, weights, value, [y, x]);
    }
    let kernel_row = (conv.kernel[1] as usize * channels as usize).max(1);
    let rows = (0..).zip(weights.chunks_exact(kernel_row));
    let products = rows.map(|(i, weights)| {
        let source = window::row(input, conv.input, y + i);
        match usize::try_from(x * channels)
            .ok()
            .and_then(|start| source.get(start..start + kernel_row))
        {
            Some(values) => values.iter().zip(weights).map(|(a, b)| *a as i32 * value(*b)).sum(),
            None => sum_over_edge(source, x * channels, weights, value, conv.input_zero_point),
        }
    });
    products.sum()
}

/// [`sum`] tap by tap, where the first tap lies at row and column `first`.
#[inline(never)]
fn sum_apart<Weight: Copy>(
    conv: &Conv<'_>,
    input: &[i8],
    weights: &[Weight],
    value: impl Fn(Weight) -> i32,
    [y, x]: [i32; 2],
) -> i32 {
    let channels = (conv.input.channels as usize).max(1);
    let [down, right] = conv.dilation.map(i32::from);
    let mut sum = 0;
    for (i, weights) in (0..).zip(weights.chunks_exact((conv.kernel[1] as usize * channels).max(1)))
    {
        let source = window::row(input, conv.input, y + i * down);
        for (j, weights) in (0..).zip(weights.chunks_exact(channels)) {
            let start = (x + j * right) * channels as i32;
            let values =
                usize::try_from(start).ok().and_then(|start| source.get(start..start + channels));
            sum += match values {
                Some(values) => {
                    values.iter().zip(weights).map(|(a, b)| *a as i32 * value(*b)).sum::<i32>()
                }
                None => {
                    weights.iter().map(|b| conv.input_zero_point as i32 * value(*b)).sum::<i32>()
                }
            };
        }
    }
    sum
}

/// A kernel row that reaches outside of the map.
#[cold]
fn sum_over_edge<Weight: Copy>(
    source: &[i8],
    start: i32,
    weights: &[Weight],
    value: impl Fn(Weight) -> i32,
    outside: i8,
) -> i32 {
    let input = |at: i32| {
        usize::try_from(at).ok().and_then(|at| source.get(at)).copied().unwrap_or(outside)
    };
    (start..).zip(weights).map(|(at, weight)| input(at) as i32 * value(*weight)).sum()
}
