//! How training went: loss and accuracy over the epochs.

use super::plot::axes::Scale;
use super::plot::curves::{Level, Line, draw};
use super::plot::{Plot, theme};
use super::value::{Percent, Real, Seconds};
use crate::metrics::{ClassResults, EpochMetrics, Metrics, Results};
use crate::recipe::{Error, Recipe, Task};

/// The charts, and the numbers they show.
pub struct Curves {
    /// Mean loss of each epoch; `None` when there is none that can be drawn.
    pub loss: Option<Plot>,
    /// Accuracy after each epoch.
    pub accuracy: Option<Plot>,
    /// Whether the training images were distorted.
    pub distorted: bool,
    /// Whether images were held out.
    pub held_out: bool,
    /// What was made small.
    pub loss_name: &'static str,
    /// The same in numbers.
    pub rows: Vec<EpochRow>,
}

/// One epoch in numbers.
pub struct EpochRow {
    /// From 1.
    pub epoch: usize,
    /// Mean loss while training.
    pub loss: Real,
    /// Mean loss on the held-out images.
    pub held_out_loss: Option<Real>,
    /// Share of right answers while training, where classes are answered.
    pub training: Option<Percent>,
    /// Share of right answers on the held-out images.
    pub held_out: Option<Percent>,
    /// How long it took.
    pub seconds: Seconds,
}

impl Curves {
    /// The curves of a run's history; `recipe` is how it was trained.
    pub fn of(metrics: &Metrics, recipe: &Recipe) -> Self {
        let history = &metrics.history;
        Self {
            loss: loss(history),
            accuracy: match &metrics.results {
                Results::Classes(results) => accuracy(metrics, results),
                Results::Values(_) | Results::Inputs(_) | Results::Alike(_) => None,
            },
            distorted: recipe.augment.is_some(),
            held_out: history.iter().any(|epoch| epoch.held_out_loss.is_some()),
            loss_name: loss_name(recipe),
            rows: history.iter().map(EpochRow::of).collect(),
        }
    }
}

const fn loss_name(recipe: &Recipe) -> &'static str {
    match (recipe.task, recipe.error) {
        (Task::Classify, _) => "cross-entropy",
        (Task::Regress, Error::Squared) => "squared error, in deviations of each value,",
        (Task::Regress, Error::Absolute) => "absolute error, in deviations of each value,",
        (Task::Reconstruct, _) => "squared error",
    }
}

impl EpochRow {
    fn of(epoch: &EpochMetrics) -> Self {
        Self {
            epoch: epoch.epoch,
            loss: Real(epoch.loss),
            held_out_loss: epoch.held_out_loss.map(Real),
            training: epoch.accuracy.map(Percent),
            held_out: epoch.held_out_accuracy.map(Percent),
            seconds: Seconds(epoch.seconds),
        }
    }
}

/// Lowest loss that is drawn: below it there is nothing to learn any more.
const LOSS_MIN: f64 = 1e-6;

fn loss(history: &[EpochMetrics]) -> Option<Plot> {
    let height = |loss: f64| loss.max(LOSS_MIN).log10();
    let line = |colour, values: Vec<f64>| Line {
        colour,
        values: values.into_iter().map(height).collect(),
    };
    // Cross-entropy of held-out images is not drawn: their accuracy is.
    let held_out = history.iter().filter(|epoch| epoch.accuracy.is_none());
    let lines = [
        line(theme::MUTED, history.iter().map(|epoch| epoch.loss).collect()),
        line(theme::OTHER, held_out.filter_map(|epoch| epoch.held_out_loss).collect()),
    ];
    let values: Vec<f64> = lines.iter().flat_map(|line| line.values.iter().copied()).collect();
    let scale = Scale::logarithmic(ends(&values)?, "loss", loss_label);
    let label = format!(
        "Mean loss falls from {} to {}",
        Real(history.first()?.loss),
        Real(history.last()?.loss)
    );
    Some(draw(label, history.len(), &scale, &lines, &[]))
}

/// Accuracy goes up as mistakes get fewer, each step of the axis equally many times fewer.
fn accuracy(metrics: &Metrics, results: &ClassResults) -> Option<Plot> {
    let history = &metrics.history;
    let height = |share: f64| height(share, metrics.test_images);
    let line = |colour, shares: Vec<f64>| Line {
        colour,
        values: shares.into_iter().map(height).collect(),
    };
    let lines = [
        line(theme::MUTED, history.iter().filter_map(|epoch| epoch.accuracy).collect()),
        line(theme::OTHER, history.iter().filter_map(|epoch| epoch.held_out_accuracy).collect()),
    ];
    let levels = [
        Level { colour: theme::FLOAT, value: height(results.float_test_accuracy) },
        Level { colour: theme::INT8, value: height(results.int8_test_accuracy) },
    ];
    let values: Vec<f64> = lines.iter().flat_map(|line| line.values.iter().copied()).collect();
    let scale = accuracy_scale(ends(&[values, levels.map(|level| level.value).to_vec()].concat())?);
    let [float, int8] = [results.float_test_accuracy, results.int8_test_accuracy].map(Percent);
    let label = format!(
        "Accuracy while training, and on the test images at the end: float {float}, int8 {int8}"
    );
    Some(draw(label, history.len(), &scale, &lines, &levels))
}

/// The negative logarithm of the share of mistakes; no mistake among `images` counts as half of
/// one.
fn height(share: f64, images: usize) -> f64 {
    -(1.0 - share).max(0.5 / images.max(1) as f64).log10()
}

/// The axis of [`height`]s, with accuracies as labels.
fn accuracy_scale([low, high]: [f64; 2]) -> Scale {
    let mistakes = Scale::logarithmic([-high, -low], "accuracy", accuracy_label);
    let ticks = mistakes.ticks.into_iter().map(|(value, label)| (-value, label)).collect();
    Scale { ends: [low, high], ticks, ..mistakes }
}

/// A tick of the loss: a power of ten or a small multiple of one.
fn loss_label(loss: f64) -> String {
    let digits = (-loss.log10().floor()).max(0.0) as usize;
    format!("{loss:.digits$}")
}

/// The accuracy with this share of mistakes: `99.5 %`.
fn accuracy_label(mistakes: f64) -> String {
    let digits = (-mistakes.log10().floor() as i32 - 2).max(0) as usize;
    format!("{:.digits$} %", 100.0 * (1.0 - mistakes))
}

/// The ends of an axis that holds all values, with some room.
fn ends(values: &[f64]) -> Option<[f64; 2]> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    let room = (0.04 * (high - low)).max(0.02);
    Some([low - room, high + room])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracies_have_the_digits_they_need() {
        let shown = [1.0, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0002].map(accuracy_label);
        assert_eq!([20.0, 1.0, 0.3, 0.05].map(loss_label), ["20", "1", "0.3", "0.05"]);
        assert_eq!(shown, ["0 %", "50 %", "90 %", "95 %", "99 %", "99.5 %", "99.9 %", "99.98 %"]);
    }
}
