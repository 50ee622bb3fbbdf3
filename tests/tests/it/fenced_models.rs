//! Damaged models on every emulated core class: refused there for the reason that the host gives,
//! or run there as the reference runs on the host, whatever lies around them; and no kernel of a
//! core reads or writes a byte beside the file, the working memory or the image, which lie between
//! guards that the core's memory protection unit closes.
//!
//! Half of the cores run a release, the other half a program at `opt-level` 0 with overflow checks
//! and debug assertions, where a number that wraps is a panic; on the next day each runs the other.
//! Since that one is slow, it gets one of sixteen files, others on every day.
//!
//! An ordinary run takes a part of the damaged files for each core, others on every day.
//! `KINDLING_FENCED=FIRST COUNT` takes others.

use std::path::Path;
use std::{env, fs, iter};

use crate::fuzz::mutate::model::damage;
use crate::random_graph::{self, hold_some};
use crate::random_layer::Random as GraphRandom;
use crate::support::graph::Graph;
use crate::support::stream::planned;
use infer::{Model, Reference, Session, Shape, Stream, Table, Trust, self_test};
use tests::buffers::each_last;
use tests::day::today;
use tests::firmware::{self, Board, M0, M3, M4, M7, M33, M55};
use tests::greedy;
use tests::networks::ODD;
use tests::plans::{by_every_algorithm, spread, tutorial_with_self_test, untrained};
use tests::random_layer::{self, Random};
use trainer::model_file::{write, write_placed};
use trainer::plain_model::{Choice, Choices, PlainLayer, PlainModel};
use trainer::plan::{Core, Loading, Plan, front_of, stream};
use trainer::preset::Preset;

/// Layers of the largest model, as on the chip.
const LAYERS: usize = 32;

/// Damaged files of an ordinary run, for each core.
const DAMAGED: u64 = 2_000;

/// Of this number of files a program that is not optimised gets one.
const UNOPTIMISED_SHARE: usize = 16;

/// Plans of the tutorial's network for each core.
const PLANS: usize = 6;

/// Random graphs, and how many of them are planned, too.
const GRAPHS: usize = 24;
const PLANNED_GRAPHS: usize = 6;

/// Random layers of each algorithm, and most weights of one times the pixels that it makes.
const RANDOM_LAYERS: u64 = 20;
const WORK_MAX: usize = 60_000;

/// Largest run, working memory and image that the program has room for.
const OPERATIONS_MAX: u64 = 1 << 26;
const ARENA_BYTES: usize = 256 * 1024;
const IMAGE_BYTES: usize = 64 * 1024;

/// How often a stream gets the image's rows, and what sums up its outputs: as on the chip.
const STREAM_IMAGES: usize = 3;
const PRIME: u32 = 16_777_619;

/// Longest answer.
const LINE_BYTES: usize = 64 * 1024;

const CORES: [(Board, Core); 6] = [
    (M0, Core::M0),
    (M3, Core::M3),
    (M4, Core::M4),
    (M7, Core::M4),
    (M33, Core::M33),
    (M55, Core::M55),
];

/// A profile of cargo's.
const UNOPTIMISED: &str = "unoptimised";

/// What a file is called where something is wrong with it, and the file.
type Named = (String, Vec<u8>);

#[test]
fn every_core_does_with_damaged_models_what_the_host_does() {
    let for_all = [greedy::files(), buffers_at_the_end(), graphs(), corpus(), damaged()].concat();
    for (board, core) in CORES {
        let files = part_of(board, [plans(core), streams(core), for_all.clone()].concat());
        let ran = compare(board, &files);
        let (core, built, count) = (board.target, profile(board), files.len());
        println!("{} {core}, {built}: {count} files, {ran} of them ran", board.name);
        assert!(ran > files.len() / 20 && ran < files.len(), "{ran} of {}", files.len());
    }
}

/// How the program for a board is built.
fn profile(board: Board) -> &'static str {
    let place = CORES.iter().position(|(known, _)| *known == board).expect("a core of the list");
    ["release", UNOPTIMISED][(place + day()) % 2]
}

/// The files that the program for a board gets of all.
fn part_of(board: Board, files: Vec<Named>) -> Vec<Named> {
    let share = if profile(board) == UNOPTIMISED { UNOPTIMISED_SHARE } else { 1 };
    // It is the core's turn on every second day.
    files.into_iter().skip(day() / 2 % share).step_by(share).collect()
}

/// The day whose files are taken.
fn day() -> usize {
    (numbers().0 / DAMAGED) as usize
}

