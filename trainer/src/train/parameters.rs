//! The parameters of a stage while training, their gradient, and how they become the finished
//! model's.

use serde::{Deserialize, Serialize};

use crate::float_model::StageWeights;

/// Parameters of one stage; all empty for a pooling.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageParameters {
    /// `[output][tap]`.
    pub rows: Vec<f32>,
    /// One per output; of a normalised stage its beta.
    pub bias: Vec<f32>,
    /// Of a normalised stage, one per output.
    pub norm: Option<Norm>,
}

/// Gradient of one stage's parameters over a batch: of the mean loss per image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageGradient {
    /// `[output][tap]`.
    pub rows: Vec<f32>,
    /// One per output; of a normalised stage that of beta.
    pub bias: Vec<f32>,
    /// Of a normalised stage, one per output.
    pub gamma: Option<Vec<f32>>,
}

/// Batch normalisation of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Norm {
    /// Factor on the normalised values.
    pub gamma: Vec<f32>,
    /// Running mean.
    pub mean: Vec<f32>,
    /// Running variance.
    pub variance: Vec<f32>,
}

impl Norm {
    /// Before training: gamma and variance 1, mean 0.
    pub fn initial(channels: usize) -> Self {
        Self {
            gamma: vec![1.0; channels],
            mean: vec![0.0; channels],
            variance: vec![1.0; channels],
        }
    }
}

impl StageParameters {
    /// The stage's weights with the normalisation folded into them: `w' = w * gamma / sqrt(variance
    /// + epsilon)`, `b' = beta - mean * gamma / sqrt(variance + epsilon)`.
    ///
    /// Training normalises after the pooling, the model folds before it: a factor above 0
    /// keeps the largest value of each window the largest, so both are the same function.
    pub fn folded(&self, epsilon: f32) -> StageWeights {
        let Some(norm) = &self.norm else {
            return StageWeights::from_output_rows(&self.rows, self.bias.clone());
        };
        let (mut rows, mut bias) = (self.rows.clone(), self.bias.clone());
        let taps = rows.len() / bias.len();
        for (output, row) in rows.chunks_exact_mut(taps).enumerate() {
            let factor = norm.gamma[output] / (norm.variance[output] + epsilon).sqrt();
            row.iter_mut().for_each(|weight| *weight *= factor);
            bias[output] -= norm.mean[output] * factor;
        }
        StageWeights::from_output_rows(&rows, bias)
    }

    /// All numbers, run by run.
    pub fn runs_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let norm = self
            .norm
            .iter_mut()
            .flat_map(|norm| [&mut norm.gamma, &mut norm.mean, &mut norm.variance]);
        [&mut self.rows, &mut self.bias].into_iter().chain(norm)
    }

    /// As [`StageParameters::runs_mut`], to read.
    pub fn runs(&self) -> impl Iterator<Item = &Vec<f32>> {
        let norm = self.norm.iter().flat_map(|norm| [&norm.gamma, &norm.mean, &norm.variance]);
        [&self.rows, &self.bias].into_iter().chain(norm)
    }
}
