//! Networks that were trained elsewhere give TensorFlow Lite's bytes on every emulated core: those
//! of the fixtures, and MLPerf Tiny's where `KINDLING_MODELS` names a folder of them.

use tests::firmware::{Board, M0, M3, M4, M33, M55, Variant};
use tests::imported::{Imported, PUBLIC, folder};
use tests::measure::{built_in_counts, counts};
use trainer::model_file::write;
use trainer::plan::{Core, Loading, Plan, front_of};

/// Inputs that each core answers.
const INPUTS: usize = 2;

/// An M7 runs what an M4 runs.
const CORES: [(Board, Core); 5] =
    [(M0, Core::M0), (M3, Core::M3), (M4, Core::M4), (M33, Core::M33), (M55, Core::M55)];

/// Of the fixtures, those that are read whole.
const FIXTURES: [&str; 1] = ["scores"];

fn fastest(front: &[Plan]) -> &Plan {
    let fastest = front.iter().min_by(|a, b| a.instructions.total_cmp(&b.instructions));
    fastest.expect("a plan")
}

fn check(imported: &Imported) {
    let Imported { name, model, .. } = imported;
    let (inputs, answers) = imported.first(INPUTS);
    for (board, core) in CORES {
        let front = front_of(model, core, Loading::OnChip).expect("plans");
        let plan = fastest(&front);
        let file = write(model, &plan.choices).expect("a plan");
        let found = counts(board, &[file], inputs).remove(0);
        assert_eq!(found.scores, answers, "{name} on {}", board.name);
        let off = plan.instructions / f64::from(found.total) - 1.0;
        println!("{name} on {core:?}: {} instructions, predicted {off:+.3}", found.total);
        assert!(off.abs() < 0.15, "{name} on {}: predicted {off:+.3}", board.name);
    }
}

#[test]
fn imported_networks_answer_on_every_core() {
    for name in FIXTURES {
        check(&Imported::fixture(name, INPUTS));
    }
    match folder() {
        Some(folder) => PUBLIC.iter().for_each(|name| check(&Imported::public(&folder, name))),
        None => println!("skipped: KINDLING_MODELS names no folder of networks"),
    }
}

/// Of the public networks, those that are built in: between them they hold each kind of record.
const BUILT_IN: [&str; 2] = ["kws", "ic"];

/// Built in, a model is source text, which names every operator's record and what that holds.
#[test]
fn imported_networks_can_be_built_in() {
    let mut networks = FIXTURES.map(|name| Imported::fixture(name, INPUTS)).to_vec();
    if let Some(folder) = folder() {
        networks.extend(BUILT_IN.map(|name| Imported::public(&folder, name)));
    }
    for imported in networks {
        let (inputs, answers) = imported.first(INPUTS);
        let front = front_of(&imported.model, Core::M4, Loading::BuiltIn).expect("plans");
        let plan = fastest(&front);
        let variant = Variant { build: plan.build, features: plan.features };
        let file = write(&imported.model, &plan.choices).expect("a plan");
        let found = built_in_counts(M4, variant, &file, inputs);
        assert_eq!(found.scores, answers, "{}", imported.name);
    }
}
