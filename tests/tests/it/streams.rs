//! Streams of whole networks: plans for every core give the bytes of a run on the window; the wake
//! word of MLPerf Tiny at every row; a million rows without drift; and a network that cannot stream
//! is refused by its layer.

use std::path::Path;
use std::{env, fs};

use infer::format::LAYERS_MAX;
use infer::{Model, Portable, Reference, Session, Stream};
use tests::firmware::Variant;
use tests::imported::{self, Imported};
use tests::limits::CORES;
use tests::measure::followed;
use tests::networks::{ODD, STREAM};
use tests::plans::untrained;
use tests::random_layer::Random;
use trainer::model_file::{ModelTable, write};
use trainer::plain_model::PlainModel;
use trainer::plan::{Core, FastestError, Loading, NoStream, stream};
use trainer::preset::Preset;

fn temporal() -> PlainModel {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/networks/tcn.toml");
    let preset = Preset::load(path.to_str().expect("a name in UTF-8")).expect("a preset");
    untrained(&preset.network)
}

/// The outputs of a stream, with the row that completes each.
fn outputs(file: &[u8], rows: &[u8]) -> Vec<(usize, Vec<i8>)> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut stream = Stream::<LAYERS_MAX, Portable>::with_kernels(&model, &mut arena)
        .unwrap_or_else(|error| panic!("{error}"));
    let mut outputs = vec![];
    for (row, values) in rows.chunks(model.image_shape().row_len()).enumerate() {
        let scores = stream.push_stored(values).expect("a row");
        outputs.extend(scores.map(|scores| (row, scores.values().to_vec())));
    }
    outputs
}

/// The scores of a run on a window.
fn run(file: &[u8], window: &[u8]) -> Vec<i8> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("an arena");
    session.run_stored::<Reference>(window, &mut ()).expect("a window").values().to_vec()
}

/// `KINDLING_WRITE_STREAM=1` writes the model of the firmware's example anew.
#[test]
fn the_example_has_this_model() {
    let model = temporal();
    let file = write(&model, &stream::direct(&model).expect("it is causal")).expect("a model");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-example/model/stream.kndl");
    if env::var_os("KINDLING_WRITE_STREAM").is_some() {
        fs::write(&path, &file).expect("the model's file can be written");
    }
    assert!(fs::read(&path).expect("the example's model") == file, "{}", path.display());
}

#[test]
fn plans_of_temporal_convolutions_stream_on_every_core() {
    let model = temporal();
    let random = &mut Random::new(3);
    let rows: Vec<u8> =
        (0..200 * model.image.row_len()).map(|_| random.within(0, 255) as u8).collect();
    let (first, window) = (model.image.height as usize - 1, &rows[..model.image.len()]);
    let direct = write(&model, &stream::direct(&model).expect("it is causal")).expect("a model");
    let expected = outputs(&direct, &rows);
    assert_eq!(expected[0], (first, run(&direct, window)));
    assert_eq!(expected.len(), 200 - first, "an output for each row from then on");
    for core in Core::ALL {
        let front = stream::front(&model, core, Loading::OnChip).expect("it is causal");
        for plan in &front {
            let file = write(&model, &plan.choices).expect("a model");
            assert_eq!(infer::arena_bytes(&file), Some(plan.ram), "{core:?}");
            assert_eq!(outputs(&file, &rows), expected, "{core:?}: {:?}", plan.choices.layers);
            assert_eq!(run(&file, window), expected[0].1, "{core:?}: the plan runs windows too");
        }
        let least = front.iter().map(|plan| plan.instructions).fold(f64::MAX, f64::min);
        println!("{core:?}: {} plans, {least:.0} instructions a row at least", front.len());
    }
}

/// Rows of a long stream, more than any number of 16 bits counts.
const MANY: usize = 1_000_000;

/// Rows after which an output of the small stream knows nothing of earlier ones.
const MEMORY: usize = 40;

/// The values of a row, by its number.
fn numbered(row: usize, values: usize) -> Vec<u8> {
    let random = &mut Random::new(row as u64);
    (0..values).map(|_| random.within(0, 255) as u8).collect()
}

