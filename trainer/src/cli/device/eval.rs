//! `device eval`: the test images on the chip.

use std::path::Path;

use indicatif::ProgressBar;
use infer::format::OutputQuant;
use infer::{Model, OutputType, Reals, Scores};

use super::connect::{self, Connection, Unit};
use super::{CliError, EvalArgs};
use crate::cli::{interrupt, model_file};
use crate::data::class_names::ClassNames;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::data::target::Target;
use crate::data::{DataDir, Dataset, Request, fit};
use crate::device::evaluate::{ChipEvaluation, evaluate};
use crate::device::session::{Chip, DeviceError};
use crate::evaluate::int8_outputs;
use crate::evaluate::reconstruction::{self, Reconstruction};
use crate::evaluate::regression::{self, Regression};
use crate::model_file::ModelTable;
use crate::recipe::Task;
use crate::terminal::number::percent_of;
use crate::terminal::progress::counting_bar;
use crate::terminal::{answers, complain, confusion, print};

pub(super) fn run(args: &EvalArgs) -> Result<(), CliError> {
    interrupt::install()?;
    let Connection { mut session, model, unit } = connect::images(&args.chip)?;
    let chip = session.chip();
    let record = args.chip.model.as_deref().and_then(|path| DataRecord::beside(path, chip.image));
    let mut table = ModelTable::new();
    let file = model.as_deref().and_then(|file| Model::from_bytes(file, &mut table).ok());
    let answers = Answers::of(file.as_ref(), record.as_ref(), chip)?;
    let request = match &file {
        Some(model) => model_file::request(model, &args.data, record.as_ref()),
        None => args.data.request(chip.image, answers.gives.into(), record.as_ref()),
    };
    let (mut data, unusual) = answers.data(&args.data.path(record.as_ref()), &request)?;
    let task = Task::from(answers.gives);
    fit::check_model(chip.image, chip.classes, task, &data)?
        .iter()
        .for_each(|note| complain(&format!("note: {note}")));
    let wanted = args.limit.map_or(data.len(), |limit| (limit as usize).min(data.len()));
    data = data.of(0..wanted);
    let expected = model.as_deref().map(|file| host_values(file, &data)).transpose()?;
    let bar = counting_bar(wanted);
    let mut goes_on = |so_far: &ChipEvaluation| {
        show(&bar, so_far, task);
        !interrupt::requested()
    };
    let (result, error) = evaluate(&mut session, &data, wanted, expected.as_deref(), &mut goes_on);
    bar.finish_and_clear();
    let answered = answers.text(&result, &data, unusual);
    report(&result, unit, &answered, error)
}

/// What the chip's answers mean.
struct Answers {
    gives: OutputType,
    quant: OutputQuant,
    /// Of the input.
    input: OutputQuant,
    names: ClassNames,
    targets: Vec<Target>,
    threshold: Option<f32>,
}

impl Answers {
    /// By the chip's model, if its file is there.
    fn of(
        file: Option<&Model<'_>>,
        record: Option<&DataRecord>,
        chip: &Chip,
    ) -> Result<Self, CliError> {
        let metadata = file.map(Model::metadata).unwrap_or_default();
        Ok(Self {
            gives: chip.gives,
            quant: chip.output_quant,
            input: connect::input_quant(file, chip)?,
            names: metadata::names(metadata, record),
            targets: match (file, record) {
                (Some(model), _) => metadata::targets(model),
                (None, Some(record)) => record.targets.clone(),
                (None, None) => vec![],
            },
            threshold: metadata.threshold(),
        })
    }

    /// The test images, and which of them are unusual.
    fn data(&self, path: &Path, request: &Request) -> Result<(Dataset, Vec<bool>), CliError> {
        if self.gives != OutputType::Reconstruction {
            return Ok((DataDir::read_test(path, request)?, vec![]));
        }
        let data = DataDir::read(path, request)?;
        let unusual = reconstruction::unusual(&data);
        Ok((data.test, unusual))
    }

