//! The checkpoint of `train`: written while a run goes, read when it is to go on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::atomic_file::WriteError;
use crate::data::Dataset;
use crate::preset::Preset;
use crate::train::checkpoint::{self, Checkpoint, CheckpointError, Identity};
use crate::train::{BatchReport, EpochReport, Observer, Place, State};

/// Its name in the output folder.
pub(super) const CHECKPOINT: &str = "checkpoint.kindling";

/// Where a run's checkpoint lies, and which run it is.
pub(super) struct CheckpointFile {
    path: PathBuf,
    identity: Identity,
}

impl CheckpointFile {
    /// That of the run of `preset` with `seed` on `data` in `folder`.
    pub fn new(folder: &Path, preset: &Preset, seed: u64, data: &Dataset) -> Self {
        let identity = Identity::new(&preset.network, &preset.recipe, seed, data);
        Self { path: folder.join(CHECKPOINT), identity }
    }

    /// What the run goes on from.
    pub fn state(&self) -> Result<State, CheckpointError> {
        Checkpoint::read(&self.path)?.state_of(&self.identity, &self.path)
    }

    /// Says of the unfinished run whose checkpoint a run begun now replaces; `None` when nothing is
    /// lost.
    pub fn replaced(&self) -> Option<String> {
        let state = Checkpoint::read(&self.path).ok()?.state;
        let Place { epoch, batch } = state.place();
        let (path, begun) = (self.path.display(), epoch > 1 || batch > 0);
        (begun && !state.is_finished()).then(|| {
            format!(
                "{path}: an unfinished run, stopped in epoch {epoch}, is replaced; --resume \
                would have gone on with it"
            )
        })
    }

    /// A run that can be lengthened keeps its checkpoint, any other has no more use for it.
    pub fn run_is_finished(&self, preset: &Preset) {
        if preset.recipe.shaped_by_length().is_some() {
            // One that cannot be removed is no reason to call a finished run failed.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Follows a run and keeps its checkpoint.
pub(super) struct Keeper<'k, Follower> {
    /// Told of batches and epochs, and asked whether to stop.
    pub follower: Follower,
    pub file: &'k CheckpointFile,
}

impl<Follower: Observer> Observer for Keeper<'_, Follower> {
    fn batch(&mut self, report: &BatchReport) {
        self.follower.batch(report);
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.follower.epoch(report);
    }

    fn stop(&self) -> bool {
        self.follower.stop()
    }

    fn save(&mut self, state: &State) -> Result<(), WriteError> {
        checkpoint::write(&self.file.path, &self.file.identity, state)
    }
}
