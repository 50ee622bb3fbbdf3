//! The fuzz targets on damaged inputs one after the other, without a fuzzer:
//! `mutations model|idx|png|jpeg|arrays|wire|tflite|onnx FIRST COUNT`. `mutations corpus` gives
//! them the files of the corpora, as they are.
//!
//! Input number N of a kind is always the same for one corpus. So a run is told by its numbers, and
//! an input that fails can be made again by its number. Without instrumentation it runs many times
//! more inputs in a second than libFuzzer, which is guided by what the code does with them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use fuzz::model::{Outcome, load_and_run};
use fuzz::mutate::{idx, line, model, png, several};
use fuzz::{mutate, onnx, pictures, tflite, wire};

/// Inputs between two lines that say how far it is.
const REPORT_EVERY: u64 = 50_000_000;

/// Largest file of the corpus whose damaged copies are tried: others are for libFuzzer.
const SEED_BYTES_MAX: usize = 1400;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [kind] if kind == "corpus" => run_corpora(),
        [kind, first, count] => match (first.parse(), count.parse()) {
            (Ok(first), Ok(count)) => run_in_a_row(kind, first, count),
            _ => usage(),
        },
        _ => usage(),
    }
}

fn run_in_a_row(kind: &str, first: u64, count: u64) -> ExitCode {
    match kind {
        "model" => run(kind, first, count, Models::new()),
        "idx" => {
            run(kind, first, count, Idx { known: corpus("idx"), damage: idx::Damage::default() })
        }
        "png" => run(kind, first, count, Png { known: pictures_known(), damaged: Vec::new() }),
        "jpeg" => run(kind, first, count, Changed::new("jpeg", pictures::picture)),
        "arrays" => run(kind, first, count, Changed::new("arrays", pictures::arrays)),
        "wire" => run(kind, first, count, Line::new()),
        "tflite" => run(
            kind,
            first,
            count,
            Network::new(kind, |file, number| mutate::tflite::damage(file, number), tflite::tflite),
        ),
        "onnx" => run(kind, first, count, Network::new(kind, mutate::onnx::damage, onnx::onnx)),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "mutations model|idx|png|jpeg|arrays|wire|tflite|onnx FIRST COUNT, or mutations corpus"
    );
    ExitCode::from(2)
}

fn run_corpora() -> ExitCode {
    files("model").iter().for_each(|file| _ = load_and_run(file));
    files("idx").iter().for_each(|file| _ = pictures::idx(file));
    files("png").iter().for_each(|file| _ = pictures::picture(file));
    files("jpeg").iter().for_each(|file| _ = pictures::picture(file));
    files("arrays").iter().for_each(|file| _ = pictures::arrays(file));
    files("wire").iter().for_each(|file| _ = wire::talk(file));
    files("tflite").iter().for_each(|file| _ = tflite::tflite(file));
    files("onnx").iter().for_each(|file| _ = onnx::onnx(file));
    ExitCode::SUCCESS
}

/// A kind of input.
trait Kind {
    /// Makes input `number` and gives it to the target. What became of it: refused, accepted.
    fn execute(&mut self, number: u64) -> [u64; 2];

    /// The input made last.
    fn input(&self) -> Vec<u8>;
}

fn run(name: &str, first: u64, count: u64, mut kind: impl Kind) {
    let begun = Instant::now();
    let mut outcomes = [0; 2];
    for number in first..first + count {
        let result = catch_unwind(AssertUnwindSafe(|| kind.execute(number)));
        let [refused, accepted] = result.unwrap_or_else(|panic| {
            let file = format!("target/found-crash-{name}-{number}");
            let written =
                fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file), kind.input());
            eprintln!("{name} input {number} fails: {file}, {written:?}");
            resume_unwind(panic)
        });
        outcomes = [outcomes[0] + refused, outcomes[1] + accepted];
        if (number - first + 1).is_multiple_of(REPORT_EVERY) {
            report(name, first, number + 1, outcomes, begun);
        }
    }
    report(name, first, first + count, outcomes, begun);
}

fn report(name: &str, first: u64, end: u64, [refused, accepted]: [u64; 2], begun: Instant) {
    let executions = refused + accepted;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{name} inputs {first}..{end}: {executions} executions, {accepted} accepted, {:.0} a \
            second",
        executions as f64 / seconds
    );
}

/// The files whose damaged copies are tried.
fn corpus(kind: &str) -> Vec<Vec<u8>> {
    files(kind).into_iter().filter(|file| file.len() <= SEED_BYTES_MAX).collect()
}

