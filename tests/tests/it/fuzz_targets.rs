//! The fuzz targets as an ordinary test: every file of the corpora, then mutations of them.
//! What a fuzzer found stays in the corpora.
//!
//! `KINDLING_WRITE_CORPUS=1` writes the seeds anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, iter};

use crate::fuzz::model::{Outcome, load_and_run};
use crate::fuzz::mutate::model::damage;
use crate::fuzz::mutate::{idx, line, png, several};
use crate::fuzz::{self, pictures};
use crate::fuzz_imports;
use infer::Model;
use infer::format::{Header, checksum};
use infer::ops::Kind;
use infer::quant::Rounding;
use tests::networks::ODD;
use tests::plans::{by_every_algorithm, spread, untrained};
use tests::random_layer::{Random, extreme, measured, rounded_twice};
use trainer::import::tflite::IDENTIFIER;
use trainer::model_file::{ModelTable, write};
use trainer::ops::{Choice, Running};
use trainer::plain_model::PlainModel;
use trainer::plan::cost::formula;
use trainer::plan::{Core, Loading, front_of};

/// Mutations of each kind of file.
const MODELS: u64 = 200_000;
const PICTURES: u64 = 60_000;
const CHANGED: u64 = 20_000;
const LINES: u64 = 100_000;
const NETWORKS: u64 = 60_000;
const FLOAT_NETWORKS: u64 = 12_000;
const INT8_NETWORKS: u64 = 60_000;

/// Largest seed, bytes.
const SEED_BYTES_MAX: usize = 6000;

/// Largest seed of a single layer, bytes.
const LAYER_BYTES_MAX: usize = 1000;

/// Random layers among which one so small is looked for.
const EXTREME_LAYERS: usize = 2000;

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(kind)
}

/// libFuzzer's targets are built by `./ci.sh fuzz` alone: they call what is there.
#[test]
fn targets_call_functions_that_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut calls = 0;
    for entry in fs::read_dir(folder.join("targets")).expect("targets") {
        let path = entry.expect("a file").path();
        let text = fs::read_to_string(&path).expect("a text");
        let called = text.lines().filter_map(|line| line.trim().strip_prefix("fuzz::"));
        for call in called.filter_map(|call| call.split_once('(').map(|(name, _)| name)) {
            let (module, function) = call.split_once("::").expect("a function of a module");
            let source = folder.join("src").join(format!("{module}.rs"));
            let source = fs::read_to_string(source).expect("a module");
            let line = format!("pub fn {function}(");
            assert!(source.contains(&line), "{}: no {call}", path.display());
            calls += 1;
        }
    }
    assert!(calls >= 8, "{calls} calls");
}

fn corpus(kind: &str) -> Vec<Vec<u8>> {
    seeds(kind).iter().map(|path| fs::read(path).expect("a file")).collect()
}

fn seeds(kind: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder(kind))
        .expect("a corpus")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no corpus of {kind}");
    paths
}

#[test]
fn seeds_are_written() {
    if env::var_os("KINDLING_WRITE_CORPUS").is_none() {
        return;
    }
    for (index, line) in conversations().iter().enumerate() {
        fs::write(folder("wire").join(format!("seed-{index}")), line)
            .expect("the corpus can be written");
    }
    for (name, file) in tiny_models().into_iter().chain(layers_of_the_list()) {
        fs::write(folder("model").join(name + ".kndl"), file).expect("the corpus can be written");
    }
    for (index, odd) in ODD.iter().enumerate() {
        let mut model = untrained(&odd.network());
        model.version = 1;
        model.self_test = Some(vec![100; model.image.len()].into());
        let plans = front_of(&model, Core::M4, Loading::OnChip).expect("plans");
        for (number, plan) in spread(&plans, 4).into_iter().enumerate() {
            let file = write(&model, &plan.choices).expect("a plan");
            if file.len() <= SEED_BYTES_MAX {
                fs::write(folder("model").join(format!("seed-{index}-{number}.kndl")), file)
                    .expect("the corpus can be written");
            }
        }
    }
}

