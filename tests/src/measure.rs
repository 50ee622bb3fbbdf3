//! Instructions of models, counted in the emulator.

use std::fs;

use infer::Model;

use crate::firmware::{self, Board};

/// Most bytes of models that the firmware takes at once.
const BATCH_BYTES: usize = 1024 * 1024;

/// Model files lie at multiples of so many bytes.
const ALIGNMENT_BYTES: usize = 16;

/// What one run of a model takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The whole run.
    pub total: u32,
    /// Each layer, to within one tick of the counter.
    pub layers: Vec<u32>,
}

/// Runs each of the model files once on `board` and counts.
///
/// # Panics
/// When the firmware cannot be built or run, or refuses a model.
pub fn counts(board: Board, models: &[Vec<u8>]) -> Vec<Counts> {
    let padded = |model: &Vec<u8>| model.len().next_multiple_of(ALIGNMENT_BYTES);
    let mut counts = Vec::new();
    let mut rest = models;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |model: &&Vec<u8>| {
            bytes += padded(model);
            bytes <= BATCH_BYTES
        };
        let (batch, behind) = rest.split_at(rest.iter().take_while(fits).count());
        assert!(!batch.is_empty(), "a model of more than {BATCH_BYTES} bytes");
        counts.extend(batch_counts(board, batch));
        rest = behind;
    }
    counts
}

fn batch_counts(board: Board, models: &[Vec<u8>]) -> Vec<Counts> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (from, to) = (folder.path().join("models"), folder.path().join("counts"));
    let mut all = Vec::new();
    for model in models {
        all.extend(model);
        all.resize(all.len().next_multiple_of(ALIGNMENT_BYTES), 0);
    }
    fs::write(&from, all).expect("the temporary folder can be written");
    firmware::measure(board, &from, &to);
    let written = fs::read(&to).expect("the firmware wrote its counts");
    let mut words = written.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
    let mut next = || words.next().expect("a count for each layer");
    let of = |model: &Vec<u8>| {
        let layers = Model::from_bytes(model).expect("a model").layers().len();
        Counts { total: next(), layers: (0..layers).map(|_| next()).collect() }
    };
    models.iter().map(of).collect()
}
