//! The answer of a run.

use micromath::F32Ext;

use crate::quant::OutputQuant;

/// The values a network ends with, one per class: higher is more likely.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'s> {
    values: &'s [i8],
    quant: OutputQuant,
}

/// The real values that a network ends with.
#[derive(Clone, Copy, Debug)]
pub struct Reals<'s>(Scores<'s>);

/// The input as a network has made it once more.
#[derive(Clone, Copy, Debug)]
pub struct Reconstruction<'s> {
    /// Its values.
    pub values: Reals<'s>,
    /// Mean of the squared differences from the input.
    pub error: f32,
}

impl<'s> Reals<'s> {
    /// The values that stand for these real ones.
    pub const fn new(values: Scores<'s>) -> Self {
        Self(values)
    }

    /// The real values: `scale * (int8 - zero point)`.
    pub fn iter(self) -> impl ExactSizeIterator<Item = f32> + use<'s> {
        let Scores { values, quant } = self.0;
        values.iter().map(move |value| quant.real(*value))
    }

    /// The int8 values.
    pub fn int8(self) -> &'s [i8] {
        self.0.values
    }
}

impl<'s> Scores<'s> {
    /// Scores that were computed elsewhere, such as on a chip, with the quantisation of the model's
    /// output.
    pub const fn new(values: &'s [i8], quant: OutputQuant) -> Self {
        Self { values, quant }
    }

    /// The class with the highest score; the first of several equal ones.
    pub fn class(&self) -> usize {
        let mut best = (0, i8::MIN);
        for (class, value) in self.values.iter().enumerate() {
            if *value > best.1 {
                best = (class, *value);
            }
        }
        best.0
    }

    /// The int8 scores.
    pub fn values(&self) -> &'s [i8] {
        self.values
    }

    /// Probabilities of 0 to 1, in the classes' order: the softmax of the scores, which adds up
    /// to 1.
    ///
    /// `p[c] = exp(scale * (value[c] - max)) / sum over k of exp(scale * (value[k] - max))`, with
    /// `micromath`'s `exp`: the same operations, so the same bits, on host and chip.
    ///
    /// A network that ends with a softmax or a sigmoid of its own, as imported ones do, gives
    /// probabilities already. They are told by their quantisation, scale 1/256 and zero point -128,
    /// and taken as they are: `p[c] = (value[c] + 128) / 256`.
    pub fn probabilities(&self) -> impl ExactSizeIterator<Item = f32> + use<'s> {
        let (values, quant) = (self.values, self.quant);
        let are_probabilities = quant.scale == 1.0 / 256.0 && quant.zero_point == i8::MIN;
        let max = values.iter().copied().max().unwrap_or_default();
        let term = move |value: &i8| F32Ext::exp(quant.scale * (*value as i32 - max as i32) as f32);
        let sum: f32 = values.iter().map(term).sum();
        values.iter().map(
            move |value| if are_probabilities { quant.real(*value) } else { term(value) / sum },
        )
    }
}
