//! The bytes of a file that was made elsewhere.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::CliError;
use crate::import::onnx::{self, Network, Problem};

/// Largest file, bytes: 256 MiB, far more than any small core holds.
const BYTES_MAX: u64 = 1 << 28;

/// Most files beside an ONNX file that its values may lie in.
const BESIDE_MAX: usize = 8;

/// An ONNX file with those in its folder that its values lie in.
pub(super) struct OnnxFile {
    /// The file itself.
    pub(super) bytes: Vec<u8>,
    /// The others, by their names.
    beside: Vec<(String, Vec<u8>)>,
    /// Bytes that the others may still have.
    bytes_left: u64,
}

impl OnnxFile {
    /// Reads the file and those that it names. A file that is no network is read too:
    /// [`OnnxFile::network`] says why.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = read(path)?;
        let bytes_left = BYTES_MAX - bytes.len() as u64;
        let mut file = Self { bytes, beside: vec![], bytes_left };
        while let Some(name) = file.missing().filter(|_| file.beside.len() < BESIDE_MAX) {
            let other = path.with_file_name(&name);
            if !other.exists() {
                break;
            }
            let bytes = read(&other)?;
            file.bytes_left = file.bytes_left.checked_sub(bytes.len() as u64).ok_or_else(|| {
                CliError::ImportTooLarge { path: other.clone(), limit: BYTES_MAX }
            })?;
            file.beside.push((name, bytes));
        }
        Ok(file)
    }

    /// The network.
    pub(super) fn network(&self, path: &Path) -> Result<Network<'_>, CliError> {
        self.parsed().map_err(|cause| CliError::Onnx { path: path.to_owned(), cause })
    }

    /// The name of a file that holds values and is not there yet.
    fn missing(&self) -> Option<String> {
        match self.parsed().err()?.problem() {
            Problem::ExternalData { file, .. } => Some(file.clone()),
            _ => None,
        }
    }

    fn parsed(&self) -> Result<Network<'_>, onnx::ReadError> {
        let beside = self.beside.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        onnx::read_with(&self.bytes, beside.collect())
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|cause| CliError::ImportUnreadable { path: path.to_owned(), cause })?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(CliError::ImportTooLarge { path: path.to_owned(), limit: BYTES_MAX });
    }
    Ok(bytes)
}
