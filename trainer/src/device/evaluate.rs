//! A data set on the chip: accuracy, and whether its score vectors are the host's.

use super::line::Line;
use super::session::{DeviceError, Session};
use crate::data::Dataset;

/// What came out, of all images or of those before an error.
#[derive(Debug, Default)]
pub struct ChipEvaluation {
    /// Images answered.
    pub images: usize,
    /// Images that were to be answered.
    pub wanted: usize,
    /// Images answered correctly.
    pub correct: usize,
    /// Images answered with exactly the host's score vector; `None` without a model to compare
    /// with.
    pub as_host: Option<usize>,
    /// What was answered, image by image: int8 values.
    pub answers: Vec<Vec<i8>>,
    /// Classes of the answers or of the labels, the larger of the two.
    pub classes: usize,
    /// Ticks of all runs, the fewest and the most of one run.
    pub ticks: Ticks,
}

/// Time of the runs in ticks of the chip's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ticks {
    /// Of all.
    pub sum: u64,
    /// Of the quickest.
    pub least: u64,
    /// Of the slowest.
    pub most: u64,
}

impl ChipEvaluation {
    /// Whether every image was answered.
    pub fn is_whole(&self) -> bool {
        self.images == self.wanted
    }

    /// `confusion[truth * classes + answer]`, counts, for images of these labels.
    pub fn confusion(&self, labels: &[u8]) -> Vec<u32> {
        let mut counts = vec![0; self.classes * self.classes];
        for (values, label) in self.answers.iter().zip(labels) {
            counts[*label as usize * self.classes + largest(values)] += 1;
        }
        counts
    }

    fn add(&mut self, label: usize, values: Vec<i8>, ticks: u64, expected: Option<&[i8]>) {
        self.correct += usize::from(largest(&values) == label);
        self.as_host = self.as_host.map(|same| same + usize::from(expected == Some(&values)));
        self.answers.push(values);
        self.ticks.least = if self.images == 0 { ticks } else { self.ticks.least.min(ticks) };
        self.ticks.most = self.ticks.most.max(ticks);
        self.ticks.sum += ticks;
        self.images += 1;
    }
}

/// Sends the first `wanted` images; `expected` are the host's score vectors, in the images' order.
/// `goes_on` is asked before each image, with what there is so far. What was answered before an
/// error is returned beside it.
pub fn evaluate<L: Line>(
    session: &mut Session<L>,
    images: &Dataset,
    wanted: usize,
    expected: Option<&[Vec<i8>]>,
    goes_on: &mut dyn FnMut(&ChipEvaluation) -> bool,
) -> (ChipEvaluation, Option<DeviceError>) {
    let chip = session.chip();
    let classes = chip.classes.max(images.classes);
    let wanted = wanted.min(images.len());
    let mut result = ChipEvaluation {
        wanted,
        classes,
        as_host: expected.map(|_| 0),
        ..ChipEvaluation::default()
    };
    if chip.image != images.shape {
        let error = DeviceError::ImageShape { model: chip.image, images: images.shape };
        return (result, Some(error));
    }
    for index in 0..wanted {
        if !goes_on(&result) {
            return (result, None);
        }
        match session.infer(images.image(index)) {
            Ok(scores) => {
                let expected = expected.map(|all| &*all[index]);
                result.add(images.labels[index] as usize, scores.values, scores.ticks, expected);
            }
            Err(error) => return (result, Some(error)),
        }
    }
    (result, None)
}

/// Index of the largest score, the first of several equal ones: [`infer::Scores::class`].
fn largest(values: &[i8]) -> usize {
    let quant = infer::format::OutputQuant { scale: 1.0, zero_point: 0 };
    infer::Scores::new(values, quant).class()
}
