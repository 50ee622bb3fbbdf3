//! The bytes of a file that was made elsewhere.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::CliError;

/// Largest file, bytes: 256 MiB, far more than any small core holds.
const BYTES_MAX: u64 = 1 << 28;

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
