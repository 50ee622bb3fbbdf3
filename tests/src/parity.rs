//! Plans that answer many images in the emulator: the firmware that is measured, without counting,
//! several plans at a time.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{fs, thread};

use infer::Model;
use tempfile::TempPath;
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::plain_model::{Choice, PlainModel};
use trainer::plan::{Build, Loading, Plan};

use crate::firmware::{self, Board, Variant};
use crate::measure;

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

    /// The same in firmware with all parts, which is built once for all plans.
    pub fn with_all_parts(self) -> Self {
        Self { variant: Variant::complete(self.variant.build), ..self }
    }

    /// Whether the other is the same program with the same model.
    fn is_same(&self, other: &Self) -> bool {
        (self.board, self.variant, self.loading) == (other.board, other.variant, other.loading)
            && self.file == other.file
    }

    /// The scores of all images of the file `images`.
    fn scores(&self, images: &Path, programs: &Programs) -> Vec<i8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (model, scores) = (folder.path().join("model.kndl"), folder.path().join("scores"));
        fs::write(&model, &self.file).expect("the temporary folder can be written");
        let program = programs.of(self, &model);
        let arguments = [model.as_path(), Path::new(NO_COUNTS), images, &scores];
        let arguments = match self.loading {
            Loading::OnChip => &arguments[..],
            Loading::BuiltIn => &arguments[1..],
        };
        firmware::run_without_counting(self.board, &program, arguments);
        let mut table = ModelTable::new();
        let classes = Model::from_bytes(&self.file, &mut table).expect("a plan's file").classes();
        measure::answers(&fs::read(&scores).expect("the firmware wrote its scores"), classes).0
    }
}

/// Firmware that loads models, kept for all models.
#[derive(Default)]
struct Programs {
    kept: Mutex<Vec<(Board, Variant, Arc<TempPath>)>>,
}

impl Programs {
    /// The trial's program.
    fn of(&self, trial: &Trial, model: &Path) -> Arc<TempPath> {
        let (board, variant) = (trial.board, trial.variant);
        if trial.loading == Loading::BuiltIn {
            return Arc::new(firmware::built_in_program(board, variant, model));
        }
        let mut kept = lock(&self.kept);
        let is_it = |known: &&(Board, Variant, _)| (known.0, known.1) == (board, variant);
        if let Some((.., program)) = kept.iter().find(is_it) {
            return program.clone();
        }
        let program = Arc::new(firmware::measuring_program(board, variant));
        kept.push((board, variant, program.clone()));
        program
    }
}

/// A thread that panicked leaves nothing half-done here.
fn lock<Value>(mutex: &Mutex<Value>) -> MutexGuard<'_, Value> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A layer run in some way: its place, its algorithm, how many rows are held of the map before
/// it and of its own, and how it is compiled.
type Way = (usize, Choice, u16, u16, Build);

/// Plans in which every layer is run in every way that occurs on the front.
pub fn covering(front: &[Plan]) -> Vec<&Plan> {
    let mut left: Vec<Way> = front.iter().flat_map(ways).collect();
    let mut chosen = vec![];
    while !left.is_empty() {
        let new = |plan: &&Plan| ways(plan).filter(|way| left.contains(way)).count();
        let Some(best) = front.iter().max_by_key(new) else { break };
        left.retain(|way| !ways(best).any(|other| other == *way));
        chosen.push(best);
    }
    chosen
}

fn ways(plan: &Plan) -> impl Iterator<Item = Way> {
    let held = plan.choices.held_rows.windows(2);
    let layers = plan.choices.layers.iter().zip(held).enumerate();
    layers.map(|(layer, (choice, held))| (layer, *choice, held[0], held[1], plan.build))
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

/// Lets each trial answer `images`, raw and one after the other, on all of the host's cores, and
/// prints a line for each; those whose scores are not `reference`.
///
/// # Panics
/// When a firmware cannot be built or run.
pub fn differing(trials: &[Trial], images: &[u8], reference: &[i8]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("images");
    fs::write(&path, images).expect("the temporary folder can be written");
    let programs = Programs::default();
    let (next, done, differing) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(vec![]));
    let work = || {
        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let is_exact = trial.scores(&path, &programs) == reference;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            let (names, seconds) = (trial.names.join("; "), begun.elapsed().as_secs());
            let outcome = if is_exact { "as the reference" } else { "NOT the reference's scores" };
            println!("{done} of {}, {seconds} s: {names}: {outcome}", trials.len());
            if !is_exact {
                lock(&differing).push(names);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    differing.into_inner().unwrap_or_else(PoisonError::into_inner)
}
