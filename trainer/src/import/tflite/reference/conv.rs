//! `CONV_2D`, `DEPTHWISE_CONV_2D` and `FULLY_CONNECTED`: sums of products, scaled once.
//!
//! ```text
//! accumulator = bias[f] + sum over taps of (q - input_zero_point) * w[f, tap]
//! output      = clamp(output_zero_point + factor[f](accumulator))
//! factor[f]   = input_scale * weight_scale[f] / output_scale
//! ```
//! Taps outside of the map add nothing.

use super::super::network::Quantisation;
use super::Kernel;
use super::error::Misfit;
use super::fixed_point::Factor;
use super::node::{Node, Output};
use super::taps::Taps;

/// A convolution, of all channels or of one for each filter.
pub struct Conv {
    taps: Taps,
    /// Batch, rows, columns, channels.
    input: [usize; 4],
    /// Batch, rows, columns, filters.
    output: [usize; 4],
    /// `Some` of a depthwise convolution: filters for each channel.
    filters_per_channel: Option<usize>,
    filters: Filters,
}

/// A dense layer; each row of the weights is a unit's.
pub struct FullyConnected {
    inputs: usize,
    filters: Filters,
}

/// Weights, biases and factors, and how accumulators become int8.
pub struct Filters {
    /// In the order of the file.
    pub weights: Vec<i8>,
    /// One for each filter.
    pub bias: Vec<i32>,
    /// One for each filter.
    pub factors: Vec<Factor>,
    pub input_zero_point: i32,
    pub output: Output,
}

impl Conv {
    /// `CONV_2D`: weights `[filters, rows, columns, channels]`.
    pub fn full(node: Node<'_>) -> Result<Self, Misfit> {
        let [filters, rows, columns, _] = map(node.input(1)?.shape.as_slice())?;
        Self::new(node, [rows, columns], filters, None)
    }

    /// `DEPTHWISE_CONV_2D`: weights `[1, rows, columns, filters]`.
    pub fn depthwise(node: Node<'_>) -> Result<Self, Misfit> {
        let [_, rows, columns, filters] = map(node.input(1)?.shape.as_slice())?;
        let [.., channels] = map(node.input(0)?.shape.as_slice())?;
        Self::new(node, [rows, columns], filters, filters.checked_div(channels))
    }

    fn new(
        node: Node<'_>,
        kernel: [usize; 2],
        filters: usize,
        filters_per_channel: Option<usize>,
    ) -> Result<Self, Misfit> {
        let stride = if filters_per_channel.is_some() { filters } else { 1 };
        Ok(Self {
            taps: Taps::new(node, kernel)?,
            input: map(&node.input(0)?.shape)?,
            output: map(&node.output()?.shape)?,
            filters_per_channel,
            filters: Filters::new(node, filters, stride, double_product)?,
        })
    }

    /// Its numbers.
    pub fn filters(self) -> Filters {
        self.filters
    }

    /// The sum of filter `filter` at a place of batch `batch`.
    fn accumulate(&self, input: &[i8], [batch, row, column, filter]: [usize; 4]) -> i32 {
        let [_, rows, columns, channels] = self.input;
        let [.., filters] = self.output;
        let of_batch = &input[batch * rows * columns * channels..];
        let mut sum = self.filters.bias[filter];
        for at in self.taps.at(row, column) {
            let pixel = &of_batch[at.place * channels..][..channels];
            match self.filters_per_channel {
                Some(multiplier) => {
                    let weight = self.filters.weights[at.tap * filters + filter];
                    sum += self.filters.product(pixel[filter / multiplier], weight);
                }
                None => {
                    let first = (filter * self.taps.count() + at.tap) * channels;
                    let weights = &self.filters.weights[first..][..channels];
                    let products = pixel.iter().zip(weights);
                    sum += products.map(|(q, w)| self.filters.product(*q, *w)).sum::<i32>();
                }
            }
        }
        sum
    }
}

