//! What a command writes is known to be a place for it before the command begins.

use std::path::Path;

use super::CliError;
use crate::atomic_file::prepare_file;

/// Refuses to write `out` where nothing can be written, or where that is one of the files that are
/// read.
pub(super) fn check(out: &Path, read: &[Option<&Path>]) -> Result<(), CliError> {
    let same = |path: &Path| match (out.canonicalize(), path.canonicalize()) {
        (Ok(out), Ok(path)) => out == path,
        _ => false,
    };
    if read.iter().flatten().any(|path| same(path)) {
        return Err(CliError::OwnInput { path: out.to_owned() });
    }
    Ok(prepare_file(out)?)
}
