//! Answers to inputs without labels: those of the int8 model beside those of the float model.

use super::picture::Sheet;
use super::value::{Count, Decibel, Percent, Real};
use crate::data::Dataset;
use crate::evaluate::likeness::Likeness;

/// How like the answers of both models are.
pub struct Alike {
    /// Inputs.
    pub inputs: Count,
    /// Inputs to which both give the same class, and others; none where no class is answered.
    pub agreement: Option<(Percent, Count)>,
    /// Mean and largest difference of two output values.
    pub apart: [Real; 2],
    /// The least and the largest output value of the float model.
    pub range: [Real; 2],
    /// Power of the float model's output over power of the difference.
    pub signal_to_noise: Decibel,
    /// No image is worse than others.
    pub sheet: Sheet,
}

impl Alike {
    /// The figures as they stand in a page.
    pub fn of(likeness: &Likeness, test: &Dataset) -> Self {
        let inputs = likeness.inputs;
        let agreement = |agreeing| (Percent::of(agreeing, inputs), Count(inputs - agreeing));
        Self {
            inputs: Count(inputs),
            agreement: likeness.agreeing.map(agreement),
            apart: [likeness.mean, likeness.largest].map(Real),
            range: likeness.range.map(Real),
            signal_to_noise: Decibel(10.0 * likeness.signal_to_noise.log10()),
            sheet: Sheet::of(test.shape, &[]),
        }
    }
}
