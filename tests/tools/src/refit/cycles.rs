//! How many cycles an instruction of each formula takes on average, without wait states: from
//! counts of the executed instructions by kind, and Arm's published timings.

use std::collections::BTreeMap;

use tests::cycles::{Estimate, RunEstimate, estimates};
use tests::firmware::{Board, Variant};
use trainer::ops::Choice;
use trainer::plain_model::{Choices, PlainModel};
use trainer::plan::cost::FRAME;
use trainer::plan::cycles::{Cycles, CyclesPerInstruction, Processor};
use trainer::plan::{Build, Core};

use super::{Case, Wanted, cases, choices, formulas_of};

/// Random layers of each formula. The mean of their cycles is of all their instructions, so that
/// large layers count most.
const LAYERS: usize = 8;

/// All formulas on all processors of the class; none on a class without published timings.
pub fn measure(
    board: Board,
    core: Core,
    build: Build,
) -> BTreeMap<Processor, CyclesPerInstruction> {
    let mut means = BTreeMap::new();
    if Processor::ALL.iter().all(|processor| processor.core() != core) {
        return means;
    }
    let wanted: Vec<Wanted> = formulas_of(&Choice::all()).collect();
    let cases: Vec<(&Wanted, Case)> = wanted
        .iter()
        .flat_map(|of| cases(of, LAYERS).into_iter().map(move |case| (of, case)))
        .collect();
    let chosen: Vec<Choices> =
        cases.iter().map(|(wanted, case)| choices(case, wanted.choice)).collect();
    let models = cases.iter().zip(&chosen).map(|((_, (model, _)), choices)| (model, choices));
    let models: Vec<(&PlainModel, &Choices)> = models.collect();
    let mut sums: BTreeMap<String, Estimate> = BTreeMap::new();
    let found = estimates(board, core, Variant::complete(build), &models);
    for ((wanted, (_, group)), found) in cases.iter().zip(found) {
        sums.entry(FRAME.to_owned()).or_default().add(frame(&found));
        sums.entry(wanted.name.clone()).or_default().add(found.layers[group.first].clone());
    }
    for (name, sum) in sums {
        for (processor, cycles) in sum.cycles {
            let mean = cycles * (sum.instructions as f64).recip();
            let mean = <[f64; 3]>::from(mean).map(|of| (of * 1e4).round() / 1e4);
            let of_processor: &mut CyclesPerInstruction = means.entry(processor).or_default();
            of_processor.insert(name.clone(), Cycles::from(mean));
        }
    }
    println!("  cycles of {} layers", cases.len());
    means
}

/// What of a run is no layer's.
fn frame(run: &RunEstimate) -> Estimate {
    let mut frame = run.whole.clone();
    for layer in &run.layers {
        frame.instructions = frame.instructions.saturating_sub(layer.instructions);
        for (processor, cycles) in &mut frame.cycles {
            *cycles = *cycles + layer.cycles[processor] * -1.0;
        }
    }
    frame
}
