//! Model files named on the command line.

use std::fs;
use std::path::Path;

use infer::{Model, signature};

use super::CliError;
use crate::data::{Dataset, fit};
use crate::model_file::ModelTable;
use crate::terminal::complain;

/// The bytes of the model, without a signature behind it.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = read_signed(path)?;
    let model_bytes = signature::split(&bytes).map_or(bytes.len(), |(model, _)| model.len());
    bytes.truncate(model_bytes);
    Ok(bytes)
}

/// The bytes of the file, with its signature where it has one.
pub(super) fn read_signed(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|cause| CliError::ModelUnreadable { path: path.to_owned(), cause })
}

/// The model in those bytes.
pub(super) fn parse<'m, 'b: 'm>(
    path: &Path,
    bytes: &'b [u8],
    table: &'m mut ModelTable<'b>,
) -> Result<Model<'m>, CliError> {
    Model::from_bytes(bytes, table)
        .map_err(|cause| CliError::Model { path: path.to_owned(), cause })
}

/// Refuses images that are not the model's; says what a user might not expect of them.
pub(super) fn check_images(
    path: &Path,
    model: &Model<'_>,
    images: &Dataset,
) -> Result<(), CliError> {
    let notes = fit::check_model(model.image_shape(), model.classes(), images)
        .map_err(|cause| CliError::ModelFit { path: path.to_owned(), cause })?;
    notes.iter().for_each(|note| complain(&format!("note: {note}")));
    Ok(())
}