impl Kernel for Conv {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let [batches, rows, columns, filters] = self.output;
        let mut values = Vec::with_capacity(batches * rows * columns * filters);
        for batch in 0..batches {
            for row in 0..rows {
                for column in 0..columns {
                    for filter in 0..filters {
                        let sum = self.accumulate(inputs[0], [batch, row, column, filter]);
                        values.push(self.filters.value(filter, sum));
                    }
                }
            }
        }
        values
    }
}

impl FullyConnected {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let &[units, inputs] = &node.input(1)?.shape[..] else { return Err(Misfit::Count) };
        let per_unit = node.weights(1)?.0.scales.len() > 1;
        let product = if per_unit { double_product } else { single_product };
        Ok(Self { inputs, filters: Filters::new(node, units, 1, product)? })
    }

    /// Its numbers.
    pub fn filters(self) -> Filters {
        self.filters
    }
}

impl Kernel for FullyConnected {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let mut values = Vec::new();
        for row in inputs[0].chunks_exact(self.inputs) {
            for (unit, weights) in self.filters.weights.chunks_exact(self.inputs).enumerate() {
                let products = row.iter().zip(weights);
                let sum: i32 = products.map(|(q, w)| self.filters.product(*q, *w)).sum();
                values.push(self.filters.value(unit, self.filters.bias[unit] + sum));
            }
        }
        values
    }
}

impl Filters {
    /// `count` filters. The weights of one lie `stride` apart: all of them one after the other, or
    /// 1 where those of a filter follow each other. `product` multiplies the two scales.
    fn new(
        node: Node<'_>,
        count: usize,
        stride: usize,
        product: fn(f32, f32) -> f64,
    ) -> Result<Self, Misfit> {
        let (input, output) = (node.quantisation(0)?, node.output_quantisation()?);
        let (quantisation, weights) = node.weights(1)?;
        let factor = |filter: usize| {
            let scale = product(input.scale, scale_of(quantisation, filter));
            Factor::of(scale / f64::from(output.scale)).ok_or(Misfit::Range)
        };
        let filters = Self {
            factors: (0..count).map(factor).collect::<Result<_, _>>()?,
            weights,
            bias: node.bias(2, count)?,
            input_zero_point: input.zero_point,
            output: node.clamped()?,
        };
        filters.fit(count, stride).then_some(filters).ok_or(Misfit::Range)
    }

    /// Whether all sums fit 32 bits, also shifted to the left.
    fn fit(&self, count: usize, stride: usize) -> bool {
        let ends = [i8::MIN, i8::MAX].map(|end| (i32::from(end) - self.input_zero_point).abs());
        let largest = u64::from(ends[0].max(ends[1]).unsigned_abs());
        let mut sizes = vec![0_u64; count];
        let in_a_row = self.weights.len().checked_div(count).unwrap_or_default().max(1);
        for (index, weight) in self.weights.iter().enumerate() {
            let filter = if stride > 1 { index % stride } else { index / in_a_row };
            sizes[filter.min(count - 1)] += u64::from(weight.unsigned_abs());
        }
        let mut filters = sizes.iter().zip(&self.bias).zip(&self.factors);
        filters.all(|((size, bias), factor)| {
            factor.fits(size.saturating_mul(largest) + u64::from(bias.unsigned_abs()))
        })
    }

    fn product(&self, value: i8, weight: i8) -> i32 {
        (i32::from(value) - self.input_zero_point) * i32::from(weight)
    }

    fn value(&self, filter: usize, sum: i32) -> i8 {
        self.output.value(self.factors[filter].scale(sum))
    }
}

/// One scale for each filter, or one for all.
fn scale_of(quantisation: &Quantisation, filter: usize) -> f32 {
    *quantisation.scales.get(filter).unwrap_or(&quantisation.scales[0])
}

fn double_product(input: f32, weights: f32) -> f64 {
    f64::from(input) * f64::from(weights)
}

/// Dense layers with one scale for all units: the product is rounded to 24 bits first.
fn single_product(input: f32, weights: f32) -> f64 {
    f64::from(input * weights)
}

fn map(shape: &[usize]) -> Result<[usize; 4], Misfit> {
    shape.try_into().map_err(|_| Misfit::Count)
}