/// Networks so small that a model of them is loaded and run in a few microseconds.
const TINY: [&str; 6] = [
    r#"
        input = { height = 6, width = 6, channels = 1 }
        layer = [
            { type = "conv", filters = 2, kernel = 3, activation = "relu" },
            { type = "max_pool", size = 2 },
            { type = "dense", units = 2 },
        ]"#,
    r#"
        input = { height = 4, width = 4, channels = 8 }
        layer = [{ type = "conv", filters = 2, kernel = 3, activation = "relu" }]"#,
    r#"
        input = { height = 5, width = 4, channels = 2, offset = [-1, 1] }
        layer = [
            { type = "conv", filters = 2, kernel = [2, 1], stride = [2, 1], padding = "same" },
            { type = "max_pool", size = [2, 1], stride = 1 },
            { type = "conv", filters = 2, kernel = 2 },
        ]"#,
    r#"
        input = { height = 2, width = 2, channels = 1 }
        layer = [
            { type = "dense", units = 3, activation = "relu" },
            { type = "dense", units = 2 },
        ]"#,
    r#"
        input = { height = 7, width = 4, channels = 1 }
        layer = [
            { type = "conv", filters = 1, kernel = 2 },
            { type = "conv", filters = 1, kernel = 2 },
            { type = "max_pool", size = 2 },
        ]"#,
    r#"
        input = { height = 7, width = 1, channels = 2 }
        layer = [
            { type = "conv_1d", filters = 2, kernel = 2, dilation = 3, padding = "causal" },
        ]"#,
];

/// Each tiny network as every algorithm has it, and with as few rows held as there can be.
fn tiny_models() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (index, toml) in TINY.iter().enumerate() {
        let mut model = untrained(&toml::from_str(toml).expect("a network"));
        model.self_test = Some(vec![100; model.image.len()].into());
        for layer in &mut model.layers {
            layer.name.truncate(1);
        }
        for (number, choices) in by_every_algorithm(&model).into_iter().enumerate() {
            files
                .push((format!("tiny-{index}-{number}"), write(&model, &choices).expect("a plan")));
        }
        let plans = front_of(&model, Core::M0, Loading::OnChip).expect("plans");
        let least = plans.iter().min_by_key(|plan| plan.ram).expect("a plan");
        files.push((format!("tiny-{index}-rows"), write(&model, &least.choices).expect("a plan")));
    }
    let mut known = BTreeSet::new();
    files.retain(|(_, file)| known.insert(file.clone()));
    files
}

/// A small layer of every operator of the list in each of its ways, with one rounding and with two.
fn layers_of_the_list() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for choice in Choice::all() {
        let once = small_layer(choice, Some);
        let twice = small_layer(choice, |model| rounded_twice(model, choice));
        let named = [(Rounding::Once, once), (Rounding::Twice, twice)];
        files.extend(named.into_iter().filter_map(|(rounding, file)| {
            Some((format!("layer-{}", formula(choice, "", rounding)), file?))
        }));
    }
    files
}

/// The file of the first random layer that is neither large nor next to nothing; `None` where the
/// operator rounds nothing.
fn small_layer(
    choice: Choice,
    rounded: impl Fn(PlainModel) -> Option<PlainModel>,
) -> Option<Vec<u8>> {
    let random = &mut Random::new(1);
    let models = iter::repeat_with(|| rounded(extreme(random, choice))).take(EXTREME_LAYERS);
    let file = |model: PlainModel| {
        let mut choices = model.direct();
        choices.layers[measured(&model, choice)] = choice;
        (model.image.len() > 8).then(|| write(&model, &choices).expect("a layer that fits"))
    };
    models.flatten().filter_map(file).find(|file| file.len() <= LAYER_BYTES_MAX)
}

