//! `import` of a network in floating point: calibrated on data, and exported like one trained here.

use std::fmt;
use std::path::PathBuf;

use infer::Model;

use super::import::{ImportArgs, file_written};
use super::planned::PendingPlan;
use super::{CliError, inspect, model_file};
use crate::atomic_file::PendingFile;
use crate::data::metadata::About;
use crate::data::record::DataRecord;
use crate::data::scale::Scale;
use crate::data::survey::Survey;
use crate::data::{DataDir, fit};
use crate::evaluate::Outcome;
use crate::export::{Exported, export_keeping};
use crate::float_model::FloatModel;
use crate::float_record;
use crate::import::float::{FloatError, FloatImport, Given};
use crate::model_file::ModelTable;
use crate::ops::Running;
use crate::recipe::THRESHOLD_QUANTILE;
use crate::report::layers::{self, LayerView};
use crate::terminal::number::grouped;
use crate::terminal::table::Table;
use crate::terminal::{complain, print};

/// How the name of the record of float parameters beside `model.kndl` ends.
const EXTENSION: &str = "burnpack";

/// Imports a network that `read` makes of the file, for an input as it is given.
pub(super) fn run(
    args: &ImportArgs,
    read: &dyn Fn(&Given) -> Result<FloatImport, FloatError>,
) -> Result<(), CliError> {
    let refused = |cause| CliError::ImportFloat { path: args.network.clone(), cause };
    // Once before the data is read: what cannot be imported needs none.
    let shape = read(&Given::default()).map_err(refused)?.input();
    let Some(source) = args.data.named() else {
        return Err(CliError::ImportData { path: args.network.clone() });
    };
    let task = args.task;
    let mut request = args.data.request(shape, task, None);
    if (shape.height, shape.width) == (1, 1) {
        request.wanted = None;
    }
    let data = DataDir::read(source, &request)?;
    let import = read(&given(args, &data)?).map_err(refused)?;
    let notes = fit::check(&import.model.network, task, &data, &Survey::of(&data))?;
    data.notes.iter().chain(&notes).for_each(|note| complain(&format!("note: {note}")));
    let record = DataRecord::of(&data, source, &request.reading).for_task(task, THRESHOLD_QUANTILE);
    let options = args.file.options(&args.chip)?;
    let about = About::of(&record);
    let exported = export_keeping(&import.model, &import.kept, &data.train, options, &about)?;
    let outcome = Outcome::of(task, &import.model, &exported, &data, args.threads.count())?;
    let parameters = write(args, &import, &record, &exported)?;
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.out, &exported.bytes, &mut table)?;
    let (operators, layers) = (import.operators, model.layers().len());
    Ok(print(&format!(
        "{}{operators} operators became {layers} layers\n{}{}{}; float parameters: {}, for \
         `trainer export`\nnext: trainer inspect {}\n",
        layer_table(&import.model, &exported, &model, &data),
        inspect::memory_lines(&model),
        super::export::measured(&outcome),
        file_written(&args.out, &exported.bytes),
        parameters.display(),
        args.out.display()
    ))?)
}

/// What the values of the data are to the network: pixels stand for 0 to 1, sensor values for
/// themselves, less `--mean` and over `--std`.
fn given(args: &ImportArgs, data: &DataDir) -> Result<Given, CliError> {
    let channels = usize::from(data.train.shape.channels);
    let each = |option: &'static str, values: &[f32], default: f32| match values.len() {
        0 => Ok(vec![default; channels]),
        1 => Ok(vec![values[0]; channels]),
        found if found == channels => Ok(values.to_vec()),
        found => Err(CliError::ChannelNumbers { option, found, channels }),
    };
    let (mean, deviation) = (each("--mean", &args.mean, 0.0)?, each("--std", &args.std, 1.0)?);
    let value = |channel: usize| data.scales.get(channel).map_or([1.0, 0.0], real);
    let numbers = (0..channels).map(|channel| {
        let ([scale, shift], deviation) = (value(channel), deviation[channel]);
        (scale / deviation, (shift - mean[channel]) / deviation)
    });
    let (scale, shift) = numbers.unzip();
    Ok(Given { scale, shift, shape: Some(data.train.shape) })
}

/// Range and least value of a channel of sensor values; a channel of one value has no range.
fn real(scale: &Scale) -> [f32; 2] {
    let of_chip = scale.of_channel();
    match of_chip.deviation < f32::MAX {
        true => [of_chip.deviation, of_chip.mean],
        false => [0.0, scale.low as f32],
    }
}

/// All files, or none; the path of the float parameters.
fn write(
    args: &ImportArgs,
    import: &FloatImport,
    record: &DataRecord,
    exported: &Exported,
) -> Result<PathBuf, CliError> {
    let float = float_record::to_bytes_keeping(&import.model, &import.kept, Some(record))
        .map_err(|error| CliError::RecordUnwritable(error.to_string()))?;
    let path = args.out.with_extension(EXTENSION);
    let float = PendingFile::write(&path, &float)?;
    let data = DataRecord::path_beside(&args.out);
    let data = PendingFile::write(&data, record.to_toml().as_bytes())?;
    let (bytes, core) = (&exported.bytes, args.chip.core());
    let file = PendingFile::write(&args.out, bytes)?;
    let plan = core.map(|core| PendingPlan::note(&args.out, bytes, bytes, core)).transpose()?;
    float.commit()?;
    data.commit()?;
    file.commit()?;
    plan.map_or(Ok(()), PendingPlan::commit)?;
    Ok(path)
}

/// Each layer with what quantisation costs it.
fn layer_table(
    float: &FloatModel,
    exported: &Exported,
    model: &Model<'_>,
    data: &DataDir,
) -> Table {
    let chosen = layers::chosen(data.test.len());
    let views = layers::views(float, &exported.quant, model, &data.test, &chosen);
    let mut table = Table::new([
        "layer",
        "what",
        ">output",
        ">file bytes",
        ">MACs",
        ">saturated",
        ">signal to noise",
    ]);
    for (layer, view) in model.layers().iter().zip(&views) {
        let LayerView { saturated, signal_to_noise, .. } = view;
        // The terminal has ordinary spaces.
        let plain = |value: &dyn fmt::Display| value.to_string().replace('\u{202f}', " ");
        table.row([
            layer.name.to_owned(),
            layer.kind.describe(),
            layer.output().to_string(),
            grouped(layer.parameter_bytes() as u64),
            grouped(layer.macs()),
            plain(saturated),
            plain(signal_to_noise),
        ]);
    }
    table
}
