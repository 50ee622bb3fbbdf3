//! `import` of a network in floating point: calibrated on data, and exported like one trained here.

use std::fmt;
use std::path::Path;

use infer::{Model, Shape};

use super::import::{ImportArgs, file_written, next_commands};
use super::planned::PendingPlan;
use super::predict::is_series;
use super::{CliError, import_options, inspect, left_out, model_file};
use crate::atomic_file::PendingFile;
use crate::data::inputs::is_array;
use crate::data::metadata::About;
use crate::data::picture_file::is_picture;
use crate::data::record::DataRecord;
use crate::data::scale::Scale;
use crate::data::survey::Survey;
use crate::data::{DataDir, fit};
use crate::evaluate::Outcome;
use crate::export::{Exported, export_keeping};
use crate::float_record;
use crate::import::float::{FloatError, FloatImport, Given};
use crate::model_file::ModelTable;
use crate::ops::Running;
use crate::recipe::{THRESHOLD_QUANTILE, Task};
use crate::report::MeasuredModel;
use crate::report::import::{ImportReport, Imported};
use crate::report::layers::{self, LayerView};
use crate::terminal::number::grouped;
use crate::terminal::progress::Steps;
use crate::terminal::table::Table;
use crate::terminal::{complain, print, shell};

/// How the name of the record of float parameters beside `model.kndl` ends.
const EXTENSION: &str = "burnpack";

/// How the name of the report beside `model.kndl` ends.
const REPORT: &str = "report.html";

/// Steps of an import: data, calibration and plan, both models' answers, layer by layer.
const STEPS: u64 = 4;

/// Imports a network that `read` makes of the file, for an input as it is given.
pub(super) fn run(
    args: &ImportArgs,
    file: &[u8],
    read: &dyn Fn(&Given) -> Result<FloatImport, FloatError>,
) -> Result<(), CliError> {
    let refused = |cause| CliError::ImportFloat { path: args.network.clone(), cause };
    // Once before the data is read: what cannot be imported needs none.
    let shape = read(&Given::default()).map_err(refused)?.input();
    import_options::check_float(args)?;
    if args.out.with_extension(EXTENSION) == args.out {
        return Err(CliError::RecordName { path: args.out.clone() });
    }
    let Some(source) = args.data.named() else {
        return Err(CliError::ImportData { path: args.network.clone() });
    };
    let task = args.task;
    let mut request = args.data.request(shape, task, None);
    request.labels_optional = true;
    if (shape.height, shape.width) == (1, 1) {
        request.wanted = None;
    }
    let steps = Steps::begin(STEPS, "reading the data");
    let data = DataDir::read(source, &request)?;
    check_shape(source, data.train.shape, shape)?;
    import_options::check_names(args, &data)?;
    let import = read(&given(args, &data)?).map_err(refused)?;
    if task != Task::Classify && import.ends_with_softmax() {
        return Err(CliError::SoftmaxTask { path: args.network.clone() });
    }
    let notes = fit::check(&import.model.network, task, &data, &Survey::of(&data))?;
    data.notes.iter().chain(&notes).for_each(|note| complain(&format!("note: {note}")));
    let record = DataRecord::of(&data, source, &request.reading).for_task(task, THRESHOLD_QUANTILE);
    let options = args.file.options(&args.chip)?;
    let about = About::of(&record);
    steps.next("calibrating and planning");
    let exported = export_keeping(&import.model, &import.kept, &data.train, options, &about)?;
    steps.next("measuring both networks");
    let outcome = Outcome::of(task, &import.model, &exported, &data, args.threads.count())?;
    steps.next("comparing layer by layer");
    let views =
        layers::of_stages(&import.model, &exported, &data.test, &layers::chosen(data.test.len()))?;
    drop(steps);
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.out, &exported.bytes, &mut table)?;
    let shown = layer_table(&model, &import, &views);
    let layers = model.layers().len();
    let measured = MeasuredModel {
        float: &import.model,
        exported: &exported,
        outcome: &outcome,
        data: &data,
        reading: &request.reading,
    };
    let name = args.network.file_name().unwrap_or_default().to_string_lossy();
    let imported = Imported {
        command: &shell::command(std::env::args_os().skip(1)),
        file: (&name, file),
        made_of: &import.made_of,
        measured,
    };
    let report = ImportReport::of(&imported, views)?;
    let written = write(args, &import, &record, &exported, &report)?;
    Ok(print(&format!(
        "{shown}{} operators became {layers} layers\n{}{}{}{}; {written}\n{}",
        import.operators,
        left_out::table(&exported.savings),
        inspect::memory_lines(&model),
        super::export::measured(&outcome),
        file_written(&args.out, &exported.bytes),
        next(args, source, &data),
    ))?)
}

