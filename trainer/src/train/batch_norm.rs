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

    /// Adds those of values and of squares of `[pixel][channel]`.
    pub fn add_squares(&mut self, set: InstructionSet, values: &[f32]) {
        for values in values.chunks(near_len(self.first.len())) {
            set.run(SumSquares { sums: self, values });
        }
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.first, &other.first), (&mut self.second, &other.second)] {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}

/// Loops over all pixels of some channels, whose numbers stay in registers, then over those of the
/// next channels.
trait Blocks {
    /// Does the work for `CHANNELS` channels from `first` on, if there are as many.
    fn block<const CHANNELS: usize>(&mut self, first: usize) -> bool;

    /// Does the work for all channels.
    #[inline(always)]
    fn all_blocks(&mut self) {
        let mut first = 0;
        while self.block::<BLOCK>(first) {
            first += BLOCK;
        }
        first += if self.block::<16>(first) { 16 } else { 0 };
        first += if self.block::<8>(first) { 8 } else { 0 };
        while self.block::<1>(first) {
            first += 1;
        }
    }
}

/// Values of the pixels that all blocks of channels go over before the next pixels: they stay in
/// the nearest cache.
const NEAR_VALUES: usize = 4096;

/// The same in whole pixels.
fn near_len(channels: usize) -> usize {
    (NEAR_VALUES / channels).max(1) * channels
}

/// Most channels of a block.
const BLOCK: usize = 32;

/// Pixels whose values make up a block of channels, in maps of fewer channels: loops that add
/// nothing up take them for one pixel.
fn repeats(channels: usize, values: &[f32]) -> usize {
    let is_part = BLOCK.is_multiple_of(channels) && values.len().is_multiple_of(BLOCK);
    if is_part { BLOCK / channels } else { 1 }
}

/// The numbers of some channels, those from `first` on, if there are as many.
#[inline(always)]
fn of_block<const CHANNELS: usize, T: Copy>(all: &[T], first: usize) -> Option<[T; CHANNELS]> {
    all[first..].first_chunk().copied()
}

struct SumSquares<'s> {
    sums: &'s mut ChannelSums,
    values: &'s [f32],
}

impl Loops for SumSquares<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        self.all_blocks();
    }
}

impl Blocks for SumSquares<'_> {
    #[inline(always)]
    fn block<const CHANNELS: usize>(&mut self, first: usize) -> bool {
        let Some(mut sums) = BlockSums::<CHANNELS>::new(self.sums, first) else { return false };
        for values in self.values.chunks_exact(self.sums.first.len()) {
            let values = values[first..].first_chunk().expect("a block");
            sums.add(values, values);
        }
        sums.store(self.sums, first);
        true
    }
}

/// The sums of some channels.
struct BlockSums<const CHANNELS: usize> {
    first: [f64; CHANNELS],
    second: [f64; CHANNELS],
}

impl<const CHANNELS: usize> BlockSums<CHANNELS> {
    #[inline(always)]
    fn new(sums: &ChannelSums, first: usize) -> Option<Self> {
        Some(Self { first: of_block(&sums.first, first)?, second: of_block(&sums.second, first)? })
    }

    /// Adds the values of a pixel, and their products with others.
    #[inline(always)]
    fn add(&mut self, values: &[f32; CHANNELS], others: &[f32; CHANNELS]) {
        let sums = self.first.iter_mut().zip(&mut self.second);
        for ((first, second), (value, other)) in sums.zip(values.iter().zip(others)) {
            *first += *value as f64;
            *second += *value as f64 * *other as f64;
        }
    }

