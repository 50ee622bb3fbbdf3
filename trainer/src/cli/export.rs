//! `export`: a trained float model quantised and written again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::options::{ChipOption, DataOption, FileOption, Int4Option, SamplesOption, Threads};
use super::planned::PendingPlan;
use super::{CliError, int4, left_out, place};
use crate::atomic_file::PendingFile;
use crate::data::metadata::About;
use crate::data::record::DataRecord;
use crate::data::survey::Survey;
use crate::data::{DataDir, Request, fit};
use crate::evaluate::Outcome;
use crate::export::{ExportOptions, export_keeping};
use crate::float_record;
use crate::network::Network;
use crate::preset::Preset;
use crate::recipe::THRESHOLD_QUANTILE;
use crate::terminal::number::{grouped, percent_of};
use crate::terminal::{answers, complain, print};

/// Quantise a trained float model and write it, without training
///
/// `train` leaves the float parameters beside the model as a Burn record that carries its network.
/// This calibrates, quantises, plans and measures them again, on the images it was trained on,
/// which the record names, or on others that --data names.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer export out/float.burnpack --out out/again.kndl
  trainer export out/float.burnpack --core m4 --flash 256K --ram 16K --out out/m4.kndl
  trainer export out/float.burnpack --keep-all --out out/whole.kndl
  trainer export out/float.burnpack --int4 auto --core m4 --flash 64K --out out/small.kndl")]
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
    int4: Int4Option,
    #[command(flatten)]
    samples: SamplesOption,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn run(args: &ExportArgs) -> Result<(), CliError> {
    let preset = args.preset.as_deref().map(Path::new);
    place::check(&args.out, &[Some(&args.record), preset, args.data.named()])?;
    let network =
        args.preset.as_deref().map(Preset::load).transpose()?.map(|preset| preset.network);
    let path = &args.record;
    let bytes =
        fs::read(path).map_err(|cause| CliError::RecordUnreadable { path: path.clone(), cause })?;
    let recorded = float_record::data_of(bytes.clone());
    // Those of the record's own network.
    let kept = if network.is_none() { float_record::kept_of(bytes.clone()) } else { vec![] };
    let model = float_record::from_bytes(bytes, network)
        .map_err(|cause| CliError::Record { path: path.clone(), cause })?;
    let (data, record) = data(args, recorded, &model.network)?;
    let samples = args.samples.count();
    let options = ExportOptions { samples, ..args.file.options(&args.chip)? };
    let options = ExportOptions { int4: args.int4.of(options.target)?, ..options };
    let about = About::of(&record);
    let exported = export_keeping(&model, &kept, &data.train, options, &about)?;
    let outcome = Outcome::of(record.task, &model, &exported, &data, args.threads.count())?;
    let record =
        PendingFile::write(&DataRecord::path_beside(&args.out), record.to_toml().as_bytes())?;
    let (bytes, core) = (&exported.bytes, args.chip.core());
    let file = PendingFile::write(&args.out, bytes)?;
    let plan = core.map(|core| PendingPlan::note(&args.out, bytes, bytes, core)).transpose()?;
    file.commit()?;
    record.commit()?;
    plan.map_or(Ok(()), PendingPlan::commit)?;
    Ok(print(&format!(
        "{}{}{}written: {}, {} bytes\n",
        left_out::table(&exported.savings),
        int4::table(&exported.int4),
        measured(&outcome),
        args.out.display(),
        grouped(exported.bytes.len() as u64)
    ))?)
}

/// How both models answer.
pub(super) fn measured(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Classes(result) => {
            let shares = [result.float_correct, result.int8.correct, result.agreeing];
            let [float, int8, same] = shares.map(|count| percent_of(count, result.images));
            format!("float {float}, int8 {int8}, same answer {same}\n")
        }
        Outcome::Values(result) => answers::values(result),
        Outcome::Inputs(result) => answers::inputs(result),
        Outcome::Alike(result) => answers::alike(result),
    }
}

/// The images to calibrate on and to measure with: those the record was trained on, or those that
/// `--data` names, if they go with the network.
fn data(
    args: &ExportArgs,
    recorded: Option<DataRecord>,
    network: &Network,
) -> Result<(DataDir, DataRecord), CliError> {
    let refused = |why: String| CliError::RecordData { path: args.record.clone(), why };
    if args.data.named().is_none() && recorded.is_none() {
        return Err(refused(
            "the record does not say what it was trained on: name the data with --data".into(),
        ));
    }
    let (folder, input) = (args.data.path(recorded.as_ref()), network.input);
    let image = recorded.as_ref().map_or(input.shape(), DataRecord::image_shape);
    let task = recorded.as_ref().map(|record| record.task).unwrap_or_default();
    let quantile = recorded.as_ref().and_then(|record| record.threshold_quantile);
    let request = args.data.request(image, task, recorded.as_ref());
    let request = Request { labels_optional: true, ..request };
    let data = DataDir::read(&folder, &request)?;
    let source = recorded.as_ref().map(|record| record.source.clone()).unwrap_or_default();
    let is_the_same = recorded.as_ref().is_some_and(|record| record.is_of(&data.train));
    let shape = data.train.shape;
    if let Some(record) = recorded.filter(|_| !is_the_same) {
        let trained_on = record.image_shape();
        let there = folder.display();
        if shape != trained_on {
            return Err(refused(format!(
                "trained on {trained_on} images, those in {there} are {shape}: name the data it \
                    was trained on with --data"
            )));
        }
        if args.data.named().is_none() {
            return Err(refused(format!(
                "the training images in {there} are no longer those it was trained on: name \
                    others with --data"
            )));
        }
        complain(&format!(
            "note: the training images in {there} are not those the record was trained on; the \
                model is calibrated on them"
        ));
    }
    data.notes.iter().chain(&fit::check(network, task, &data, &Survey::of(&data))?).for_each(
        |note| {
            complain(&format!(
                "note: \
     {note}"
            ))
        },
    );
    let source = args.data.named().map_or_else(|| source, Path::to_owned);
    let record = DataRecord::of(&data, &source, &request.reading)
        .for_task(task, quantile.unwrap_or(THRESHOLD_QUANTILE));
    Ok((data, record))
}
