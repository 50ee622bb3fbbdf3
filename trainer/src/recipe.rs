//! How a network is trained: everything of a preset that is not the network itself.

mod augment;
mod optimizer;
mod schedule;

use clap::ValueEnum;
use infer::OutputType;
use serde::{Deserialize, Serialize};

pub use augment::{Augment, AugmentSeries, Flip};
pub use optimizer::Optimizer;
pub use schedule::{EarlyStopping, Schedule};

/// Least values of a channel that batch normalisation takes mean and variance of.
pub const STATISTICS_MIN: usize = 8;

/// Optimiser, schedule and length of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the network learns to answer.
    #[serde(default, skip_serializing_if = "Task::is_classify")]
    pub task: Task,
    /// Part of the truth that is spread over all classes alike, 0 to below 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
    /// What is made small where real values are answered.
    #[serde(default, skip_serializing_if = "Error::is_squared")]
    pub error: Error,
    /// Part of the training inputs that a finished autoencoder calls usual, 0 to 1.
    #[serde(default = "threshold_quantile", skip_serializing_if = "is_usual_quantile")]
    pub threshold_quantile: f64,
    /// Passes over the training images, 1 or more.
    pub epochs: usize,
    /// The last epochs, in which the network is trained as int8 leaves it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub quantised_epochs: usize,
    /// Images per step, 1 or more.
    pub batch: usize,
    /// The optimiser and its constants.
    pub optimizer: Optimizer,
    /// Learning rate over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// Training images kept aside to follow accuracy; they are not trained on. 0 trains on all.
    #[serde(default)]
    pub held_out: usize,
    /// Pull of every weight (not bias) towards zero per unit of learning rate.
    #[serde(default)]
    pub weight_decay: f64,
    /// What an image counts.
    #[serde(default, skip_serializing_if = "ClassWeights::is_equal")]
    pub class_weights: ClassWeights,
    /// Batch normalisation of the convolutions while training; folded into them at the end.
    #[serde(default)]
    pub batch_norm: Option<BatchNorm>,
    /// Random distortion of the training images.
    #[serde(default)]
    pub augment: Option<Augment>,
    /// Random changes of training inputs whose rows are moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment_series: Option<AugmentSeries>,
    /// When a run ends before its last epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// Exponential moving average of the weights; the average is what is exported.
    #[serde(default)]
    pub average: Option<Average>,
}

impl Recipe {
    /// What makes the epochs of a longer run other epochs than those of a shorter one; `None` when
    /// nothing does, so that a finished run can be lengthened.
    pub fn shaped_by_length(&self) -> Option<&'static str> {
        match (self.schedule, self.augment) {
            (Schedule::Cosine { .. }, _) => {
                Some("its learning rate follows a cosine over all of them")
            }
            (_, Some(Augment { calm_part, .. })) if calm_part > 0.0 => {
                Some("its distortion weakens in the last part of them")
            }
            _ if self.quantised_epochs > 0 => Some("its last epochs mind quantisation"),
            _ => None,
        }
    }

    /// The key that nothing comes of without held-out images; `None` where there is no such key.
    pub fn needs_held_out(&self) -> Option<&'static [&'static str]> {
        match (self.schedule, self.early_stopping) {
            (Schedule::Plateau { .. }, _) => Some(&["schedule", "type"]),
            (_, Some(_)) => Some(&["early_stopping"]),
            _ => None,
        }
    }
}

/// What a network learns to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// The class of its input, by cross-entropy.
    #[default]
    Classify,
    /// Real values that belong to its input.
    Regress,
    /// Its input once more, by the squared error: what is unlike the training inputs comes out
    /// badly.
    Reconstruct,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 3] = [Self::Classify, Self::Regress, Self::Reconstruct];

    /// As a preset has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Regress => "regress",
            Self::Reconstruct => "reconstruct",
        }
    }

    /// Whether it is [`Task::Classify`], which files do not mention.
    pub fn is_classify(&self) -> bool {
        *self == Self::Classify
    }

    /// What the values that such a network ends with are.
    pub const fn gives(self) -> OutputType {
        match self {
            Self::Classify => OutputType::Scores,
            Self::Regress => OutputType::Reals,
            Self::Reconstruct => OutputType::Reconstruction,
        }
    }
}

impl From<OutputType> for Task {
    fn from(gives: OutputType) -> Self {
        match gives {
            OutputType::Scores => Self::Classify,
            OutputType::Reals => Self::Regress,
            OutputType::Reconstruction => Self::Reconstruct,
        }
    }
}

/// What is made small where real values are answered: the mean over an input's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// Squared differences: the answer is a mean, and values that are far off weigh most.
    #[default]
    Squared,
    /// Differences without their sign: the answer is a median, and a few values that are far off
    /// change little.
    Absolute,
}

impl Error {
    fn is_squared(&self) -> bool {
        *self == Self::Squared
    }
}

/// The part of the training inputs that is called usual where a recipe does not say it.
pub const THRESHOLD_QUANTILE: f64 = 0.99;

const fn threshold_quantile() -> f64 {
    THRESHOLD_QUANTILE
}

fn is_usual_quantile(quantile: &f64) -> bool {
    *quantile == THRESHOLD_QUANTILE
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// What an image counts while training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// As much as any other.
    #[default]
    Equal,
    /// The fewer images a class has, the more each of them counts. So all classes count the same,
    /// and all images together count as much as without weights.
    Balanced,
}

impl ClassWeights {
    fn is_equal(&self) -> bool {
        *self == Self::Equal
    }

    /// The weight of an image of each label, for the labels of the images that are trained on;
    /// empty where all are 1.
    pub fn of(self, labels: impl Iterator<Item = u8>) -> Vec<f32> {
        if self == Self::Equal {
            return Vec::new();
        }
        let mut counts = vec![0_usize; u8::MAX as usize + 1];
        labels.for_each(|label| counts[label as usize] += 1);
        let images: usize = counts.iter().sum();
        let classes = counts.iter().filter(|count| **count > 0).count();
        let weight = |count: &usize| images as f32 / (classes * count.max(&1)) as f32;
        counts.iter().map(weight).collect()
    }
}

/// Batch normalisation of every convolution: after the pooling, before the ReLU where it has one.
/// Its bias becomes the normalisation's beta. A convolution whose values are the network's answer
/// keeps its bias and is not normalised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Weight of the old running statistics in their update.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Lower limit of gamma, above 0, so that folding stays exact before the pooling.
    pub min_gamma: f64,
}

/// Exponential moving average of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average {
    /// Largest decay per step; step `k` uses `min(decay, (1 + k) / (10 + k))`.
    pub decay: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_classes_count_the_same_together() {
        let labels = [0, 0, 0, 2, 2, 2, 2, 2, 2, 5];
        let weights = ClassWeights::Balanced.of(labels.into_iter());
        let sum = |label: u8| {
            let images = labels.iter().filter(|other| **other == label).count();
            images as f32 * weights[label as usize]
        };
        let [a, b, c] = [0, 2, 5].map(sum);
        assert!((a - 10.0 / 3.0).abs() < 1e-5 && (a - b).abs() < 1e-5 && (a - c).abs() < 1e-5);
        assert!(ClassWeights::Equal.of(labels.into_iter()).is_empty());
    }
}