    #[inline(always)]
    fn store(self, sums: &mut ChannelSums, first: usize) {
        sums.first[first..first + CHANNELS].copy_from_slice(&self.first);
        sums.second[first..first + CHANNELS].copy_from_slice(&self.second);
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

    /// Forward: from the values to those after the normalisation and, with `relu`, after the ReLU,
    /// which cuts off what is above `most`.
    pub fn normalise(&self, set: InstructionSet, ends: Ends, values: &[f32], output: &mut [f32]) {
        let (scale, most) = (&self.repeated(repeats(self.mean.len(), values)), ends.most);
        let len = near_len(scale.mean.len());
        for (values, output) in values.chunks(len).zip(output.chunks_mut(len)) {
            match ends.relu {
                true => set.run(Normalise::<true> { scale, most, values, output }),
                false => set.run(Normalise::<false> { scale, most, values, output }),
            }
        }
    }

    /// Backward: with a ReLU, cuts `gradient`, that of the values after it, where it passes none;
    /// adds the sums of what is left, and of its products with the normalised values.
    pub fn cut(
        &self,
        set: InstructionSet,
        ends: Ends,
        values: &[f32],
        gradient: &mut [f32],
        sums: &mut ChannelSums,
    ) {
        let (scale, most, len) = (self, ends.most, near_len(self.mean.len()));
        for (values, gradient) in values.chunks(len).zip(gradient.chunks_mut(len)) {
            match ends.relu {
                true => set.run(Cut::<true> { scale, most, values, gradient, sums }),
                false => set.run(Cut::<false> { scale, most, values, gradient, sums }),
            }
        }
    }

    /// Backward: how to go on, given the sums over the batch.
    pub fn way_back(&self, sums: &ChannelSums) -> WayBack {
        let mean = |sums: &[f64]| -> Vec<f32> {
            sums.iter().map(|sum| (sum / self.count as f64) as f32).collect()
        };
        let factors = self.gamma.iter().zip(&self.inverse);
        WayBack {
            mean: self.mean.clone(),
            inverse: self.inverse.clone(),
            factor: factors.map(|(gamma, inverse)| gamma * inverse).collect(),
            first: mean(&sums.first),
            second: mean(&sums.second),
        }
    }

    /// That of `times` pixels in place of one.
    fn repeated(&self, times: usize) -> Self {
        let repeated = |numbers: &[f32]| numbers.repeat(times);
        Self {
            count: self.count / times,
            mean: repeated(&self.mean),
            variance: repeated(&self.variance),
            inverse: repeated(&self.inverse),
            gamma: repeated(&self.gamma),
            beta: repeated(&self.beta),
        }
    }

    #[inline(always)]
    fn block<const CHANNELS: usize>(&self, first: usize) -> Option<BlockScale<CHANNELS>> {
        Some(BlockScale {
            mean: of_block(&self.mean, first)?,
            inverse: of_block(&self.inverse, first)?,
            gamma: of_block(&self.gamma, first)?,
            beta: of_block(&self.beta, first)?,
        })
    }
}

/// What cuts normalised values off.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Whether a ReLU does.
    pub relu: bool,
    /// The largest value that a ReLU leaves.
    pub most: f32,
}

/// The numbers of some channels.
struct BlockScale<const CHANNELS: usize> {
    mean: [f32; CHANNELS],
    inverse: [f32; CHANNELS],
    gamma: [f32; CHANNELS],
    beta: [f32; CHANNELS],
}

struct Normalise<'n, const RELU: bool> {
    scale: &'n BatchScale,
    most: f32,
    values: &'n [f32],
    output: &'n mut [f32],
}

impl<const RELU: bool> Loops for Normalise<'_, RELU> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        self.all_blocks();
    }
}

impl<const RELU: bool> Blocks for Normalise<'_, RELU> {
    #[inline(always)]
    fn block<const CHANNELS: usize>(&mut self, first: usize) -> bool {
        let Some(scale) = self.scale.block::<CHANNELS>(first) else { return false };
        let channels = self.scale.mean.len();
        let pixels = self.values.chunks_exact(channels).zip(self.output.chunks_exact_mut(channels));
        for (values, output) in pixels {
            let values = values[first..].first_chunk::<CHANNELS>().expect("a block");
            let output = output[first..].first_chunk_mut::<CHANNELS>().expect("a block");
            for channel in 0..CHANNELS {
                let normal = (values[channel] - scale.mean[channel]) * scale.inverse[channel];
                let value = scale.gamma[channel] * normal + scale.beta[channel];
                output[channel] = if RELU { value.max(0.0).min(self.most) } else { value };
            }
        }
        true
    }
}

/// Nothing that the forward pass computed is kept but the values: to compute it again takes less
/// time than to fetch it.
struct Cut<'c, const RELU: bool> {
    scale: &'c BatchScale,
    most: f32,
    values: &'c [f32],
    gradient: &'c mut [f32],
    sums: &'c mut ChannelSums,
}

