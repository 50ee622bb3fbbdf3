//! NumPy's `.npz` files: ZIP archives of `.npy` files, stored or deflated.

use std::io::Read;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipSliceArchive};
use thiserror::Error;

use super::npy::{self, Array, NpyError};

/// How an archive begins.
pub const MAGIC: &[u8; 4] = b"PK\x03\x04";

/// Most arrays of an archive that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// An archive in memory.
pub struct Npz<'b>(ZipSliceArchive<&'b [u8]>);

/// Why an archive gives no array.
#[derive(Debug, Error)]
pub enum NpzError {
    /// No archive, or a damaged one.
    #[error("no whole .npz file ({0}): save or copy it again")]
    Archive(rawzip::Error),
    /// Packed in a way that NumPy does not use.
    #[error("{name} is compressed by {method}: save the arrays with np.savez_compressed")]
    Compression {
        /// Of the array.
        name: String,
        /// How.
        method: CompressionMethod,
    },
    /// An array that cannot be read.
    #[error("{name}: {problem}")]
    Array {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: NpyError,
    },
}

impl From<rawzip::Error> for NpzError {
    fn from(cause: rawzip::Error) -> Self {
        Self::Archive(cause)
    }
}

impl<'b> Npz<'b> {
    /// The archive in these bytes.
    ///
    /// # Errors
    /// What is no archive.
    pub fn new(bytes: &'b [u8]) -> Result<Self, NpzError> {
        Ok(Self(ZipArchive::from_slice(bytes)?))
    }

    /// Names of the arrays, without `.npy`, in the archive's order.
    ///
    /// # Errors
    /// A damaged directory.
    pub fn names(&self) -> Result<Vec<String>, NpzError> {
        let mut names = Vec::new();
        let mut entries = self.0.entries();
        while let Some(entry) = entries.next_entry()? {
            let path = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
            names.push(path.strip_suffix(".npy").unwrap_or(&path).to_owned());
            if names.len() == ENTRIES_MAX {
                break;
            }
        }
        Ok(names)
    }

    /// The first array called `name`; `None` where there is none.
    ///
    /// # Errors
    /// An array that is damaged, or of a kind that cannot be read.
    pub fn array(&self, name: &str) -> Result<Option<Array>, NpzError> {
        let file = format!("{name}.npy");
        let mut entries = self.0.entries();
        while let Some(entry) = entries.next_entry()? {
            if entry.file_path().as_ref() != file.as_bytes() {
                continue;
            }
            let packed = self.0.get_entry(entry.wayfinder())?;
            let unpacked: Box<dyn Read> = match entry.compression_method() {
                CompressionMethod::STORE => Box::new(packed.data()),
                CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(packed.data())),
                method => return Err(NpzError::Compression { name: shown(name), method }),
            };
            let array = npy::decode(packed.verifying_reader(unpacked));
            let named = |problem| NpzError::Array { name: shown(name), problem };
            return array.map(Some).map_err(named);
        }
        Ok(None)
    }
}

/// A name in one line.
fn shown(name: &str) -> String {
    name.escape_debug().collect()
}
