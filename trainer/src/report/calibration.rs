//! How reliable the probabilities are.

use super::plot::{Plot, reliability};
use super::value::{Count, Percent};
use crate::data::Dataset;
use crate::evaluate::Evaluation;
use crate::statistics::{BINS, Bin, Reliability};

/// Both models' probabilities against how often they are right.
pub struct Calibration {
    /// The reliability diagram.
    pub plot: Plot,
    /// Expected calibration error of the float model.
    pub float_error: Percent,
    /// Expected calibration error of the int8 model.
    pub int8_error: Percent,
    /// The same in numbers: only bins with answers.
    pub rows: Vec<BinRow>,
}

/// Answers of about the same probability.
pub struct BinRow {
    /// Lowest probability, percent.
    pub from: usize,
    /// Highest probability, percent.
    pub to: usize,
    /// Float answers, and how many of them are right.
    pub float: [Count; 2],
    /// int8 answers, and how many of them are right.
    pub int8: [Count; 2],
}

impl Calibration {
    /// Compares what the models say with the labels.
    pub fn of(evaluation: &Evaluation, test: &Dataset) -> Self {
        let [float, int8] = evaluation.reliability(&test.labels);
        let errors = [&float, &int8].map(|of| Percent(of.expected_calibration_error()));
        let label = format!(
            "Share of right answers against their probability; calibration error float {}, int8 {}",
            errors[0], errors[1]
        );
        Self {
            plot: reliability::draw(label, &float, &int8),
            float_error: errors[0],
            int8_error: errors[1],
            rows: rows(&float, &int8),
        }
    }
}

fn rows(float: &Reliability, int8: &Reliability) -> Vec<BinRow> {
    let counts = |bin: &Bin| [Count(bin.answers), Count(bin.right)];
    let pairs = float.bins.iter().zip(&int8.bins).enumerate();
    let filled = pairs.filter(|(_, (float, int8))| float.answers + int8.answers > 0);
    filled
        .map(|(bin, (float, int8))| BinRow {
            from: bin * 100 / BINS,
            to: (bin + 1) * 100 / BINS,
            float: counts(float),
            int8: counts(int8),
        })
        .collect()
}