/// After a million rows an output is that of a stream that has just begun: nothing adds up, and no
/// counter wraps.
#[test]
fn a_million_rows_later_a_stream_answers_as_at_its_beginning() {
    let model = untrained(&STREAM.network());
    let file = write(&model, &stream::direct(&model).expect("it is causal")).expect("a model");
    let mut table = ModelTable::new();
    let model = Model::from_bytes(&file, &mut table).expect("a model");
    let row_len = model.image_shape().row_len();
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut long = Stream::<LAYERS_MAX, Portable>::with_kernels(&model, &mut arena).expect("one");
    let is_asked = |row: usize| row % 4_999 == 4_998 || row % (1 << 16) < 3 || row + 10 > MANY;
    let (mut compared, mut last, mut different) = (0, vec![], 0);
    for row in 0..MANY {
        let scores = long.push_stored(&numbered(row, row_len)).expect("a row");
        if row < MEMORY || !is_asked(row) {
            continue;
        }
        let found = scores.expect("an output for each row").values().to_vec();
        let rows: Vec<u8> = (row - MEMORY..=row).flat_map(|row| numbered(row, row_len)).collect();
        let (_, expected) = outputs(&file, &rows).pop().expect("outputs");
        assert_eq!(found, expected, "row {row}");
        different += usize::from(found != last);
        (compared, last) = (compared + 1, found);
    }
    assert!(compared > 200 && different > compared / 2, "{different} of {compared} differ");
}

/// All convolutions of it are padded on both sides.
#[test]
fn a_network_that_cannot_stream_is_refused_by_its_layer() {
    let odd = ODD.iter().find(|odd| odd.name.starts_with("residual blocks")).expect("it is there");
    let model = untrained(&odd.network());
    let refused =
        [stream::direct(&model).err(), stream::front(&model, Core::M4, Loading::OnChip).err()];
    for error in refused {
        let Some(FastestError::Stream(NoStream::Layer { name, .. })) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*name, model.layers[0].name);
        let said = error.as_ref().expect("refused").to_string();
        assert!(said.contains("padding after the last row"), "{said}");
    }
}

/// As many steps as there are in CI; on the M0 and the M4. `KINDLING_STREAMS=all` takes 10,000 on
/// every core.
const STEPS: usize = 1_000;

/// The host's outputs, row by row.
fn on_host(file: &[u8], rows: &[u8], count: usize) -> Vec<Option<Vec<i8>>> {
    let mut all = vec![None; count];
    outputs(file, rows).into_iter().for_each(|(row, scores)| all[row] = Some(scores));
    all
}

/// Memory is painted before the first row; the host's stream is that of the portable kernels.
#[test]
fn streams_on_chips_equal_the_hosts_at_every_step() {
    let is_all = env::var("KINDLING_STREAMS").is_ok_and(|value| value == "all");
    let steps = if is_all { 10 * STEPS } else { STEPS };
    let model = temporal();
    let random = &mut Random::new(4);
    let rows: Vec<u8> =
        (0..steps * model.image.row_len()).map(|_| random.within(0, 255) as u8).collect();
    let direct = write(&model, &stream::direct(&model).expect("it is causal")).expect("a model");
    let expected = on_host(&direct, &rows, steps);
    let asked = |name: &str| is_all || ["m0", "m4"].contains(&name);
    for (name, board, core) in CORES.into_iter().filter(|(name, ..)| asked(name)) {
        let front = stream::front(&model, core, Loading::OnChip).expect("it is causal");
        let file = write(&model, &front[0].choices).expect("a model");
        let found = followed(board, Variant::complete(front[0].build), &file, &rows);
        assert_eq!(found.rows.len(), steps, "{name}");
        let found = found.rows.into_iter().map(|(_, output)| output);
        for (row, (found, expected)) in found.zip(&expected).enumerate() {
            assert_eq!(found, *expected, "{name}, row {row}");
        }
    }
}

/// The wake word's 20 inputs one after the other are a stream, whose outputs are those of a run on
/// each window of 30 rows. Needs the public networks: see `tests::imported`.
#[test]
fn the_wake_word_is_the_same_at_every_row() {
    let Some(folder) = imported::folder() else {
        println!("skipped: no folder of public networks is named");
        return;
    };
    let Imported { model, inputs, answers, .. } = Imported::public(&folder, "sww");
    let (window, row_len, classes) = (model.image.len(), model.image.row_len(), model.classes());
    for core in Core::ALL {
        let front = stream::front(&model, core, Loading::OnChip).expect("it reads no padding");
        let file = write(&model, &front[0].choices).expect("a model");
        assert!(front[0].ram <= 6 * 1024, "{core:?}: {} bytes", front[0].ram);
        let outputs = outputs(&file, &inputs);
        assert_eq!(outputs.len(), inputs.len() / row_len - (model.image.height as usize - 1));
        for (row, scores) in &outputs {
            let end = (row + 1) * row_len;
            assert_eq!(*scores, run(&file, &inputs[end - window..end]), "{core:?}, row {row}");
            if end % window == 0 {
                let answer = &answers[(end / window - 1) * classes..][..classes];
                assert_eq!(scores, answer, "{core:?}, input {}", end / window - 1);
            }
        }
        println!("{core:?}: {} bytes, {:.0} instructions", front[0].ram, front[0].instructions);
    }
}
