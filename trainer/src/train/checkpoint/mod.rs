//! Checkpoints: a run's state in a file, to go on with after an interruption.
//!
//! ```text
//! "KNDLCKPT"           8 bytes
//! format version       u32, little endian
//! identity, state      postcard: what run it is, and how far it has come
//! CRC-32               u32, little endian, of everything before it
//! ```
//!
//! The file is of use to the program that wrote it and no other: a change of [`Identity`] or
//! [`State`] is a new format version, and older ones are refused.

mod error;
mod identity;

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::State;
use crate::atomic_file::{PendingFile, WriteError};
pub use error::{CheckpointError, Problem};
pub use identity::{Difference, Identity};

const MAGIC: [u8; 8] = *b"KNDLCKPT";

/// What this program writes and reads.
const VERSION: u32 = 4;

const CRC_BYTES: usize = 4;

/// A run and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Which run.
    pub identity: Identity,
    /// How far it has come.
    pub state: State,
}

impl Checkpoint {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// A file that is not there, cannot be read, or is not a whole checkpoint of this format.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let read = || match fs::read(path) {
            Ok(bytes) => from_bytes(&bytes),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(Problem::Missing),
            Err(cause) => Err(Problem::Unreadable(cause)),
        };
        read().map_err(|problem| CheckpointError { path: path.to_owned(), problem })
    }

    /// The state, if it is one that the run `wanted` comes through.
    ///
    /// # Errors
    /// Another run's checkpoint.
    pub fn state_of(self, wanted: &Identity, path: &Path) -> Result<State, CheckpointError> {
        match wanted.difference(&self.identity, self.state.place().epoch) {
            None => Ok(self.state),
            Some(difference) => Err(CheckpointError {
                path: path.to_owned(),
                problem: Problem::OtherRun(difference),
            }),
        }
    }
}

/// Writes a checkpoint in place of the one that is there, whole or not at all.
///
/// # Errors
/// A folder that cannot be written to, a full disk; the older checkpoint stays.
pub fn write(path: &Path, identity: &Identity, state: &State) -> Result<(), WriteError> {
    PendingFile::write(path, &to_bytes(identity, state))?.commit()
}

fn to_bytes(identity: &Identity, state: &State) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    let mut bytes =
        postcard::to_extend(&(identity, state), bytes).expect("memory takes all that is written");
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn from_bytes(bytes: &[u8]) -> Result<Checkpoint, Problem> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(Problem::NotACheckpoint)?;
    let (whole, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(Problem::Damaged)?;
    if u32::from_le_bytes(*crc) != crc32fast::hash(whole) {
        return Err(Problem::Damaged);
    }
    let (version, body) = rest.split_first_chunk().ok_or(Problem::Damaged)?;
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(Problem::Version { found: version, known: VERSION });
    }
    match postcard::take_from_bytes(body) {
        Ok((checkpoint, rest)) if rest.len() == CRC_BYTES => Ok(checkpoint),
        _ => Err(Problem::Damaged),
    }
}

#[cfg(test)]
mod tests;