fn files(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(kind);
    let entries = fs::read_dir(folder).expect("the corpus");
    let mut paths: Vec<_> =
        entries.map(|entry| entry.expect("a file of the corpus").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file of the corpus")).collect()
}

struct Models {
    known: Vec<Vec<u8>>,
    damage: model::Damage,
    file: Vec<u8>,
}

impl Models {
    fn new() -> Self {
        Self { known: corpus("model"), damage: model::Damage::default(), file: Vec::new() }
    }
}

impl Kind for Models {
    /// A model whose only fault is what the header says of its working memory is tried once more
    /// with that set right.
    fn execute(&mut self, number: u64) -> [u64; 2] {
        let seed = &self.known[number as usize % self.known.len()];
        let file = self.damage.of(seed, number);
        self.file.clear();
        self.file.extend(&*file);
        match load_and_run(&self.file) {
            Outcome::Refused(error) if model::repair_arena(&mut self.file, error) => {
                let accepted = !matches!(load_and_run(&self.file), Outcome::Refused(_)) as u64;
                [2 - accepted, accepted]
            }
            Outcome::Refused(_) => [1, 0],
            Outcome::Ran | Outcome::TooLarge => [0, 1],
        }
    }

    fn input(&self) -> Vec<u8> {
        self.file.clone()
    }
}

struct Idx {
    known: Vec<Vec<u8>>,
    damage: idx::Damage,
}

impl Kind for Idx {
    fn execute(&mut self, number: u64) -> [u64; 2] {
        let accepted = pictures::idx(self.damage.of(&self.known, number)) as u64;
        [1 - accepted, accepted]
    }

    fn input(&self) -> Vec<u8> {
        self.damage.last().to_vec()
    }
}

struct Png {
    known: Vec<png::Parts>,
    damaged: Vec<u8>,
}

fn pictures_known() -> Vec<png::Parts> {
    corpus("png").iter().filter_map(|file| png::Parts::of(file)).collect()
}

impl Kind for Png {
    fn execute(&mut self, number: u64) -> [u64; 2] {
        self.damaged = self.known[number as usize % self.known.len()].damaged(number);
        let accepted = pictures::picture(&self.damaged) as u64;
        [1 - accepted, accepted]
    }

    fn input(&self) -> Vec<u8> {
        self.damaged.clone()
    }
}

/// Files whose bytes are changed here and there.
struct Changed {
    known: Vec<Vec<u8>>,
    target: fn(&[u8]) -> bool,
    bytes: Vec<u8>,
}

impl Changed {
    fn new(kind: &str, target: fn(&[u8]) -> bool) -> Self {
        Self { known: corpus(kind), target, bytes: Vec::new() }
    }
}

impl Kind for Changed {
    fn execute(&mut self, number: u64) -> [u64; 2] {
        several(&self.known, number, &mut self.bytes);
        let accepted = (self.target)(&self.bytes) as u64;
        [1 - accepted, accepted]
    }

    fn input(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

struct Line {
    known: Vec<Vec<u8>>,
    models: Vec<Vec<u8>>,
    conversation: line::Conversation,
}

impl Line {
    fn new() -> Self {
        let conversation = line::Conversation::default();
        Self { known: corpus("wire"), models: corpus("model"), conversation }
    }
}

impl Kind for Line {
    /// Accepted is what was answered at all.
    fn execute(&mut self, number: u64) -> [u64; 2] {
        let answered = wire::talk(self.conversation.of(&self.known, &self.models, number)) > 0;
        [!answered as u64, answered as u64]
    }

    fn input(&self) -> Vec<u8> {
        self.conversation.last().to_vec()
    }
}

/// Files of networks that were made elsewhere.
struct Network {
    known: Vec<Vec<u8>>,
    file: Vec<u8>,
    damage: fn(&mut Vec<u8>, u64),
    target: fn(&[u8]) -> bool,
}

impl Network {
    fn new(kind: &str, damage: fn(&mut Vec<u8>, u64), target: fn(&[u8]) -> bool) -> Self {
        Self { known: files(kind), file: Vec::new(), damage, target }
    }
}

impl Kind for Network {
    fn execute(&mut self, number: u64) -> [u64; 2] {
        self.file.clone_from(&self.known[number as usize % self.known.len()]);
        (self.damage)(&mut self.file, number);
        let accepted = (self.target)(&self.file) as u64;
        [1 - accepted, accepted]
    }

    fn input(&self) -> Vec<u8> {
        self.file.clone()
    }
}
