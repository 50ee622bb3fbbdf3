//! What depends on how far a run has come: the learning rate, and its end.

use serde::{Deserialize, Serialize};

/// The learning rate over the run, as a factor on the optimiser's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// 1 throughout.
    #[default]
    Constant,
    /// Linear rise to 1 over the first `warmup` part of the run, then half a cosine to 0.
    Cosine {
        /// Part of the run spent rising, 0 to 1.
        warmup: f64,
    },
    /// `factor` once more after every `every` epochs.
    Step {
        /// Epochs between two changes, 1 or more.
        every: usize,
        /// What the learning rate is multiplied by.
        #[serde(default = "tenth")]
        factor: f64,
    },
    /// `factor` once more whenever the held-out loss has stopped falling, as Keras's
    /// `ReduceLROnPlateau`.
    Plateau {
        /// Epochs without a better loss after which the learning rate changes, 1 or more.
        #[serde(default = "patience")]
        patience: usize,
        /// What the learning rate is multiplied by.
        #[serde(default = "tenth")]
        factor: f64,
        /// Least difference that makes a loss a better one.
        #[serde(default = "min_delta")]
        min_delta: f64,
        /// Epochs after a change that do not count as waiting.
        #[serde(default)]
        cooldown: usize,
        /// The learning rate does not fall below it.
        #[serde(default)]
        min_learning_rate: f64,
    },
}

/// The end of a run whose held-out loss has stopped falling; the weights of the best epoch are
/// kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without a better loss after which the run ends, 1 or more.
    pub patience: usize,
    /// Least difference that makes a loss a better one.
    #[serde(default)]
    pub min_delta: f64,
}

const fn tenth() -> f64 {
    0.1
}

const fn patience() -> usize {
    10
}

const fn min_delta() -> f64 {
    1e-4
}
