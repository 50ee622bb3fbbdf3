//! All numbers of a run at one moment: parameters and running statistics, their average over the steps, and the float model they fold
//! into.

use super::batch_norm::Statistics;
use crate::float_model::StageWeights;
use crate::recipe::{Average, BatchNorm};

/// Numbers of one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageState {
    /// Weights, `[output][tap]`; empty for a pooling.
    pub rows: Vec<f32>,
    /// Bias, or beta where the stage is normalised.
    pub bias: Vec<f32>,
    /// Gamma; empty where the stage is not normalised.
    pub gamma: Vec<f32>,
    /// Running mean, as long as gamma.
    pub mean: Vec<f32>,
    /// Running variance, as long as gamma.
    pub variance: Vec<f32>,
}

impl StageState {
    /// The stage with its normalisation folded into weights and bias:
    /// `w' = w * gamma / sqrt(variance + epsilon)`, `b' = beta - mean * gamma / sqrt(variance + epsilon)`.
    pub fn folded(&self, epsilon: f64) -> StageWeights {
        if self.gamma.is_empty() {
            return StageWeights::from_output_rows(&self.rows, self.bias.clone());
        }
        let factor =
            |channel: usize| self.gamma[channel] as f64 / (self.variance[channel] as f64 + epsilon).sqrt();
        let taps = self.rows.len() / self.gamma.len();
        let scaled = |(index, weight): (usize, &f32)| (*weight as f64 * factor(index / taps)) as f32;
        let rows: Vec<f32> = self.rows.iter().enumerate().map(scaled).collect();
        let shifted =
            |channel: usize| (self.bias[channel] as f64 - self.mean[channel] as f64 * factor(channel)) as f32;
        StageWeights::from_output_rows(&rows, (0..self.gamma.len()).map(shifted).collect())
    }

    /// Moves the running statistics towards a batch's. The variance is corrected by `n / (n - 1)`: a batch's own is too small
    /// on average.
    pub fn follow(&mut self, batch: &Statistics, recipe: &BatchNorm) {
        let count = batch.count as f64;
        let correction = if batch.count > 1 { count / (count - 1.0) } else { 1.0 };
        let momentum = recipe.momentum;
        let toward =
            |old: &mut f32, new: f64| *old = (momentum * *old as f64 + (1.0 - momentum) * new) as f32;
        self.mean.iter_mut().zip(&batch.mean).for_each(|(old, new)| toward(old, *new as f64));
        let variances = self.variance.iter_mut().zip(&batch.variance);
        variances.for_each(|(old, new)| toward(old, *new as f64 * correction));
    }

    fn parts(&self) -> [&Vec<f32>; 5] {
        [&self.rows, &self.bias, &self.gamma, &self.mean, &self.variance]
    }

    fn parts_mut(&mut self) -> [&mut Vec<f32>; 5] {
        [&mut self.rows, &mut self.bias, &mut self.gamma, &mut self.mean, &mut self.variance]
    }
}

/// Exponential moving average of all stages over the steps.
#[derive(Clone, Debug)]
pub struct Averaged {
    recipe: Average,
    steps: usize,
    /// The average so far.
    pub stages: Vec<StageState>,
}

impl Averaged {
    /// Begins with the state before the first step.
    pub fn new(recipe: Average, stages: &[StageState]) -> Self {
        Self { recipe, steps: 0, stages: stages.to_vec() }
    }

    /// `average = d * average + (1 - d) * now` with `d = min(decay, (1 + k) / (10 + k))` in step `k`.
    pub fn follow(&mut self, now: &[StageState]) {
        let step = self.steps as f64;
        let decay = self.recipe.decay.min((1.0 + step) / (10.0 + step)) as f32;
        self.steps += 1;
        for (average, now) in self.stages.iter_mut().zip(now) {
            for (average, now) in average.parts_mut().into_iter().zip(now.parts()) {
                for (average, now) in average.iter_mut().zip(now) {
                    *average += (1.0 - decay) * (now - *average);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_follows_and_stays_between() {
        let stage = |value| vec![StageState { rows: vec![value], ..StageState::default() }];
        let mut averaged = Averaged::new(Average { decay: 0.5 }, &stage(0.0));
        averaged.follow(&stage(1.0));
        // Step 0 has decay min(0.5, 1/10).
        assert!((averaged.stages[0].rows[0] - 0.9).abs() < 1e-6);
        for _ in 0..50 {
            averaged.follow(&stage(1.0));
        }
        assert!((averaged.stages[0].rows[0] - 1.0).abs() < 1e-6);
    }
}