/// What hosts say to a chip, as postcard.
fn conversations() -> Vec<Vec<u8>> {
    use infer::wire::Request;
    let say = |requests: &[Request]| -> Vec<u8> {
        let bytes = |request: &Request| {
            let mut buffer = [0; 256];
            postcard::to_slice(request, &mut buffer).expect("a small request").to_vec()
        };
        requests.iter().flat_map(bytes).collect()
    };
    let image = [9; 64];
    let crc = checksum(&image);
    let file = fuzz::wire::BUILT_IN;
    let model = Header::read(file).expect("a model").checksum;
    let mut update = vec![Request::BeginUpdate { bytes: file.len() as u32, model }];
    update.extend(
        file.chunks(50).zip(0..).map(|(part, number)| Request::Update { at: 50 * number, part }),
    );
    update.push(Request::FinishUpdate { model });
    vec![
        say(&[Request::Identify, Request::SelfTest]),
        say(&[
            Request::Infer { image: crc, at: 0, timed_from: None, part: &image[..40] },
            Request::Infer { image: crc, at: 40, timed_from: None, part: &image[40..] },
        ]),
        say(&[
            Request::Infer { image: crc, at: 0, timed_from: Some(0), part: &image },
            Request::Profile { image: crc, layer: 0 },
        ]),
        say(&update),
        say(&[0, 1, 1, 3].map(|row| Request::Push { row, values: &image[..8] })),
        [say(&[Request::Identify]), vec![0, 3, 1, 2, 0, 0, 0xFF]].concat(),
    ]
}

#[test]
fn wire() {
    let seeds = corpus("wire");
    seeds.iter().for_each(|seed| _ = fuzz::wire::talk(seed));
    assert_eq!(fuzz::wire::talk(&conversations()[3]), conversation_of_an_update());
    let models = corpus("model");
    let mut conversation = line::Conversation::default();
    let answers: usize =
        (0..LINES).map(|number| fuzz::wire::talk(conversation.of(&seeds, &models, number))).sum();
    println!("{LINES} damaged conversations, {answers} answers");
    assert!(answers as u64 > LINES / 2);
}

/// Its beginning, its parts and its end are answered.
fn conversation_of_an_update() -> usize {
    2 + fuzz::wire::BUILT_IN.len().div_ceil(50)
}

/// The corpus, and layers of the list: those of a new operator are in the corpus once it is written
/// anew.
fn models_and_layers() -> Vec<Vec<u8>> {
    let layers = layers_of_the_list().into_iter().map(|(_, file)| file);
    corpus("model").into_iter().chain(layers).collect()
}

/// So that damage gets into the code of all of them.
#[test]
fn every_operator_of_the_list_is_among_the_seeds() {
    let seeds = models_and_layers();
    let (mut operators, mut ways) = (BTreeSet::new(), BTreeSet::new());
    for seed in &seeds {
        let mut table = ModelTable::new();
        let Ok(model) = Model::from_bytes(seed, &mut table) else { continue };
        for layer in model.layers() {
            operators.insert(layer.kind.kind() as u32);
            ways.insert(layer.kind.choice().formula());
        }
    }
    let lacking = |kind: &&Kind| !operators.contains(&(**kind as u32));
    let lacking: Vec<&Kind> = Kind::ALL.iter().filter(lacking).collect();
    assert!(lacking.is_empty(), "no seed has {lacking:?}: see `seeds_are_written`");
    for choice in Choice::all() {
        assert!(ways.contains(&choice.formula()), "no seed has {}", choice.formula());
    }
}

#[test]
fn models() {
    let seeds = models_and_layers();
    let (mut ran, mut refused) = (0, 0);
    for seed in &seeds {
        load_and_run(seed);
    }
    for number in 0..MODELS {
        let seed = &seeds[number as usize % seeds.len()];
        match load_and_run(&damage(seed, number)) {
            Outcome::Ran => ran += 1,
            Outcome::Refused(_) => refused += 1,
            Outcome::TooLarge => {}
        }
    }
    println!("{MODELS} damaged models: {ran} ran, {refused} were refused");
    assert!(ran > MODELS / 10 && refused > MODELS / 10, "{ran} ran, {refused} were refused");
}

fn pictures_of(kind: &str, target: fn(&[u8]) -> bool, damaged: impl FnMut(u64) -> Vec<u8>) {
    let read = read_of(kind, PICTURES, target, damaged);
    assert!(read > PICTURES / 100 && read < PICTURES / 2);
}

