//! The work of a file is bounded on every core. `Model::operations()` bounds the instructions of a
//! run; the bytes and slices of a file bound those of loading it. That holds for networks as people
//! make them, and for networks that are made to do harm. The bounds are those of `docs/limits.md`.
//!
//! `KINDLING_WORK=N` takes N layers of extreme shapes by each algorithm.

use std::env;

use infer::{Model, ModelError};
use tests::documented::numbers;
use tests::firmware::{Board, M0, M3, M4, M7, M33, M55};
use tests::greedy;
use tests::measure::{Counts, counts};
use tests::plans::{spread, tutorial};
use tests::random_layer::{Random, extreme};
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::plain_model::Choice;
use trainer::plan::{Core, Loading, front_of};

/// Layers of extreme shapes by each algorithm, unless the environment says otherwise.
const LAYERS: u64 = 12;

/// Plans of the tutorial's network.
const PLANS: usize = 8;

/// Name, board and cost class of each core, in the order of the document's table.
const CORES: [(&str, Board, Core); 6] = [
    ("M0", M0, Core::M0),
    ("M3", M3, Core::M3),
    ("M4", M4, Core::M4),
    ("M7", M7, Core::M4),
    ("M33", M33, Core::M33),
    ("M55", M55, Core::M55),
];

/// A description and the file.
type Named = (String, Vec<u8>);

#[test]
fn instructions_stay_below_what_operations_bytes_and_slices_allow() {
    let for_all = [extreme_layers(), by_hand()].concat();
    let mut exceeded = vec![];
    for (name, board, core) in CORES {
        let files = [for_all.clone(), plans(core)].concat();
        let bytes: Vec<_> = files.iter().map(|(_, file)| file.clone()).collect();
        let counted = counts(board, &bytes, &[]);
        let bounds = Bounds::documented(name);
        let (mut run, mut load) = ((0.0, ""), (0.0, ""));
        for ((file_name, file), counts) in files.iter().zip(&counted) {
            let mut table = ModelTable::new();
            let model = Model::from_bytes(file, &mut table).expect("a model");
            let used = [bounds.used_by_run(&model, counts), bounds.used_by_load(&model, counts)];
            if used[0] > 1.0 || used[1] > 1.0 {
                exceeded.push(format!("{name}, {file_name}: {used:.3?}"));
            }
            run = if used[0] > run.0 { (used[0], file_name) } else { run };
            load = if used[1] > load.0 { (used[1], file_name) } else { load };
        }
        println!(
            "{name}: {} models; of what is allowed at most {run:.2?} for a run, {load:.2?} to load",
            files.len()
        );
        assert!(run.0 > 0.5 && load.0 > 0.5, "{name}: the bounds are far too high");
    }
    assert!(exceeded.is_empty(), "parts of what is allowed:\n{}", exceeded.join("\n"));
}

#[test]
fn more_turns_than_the_limit_are_refused() {
    assert_eq!(
        Model::from_bytes(&greedy::most_turns(0), &mut ModelTable::new())
            .map(|model| model.slices()),
        Ok(16_384)
    );
    let limit = infer::schedule::SLICES_MAX;
    let refused = |file: &[u8]| {
        assert_eq!(
            Model::from_bytes(file, &mut ModelTable::new()).err(),
            Some(ModelError::SliceCount { limit })
        )
    };
    refused(&greedy::most_turns(1));
    refused(&greedy::taking_turns(u16::MAX, 16));
}

/// What is documented for a core, in instructions.
struct Bounds {
    operation: f64,
    byte: f64,
    slice: f64,
    once: f64,
}

impl Bounds {
    fn documented(core: &str) -> Self {
        let [operation, byte, slice, once] = numbers("Work", core)[..] else {
            panic!("a row of four numbers")
        };
        Self {
            operation: operation.into(),
            byte: byte.into(),
            slice: slice.into(),
            once: once.into(),
        }
    }

    /// Part of the instructions that the model's operations allow.
    fn used_by_run(&self, model: &Model<'_>, counts: &Counts) -> f64 {
        counts.total as f64 / (self.operation * model.operations() as f64)
    }

    /// Part of the instructions that the file's bytes and slices allow.
    fn used_by_load(&self, model: &Model<'_>, counts: &Counts) -> f64 {
        let allowed =
            self.once + self.byte * model.file_bytes() as f64 + self.slice * model.slices() as f64;
        counts.load as f64 / allowed
    }
}

fn extreme_layers() -> Vec<Named> {
    let layers = env::var("KINDLING_WORK").map_or(LAYERS, |count| count.parse().expect("a number"));
    let mut files = Vec::new();
    for choice in Choice::all() {
        for seed in 0..layers {
            let model = extreme(&mut Random::new(seed), choice);
            let choices = model.with_whole_tensors(vec![choice; model.layers.len()]);
            files.push((
                format!("{choice:?}: {:?}", model.layers[0].kind),
                write(&model, &choices).expect("a model"),
            ));
        }
    }
    files
}

fn by_hand() -> Vec<Named> {
    vec![
        ("two interleaved maps".to_owned(), greedy::most_turns(0)),
        ("sixteen interleaved poolings".to_owned(), greedy::taking_turns(960, 16)),
        ("sixteen interleaved convolutions".to_owned(), greedy::convolutions_taking_turns(100, 16)),
        ("four interleaved convolutions".to_owned(), greedy::convolutions_taking_turns(400, 4)),
        ("kernels of 900 weights for one place".to_owned(), greedy::weights_for_one_place()),
    ]
}

/// The tutorial's network, from the fastest plan to the smallest.
fn plans(core: Core) -> Vec<Named> {
    let model = tutorial();
    let front = front_of(&model, core, Loading::OnChip).expect("plans");
    let file = |plan: &trainer::plan::Plan| write(&model, &plan.choices).expect("a plan");
    spread(&front, PLANS)
        .into_iter()
        .map(|plan| (format!("{:?}", plan.choices), file(plan)))
        .collect()
}
