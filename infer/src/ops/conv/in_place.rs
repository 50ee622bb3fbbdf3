//! Direct convolution without scratch memory: the input is read where it lies.
//!
//! ```text
//! for each output pixel, for each output channel:
//!     output = requantise(bias + max over the pooling window of sum(input * weights))
//! ```
//!
//! A row of the kernel times a row of the map is a sum of products of values that lie side by side
//! in both. Windows of 2x2 pixels inside of the map take each weight once for all four. Sums stay
//! within 32 bits: see [`portable`](super::portable).

use super::Conv;
use crate::ops::window;
use crate::quant::{Once, Requantise, Rounding, Twice};

/// `largest_of_four` is [`largest_of_four`], or the same for a core.
pub(super) fn conv(
    conv: &Conv<'_>,
    input: &[i8],
    output: &mut [i8],
    largest_of_four: impl LargestOfFour,
) {
    match conv.rounding() {
        Rounding::Once => rounded::<Once>(conv, input, output, largest_of_four),
        Rounding::Twice => rounded::<Twice>(conv, input, output, largest_of_four),
    }
}

/// The largest of the sums of products of weights with four patches of the input, which begin at
/// these places, all inside of the map.
pub(super) trait LargestOfFour:
    Fn(&Conv<'_>, &[i8], &[u8], [usize; 4]) -> i32 + Copy
{
}

impl<Four: Fn(&Conv<'_>, &[i8], &[u8], [usize; 4]) -> i32 + Copy> LargestOfFour for Four {}

fn rounded<Rounded: Requantise>(
    conv: &Conv<'_>,
    input: &[i8],
    output: &mut [i8],
    largest_of_four: impl LargestOfFour,
) {
    let channels = (conv.output.channels as usize).max(1);
    for (row, out_row) in (0..).zip(output.chunks_exact_mut(conv.output.row_len().max(1))) {
        for (column, out) in (0..).zip(out_row.chunks_exact_mut(channels)) {
            pixel::<Rounded>(conv, input, [row, column], out, largest_of_four);
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
    largest_of_four: impl LargestOfFour,
) {
    let four = four_inside(conv, row, column);
    let filters = conv.weights.chunks_exact(conv.taps().max(1));
    let parameters = Rounded::parameters(conv.channels, conv.output.channels);
    for ((parameters, weights), out) in parameters.zip(filters).zip(out) {
        let largest = match four {
            Some(places) => largest_of_four(conv, input, weights, places),
            None => largest_sum(conv, input, weights, |weight| weight as i8 as i32, row, column),
        };
        let accumulator = parameters.bias + largest;
        *out = Rounded::output(accumulator, parameters, conv.output_zero_point);
    }
}

/// Where the patches of a 2x2 window begin in the map, if all lie inside of it.
fn four_inside(conv: &Conv<'_>, row: i32, column: i32) -> Option<[usize; 4]> {
    if conv.pool != [2, 2] || conv.is_dilated() {
        return None;
    }
    let first =
        |axis: usize, place: i32| conv.origin[axis] as i32 + 2 * place * conv.stride[axis] as i32;
    let (y, x) = (first(0, row), first(1, column));
    let end = |axis: usize, first: i32| first + conv.stride[axis] as i32 + conv.kernel[axis] as i32;
    let is_inside = y >= 0
        && x >= 0
        && end(0, y) <= conv.input.height as i32
        && end(1, x) <= conv.input.width as i32;
    if !is_inside {
        return None; // at negative places there is nothing to compute
    }
    let (row_len, channels) = (conv.input.row_len(), conv.input.channels as usize);
    let start = y as usize * row_len + x as usize * channels;
    let (below, right) = (conv.stride[0] as usize * row_len, conv.stride[1] as usize * channels);
    Some([start, start + right, start + below, start + below + right])
}

/// Largest of the sums of products of the weights with four patches inside of the map.
pub(super) fn largest_of_four(
    conv: &Conv<'_>,
    input: &[i8],
    weights: &[u8],
    places: [usize; 4],
) -> i32 {
    let kernel_row = (conv.kernel[1] as usize * conv.input.channels as usize).max(1);
    let (mut sums, mut places) = ([0; 4], places);
    for weights in weights.chunks_exact(kernel_row) {
        let values = places.map(|place| input.get(place..place + kernel_row).unwrap_or_default());
        let more = dot_of_four(values, weights);
        for (sum, more) in sums.iter_mut().zip(more) {
            *sum += more;
        }
        places = places.map(|place| place + conv.input.row_len());
    }
    let [a, b, c, d] = sums;
    a.max(b).max(c.max(d))
}

#[inline(always)]
fn dot_of_four([a, b, c, d]: [&[i8]; 4], weights: &[u8]) -> [i32; 4] {
    let mut sums = [0; 4];
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