/// Without a fence that is closed the other test would show nothing.
#[test]
fn guards_cannot_be_touched() {
    for (board, _) in CORES {
        let touch = |guard, end| firmware::fenced(board, profile(board), &["touch", guard, end]);
        for guard in ["0", "1", "2", "3"] {
            for end in ["first", "last"] {
                let (done, said) = touch(guard, end);
                assert!(
                    !done && said.contains("hard fault"),
                    "{} {guard} {end}: {said}",
                    board.name
                );
            }
        }
        let (done, said) = touch("4", "first");
        assert!(!done && said.contains("failed"), "{}: {said}", board.name);
    }
}

/// Lets the core answer all files and compares with the host's answers; how many ran.
fn compare(board: Board, files: &[Named]) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = ["models", "answers"].map(|name| folder.path().join(name));
    let mut all = Vec::new();
    for (_, file) in files {
        all.extend((file.len() as u32).to_le_bytes());
        all.extend(file);
    }
    fs::write(&paths[0], all).expect("the temporary folder can be written");
    let arguments = paths.each_ref().map(|path| path.to_str().expect("a name in UTF-8"));
    let (done, said) = firmware::fenced(board, profile(board), &arguments);
    let answers = fs::read_to_string(&paths[1]).unwrap_or_default();
    let answers: Vec<&str> = answers.lines().collect();
    let core = format!("{} {}", board.name, board.target);
    for ((name, file), answer) in files.iter().zip(&answers) {
        let expected = expected(file);
        assert_eq!(*answer, &expected[..expected.len().min(LINE_BYTES)], "{core}, {name}");
    }
    let next = files.get(answers.len()).map_or("the end", |(name, _)| name);
    assert!(done && answers.len() == files.len(), "{core}: ended at {next}: {said}");
    let streams = answers.iter().filter(|answer| answer.contains("stream of")).count();
    println!("{core}: {streams} ran as streams");
    assert!(streams > 20, "{core}: {streams} streams");
    answers.iter().filter(|answer| answer.contains("self-test")).count()
}

/// What the program has to say of a file.
fn expected(file: &[u8]) -> String {
    let mut table = Table::<LAYERS>::new();
    let model = match Trust::ANY.at_most_operations(OPERATIONS_MAX).load(file, &mut table) {
        Ok(model) => model,
        Err(error) => return format!("{error:?}"),
    };
    if model.arena_bytes() > ARENA_BYTES || model.image_shape().len() > IMAGE_BYTES {
        return "too large".to_owned();
    }
    let image: Vec<u8> = (0..model.image_shape().len()).map(|at| (at * 31 + 7) as u8).collect();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the model's size");
    let scores = session.run_stored::<Reference>(&image, &mut ()).expect("an image of its size");
    let answer = format!("{} of {:?}", scores.class(), scores.values());
    let tested = self_test(&model, &mut arena);
    format!("{answer}, self-test {tested:?}{}", expected_stream(&model, &mut arena, &image))
}

/// What it has to say of the model as a stream.
fn expected_stream(model: &Model<'_>, arena: &mut [i8], image: &[u8]) -> String {
    let mut stream = match Stream::<LAYERS, Reference>::with_kernels(model, arena) {
        Err(error) => return format!(", stream {error:?}"),
        Ok(stream) => stream,
    };
    let rows = image.chunks(model.image_shape().row_len()).cycle();
    let mut answer = String::new();
    let height = model.image_shape().height as usize;
    for count in [height + 5, STREAM_IMAGES * height] {
        stream.reset();
        let (mut outputs, mut sum) = (0, 0u32);
        for row in rows.clone().take(count) {
            let Some(scores) = stream.push_stored(row).expect("a row of its size") else {
                continue;
            };
            let add = |sum: u32, score: &i8| (sum ^ *score as u32).wrapping_mul(PRIME);
            (outputs, sum) = (outputs + 1, scores.values().iter().fold(sum, add));
        }
        answer += &format!(", stream of {outputs} outputs {sum:08x}");
    }
    answer
}

/// Plans for a core: the models that are meant for it. With their self-test, and without, where the
/// last weights are the end of the file.
fn plans(core: Core) -> Vec<Named> {
    let with_test = tutorial_with_self_test();
    let front = front_of(&with_test, core, Loading::OnChip).expect("plans");
    let without = PlainModel { self_test: None, ..with_test.clone() };
    let mut files = Vec::new();
    for (index, plan) in spread(&front, PLANS).into_iter().enumerate() {
        for (model, what) in [(&with_test, "a"), (&without, "no")] {
            let file = write(model, &plan.choices).expect("a plan");
            files.push((format!("plan {index} with {what} self-test"), file));
        }
    }
    files
}

