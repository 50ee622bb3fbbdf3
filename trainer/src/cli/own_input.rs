//! A command does not write over what it reads.

use std::path::Path;

use super::CliError;

/// Refuses to write `out` where that is one of the files that are read.
pub(super) fn check(out: &Path, read: &[Option<&Path>]) -> Result<(), CliError> {
    let same = |path: &Path| match (out.canonicalize(), path.canonicalize()) {
        (Ok(out), Ok(path)) => out == path,
        _ => false,
    };
    match read.iter().flatten().any(|path| same(path)) {
        true => Err(CliError::OwnInput { path: out.to_owned() }),
        false => Ok(()),
    }
}
