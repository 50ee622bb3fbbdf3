//! `device stream`: a stream on the chip, a row in each message.

use infer::format::LAYERS_MAX;
use infer::{Model, Shape, Stream, ValueType};

use super::connect::{self, Connection, Unit};
use super::{CliError, StreamArgs};
use crate::cli::answer::Meaning;
use crate::cli::interrupt;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::data::{Known, inputs};
use crate::device::firmware::Runs;
use crate::device::session::{Chip, ChipScores};
use crate::model_file::{ModelTable, write};
use crate::plain_model::PlainModel;
use crate::plan::{FastestError, stream};
use crate::terminal::print;

pub(super) fn run(args: &StreamArgs) -> Result<(), CliError> {
    interrupt::install()?;
    let chip = &args.chip;
    let Connection { mut session, model: file, unit } =
        connect::open(&chip.way(), &chip.line, chip.model.as_deref(), Runs::Stream)?;
    let mut table = ModelTable::new();
    let model = file.as_deref().and_then(|file| Model::from_bytes(file, &mut table).ok());
    let (rows, row_bytes) = rows(args, session.chip(), model.as_ref())?;
    let meaning = meaning(args, session.chip(), model.as_ref())?;
    let planned = model.as_ref().map(planned).transpose()?;
    let mut table = ModelTable::new();
    let on_host = planned.as_deref().and_then(|file| Model::from_bytes(file, &mut table).ok());
    let mut arena = vec![0; on_host.as_ref().map_or(0, Model::arena_bytes)];
    let mut host = on_host.as_ref().and_then(|model| Stream::new(model, &mut arena).ok());
    let mut tally = Tally::default();
    for (number, row) in (0..).zip(rows.chunks_exact(row_bytes)) {
        if interrupt::requested() {
            break;
        }
        let found = session.push(number, row)?;
        let expected = host.as_mut().map(|host| pushed(host, row));
        tally.add(found.as_ref(), expected.as_ref().map(Option::as_deref));
        if let Some(ChipScores { values, .. }) = found {
            print(&meaning.verdict(&format!("row {number}"), row, &values))?;
        }
    }
    tally.report(unit)
}

/// The rows as bytes, one after the other, with the bytes of one.
fn rows(
    args: &StreamArgs,
    chip: &Chip,
    model: Option<&Model<'_>>,
) -> Result<(Vec<u8>, usize), CliError> {
    let shape = Shape { height: 1, ..chip.image };
    let record = args.chip.model.as_deref().and_then(|path| DataRecord::beside(path, chip.image));
    let preparation = model.and_then(|model| metadata::preparation(model, record.as_ref()));
    let scales = preparation.unwrap_or_default().scales;
    let known = Known { scales, takes_int8: chip.takes == ValueType::Int8, ..Known::default() };
    let mut rows = inputs::read(&args.rows, shape, &known)?;
    if let Some(limit) = args.limit {
        rows.truncate(limit as usize * shape.len());
    }
    Ok((rows, shape.len()))
}

fn meaning(args: &StreamArgs, chip: &Chip, model: Option<&Model<'_>>) -> Result<Meaning, CliError> {
    let record = args.chip.model.as_deref().and_then(|path| DataRecord::beside(path, chip.image));
    match model {
        Some(model) => Ok(Meaning::of(model, record.as_ref())),
        None => Ok(Meaning::of_chip(chip, connect::input_quant(None, chip)?)),
    }
}

/// The model planned for a stream on the host: every plan gives the same values.
fn planned(model: &Model<'_>) -> Result<Vec<u8>, CliError> {
    let plain = PlainModel::of(model);
    let choices = stream::direct(&plain)?;
    Ok(write(&plain, &choices).map_err(FastestError::Write)?)
}

fn pushed(host: &mut Stream<'_, '_, LAYERS_MAX>, row: &[u8]) -> Option<Vec<i8>> {
    let output = host.push_stored(row).expect("a row of the model's length");
    output.map(|scores| scores.values().to_vec())
}

/// What came out so far.
#[derive(Default)]
struct Tally {
    rows: usize,
    outputs: usize,
    /// Rows to which the chip gave another answer than the host; `None` without a host's.
    differing: Option<usize>,
    /// Time of the rows that completed an output.
    ticks: u64,
}

impl Tally {
    fn add(&mut self, found: Option<&ChipScores>, expected: Option<Option<&[i8]>>) {
        self.rows += 1;
        self.outputs += usize::from(found.is_some());
        self.ticks += found.map_or(0, |found| found.ticks);
        if let Some(expected) = expected {
            let differs = found.map(|found| &*found.values) != expected;
            *self.differing.get_or_insert(0) += usize::from(differs);
        }
    }

    fn report(self, unit: Unit) -> Result<(), CliError> {
        let Self { rows, outputs, differing, ticks } = self;
        let agreement = match differing {
            Some(differing) => {
                let same = rows - differing;
                format!("{same} of {rows} rows have the host's output, byte for byte")
            }
            None => "not compared with the host: name the model file with --model".to_owned(),
        };
        let mean = unit.show(ticks / outputs.max(1) as u64);
        let head = format!("{rows} rows, {outputs} outputs");
        print(&format!("{head}\n{agreement}\nper row with an output {mean}\n"))?;
        match differing {
            Some(differing @ 1..) => Err(CliError::Disagreement { differing, all: rows }),
            _ => Ok(()),
        }
    }
}
