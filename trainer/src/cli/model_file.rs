//! Model files named on the command line.

use std::fs;
use std::path::Path;

use infer::Model;

use super::CliError;

/// The bytes of the file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|cause| CliError::ModelUnreadable { path: path.to_owned(), cause })
}

/// The model in those bytes.
pub(super) fn parse<'b>(path: &Path, bytes: &'b [u8]) -> Result<Model<'b>, CliError> {
    Model::from_bytes(bytes).map_err(|cause| CliError::Model { path: path.to_owned(), cause })
}
