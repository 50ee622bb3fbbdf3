//! Many models measured in the emulator: their instructions and their answers.

use std::fs;

use infer::Model;
use trainer::model_file::ModelTable;

use trainer::plan::Build;

use crate::firmware::{self, Board, Variant};

/// Most bytes of models that the firmware takes at once.
const BATCH_BYTES: usize = 1024 * 1024;

/// Model files lie at multiples of this many bytes.
const ALIGNMENT_BYTES: usize = 16;

/// What one run of a model takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Instructions of the whole run.
    pub total: u32,
    /// Most stack it takes, bytes.
    pub stack_bytes: u32,
    /// Instructions of loading; 0 where the model is built in.
    pub load: u32,
    /// Most stack that loading takes, bytes.
    pub load_stack_bytes: u32,
    /// Instructions of the longest step, to within one tick of the counter.
    pub longest_step: u32,
    /// Instructions of each layer, to within one tick of the counter.
    pub layers: Vec<u32>,
    /// The scores of all images, one after the other.
    pub scores: Vec<i8>,
    /// Instructions of the run of each image.
    pub image_instructions: Vec<u32>,
}

/// Bytes that hold the instructions of a run, after its scores.
const INSTRUCTION_BYTES: usize = 4;

/// The scores of all images and the instructions of the run of each, from what the firmware wrote.
pub fn answers(bytes: &[u8], classes: usize) -> (Vec<i8>, Vec<u32>) {
    let (mut scores, mut instructions) = (Vec::new(), Vec::new());
    for answer in bytes.chunks_exact(classes + INSTRUCTION_BYTES) {
        let (values, count) = answer.split_at(classes);
        scores.extend(values.iter().map(|score| *score as i8));
        instructions.push(u32::from_le_bytes(count.try_into().expect("four bytes")));
    }
    (scores, instructions)
}

/// Runs each of the model files once on `board` and counts, then on all of `images`, raw and one
/// after the other.
///
/// # Panics
/// When the firmware cannot be built or run, or refuses a model.
pub fn counts(board: Board, models: &[Vec<u8>], images: &[u8]) -> Vec<Counts> {
    counts_of(board, Variant::complete(Build::Fast), models, images)
}

/// [`counts`] of a variant of the firmware.
///
/// # Panics
/// As [`counts`].
pub fn counts_of(board: Board, variant: Variant, models: &[Vec<u8>], images: &[u8]) -> Vec<Counts> {
    let padded = |model: &Vec<u8>| model.len().next_multiple_of(ALIGNMENT_BYTES);
    let mut counts = Vec::new();
    let mut rest = models;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |model: &&Vec<u8>| {
            bytes += padded(model);
            bytes <= BATCH_BYTES
        };
        let (batch, after) = rest.split_at(rest.iter().take_while(fits).count());
        assert!(!batch.is_empty(), "a model of more than {BATCH_BYTES} bytes");
        counts.extend(batch_counts(board, variant, batch, images));
        rest = after;
    }
    counts
}

/// Runs the model once where it is built in and counts, then on all of `images`.
///
/// # Panics
/// As [`counts`].
pub fn built_in_counts(board: Board, variant: Variant, model: &[u8], images: &[u8]) -> Counts {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = ["model.kndl", "counts", "images", "scores"].map(|name| folder.path().join(name));
    fs::write(&files[0], model).expect("the temporary folder can be written");
    fs::write(&files[2], images).expect("the temporary folder can be written");
    firmware::measure_built_in(board, variant, &files[0], &[&files[1], &files[2], &files[3]]);
    let [counts, scores] =
        [1, 3].map(|index| fs::read(&files[index]).expect("the firmware wrote what it measured"));
    let mut words = counts.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
    let mut next = || words.next().expect("a count");
    let (total, stack_bytes, load, load_stack_bytes) = (next(), next(), next(), next());
    let longest_step = next();
    let mut table = ModelTable::new();
    let classes = Model::from_bytes(model, &mut table).expect("a model").classes();
    let (scores, image_instructions) = answers(&scores, classes);
    Counts {
        total,
        stack_bytes,
        load,
        load_stack_bytes,
        longest_step,
        layers: words.collect(),
        scores,
        image_instructions,
    }
}

/// A stream that was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Most stack that a row takes, bytes.
    pub stack_bytes: u32,
    /// Instructions of loading, with the proof that the model is a stream.
    pub load: u32,
    /// Instructions of each row, and the output that it completes.
    pub rows: Vec<(u32, Option<Vec<i8>>)>,
}

/// Pushes `rows`, as messages hold them, into a stream of the model in `file`.
///
/// # Panics
/// As [`counts`].
pub fn followed(board: Board, variant: Variant, file: &[u8], rows: &[u8]) -> Followed {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = ["model.kndl", "rows", "outputs"].map(|name| folder.path().join(name));
    fs::write(&files[0], file).expect("the temporary folder can be written");
    fs::write(&files[1], rows).expect("the temporary folder can be written");
    firmware::follow(board, variant, &files.each_ref().map(|file| &**file));
    let bytes = fs::read(&files[2]).expect("the firmware wrote what came out");
    let mut table = ModelTable::new();
    let classes = Model::from_bytes(file, &mut table).expect("a model").classes();
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let (head, rest) = bytes.split_at(2 * INSTRUCTION_BYTES);
    let row = |bytes: &[u8]| {
        let (instructions, output) = bytes.split_at(INSTRUCTION_BYTES);
        let scores = || output[1..].iter().map(|score| *score as i8).collect();
        (word(instructions), (output[0] == 1).then(scores))
    };
    let rows = rest.chunks_exact(INSTRUCTION_BYTES + 1 + classes).map(row).collect();
    Followed { stack_bytes: word(&head[..4]), load: word(&head[4..]), rows }
}

fn batch_counts(board: Board, variant: Variant, models: &[Vec<u8>], images: &[u8]) -> Vec<Counts> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| folder.path().join(name);
    let files = ["models", "counts", "images", "scores"].map(place);
    let mut all = Vec::new();
    for model in models {
        all.extend(model);
        all.resize(all.len().next_multiple_of(ALIGNMENT_BYTES), 0);
    }
    fs::write(&files[0], all).expect("the temporary folder can be written");
    fs::write(&files[2], images).expect("the temporary folder can be written");
    firmware::measure(board, variant, &files.each_ref().map(|file| &**file));
    let [_, counts, _, scores] =
        files.map(|file| fs::read(file).expect("the firmware wrote what it measured"));
    let mut words = counts.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
    let mut scores = &scores[..];
    let of = |file: &Vec<u8>| {
        let mut table = ModelTable::new();
        let model = Model::from_bytes(file, &mut table).expect("a model");
        let mut next = || words.next().expect("a count for each layer");
        let bytes =
            images.len() / model.image_shape().len() * (model.classes() + INSTRUCTION_BYTES);
        let answered;
        (answered, scores) = scores.split_at(bytes.min(scores.len()));
        let (total, stack_bytes, load, load_stack_bytes) = (next(), next(), next(), next());
        let longest_step = next();
        let layers = model.layers().iter().map(|_| next()).collect();
        let (scores, image_instructions) = answers(answered, model.classes());
        Counts {
            total,
            stack_bytes,
            load,
            load_stack_bytes,
            longest_step,
            layers,
            scores,
            image_instructions,
        }
    };
    models.iter().map(of).collect()
}
