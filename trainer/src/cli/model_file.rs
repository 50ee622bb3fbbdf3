//! Model files named on the command line.

use std::fs;
use std::path::{Path, PathBuf};

use infer::{Model, ValueType, signature};

use super::CliError;
use super::options::DataOption;
use crate::atomic_file::PendingFile;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::data::{Dataset, Request, fit};
use crate::model_file::ModelTable;
use crate::recipe::Task;
use crate::terminal::complain;

/// The bytes of the model, without a signature after it.
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
    let notes = fit::check_model(model.image_shape(), model.classes(), task(model), images)
        .map_err(|cause| CliError::ModelFit { path: path.to_owned(), cause })?;
    notes.iter().for_each(|note| complain(&format!("note: {note}")));
    Ok(())
}

/// How the data of a model is read: as its record says, and as its file says what it answers.
pub(super) fn request(
    model: &Model<'_>,
    data: &DataOption,
    record: Option<&DataRecord>,
) -> Request {
    let mut request = data.request(model.image_shape(), task(model), record);
    let targets = metadata::targets(model);
    if !targets.is_empty() {
        request.known.get_or_insert_default().targets = targets;
    }
    if model.input().interface.takes == ValueType::Int8 {
        let known = request.known.get_or_insert_default();
        (known.takes_int8, known.scales) = (true, metadata::int8_scales(model));
    }
    request
}

/// What a model answers.
pub(super) fn task(model: &Model<'_>) -> Task {
    model.input().interface.gives.into()
}

/// A file that was made of a model file, and what that was trained on, written and not yet in
/// place.
pub(super) struct MadeOf {
    model: PendingFile,
    record: Option<PendingFile>,
    /// A record of the file that is replaced.
    stale: Option<PathBuf>,
}

impl MadeOf {
    /// Writes what is to lie at `out`, with the record beside the model file `from`.
    pub(super) fn write(from: &Path, out: &Path, bytes: &[u8]) -> Result<Self, CliError> {
        let model = PendingFile::write(out, bytes)?;
        let (read, written) = (DataRecord::path_beside(from), DataRecord::path_beside(out));
        if read == written {
            return Ok(Self { model, record: None, stale: None });
        }
        match fs::read(&read) {
            Ok(record) => {
                let record = Some(PendingFile::write(&written, &record)?);
                Ok(Self { model, record, stale: None })
            }
            Err(_) => Ok(Self { model, record: None, stale: Some(written) }),
        }
    }

    /// Puts the files in place.
    pub(super) fn commit(self) -> Result<(), CliError> {
        self.model.commit()?;
        if let Some(record) = self.record {
            record.commit()?;
        }
        if let Some(stale) = self.stale {
            let _ = fs::remove_file(stale);
        }
        Ok(())
    }
}
