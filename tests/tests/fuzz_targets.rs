//! The fuzz targets as an ordinary test: every file of the corpora, then so many mutations of them. What a fuzzer found stays in the corpora.
//!
//! `KINDLING_WRITE_CORPUS=1` writes the seeds anew.

#[path = "../fuzz/src/lib.rs"]
#[allow(missing_docs, reason = "documented as a crate of its own")]
mod fuzz;

use std::path::{Path, PathBuf};
use std::{env, fs};

use fuzz::model::{Outcome, load_and_run};
use fuzz::mutate::{Random, damage};
use fuzz::pictures;
use infer::format::{Header, checksum};
use tests::networks::ODD;
use tests::plans::{spread, untrained};
use trainer::model_file::{self_test, write};
use trainer::plan::{Core, Loading, front_of};

/// Mutations of each kind of file.
const MODELS: u64 = 200_000;
const PICTURES: u64 = 60_000;
const LINES: u64 = 100_000;

/// Largest seed, bytes.
const SEED_BYTES_MAX: usize = 6000;

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(kind)
}

fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder(kind)).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no corpus of {kind}");
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

#[test]
fn seeds_are_written() {
    if env::var_os("KINDLING_WRITE_CORPUS").is_none() {
        return;
    }
    for (index, line) in conversations().iter().enumerate() {
        fs::write(folder("wire").join(format!("seed-{index}")), line).expect("the corpus can be written");
    }
    for (index, odd) in ODD.iter().enumerate() {
        let mut model = untrained(&odd.network());
        model.version = 1;
        let image = vec![100; model.image.len()];
        model.self_test = Some(self_test(&model, &image).expect("the model's image"));
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
    update.extend(file.chunks(50).zip(0..).map(|(part, number)| Request::Update { at: 50 * number, part }));
    update.push(Request::FinishUpdate { model });
    vec![
        say(&[Request::Identify, Request::SelfTest]),
        say(&[
            Request::Infer { image: crc, at: 0, part: &image[..40] },
            Request::Infer { image: crc, at: 40, part: &image[40..] },
        ]),
        say(&[Request::Infer { image: crc, at: 0, part: &image }, Request::Profile { image: crc, layer: 0 }]),
        say(&update),
        [say(&[Request::Identify]), vec![0, 3, 1, 2, 0, 0, 0xFF]].concat(),
    ]
}

#[test]
fn wire() {
    let seeds = corpus("wire");
    assert_eq!(seeds.iter().map(|seed| fuzz::wire::talk(seed)).max(), Some(conversation_of_an_update()));
    let mut random = Random(1);
    let seed = |number: u64| &seeds[number as usize % seeds.len()];
    let answers: usize = (0..LINES).map(|number| fuzz::wire::talk(&mutated(seed(number), &mut random))).sum();
    println!("{LINES} damaged conversations, {answers} answers");
    assert!(answers > 0);
}

/// Its beginning, its parts and its end are answered.
fn conversation_of_an_update() -> usize {
    2 + fuzz::wire::BUILT_IN.len().div_ceil(50)
}

#[test]
fn models() {
    let seeds = corpus("model");
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

fn mutated(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.below(256) as u8),
            _ => bytes[at] ^= 1 << random.below(8),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn pictures_of(kind: &str, target: fn(&[u8]) -> bool) {
    let seeds = corpus(kind);
    assert!(seeds.iter().filter(|seed| target(seed)).count() >= 3, "hardly a seed is whole");
    let mut random = Random(1);
    let read = (0..PICTURES)
        .filter(|number| target(&mutated(&seeds[*number as usize % seeds.len()], &mut random)))
        .count();
    println!("{PICTURES} damaged {kind} files, {read} of them can be read");
}

#[test]
fn idx() {
    pictures_of("idx", pictures::idx);
}

#[test]
fn png() {
    pictures_of("png", pictures::png);
}
