//! Plans that answer many images in the emulator: the firmware that is measured, without counting, several plans at a time.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{fs, thread};

use trainer::model_file::write;
use trainer::plain_model::PlainModel;
use trainer::plan::{Loading, Plan};

use crate::firmware::{self, Board, Variant};

/// Stands for the file of counts where the firmware is not to count.
const NO_COUNTS: &str = "-";

/// A plan on a core.
#[derive(Clone, Debug)]
pub struct Trial {
    /// For people: the core and the limits whose plan it is.
    pub names: Vec<String>,
    /// Predicted instructions of a run.
    pub instructions: f64,
    board: Board,
    variant: Variant,
    loading: Loading,
    file: Vec<u8>,
}

impl Trial {
    /// The plan in the firmware that the planner counted.
    ///
    /// # Panics
    /// When it is no plan of the model's front.
    pub fn new(name: String, board: Board, model: &PlainModel, plan: &Plan) -> Self {
        let file = write(model, &plan.choices).expect("a plan of the front");
        let variant = Variant { build: plan.build, features: plan.features };
        let (instructions, loading) = (plan.instructions, plan.loading);
        Self { names: vec![name], instructions, board, variant, loading, file }
    }

    /// Whether the other is the same program with the same model.
    fn is_same(&self, other: &Self) -> bool {
        (self.board, self.variant, self.loading) == (other.board, other.variant, other.loading)
            && self.file == other.file
    }

    /// Builds the firmware and gives it a place of its own, because the next build replaces it.
    fn program(&self, folder: &Path, model: &Path) -> PathBuf {
        let built = match self.loading {
            Loading::OnChip => firmware::measuring_program(self.board, self.variant),
            Loading::BuiltIn => firmware::built_in_program(self.board, self.variant, model),
        };
        let program = folder.join("program");
        fs::copy(built, &program).expect("the temporary folder can be written");
        program
    }

    /// The scores of all images of the file `images`; one firmware at a time is built.
    fn scores(&self, images: &Path, building: &Mutex<()>) -> Vec<i8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (model, scores) = (folder.path().join("model.kndl"), folder.path().join("scores"));
        fs::write(&model, &self.file).expect("the temporary folder can be written");
        let program = {
            let _one_at_a_time = building.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            self.program(folder.path(), &model)
        };
        let arguments = [model.as_path(), Path::new(NO_COUNTS), images, &scores];
        let arguments = match self.loading {
            Loading::OnChip => &arguments[..],
            Loading::BuiltIn => &arguments[1..],
        };
        firmware::run_without_counting(self.board, &program, arguments);
        let scores = fs::read(&scores).expect("the firmware wrote its scores");
        scores.into_iter().map(|score| score as i8).collect()
    }
}

/// The trials without those that are the same as another, which takes over their names.
pub fn distinct(trials: Vec<Trial>) -> Vec<Trial> {
    let mut kept: Vec<Trial> = vec![];
    for trial in trials {
        match kept.iter_mut().find(|other| other.is_same(&trial)) {
            Some(other) => other.names.extend(trial.names),
            None => kept.push(trial),
        }
    }
    kept
}

/// Lets each trial answer `images`, raw and one after the other, on all of the host's cores, and prints a line for each; those whose
/// scores are not `reference`.
///
/// # Panics
/// When a firmware cannot be built or run.
pub fn differing(trials: &[Trial], images: &[u8], reference: &[i8]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("images");
    fs::write(&path, images).expect("the temporary folder can be written");
    let (next, done, building) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(()));
    let differing = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some((index, trial)) = numbered(trials, next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let is_exact = trial.scores(&path, &building) == reference;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            let (names, seconds) = (trial.names.join("; "), begun.elapsed().as_secs());
            let outcome = if is_exact { "as the reference" } else { "NOT the reference's scores" };
            println!("{done} of {}, {seconds} s: {names}: {outcome}", trials.len());
            if !is_exact {
                differing.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(index, names);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    differing.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).into_values().collect()
}

fn numbered(trials: &[Trial], index: usize) -> Option<(usize, &Trial)> {
    trials.get(index).map(|trial| (index, trial))
}
