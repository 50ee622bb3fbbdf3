//! How to get the same bytes again: command, seed, versions, checksums.

use std::path::{Path, PathBuf};
use std::{fs, io};

use infer::format::FORMAT_VERSION;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::FinishedRun;
use super::value::Count;
use crate::data::{DataDir, DataError};
use crate::preset::Preset;

/// The version of Burn that a test compares with `Cargo.lock`.
const BURN_VERSION: &str = "0.22.1";

/// Everything that decides the model's bytes, and the bytes' checksums.
pub struct Provenance {
    /// The command line, as it can be typed again.
    pub command: String,
    /// Seed of every random number.
    pub seed: u64,
    /// Names and versions of what computed it.
    pub versions: Vec<(&'static str, String)>,
    /// The model and the data it comes from.
    pub files: Vec<FileHash>,
    /// The preset as it was run, with what the command line changed, as a file.
    pub preset: String,
}

/// A file with its checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHash {
    /// Its name.
    pub name: String,
    /// Its size, bytes.
    pub bytes: Count,
    /// SHA-256 in hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

/// Why there is no checksum of a data set.
#[derive(Debug, Error)]
pub enum HashError {
    /// A file is missing.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file cannot be read.
    #[error("{}: cannot be read for its checksum: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
}

/// Most files of a data set that are listed one by one.
const FILES_MAX: usize = 8;

/// The files of a data set; of many one checksum for all. To be called where the set is read: at
/// the end of a long run they may be others, or gone.
///
/// # Errors
/// A file that is missing or cannot be read.
pub fn data_files(folder: &Path) -> Result<Vec<FileHash>, HashError> {
    let files = DataDir::files(folder)?;
    let hashes = files.iter().map(|path| hash_file(path)).collect::<Result<Vec<_>, _>>()?;
    match hashes.len() > FILES_MAX {
        true => Ok(vec![of_listing(folder, &files, &hashes)]),
        false => Ok(hashes),
    }
}

/// One checksum for many files: of the listing that `sha256sum` prints of them, in their order,
/// with their paths from the folder on.
fn of_listing(folder: &Path, files: &[PathBuf], hashes: &[FileHash]) -> FileHash {
    let line = |(path, file): (&PathBuf, &FileHash)| {
        let path = path.strip_prefix(folder).unwrap_or(path).display();
        format!("{}  {path}\n", file.sha256)
    };
    let listing: String = files.iter().zip(hashes).map(line).collect();
    FileHash {
        name: format!("listing of {} files", files.len()),
        bytes: Count(hashes.iter().map(|file| file.bytes.0).sum()),
        ..hash(String::new(), listing.as_bytes())
    }
}

impl Provenance {
    /// Collects it.
    pub fn of(run: &FinishedRun<'_>) -> Self {
        let model = hash("model.kndl".to_owned(), &run.measured.exported.bytes);
        let files = std::iter::once(model).chain(run.data_files.iter().cloned()).collect();
        Self {
            command: run.command.to_owned(),
            seed: run.metrics.seed,
            versions: versions(),
            files,
            preset: preset_file(run.preset),
        }
    }
}

fn versions() -> Vec<(&'static str, String)> {
    vec![
        ("Kindling", env!("CARGO_PKG_VERSION").to_owned()),
        ("model format", FORMAT_VERSION.to_string()),
        ("Burn", BURN_VERSION.to_owned()),
        ("built for", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
    ]
}

/// The preset as a file that trains the same again.
fn preset_file(preset: &Preset) -> String {
    #[derive(serde::Serialize)]
    struct File<'p> {
        network: &'p crate::network::Network,
        training: &'p crate::recipe::Recipe,
    }
    let file = File { network: &preset.network, training: &preset.recipe };
    toml::to_string(&file).expect("what was read as TOML can be written as TOML")
}

/// The checksum of a file.
pub fn hash(name: String, bytes: &[u8]) -> FileHash {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    FileHash { name, bytes: Count(bytes.len()), sha256 }
}

fn hash_file(path: &Path) -> Result<FileHash, HashError> {
    let bytes =
        fs::read(path).map_err(|cause| HashError::Unreadable { path: path.to_owned(), cause })?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(hash(name, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_one_that_is_built() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"burn\"\nversion = \"{BURN_VERSION}\"\n")));
    }

    #[test]
    fn the_preset_as_run_is_a_preset() {
        for name in ["tutorial", "standard"] {
            let preset = Preset::load(name).unwrap();
            assert_eq!(Preset::parse(name, &preset_file(&preset)).unwrap(), preset);
        }
    }

    #[test]
    fn checksums_are_those_of_sha256sum() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(String::new(), b"abc").sha256, expected);
    }
}