impl<const RELU: bool> Loops for Cut<'_, RELU> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        self.all_blocks();
    }
}

impl<const RELU: bool> Blocks for Cut<'_, RELU> {
    #[inline(always)]
    fn block<const CHANNELS: usize>(&mut self, first: usize) -> bool {
        let Some(scale) = self.scale.block::<CHANNELS>(first) else { return false };
        let Some(mut sums) = BlockSums::<CHANNELS>::new(self.sums, first) else { return false };
        let channels = self.scale.mean.len();
        let pixels =
            self.values.chunks_exact(channels).zip(self.gradient.chunks_exact_mut(channels));
        for (values, gradient) in pixels {
            let values = values[first..].first_chunk::<CHANNELS>().expect("a block");
            let gradient = gradient[first..].first_chunk_mut::<CHANNELS>().expect("a block");
            let mut normal = [0.0; CHANNELS];
            for channel in 0..CHANNELS {
                normal[channel] = (values[channel] - scale.mean[channel]) * scale.inverse[channel];
                let output = scale.gamma[channel] * normal[channel] + scale.beta[channel];
                // Written either way: without a branch it is done on whole vectors.
                let is_passed = !RELU || (output > 0.0) & (output < self.most);
                gradient[channel] = if is_passed { gradient[channel] } else { 0.0 };
            }
            sums.add(gradient, &normal);
        }
        sums.store(self.sums, first);
        true
    }
}

/// How the gradient of a batch's normalised values, before the ReLU, becomes that of the values
/// before the normalisation: numbers per channel.
#[derive(Clone, Debug)]
pub struct WayBack {
    mean: Vec<f32>,
    inverse: Vec<f32>,
    /// `gamma / sqrt(variance + epsilon)`.
    factor: Vec<f32>,
    /// `sum(g) / N`.
    first: Vec<f32>,
    /// `sum(g * n) / N`.
    second: Vec<f32>,
}

impl WayBack {
    /// Turns `gradient` into that of `values`.
    pub fn take(&self, set: InstructionSet, values: &[f32], gradient: &mut [f32]) {
        let way = &self.repeated(repeats(self.mean.len(), values));
        let len = near_len(way.mean.len());
        for (values, gradient) in values.chunks(len).zip(gradient.chunks_mut(len)) {
            set.run(Denormalise { way, values, gradient });
        }
    }

    /// That of `times` pixels in place of one.
    fn repeated(&self, times: usize) -> Self {
        let repeated = |numbers: &[f32]| numbers.repeat(times);
        Self {
            mean: repeated(&self.mean),
            inverse: repeated(&self.inverse),
            factor: repeated(&self.factor),
            first: repeated(&self.first),
            second: repeated(&self.second),
        }
    }
}

struct Denormalise<'d> {
    way: &'d WayBack,
    values: &'d [f32],
    gradient: &'d mut [f32],
}

impl Loops for Denormalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        self.all_blocks();
    }
}

impl Blocks for Denormalise<'_> {
    #[inline(always)]
    fn block<const CHANNELS: usize>(&mut self, first: usize) -> bool {
        let way = self.way;
        let numbers = [&way.mean, &way.inverse, &way.factor, &way.first, &way.second];
        let mut of_channels = [[0.0; CHANNELS]; 5];
        for (to, all) in of_channels.iter_mut().zip(numbers) {
            let Some(block) = of_block(all, first) else { return false };
            *to = block;
        }
        let [mean, inverse, factor, first_mean, second_mean] = of_channels;
        let channels = way.mean.len();
        let pixels =
            self.gradient.chunks_exact_mut(channels).zip(self.values.chunks_exact(channels));
        for (gradient, values) in pixels {
            let values = values[first..].first_chunk::<CHANNELS>().expect("a block");
            let gradient = gradient[first..].first_chunk_mut::<CHANNELS>().expect("a block");
            for channel in 0..CHANNELS {
                let normal = (values[channel] - mean[channel]) * inverse[channel];
                let centred =
                    gradient[channel] - first_mean[channel] - normal * second_mean[channel];
                gradient[channel] = factor[channel] * centred;
            }
        }
        true
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
