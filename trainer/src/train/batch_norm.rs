//! Batch normalisation: behind a convolution and its pooling, in front of the ReLU, so on the pooled values only.
//!
//! ```text
//! forward, per channel over all pixels of all images of the batch:
//!     n = (x - mean) / sqrt(variance + epsilon);  y = relu(gamma * n + beta)
//! backward, g being the gradient of gamma * n + beta, of N values:
//!     gamma's gradient = sum(g * n);  beta's = sum(g)
//!     x's = gamma / sqrt(variance + epsilon) * (g - sum(g) / N - n * sum(g * n) / N)
//! ```
//!
//! The sums are taken per shard in double precision and added in the shards' order. No multiply-add is fused, so every host gets the same bits.

use super::parameters::Norm;
use crate::recipe::BatchNorm;

/// Two sums per channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelSums {
    /// Forward of the values, backward of the gradients.
    pub first: Vec<f64>,
    /// Forward of the squares, backward of the gradients times normalised values.
    pub second: Vec<f64>,
}

impl ChannelSums {
    /// Zeros.
    pub fn zero(channels: usize) -> Self {
        Self { first: vec![0.0; channels], second: vec![0.0; channels] }
    }

    /// Sums of values and of squares of `[pixel][channel]`.
    pub fn of_values(values: &[f32], channels: usize) -> Self {
        Self::of_products(values, values, channels)
    }

    /// Sums of `values` and of `values * others`, both `[pixel][channel]`.
    pub fn of_products(values: &[f32], others: &[f32], channels: usize) -> Self {
        let mut sums = Self::zero(channels);
        for (values, others) in values.chunks_exact(channels).zip(others.chunks_exact(channels)) {
            let totals = sums.first.iter_mut().zip(&mut sums.second);
            for ((first, second), (value, other)) in totals.zip(values.iter().zip(others)) {
                *first += *value as f64;
                *second += *value as f64 * *other as f64;
            }
        }
        sums
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.first, &other.first), (&mut self.second, &other.second)] {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}

/// How a batch's values of one stage are normalised: numbers per channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchScale {
    /// Values per channel in the batch.
    pub count: usize,
    /// Mean.
    pub mean: Vec<f32>,
    /// Variance, that of the batch itself (divided by the number of values).
    pub variance: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    inverse: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

impl BatchScale {
    /// From the sums over a batch of `count` values per channel.
    pub fn new(sums: &ChannelSums, count: usize, gamma: &[f32], beta: &[f32], epsilon: f64) -> Self {
        let mean: Vec<f64> = sums.first.iter().map(|sum| sum / count as f64).collect();
        let variance = sums.second.iter().zip(&mean);
        let variance: Vec<f64> =
            variance.map(|(sum, mean)| (sum / count as f64 - mean * mean).max(0.0)).collect();
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        Self {
            count,
            inverse: variance.iter().map(|variance| (1.0 / (variance + epsilon).sqrt()) as f32).collect(),
            mean: single(&mean),
            variance: single(&variance),
            gamma: gamma.to_vec(),
            beta: beta.to_vec(),
        }
    }

    /// Forward: turns `output`, the values, into those behind the ReLU; keeps the normalised ones in `normal`.
    pub fn normalise(&self, output: &mut [f32], normal: &mut [f32]) {
        let channels = self.mean.len();
        for (output, normal) in output.chunks_exact_mut(channels).zip(normal.chunks_exact_mut(channels)) {
            for channel in 0..channels {
                normal[channel] = (output[channel] - self.mean[channel]) * self.inverse[channel];
                output[channel] = (self.gamma[channel] * normal[channel] + self.beta[channel]).max(0.0);
            }
        }
    }

    /// Backward: turns `gradient`, that of the values in front of the ReLU, into that of the values before normalisation.
    pub fn back(&self, sums: &ChannelSums, normal: &[f32], gradient: &mut [f32]) {
        let (channels, count) = (self.mean.len(), self.count as f64);
        let mean = |sums: &[f64]| -> Vec<f32> { sums.iter().map(|sum| (sum / count) as f32).collect() };
        let (first, second) = (mean(&sums.first), mean(&sums.second));
        let factor: Vec<f32> =
            self.gamma.iter().zip(&self.inverse).map(|(gamma, inverse)| gamma * inverse).collect();
        for (gradient, normal) in gradient.chunks_exact_mut(channels).zip(normal.chunks_exact(channels)) {
            for channel in 0..channels {
                let centred = gradient[channel] - first[channel] - normal[channel] * second[channel];
                gradient[channel] = factor[channel] * centred;
            }
        }
    }
}

/// Moves the running statistics towards a batch's: `running = momentum * running + (1 - momentum) * batch`, the variance
/// being the unbiased one.
pub fn follow(norm: &mut Norm, batch: &BatchScale, recipe: &BatchNorm) {
    let keep = recipe.momentum as f32;
    let unbias = batch.count as f32 / (batch.count.max(2) - 1) as f32;
    for (running, mean) in norm.mean.iter_mut().zip(&batch.mean) {
        *running = keep * *running + (1.0 - keep) * mean;
    }
    for (running, variance) in norm.variance.iter_mut().zip(&batch.variance) {
        *running = keep * *running + (1.0 - keep) * (variance * unbias);
    }
}
