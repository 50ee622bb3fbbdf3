//! Batch normalisation: between a convolution's pooling and its ReLU, while training. Afterwards it is folded into the
//! convolution.
//!
//! Per channel, over all `n` pooled pixels of the batch (Ioffe and Szegedy, 2015):
//!
//! ```text
//! forward:   mean = sum(x) / n,  variance = sum(x^2) / n - mean^2,  inverse = 1 / sqrt(variance + epsilon)
//!            hat = (x - mean) * inverse,  y = relu(gamma * hat + beta)
//! backward:  g = gradient of y where y > 0, else 0
//!            beta's gradient = sum(g),  gamma's = sum(g * hat)
//!            gradient of x = gamma * inverse * (g - sum(g) / n - hat * sum(g * hat) / n)
//! ```
//!
//! Sums are made per shard in f64 and added in the shards' order. Normalisation with a positive gamma does not change which pixel
//! of a window is the largest, so it may stand behind the pooling, on a quarter of the values.

/// Two sums per channel over some pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSums {
    /// Pixels that were added.
    pub count: usize,
    /// The first sum: of `x`, or of `g`.
    pub first: Vec<f64>,
    /// The second sum: of `x^2`, or of `g * hat`.
    pub second: Vec<f64>,
}

impl ChannelSums {
    /// Sums `first` and `second` of each channel's value pairs, `[pixel][channel]`.
    pub fn of(channels: usize, a: &[f32], b: &[f32]) -> Self {
        let mut sums =
            Self { count: a.len() / channels, first: vec![0.0; channels], second: vec![0.0; channels] };
        for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
            let totals = sums.first.iter_mut().zip(&mut sums.second);
            for ((first, second), (a, b)) in totals.zip(a.iter().zip(b)) {
                *first += *a as f64;
                *second += *a as f64 * *b as f64;
            }
        }
        sums
    }

    /// Adds up the shards' sums in order.
    pub fn total(shards: &[Self]) -> Self {
        let mut total = shards[0].clone();
        for shard in &shards[1..] {
            total.count += shard.count;
            total.first.iter_mut().zip(&shard.first).for_each(|(total, sum)| *total += sum);
            total.second.iter_mut().zip(&shard.second).for_each(|(total, sum)| *total += sum);
        }
        total
    }
}

/// What a batch's values are normalised with.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Variance of each channel over the batch.
    pub variance: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    pub inverse: Vec<f32>,
    /// Pixels of the batch.
    pub count: usize,
}

impl Statistics {
    /// From the sums of `x` and `x^2`.
    pub fn new(sums: &ChannelSums, epsilon: f64) -> Self {
        let count = sums.count as f64;
        let mean: Vec<f64> = sums.first.iter().map(|sum| sum / count).collect();
        let variance: Vec<f64> =
            sums.second.iter().zip(&mean).map(|(sum, mean)| (sum / count - mean * mean).max(0.0)).collect();
        let inverse = variance.iter().map(|variance| (1.0 / (variance + epsilon).sqrt()) as f32).collect();
        let narrow = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        Self { mean: narrow(&mean), variance: narrow(&variance), inverse, count: sums.count }
    }
}

/// Scale and shift of each channel, which are trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Factor, above 0.
    pub gamma: Vec<f32>,
    /// Addend.
    pub beta: Vec<f32>,
}

/// Normalises `values`, `[pixel][channel]`, in place: they become `relu(gamma * hat + beta)`; `hats` keeps `hat`.
pub fn normalise(values: &mut [f32], hats: &mut [f32], statistics: &Statistics, scale: &Scale) {
    let channels = scale.gamma.len();
    for (values, hats) in values.chunks_exact_mut(channels).zip(hats.chunks_exact_mut(channels)) {
        for (channel, (value, hat)) in values.iter_mut().zip(hats).enumerate() {
            *hat = (*value - statistics.mean[channel]) * statistics.inverse[channel];
            *value = (scale.gamma[channel] * *hat + scale.beta[channel]).max(0.0);
        }
    }
}

/// Turns the gradient of the normalised values into that of the values, in place; `sums` are those of `g` and `g * hat`.
pub fn unnormalise(
    gradient: &mut [f32],
    hats: &[f32],
    statistics: &Statistics,
    scale: &Scale,
    sums: &ChannelSums,
) {
    let channels = scale.gamma.len();
    let mean = |sums: &[f64]| -> Vec<f32> {
        sums.iter().map(|sum| (sum / statistics.count as f64) as f32).collect()
    };
    let (mean_gradient, mean_product) = (mean(&sums.first), mean(&sums.second));
    for (gradient, hats) in gradient.chunks_exact_mut(channels).zip(hats.chunks_exact(channels)) {
        for (channel, (gradient, hat)) in gradient.iter_mut().zip(hats).enumerate() {
            let centred = *gradient - mean_gradient[channel] - hat * mean_product[channel];
            *gradient = scale.gamma[channel] * statistics.inverse[channel] * centred;
        }
    }
}
