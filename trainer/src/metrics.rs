//! `metrics.json`: a finished run in numbers, for other tools.

use serde::Serialize;

use crate::train::EpochReport;

/// A finished run. Shares are 0 to 1, times are seconds of wall time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Name or path of the preset.
    pub preset: String,
    /// Seed of every random number.
    pub seed: u64,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images per step.
    pub batch: usize,
    /// (Peak) step size.
    pub learning_rate: f64,
    /// Threads used.
    pub threads: usize,
    /// Mean over the epochs.
    pub seconds_per_epoch: f64,
    /// Images the float and the int8 model were measured on.
    pub test_images: usize,
    /// Share of them the float model gets right.
    pub float_test_accuracy: f64,
    /// Share of them the int8 model gets right.
    pub int8_test_accuracy: f64,
    /// Share of them on which both give the same class.
    pub agreement: f64,
    /// Size of the model file.
    pub model_bytes: usize,
    /// Working memory of the int8 model.
    pub arena_bytes: usize,
    /// Multiply-accumulates of one run of the int8 model.
    pub macs: u64,
    /// `confusion[truth][answer]` of the int8 model, images.
    pub confusion: Vec<Vec<u32>>,
    /// Epoch by epoch.
    pub history: Vec<EpochMetrics>,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpochMetrics {
    /// From 1.
    pub epoch: usize,
    /// Mean cross-entropy of the training images while they were trained on.
    pub loss: f64,
    /// Share of the training images that were right while they were trained on.
    pub accuracy: f64,
    /// Share of the held-out images that are right after the epoch; `null` when none are held out.
    pub held_out_accuracy: Option<f64>,
    /// Wall time.
    pub seconds: f64,
}

impl From<&EpochReport> for EpochMetrics {
    fn from(report: &EpochReport) -> Self {
        let EpochReport { epoch, loss, accuracy, held_out_accuracy, seconds, .. } = *report;
        Self { epoch, loss, accuracy, held_out_accuracy, seconds }
    }
}

impl Metrics {
    /// The file's content: indented JSON with a line break at its end.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("numbers and strings serialise");
        json.push('\n');
        json
    }
}
