//! How a run is followed, stopped and saved.

use serde::{Deserialize, Serialize};

use super::state::State;
use crate::atomic_file::WriteError;

/// Told how training goes, and asked whether to go on.
pub trait Observer {
    /// A batch is done.
    fn batch(&mut self, report: &BatchReport);

    /// An epoch is done.
    fn epoch(&mut self, report: &EpochReport);

    /// Whether to end after this batch.
    fn stop(&self) -> bool;

    /// Given the run's state before its first batch, after each epoch and where it is stopped: what
    /// [`super::resume`] goes on from. Keeps nothing unless an observer does.
    ///
    /// # Errors
    /// A state that cannot be kept ends the run.
    fn save(&mut self, _state: &State) -> Result<(), WriteError> {
        Ok(())
    }
}

/// How an epoch goes so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Epochs of the run.
    pub epochs: usize,
    /// The batch, from 1.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Mean loss per image of this batch.
    pub batch_loss: f64,
    /// Mean loss per image of this epoch so far.
    pub loss: f64,
    /// Part of this epoch's images answered correctly when they came, 0 to 1; `None` where no class
    /// is answered.
    pub accuracy: Option<f64>,
    /// Speed of this epoch so far.
    pub images_per_second: f64,
}

/// How an epoch went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Epochs of the run.
    pub epochs: usize,
    /// Mean loss per image while training.
    pub loss: f64,
    /// Part of the images answered correctly while training, 0 to 1; `None` where no class is
    /// answered.
    pub accuracy: Option<f64>,
    /// Mean loss of the held-out images at its end; `None` when none are held out.
    pub held_out_loss: Option<f64>,
    /// Part of the held-out images answered correctly at its end, 0 to 1; `None` when none are held
    /// out, or no class is answered.
    pub held_out_accuracy: Option<f64>,
    /// Wall time, the held-out images included.
    pub seconds: f64,
}