    /// How well the chip answers the images that it got: a line and a table.
    fn text(&self, result: &ChipEvaluation, test: &Dataset, unusual: Vec<bool>) -> [String; 2] {
        let ChipEvaluation { images, correct, .. } = result;
        let line = match self.gives {
            OutputType::Scores => {
                let accuracy = percent_of(*correct, *images);
                format!("accuracy on the chip {accuracy}: {correct} of {images} images right")
            }
            OutputType::Reals => format!("{images} images answered by the chip"),
            OutputType::Reconstruction => format!("{images} images made once more by the chip"),
        };
        [line, self.table(result, test, unusual)]
    }

    fn table(&self, result: &ChipEvaluation, test: &Dataset, unusual: Vec<bool>) -> String {
        let reals = |values: &Vec<i8>| -> Vec<f32> {
            Reals::new(Scores::new(values, self.quant)).iter().collect()
        };
        match self.gives {
            OutputType::Scores => {
                confusion::draw(&result.confusion(&test.labels), result.classes, &self.names)
            }
            OutputType::Reals => {
                let values: Vec<f32> = result.answers.iter().flat_map(reals).collect();
                let (targets, wanted) = (&self.targets, &test.targets[..values.len()]);
                answers::values(&Regression {
                    wanted: regression::restored(targets, wanted),
                    float: vec![],
                    int8: regression::restored(targets, &values),
                    targets: targets.clone(),
                    seconds: 0.0,
                })
            }
            OutputType::Reconstruction => {
                let each = result.answers.iter().enumerate();
                let error = |(image, values)| {
                    reconstruction::error(self.input, test.image(image), &reals(values))
                };
                answers::inputs(&Reconstruction {
                    float: vec![],
                    int8: each.map(error).collect(),
                    unusual,
                    threshold: self.threshold,
                    seconds: 0.0,
                })
            }
        }
    }
}

/// What the chip must answer: every plan of a model gives the same values.
fn host_values(file: &[u8], test: &Dataset) -> Result<Vec<Vec<i8>>, CliError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(int8_outputs(file, test, threads)?.values)
}

fn show(bar: &ProgressBar, so_far: &ChipEvaluation, task: Task) {
    bar.set_position(so_far.images as u64);
    if !task.is_classify() {
        return;
    }
    bar.set_message(format!("{} right", percent_of(so_far.correct, so_far.images)));
}

/// A partial result is printed, says that it is partial, and is an error.
fn report(
    result: &ChipEvaluation,
    unit: Unit,
    answered: &[String; 2],
    error: Option<DeviceError>,
) -> Result<(), CliError> {
    if result.images > 0 {
        print(&text(result, unit, answered))?;
    }
    let done =
        format!("after {} of {} images: the result is partial", result.images, result.wanted);
    match error {
        Some(cause) if result.images > 0 => Err(CliError::Partial { done, cause }),
        Some(cause) => Err(cause.into()),
        None if !result.is_whole() => Err(CliError::EvaluationInterrupted { done }),
        None if result.as_host.is_some_and(|same| same < result.images) => {
            Err(CliError::Disagreement {
                differing: result.images - result.as_host.unwrap_or(0),
                all: result.images,
            })
        }
        None => Ok(()),
    }
}

fn text(result: &ChipEvaluation, unit: Unit, [line, table]: &[String; 2]) -> String {
    let ChipEvaluation { images, wanted, ticks, .. } = result;
    let part = if result.is_whole() {
        String::new()
    } else {
        format!("PARTIAL: {images} of {wanted} images\n")
    };
    let agreement = match result.as_host {
        Some(same) => format!("{same} of {images} score vectors are the host's, byte for byte"),
        None => "not compared with the host: name the model file with --model".to_owned(),
    };
    let mean = unit.show(ticks.sum / (*images).max(1) as u64);
    let (least, most) = (unit.show(ticks.least), unit.show(ticks.most));
    format!("{part}{line}\n{agreement}\nper image {mean} (fewest {least}, most {most})\n\n{table}")
}
