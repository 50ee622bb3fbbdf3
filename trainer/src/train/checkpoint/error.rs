//! Why there is no checkpoint to go on from.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Difference;

/// Why a run cannot go on from a checkpoint.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct CheckpointError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Error)]
pub enum Problem {
    /// There is none.
    #[error(
        "no such file, so no run to go on with: leave --resume out to begin one, or name its \
            folder with --out"
    )]
    Missing,
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// Something else.
    #[error("not a checkpoint: leave --resume out to begin the run anew")]
    NotACheckpoint,
    /// Not as it was written.
    #[error(
        "the checkpoint is damaged (its checksum is wrong): leave --resume out to begin the run \
            anew"
    )]
    Damaged,
    /// Another format.
    #[error(
        "the checkpoint has format version {found}, this program reads {known}: go on with the \
            program that wrote it, or leave --resume out to begin the run anew"
    )]
    Version {
        /// In the file.
        found: u32,
        /// Of this program.
        known: u32,
    },
    /// The checkpoint of another run.
    #[error("the checkpoint is of another run: {0}")]
    OtherRun(Difference),
}
