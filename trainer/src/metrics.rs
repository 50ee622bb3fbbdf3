//! `metrics.json`: a finished run in numbers, for other tools.

use serde::Serialize;

use crate::data::target::Target;
use crate::evaluate::reconstruction::Detection;
use crate::evaluate::regression::{Distance, Regression};
use crate::evaluate::{Evaluation, Outcome};
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
    /// The epoch whose weights the model has, from 1, where the recipe may end a run early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_epoch: Option<usize>,
    /// Images per step.
    pub batch: usize,
    /// (Peak) step size.
    pub learning_rate: f64,
    /// Threads used.
    pub threads: usize,
    /// Mean over the epochs.
    pub seconds_per_epoch: f64,
    /// What the network learnt to answer.
    pub task: &'static str,
    /// Images the float and the int8 model were measured on.
    pub test_images: usize,
    /// How well it answers.
    #[serde(flatten)]
    pub results: Results,
    /// Size of the model file.
    pub model_bytes: usize,
    /// Working memory of the int8 model.
    pub arena_bytes: usize,
    /// Multiply-accumulates of one run of the int8 model.
    pub macs: u64,
    /// Epoch by epoch.
    pub history: Vec<EpochMetrics>,
}

/// How well a network answers, by what it answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Results {
    /// Classes.
    Classes(ClassResults),
    /// Real values.
    Values(ValueResults),
    /// Its input once more.
    Inputs(InputResults),
    /// Classes or values of inputs without labels: of no training run.
    Alike(AlikeResults),
}

/// How well classes are answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassResults {
    /// Share of the test images the float model gets right.
    pub float_test_accuracy: f64,
    /// Share of them the int8 model gets right.
    pub int8_test_accuracy: f64,
    /// Share of them on which both give the same class.
    pub agreement: f64,
    /// Expected calibration error of the float model's probabilities, 0 to 1.
    pub float_calibration_error: f64,
    /// Expected calibration error of the int8 model's probabilities, 0 to 1.
    pub int8_calibration_error: f64,
    /// `confusion[truth][answer]` of the float model, images.
    pub float_confusion: Vec<Vec<u32>>,
    /// `confusion[truth][answer]` of the int8 model, images.
    pub confusion: Vec<Vec<u32>>,
}

/// How well real values are answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueResults {
    /// Value by value.
    pub values: Vec<ValueResult>,
}

/// How well one value is answered, in its own unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueResult {
    /// Its name, or its number.
    pub name: String,
    /// Of the float model.
    pub float: DistanceResult,
    /// Of the int8 model.
    pub int8: DistanceResult,
    /// Mean difference of the two models' answers, without its sign.
    pub float_to_int8: f64,
}

/// How far answers are from what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DistanceResult {
    /// Mean of the differences without their sign.
    pub mean_absolute_error: f64,
    /// Root of the mean of the squared differences.
    pub root_mean_square_error: f64,
    /// Share of the variance that is explained, 1 at most.
    pub explained: f64,
}

/// How well inputs are made once more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputResults {
    /// Error above which the model calls an input unusual; the mean of squared differences, as all
    /// errors here.
    pub threshold: Option<f32>,
    /// Of the float model.
    pub float: DetectionResult,
    /// Of the int8 model.
    pub int8: DetectionResult,
}

/// How errors tell unusual inputs, whose label no training image has, from usual ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DetectionResult {
    /// Mean error of the test images.
    pub mean_error: f64,
    /// Area under the curve, 0 to 1; `null` where all test images are of one kind.
    pub area_under_curve: Option<f64>,
    /// Unusual test images above the threshold.
    pub found: usize,
    /// Unusual test images.
    pub unusual: usize,
    /// Usual test images above the threshold.
    pub false_alarms: usize,
    /// Usual test images.
    pub usual: usize,
}

/// How like the answers of both models are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AlikeResults {
    /// Share of the inputs to which both give the same class; `null` where no class is answered.
    pub agreement: Option<f64>,
    /// Mean difference of two output values, without its sign.
    pub float_to_int8: f64,
}

impl Results {
    /// Of both models on test images of these labels.
    pub fn of(outcome: &Outcome, labels: &[u8]) -> Self {
        match outcome {
            Outcome::Classes(evaluation) => Self::Classes(ClassResults::of(evaluation, labels)),
            Outcome::Values(regression) => Self::Values(ValueResults::of(regression)),
            Outcome::Inputs(reconstruction) => {
                let [float, int8] = reconstruction.detections().map(DetectionResult::from);
                Self::Inputs(InputResults { threshold: reconstruction.threshold, float, int8 })
            }
            Outcome::Alike(of) => Self::Alike(AlikeResults {
                agreement: of.agreeing.map(|agreeing| agreeing as f64 / of.inputs as f64),
                float_to_int8: of.mean,
            }),
        }
    }
}

impl ClassResults {
    fn of(evaluation: &Evaluation, labels: &[u8]) -> Self {
        let share = |count: usize| count as f64 / evaluation.images as f64;
        let int8 = &evaluation.int8;
        let rows = |counts: &[u32]| counts.chunks(int8.classes).map(<[u32]>::to_vec).collect();
        let [float_reliability, int8_reliability] = evaluation.reliability(labels);
        Self {
            float_test_accuracy: share(evaluation.float_correct),
            int8_test_accuracy: share(int8.correct),
            agreement: share(evaluation.agreeing),
            float_calibration_error: float_reliability.expected_calibration_error(),
            int8_calibration_error: int8_reliability.expected_calibration_error(),
            float_confusion: rows(&evaluation.float_confusion(labels)),
            confusion: rows(&int8.confusion),
        }
    }
}

impl ValueResults {
    fn of(regression: &Regression) -> Self {
        let names = Target::names(&regression.targets);
        let distances = regression.distances().into_iter().enumerate();
        let values = distances.map(|(place, [float, int8])| ValueResult {
            name: names.of(place),
            float: float.into(),
            int8: int8.into(),
            float_to_int8: regression.apart(place),
        });
        Self { values: values.collect() }
    }
}

impl From<Distance> for DistanceResult {
    fn from(distance: Distance) -> Self {
        Self {
            mean_absolute_error: distance.mean_absolute,
            root_mean_square_error: distance.root_mean_square,
            explained: distance.explained,
        }
    }
}

impl From<Detection> for DetectionResult {
    fn from(detection: Detection) -> Self {
        let Detection { mean, area, found, alarms } = detection;
        Self {
            mean_error: mean,
            area_under_curve: area,
            found: found[0],
            unusual: found[1],
            false_alarms: alarms[0],
            usual: alarms[1],
        }
    }
}

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpochMetrics {
    /// From 1.
    pub epoch: usize,
    /// Mean loss of the training images while they were trained on: cross-entropy, or the error.
    pub loss: f64,
    /// Share of the training images that were right while they were trained on; `null` where no
    /// class is answered.
    pub accuracy: Option<f64>,
    /// Mean loss of the held-out images after the epoch; `null` when none are held out.
    pub held_out_loss: Option<f64>,
    /// Share of the held-out images that are right after the epoch; `null` when none are held out,
    /// or no class is answered.
    pub held_out_accuracy: Option<f64>,
    /// Wall time.
    pub seconds: f64,
}

impl From<&EpochReport> for EpochMetrics {
    fn from(report: &EpochReport) -> Self {
        let EpochReport {
            epoch, loss, accuracy, held_out_loss, held_out_accuracy, seconds, ..
        } = *report;
        Self { epoch, loss, accuracy, held_out_loss, held_out_accuracy, seconds }
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