/// How many damaged files of a kind can still be read.
fn read_of(
    kind: &str,
    count: u64,
    target: fn(&[u8]) -> bool,
    mut damaged: impl FnMut(u64) -> Vec<u8>,
) -> u64 {
    let seeds = corpus(kind);
    assert!(seeds.iter().filter(|seed| target(seed)).count() >= 3, "hardly a seed is whole");
    let read = (0..count).filter(|number| target(&damaged(*number))).count() as u64;
    println!("{count} damaged {kind} files, {read} of them can be read");
    read
}

#[test]
fn idx() {
    let (seeds, mut damage) = (corpus("idx"), idx::Damage::default());
    pictures_of("idx", pictures::idx, |number| damage.of(&seeds, number).to_vec());
}

#[test]
fn png() {
    let seeds = corpus("png");
    let parts: Vec<_> = seeds.iter().filter_map(|file| png::Parts::of(file)).collect();
    pictures_of("png", pictures::picture, |number| {
        parts[number as usize % parts.len()].damaged(number)
    });
}

/// Damaged files of networks that were made elsewhere.
fn networks_of(kind: &str, count: u64, target: fn(&[u8]) -> bool, damage: fn(&mut Vec<u8>, u64)) {
    let seeds = corpus(kind);
    for (path, seed) in self::seeds(kind).iter().zip(&seeds) {
        assert!(target(seed), "{}: no network", path.display());
    }
    let read = (0..count).filter(|number| {
        let mut file = seeds[*number as usize % seeds.len()].clone();
        damage(&mut file, *number);
        target(&file)
    });
    let read = read.count() as u64;
    println!("{count} damaged {kind} files, {read} of them can be read");
    assert!(read > count / 10 && read < count * 9 / 10, "{read} can be read");
}

#[test]
fn tflite() {
    let damage = |file: &mut Vec<u8>, number| fuzz::mutate::tflite::damage(file, number);
    networks_of("tflite", NETWORKS, fuzz::tflite::tflite, damage);
}

#[test]
fn onnx() {
    networks_of("onnx", NETWORKS, fuzz::onnx::onnx, fuzz::mutate::onnx::damage);
}

/// Both formats, imported.
#[test]
fn float() {
    networks_of("float", FLOAT_NETWORKS, fuzz_imports::float, |file, number| {
        match file.get(4..8) == Some(&IDENTIFIER) {
            true => fuzz::mutate::tflite::damage(file, number),
            false => fuzz::mutate::onnx::damage(file, number),
        }
    });
}

/// Files in int8: what becomes a model answers as TensorFlow Lite does. Not all of them do: some
/// have operators that no model has.
#[test]
fn int8() {
    let seeds = corpus("tflite");
    let models = seeds.iter().filter(|seed| fuzz_imports::int8(seed)).count();
    assert!(models >= 3, "{models} of {} seeds become models", seeds.len());
    let read = (0..INT8_NETWORKS).filter(|number| {
        let mut file = seeds[*number as usize % seeds.len()].clone();
        fuzz::mutate::tflite::damage(&mut file, *number);
        fuzz_imports::int8(&file)
    });
    let read = read.count() as u64;
    println!("{INT8_NETWORKS} damaged networks in int8, {read} of them become models");
    assert!(read > INT8_NETWORKS / 20, "{read} become models");
}

/// Bytes changed here and there: where pixels are, a file often stays one.
fn changed(kind: &str, target: fn(&[u8]) -> bool) {
    let (seeds, mut bytes) = (corpus(kind), Vec::new());
    let read = read_of(kind, CHANGED, target, |number| {
        several(&seeds, number, &mut bytes);
        bytes.clone()
    });
    assert!(read > CHANGED / 100 && read < CHANGED / 10 * 9);
}

#[test]
fn jpeg() {
    changed("jpeg", pictures::picture);
}

#[test]
fn arrays() {
    changed("arrays", pictures::arrays);
}