/// Refuses inputs that the network does not read as they are; a vector may lie in any shape.
fn check_shape(source: &Path, found: Shape, wanted: Shape) -> Result<(), CliError> {
    let is_vector = (wanted.height, wanted.width) == (1, 1) && found.len() == wanted.len();
    match found == wanted || is_vector {
        true => Ok(()),
        false => Err(CliError::ImportShape { path: source.to_owned(), found, wanted }),
    }
}

/// What to type next: without labels there is nothing to count right answers by.
fn next(args: &ImportArgs, source: &Path, data: &DataDir) -> String {
    if data.is_labelled || args.task == Task::Reconstruct {
        return next_commands(args, "eval", "");
    }
    let files = DataDir::files(source).unwrap_or_default();
    let asked =
        files.into_iter().find(|file| is_array(file) || is_picture(file) || is_series(file));
    let asked = asked.map_or("FILE".to_owned(), |file| file.display().to_string());
    next_commands(args, "predict", &shell::quoted(&asked))
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

/// All files, or none; what lies beside the model.
fn write(
    args: &ImportArgs,
    import: &FloatImport,
    record: &DataRecord,
    exported: &Exported,
    report: &ImportReport,
) -> Result<String, CliError> {
    let float = float_record::to_bytes_keeping(&import.model, &import.kept, Some(record))
        .map_err(|error| CliError::RecordUnwritable(error.to_string()))?;
    let [float_path, report_path] =
        [EXTENSION, REPORT].map(|extension| args.out.with_extension(extension));
    let float = PendingFile::write(&float_path, &float)?;
    let report = PendingFile::write(&report_path, report.to_html().as_bytes())?;
    let data = DataRecord::path_beside(&args.out);
    let data = PendingFile::write(&data, record.to_toml().as_bytes())?;
    let (bytes, core) = (&exported.bytes, args.chip.core());
    let file = PendingFile::write(&args.out, bytes)?;
    let plan = core.map(|core| PendingPlan::note(&args.out, bytes, bytes, core)).transpose()?;
    float.commit()?;
    report.commit()?;
    data.commit()?;
    file.commit()?;
    plan.map_or(Ok(()), PendingPlan::commit)?;
    let [float, report] = [float_path, report_path].map(|path| path.display().to_string());
    Ok(format!("{report} to look at in a browser, {float} for `trainer export`"))
}

/// Each layer with what it is made of and what quantisation costs it.
fn layer_table(model: &Model<'_>, import: &FloatImport, views: &[LayerView]) -> Table {
    let mut table = Table::new([
        "in the file",
        "layer",
        "what",
        ">output",
        ">file bytes",
        ">MACs",
        ">saturated",
        ">signal to noise",
    ]);
    for layer in model.layers() {
        // A stage has the name of its layer, and some stages have no layer any more.
        let stage = views.iter().position(|view| view.name == layer.name);
        let view = stage.map(|stage| &views[stage]);
        // The terminal has ordinary spaces.
        let plain = |value: &dyn fmt::Display| value.to_string().replace('\u{202f}', " ");
        table.row([
            stage.and_then(|stage| import.made_of.get(stage)).cloned().unwrap_or_default(),
            layer.name.to_owned(),
            layer.kind.describe(),
            layer.output().to_string(),
            grouped(layer.parameter_bytes() as u64),
            grouped(layer.macs()),
            view.map_or(String::new(), |view| plain(&view.saturated)),
            view.map_or(String::new(), |view| plain(&view.signal_to_noise)),
        ]);
    }
    table
}
