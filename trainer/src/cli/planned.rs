//! What lies beside a planned model file, for the build of the firmware: which core it is planned
//! for, and which file it is a plan of. `firmware-example/build/model.rs` reads it.

use std::path::{Path, PathBuf};

use infer::wire::model_id;

use super::{CliError, model_file};
use crate::atomic_file::PendingFile;
use crate::data::record::DataRecord;
use crate::model_file::{ModelTable, write};
use crate::plain_model::PlainModel;
use crate::plan::{Budget, Core, FastestError, Loading, Plan, fastest};

/// Core of the firmware's default board, `mps2-an386`.
const DEFAULT_CORE: Core = Core::M4;

/// What that board's `board.toml` lets a plan take.
const DEFAULT_BUDGET: Budget = Budget { flash: Some(1024 * 1024), ram: Some(64 * 1024) };

/// The files of a plan, written and not yet in place.
pub(super) struct PendingPlan {
    files: Vec<PendingFile>,
    /// What was planned beside the model file, if anything was.
    pub summary: Option<String>,
}

/// Names, beside `model.kndl`, of what [`PendingPlan::of_run`] may write.
pub(super) const NAMES: [&str; 4] =
    ["model-m4.kndl", "model-m4.plan.toml", "model.plan.toml", "model-m4.data.toml"];

impl PendingPlan {
    /// Says of the file at `path`, with these bytes, that it is planned for `core`, from the file
    /// `of`.
    pub fn note(path: &Path, bytes: &[u8], of: &[u8], core: Core) -> Result<Self, CliError> {
        let note = PendingFile::write(&beside(path), text(path, bytes, of, core).as_bytes())?;
        Ok(Self { files: vec![note], summary: None })
    }

    /// For the model file of a run on the data of `record`: what it is planned for. If it is
    /// planned for no core, a file for the firmware's default board, which the firmware's build
    /// then takes. A model that is too large for that board gets none.
    pub fn of_run(
        path: &Path,
        bytes: &[u8],
        core: Option<Core>,
        record: &DataRecord,
    ) -> Result<Self, CliError> {
        if let Some(core) = core {
            return Self::note(path, bytes, bytes, core);
        }
        let mut table = ModelTable::new();
        let model = PlainModel::of(&model_file::parse(path, bytes, &mut table)?);
        let plan = match fastest(&model, DEFAULT_CORE, Loading::OnChip, DEFAULT_BUDGET) {
            Ok(plan) => plan,
            Err(FastestError::Miss(_)) => return Ok(Self { files: Vec::new(), summary: None }),
            Err(error) => return Err(error.into()),
        };
        let planned = write(&model, &plan.choices).map_err(FastestError::Write)?;
        let planned_path = path.with_file_name(NAMES[0]);
        let mut files = Self::note(&planned_path, &planned, bytes, DEFAULT_CORE)?;
        files.files.push(PendingFile::write(&planned_path, &planned)?);
        let record_path = DataRecord::path_beside(&planned_path);
        files.files.push(PendingFile::write(&record_path, record.to_toml().as_bytes())?);
        files.summary = Some(summary(&planned_path, &plan));
        Ok(files)
    }

    /// Puts the files in place.
    pub fn commit(self) -> Result<(), CliError> {
        self.files.into_iter().try_for_each(|file| Ok(file.commit()?))
    }
}

fn summary(path: &Path, plan: &Plan) -> String {
    let (name, core) = (path.file_name().unwrap_or_default(), DEFAULT_CORE.name());
    format!(
        "{}: {:.2} million instructions on {core}, predicted, {} bytes of RAM",
        name.to_string_lossy(),
        plan.instructions / 1e6,
        crate::terminal::number::grouped(plan.ram as u64)
    )
}

/// `NAME.plan.toml` beside `NAME.kndl`.
fn beside(path: &Path) -> PathBuf {
    path.with_extension("plan.toml")
}

fn text(path: &Path, bytes: &[u8], of: &[u8], core: Core) -> String {
    format!(
        "# What {} is, for the build of the firmware: written by `trainer`.\n\
         core = \"{}\"\nmodel = \"{:08x}\"\nof = \"{:08x}\"\n",
        path.file_name().unwrap_or_default().to_string_lossy().escape_default(),
        core.name(),
        model_id(bytes),
        model_id(of),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::board::Board;

    #[test]
    fn the_default_is_what_the_firmwares_default_board_has() {
        let board = Board::load("mps2-an386").unwrap();
        assert_eq!(board.plan_target().unwrap(), (DEFAULT_CORE, DEFAULT_BUDGET));
        assert!(NAMES[0].contains(DEFAULT_CORE.name()));
    }
}
