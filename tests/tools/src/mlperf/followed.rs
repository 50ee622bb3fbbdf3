//! Networks over time as streams: what a new row takes.

use std::collections::BTreeMap;
use std::fs;

use infer::format::LAYERS_MAX;
use infer::{Model, Reference, Stream};
use tests::firmware::{self, Board};
use tests::imported::Imported;
use tests::measure::followed;
use tests::random_layer::Random;
use trainer::model_file::{ModelTable, write};
use trainer::plan::cycles::Estimates;
use trainer::plan::{Core, Loading, stream};

use super::code_size::code_bytes;
use super::row::{Row, STREAM};
use super::{tell, variant};

/// Rows that are pushed: the network's own inputs, and random ones.
const ROWS: usize = 10_000;

/// A network whose maps have one column streams over the rows of its input, if it reads no padding
/// after them.
pub fn row(imported: &Imported, core: &str, board: Board, class: Core) -> Option<Row> {
    let model = &imported.model;
    if model.image.width != 1 || model.image.height == 1 {
        return None;
    }
    let front = stream::front(model, class, Loading::OnChip).ok()?;
    let plan = front.first()?;
    let file = write(model, &plan.choices).expect("a plan of the front");
    let rows = rows(imported);
    let found = followed(board, variant(plan), &file, &rows);
    let mut table = ModelTable::new();
    let parsed = Model::from_bytes(&file, &mut table).expect("a model");
    let outputs: Vec<_> = found.rows.iter().map(|(_, output)| output.clone()).collect();
    let taken: Vec<u32> =
        found.rows.iter().filter(|(_, output)| output.is_some()).map(|(count, _)| *count).collect();
    let sum: u64 = taken.iter().copied().map(u64::from).sum();
    let program = firmware::bare_stream_program(board, variant(plan));
    let row = Row {
        network: imported.name.clone(),
        core: core.to_owned(),
        plan: STREAM.to_owned(),
        built_in: false,
        instructions: (sum / taken.len().max(1) as u64) as u32,
        predicted_instructions: plan.instructions.round() as u64,
        estimated_cycles: Estimates::new(),
        predicted_cycles: Estimates::new(),
        load_instructions: found.load,
        macs: macs_of_row(&parsed),
        operators: BTreeMap::new(),
        code_bytes: code_bytes(&fs::read(program).expect("the program that was built"))
            .expect("an ELF file"),
        model_bytes: file.len(),
        arena_bytes: plan.ram,
        image_bytes: model.image.row_len(),
        stack_bytes: found.stack_bytes,
        opt_level: plan.build.opt_level().trim_matches('"').to_owned(),
        inputs: outputs.len(),
        exact: outputs == expected(&parsed, &rows) && answers(imported, &outputs),
    };
    tell(&row);
    Some(row)
}

fn rows(imported: &Imported) -> Vec<u8> {
    let (row_len, mut random) = (imported.model.image.row_len(), Random::new(20));
    let mut rows = imported.inputs.clone();
    rows.resize_with(ROWS * row_len, || random.within(0, u8::MAX.into()) as u8);
    rows
}

/// Each layer makes a row for each new row.
fn macs_of_row(model: &Model<'_>) -> u64 {
    let of = |layer: &infer::Layer<'_>| layer.macs() / u64::from(layer.output().height.max(1));
    model.layers().iter().map(of).sum()
}

/// What the reference says on the host, row by row.
fn expected(model: &Model<'_>, rows: &[u8]) -> Vec<Option<Vec<i8>>> {
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut stream = Stream::<LAYERS_MAX, Reference>::with_kernels(model, &mut arena)
        .expect("planned for a stream");
    let mut push = |row| {
        let scores = stream.push_stored(row).expect("a row");
        scores.map(|scores| scores.values().to_vec())
    };
    rows.chunks_exact(model.image_shape().row_len()).map(&mut push).collect()
}

/// Whether the last row of each of the network's own inputs gives its answer.
fn answers(imported: &Imported, outputs: &[Option<Vec<i8>>]) -> bool {
    let (height, classes) = (imported.model.image.height as usize, imported.model.classes());
    let last = outputs.chunks(height).map(|window| window.last().and_then(Option::as_deref));
    imported.answers.chunks(classes).zip(last).all(|(answer, found)| found == Some(answer))
}
