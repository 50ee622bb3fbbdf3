//! `export`: a trained float model quantised and written again.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::CliError;
use super::options::{ChipOption, DataOption, FileOption, Threads};
use crate::atomic_file::PendingFile;
use crate::data::{DataDir, fit};
use crate::evaluate::evaluate;
use crate::export::export_with;
use crate::float_record;
use crate::preset::Preset;
use crate::terminal::number::{grouped, percent_of};
use crate::terminal::print;

/// Quantise a trained float model and write it, without training
///
/// `train` leaves the float parameters beside the model as a Burn record that carries its network.
/// This calibrates, quantises, plans and measures them again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer export out/float.burnpack --out out/again.kndl
  trainer export out/float.burnpack --core m4 --flash 256K --ram 16K --out out/m4.kndl")]
pub(super) struct ExportArgs {
    /// The record: float.burnpack
    #[arg(value_name = "RECORD")]
    record: PathBuf,
    /// Preset whose network is taken in place of the record's, by name or path: for records that
    /// Burn wrote, which carry none
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    chip: ChipOption,
    #[command(flatten)]
    file: FileOption,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn run(args: &ExportArgs) -> Result<(), CliError> {
    let network =
        args.preset.as_deref().map(Preset::load).transpose()?.map(|preset| preset.network);
    let path = &args.record;
    let bytes =
        fs::read(path).map_err(|cause| CliError::RecordUnreadable { path: path.clone(), cause })?;
    let model = float_record::from_bytes(bytes, network)
        .map_err(|cause| CliError::Record { path: path.clone(), cause })?;
    let data = DataDir::load(&args.data.folder())?;
    fit::check(model.network.input, data.train.shape)?;
    let exported = export_with(&model, &data.train, args.file.options(&args.chip))?;
    let result = evaluate(&model, &exported.bytes, &data.test, args.threads.count())?;
    PendingFile::write(&args.out, &exported.bytes)?.commit()?;
    let accuracy = |correct| percent_of(correct, result.images);
    Ok(print(&format!(
        "float {}, int8 {}, same answer {}\nwritten: {}, {} bytes\n",
        accuracy(result.float_correct),
        accuracy(result.int8.correct),
        accuracy(result.agreeing),
        args.out.display(),
        grouped(exported.bytes.len() as u64)
    ))?)
}