/// The temporal convolutional network of the repository, as a stream: the fastest plan and the
/// slowest.
fn streams(core: Core) -> Vec<Named> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/networks/tcn.toml");
    let preset = Preset::load(path.to_str().expect("a name in UTF-8")).expect("a preset");
    let model = untrained(&preset.network);
    let front = stream::front(&model, core, Loading::OnChip).expect("it is causal");
    let file = |plan: &Plan| write(&model, &plan.choices).expect("a plan");
    let ends = [front.first(), front.last()].into_iter().flatten();
    ends.map(|plan| ("temporal convolutions as a stream".to_owned(), file(plan))).collect()
}

/// Networks of odd shapes and random layers by every algorithm, each of their buffers once at the
/// end of the working memory. The weights of the last layer are the end of the file.
fn buffers_at_the_end() -> Vec<Named> {
    let mut files = Vec::new();
    for odd in &ODD {
        let model = untrained(&odd.network());
        let front = front_of(&model, Core::M0, Loading::OnChip).expect("plans");
        let fewest_rows = front.into_iter().min_by_key(|plan| plan.ram).expect("a plan").choices;
        for choices in by_every_algorithm(&model).into_iter().chain([fewest_rows]) {
            files.extend(with_each_buffer_last(odd.name, &model, &choices));
        }
    }
    for choice in Choice::all() {
        for seed in 0..RANDOM_LAYERS {
            let model = small_layer(choice, seed);
            let name = format!("random layer {seed}");
            let choices = model.with_whole_tensors(vec![choice; model.layers.len()]);
            files.extend(with_each_buffer_last(&name, &model, &choices));
        }
    }
    files
}

/// A layer that the emulator computes in a moment.
fn small_layer(choice: Choice, seed: u64) -> PlainModel {
    let random = &mut Random::new(seed);
    let is_small = |model: &PlainModel| {
        let work = |layer: &PlainLayer| {
            let Shape { height, width, .. } = layer.output.shape;
            layer.weights.len() * height as usize * width as usize
        };
        model.layers.iter().map(work).sum::<usize>() <= WORK_MAX
    };
    iter::repeat_with(|| random_layer::model(random, choice)).find(is_small).expect("endless")
}

fn with_each_buffer_last(name: &str, model: &PlainModel, choices: &Choices) -> Vec<Named> {
    let with = |(last, arena)| {
        let file = write_placed(model, choices, &arena).expect("buffers apart");
        (format!("{name}, {:?}, buffer {last} last", choices.layers), file)
    };
    each_last(model, choices).into_iter().enumerate().map(with).collect()
}

/// Random graphs of every operator: each buffer once at the end of the working memory, some rows
/// held, planned in memory that tensors share, and as streams.
fn graphs() -> Vec<Named> {
    let (first, _) = numbers();
    let mut files = Vec::new();
    for (index, seed) in (first..).take(GRAPHS).enumerate() {
        let random = &mut GraphRandom::new(seed);
        let graph = random_graph::graph(random);
        let model = plain(&graph);
        let ways = by_every_algorithm(&model);
        let name = format!("random graph {seed}");
        files.extend(with_each_buffer_last(&name, &model, &ways[seed as usize % ways.len()]));
        files.push((format!("{name}, some rows held"), hold_some(random, graph).file()));
        if index < PLANNED_GRAPHS {
            let front = front_of(&model, Core::M4, Loading::OnChip).expect("plans");
            let least = front.iter().min_by_key(|plan| plan.ram).expect("a plan");
            let file = write(&model, &least.choices).expect("a plan");
            files.push((format!("{name}, planned"), file));
        }
        let stream = planned(&random_graph::stream(random));
        files.extend(stream.map(|graph| (format!("random stream {seed}"), graph.file())));
    }
    files
}

fn plain(graph: &Graph) -> PlainModel {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    PlainModel::of(&Model::from_bytes(&file, &mut table).expect("whole tensors, apart"))
}

fn corpus() -> Vec<Named> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/model");
    let entries =
        fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = entries
        .map(|path| (path.display().to_string(), fs::read(&path).expect("a file")))
        .collect();
    files.sort();
    files
}

/// Files of the corpus with numbered damage.
fn damaged() -> Vec<Named> {
    let corpus = corpus();
    let (first, count) = numbers();
    println!("damage {first} to {}", first + count - 1);
    let one = |number: u64| {
        let (name, file) = &corpus[number as usize % corpus.len()];
        (format!("{name} with damage {number}"), damage(file, number))
    };
    (first..first + count).map(one).collect()
}

fn numbers() -> (u64, u64) {
    let Ok(value) = env::var("KINDLING_FENCED") else {
        return (today() * DAMAGED, DAMAGED);
    };
    let (first, count) = value.split_once(' ').expect("KINDLING_FENCED is 'FIRST COUNT'");
    (first.parse().expect("a number"), count.parse().expect("a number"))
}
