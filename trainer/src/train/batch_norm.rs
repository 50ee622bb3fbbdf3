//! Batch normalisation: after a convolution and its pooling, before the ReLU where there is one, so
//! on the pooled values only.
//!
//! ```text
//! forward, per channel over all pixels of all images of the batch:
//!     n = (x - mean) / sqrt(variance + epsilon);  y = gamma * n + beta, or relu of that
//! backward, g being the gradient of gamma * n + beta, of N values:
//!     gamma's gradient = sum(g * n);  beta's = sum(g)
//!     x's = gamma / sqrt(variance + epsilon) * (g - sum(g) / N - n * sum(g * n) / N)
//! ```
//!
//! The sums are taken per shard in double precision and added in the shards' order. No multiply-add
//! is fused, so every host gets the same bits.

use super::parameters::Norm;
use crate::kernels::{InstructionSet, Loops};
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
    pub fn of_values(set: InstructionSet, values: &[f32], channels: usize) -> Self {
        let mut sums = Self::zero(channels);
        sums.add_products(set, values, values);
        sums
    }

    /// Adds those of `values` and of `values * others`, both `[pixel][channel]`.
    pub fn add_products(&mut self, set: InstructionSet, values: &[f32], others: &[f32]) {
        set.run(SumProducts { sums: self, values, others });
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.first, &other.first), (&mut self.second, &other.second)] {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}

/// Channels whose sums stay in registers while the pixels pass by.
const BLOCK: usize = 16;

struct SumProducts<'s> {
    sums: &'s mut ChannelSums,
    values: &'s [f32],
    others: &'s [f32],
}

