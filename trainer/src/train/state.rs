//! The state of a run between two batches: everything that its rest depends on.

use infer::format::OutputQuant;
use serde::{Deserialize, Serialize};

use super::average::Average;
use super::early_stopping::Best;
use super::loss::Tally;
use super::observer::EpochReport;
use super::parameters::StageParameters;

/// A run between two batches. Random numbers need no state: each epoch and each image has a stream
/// of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) place: Place,
    /// The epoch under way.
    pub(super) under_way: Epoch,
    /// The epochs that were finished.
    pub(super) epochs: Vec<EpochReport>,
    /// Steps of the optimiser.
    pub(super) steps: usize,
    /// The parameters of all stages, with the running statistics of the normalisation.
    pub(super) parameters: Vec<StageParameters>,
    pub(super) average: Option<Average>,
    /// How what each stage leaves is quantised in the epoch under way, where that is minded.
    pub(super) quants: Vec<OutputQuant>,
    /// The best epoch so far, where the run may end early.
    pub(super) best: Option<Best>,
    /// Whether the run ended before its last epoch because the held-out loss stopped falling.
    pub(super) ended_early: bool,
    /// Burn's record of the optimiser, a burnpack file.
    pub(super) optimizer: Vec<u8>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The epoch under way, from 1; one more than there are at the end of a run.
    pub epoch: usize,
    /// Its batches that are done.
    pub batch: usize,
}

/// The epoch under way, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Loss and right answers.
    pub tally: Tally,
    /// Wall time.
    pub seconds: f64,
}

impl State {
    /// How far the run had come.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether no epoch of the run is left.
    pub fn is_finished(&self) -> bool {
        self.ended_early || self.epochs.last().is_some_and(|last| last.epoch == last.epochs)
    }
}

impl Place {
    /// The beginning of an epoch.
    pub(super) fn beginning_of(epoch: usize) -> Self {
        Self { epoch, batch: 0 }
    }
}