impl Loops for SumProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let ChannelSums { first, second } = self.sums;
        let channels = first.len();
        for (block, (first, second)) in
            first.chunks_mut(BLOCK).zip(second.chunks_mut(BLOCK)).enumerate()
        {
            let (values, others) = (&self.values[block * BLOCK..], &self.others[block * BLOCK..]);
            match (
                <&mut [f64; BLOCK]>::try_from(&mut *first),
                <&mut [f64; BLOCK]>::try_from(&mut *second),
            ) {
                (Ok(first), Ok(second)) => add_block(first, second, values, others, channels),
                _ => {
                    for (values, others) in values.chunks(channels).zip(others.chunks(channels)) {
                        add_pixel(first, second, values, others);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add_block(
    first: &mut [f64; BLOCK],
    second: &mut [f64; BLOCK],
    values: &[f32],
    others: &[f32],
    channels: usize,
) {
    let mut sums = (*first, *second);
    for (values, others) in values.chunks(channels).zip(others.chunks(channels)) {
        add_pixel(&mut sums.0, &mut sums.1, &values[..BLOCK], &others[..BLOCK]);
    }
    (*first, *second) = sums;
}

/// Adds the values of as many channels as there are sums.
#[inline(always)]
fn add_pixel(first: &mut [f64], second: &mut [f64], values: &[f32], others: &[f32]) {
    for ((first, second), (value, other)) in
        first.iter_mut().zip(second).zip(values.iter().zip(others))
    {
        *first += *value as f64;
        *second += *value as f64 * *other as f64;
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
    pub fn new(
        sums: &ChannelSums,
        count: usize,
        gamma: &[f32],
        beta: &[f32],
        epsilon: f64,
    ) -> Self {
        let mean: Vec<f64> = sums.first.iter().map(|sum| sum / count as f64).collect();
        let variance = sums.second.iter().zip(&mean);
        let variance: Vec<f64> =
            variance.map(|(sum, mean)| (sum / count as f64 - mean * mean).max(0.0)).collect();
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        Self {
            count,
            inverse: variance
                .iter()
                .map(|variance| (1.0 / (variance + epsilon).sqrt()) as f32)
                .collect(),
            mean: single(&mean),
            variance: single(&variance),
            gamma: gamma.to_vec(),
            beta: beta.to_vec(),
        }
    }

    /// Forward: from the values to those after the normalisation and, with `relu`, after the ReLU.
    pub fn normalise(&self, set: InstructionSet, relu: bool, values: &[f32], output: &mut [f32]) {
        match relu {
            true => set.run(Normalise::<true> { scale: self, values, output }),
            false => set.run(Normalise::<false> { scale: self, values, output }),
        }
    }

    /// Backward: with `relu`, cuts `gradient`, that of the values after the ReLU, where it passes
    /// none; writes the normalised values to `normal`.
    pub fn cut(
        &self,
        set: InstructionSet,
        relu: bool,
        values: &[f32],
        gradient: &mut [f32],
        normal: &mut [f32],
    ) {
        match relu {
            true => set.run(Cut::<true> { scale: self, values, gradient, normal }),
            false => set.run(Cut::<false> { scale: self, values, gradient, normal }),
        }
    }

    /// Backward: turns `gradient`, that of the values before the ReLU, into that of the values
    /// before normalisation.
    pub fn back(
        &self,
        set: InstructionSet,
        sums: &ChannelSums,
        values: &[f32],
        gradient: &mut [f32],
    ) {
        let mean = |sums: &[f64]| -> Vec<f32> {
            sums.iter().map(|sum| (sum / self.count as f64) as f32).collect()
        };
        let factor: Vec<f32> =
            self.gamma.iter().zip(&self.inverse).map(|(gamma, inverse)| gamma * inverse).collect();
        let (first, second) = (&mean(&sums.first)[..], &mean(&sums.second)[..]);
        set.run(Denormalise { scale: self, factor: &factor, first, second, values, gradient });
    }
}

struct Normalise<'n, const RELU: bool> {
    scale: &'n BatchScale,
    values: &'n [f32],
    output: &'n mut [f32],
}

impl<const RELU: bool> Loops for Normalise<'_, RELU> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let channels = self.scale.mean.len();
        // Slices of one length, so that the loop over channels has no checks.
        let (mean, inverse) = (&self.scale.mean[..channels], &self.scale.inverse[..channels]);
        let (gamma, beta) = (&self.scale.gamma[..channels], &self.scale.beta[..channels]);
        let pixels = self.values.chunks_exact(channels).zip(self.output.chunks_exact_mut(channels));
        for (values, output) in pixels {
            for channel in 0..channels {
                let normal = (values[channel] - mean[channel]) * inverse[channel];
                let value = gamma[channel] * normal + beta[channel];
                output[channel] = if RELU { value.max(0.0) } else { value };
            }
        }
    }
}

/// Nothing that the forward pass computed is kept but the values: to compute it again takes less
/// time than to fetch it.
struct Cut<'c, const RELU: bool> {
    scale: &'c BatchScale,
    values: &'c [f32],
    gradient: &'c mut [f32],
    normal: &'c mut [f32],
}

impl<const RELU: bool> Loops for Cut<'_, RELU> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let channels = self.scale.mean.len();
        let (mean, inverse) = (&self.scale.mean[..channels], &self.scale.inverse[..channels]);
        let (gamma, beta) = (&self.scale.gamma[..channels], &self.scale.beta[..channels]);
        let gradients =
            self.gradient.chunks_exact_mut(channels).zip(self.normal.chunks_exact_mut(channels));
        for (values, (gradient, normal)) in self.values.chunks_exact(channels).zip(gradients) {
            for channel in 0..channels {
                normal[channel] = (values[channel] - mean[channel]) * inverse[channel];
                let output = gamma[channel] * normal[channel] + beta[channel];
                // Written either way: without a branch it is done on whole vectors.
                let is_passed = !RELU || output > 0.0;
                gradient[channel] = if is_passed { gradient[channel] } else { 0.0 };
            }
        }
    }
}

struct Denormalise<'d> {
    scale: &'d BatchScale,
    /// `gamma / sqrt(variance + epsilon)`.
    factor: &'d [f32],
    /// `sum(g) / N`.
    first: &'d [f32],
    /// `sum(g * n) / N`.
    second: &'d [f32],
    values: &'d [f32],
    gradient: &'d mut [f32],
}

impl Loops for Denormalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let channels = self.factor.len();
        let (mean, inverse) = (&self.scale.mean[..channels], &self.scale.inverse[..channels]);
        let (first, second) = (&self.first[..channels], &self.second[..channels]);
        let pixels =
            self.gradient.chunks_exact_mut(channels).zip(self.values.chunks_exact(channels));
        for (gradient, values) in pixels {
            for channel in 0..channels {
                let normal = (values[channel] - mean[channel]) * inverse[channel];
                let centred = gradient[channel] - first[channel] - normal * second[channel];
                gradient[channel] = self.factor[channel] * centred;
            }
        }
    }
}

/// Moves the running statistics towards a batch's: `running = momentum * running + (1 - momentum) *
/// batch`, the variance being the unbiased one.
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
