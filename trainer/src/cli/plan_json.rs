//! The plans as one JSON object: `plan --json`.

use serde::Serialize;

use super::plan::Chip;
use crate::plain_model::{Choice, PlainLayer, PlainModel};
use crate::plan::Plan;
use crate::plan::cycles::Cycles;

#[derive(Serialize)]
struct Plans<'p> {
    core: &'static str,
    /// The processor whose cycles are estimated.
    processor: Option<&'static str>,
    /// Its clock, where the board is known.
    megahertz: Option<f64>,
    /// Place of the fastest plan that fits.
    chosen: Option<usize>,
    plans: Vec<Entry<'p>>,
}

#[derive(Serialize)]
struct Entry<'p> {
    instructions: u64,
    estimated_cycles: Option<EstimatedCycles>,
    estimated_milliseconds: Option<f64>,
    ram_bytes: usize,
    flash_bytes: usize,
    model_bytes: usize,
    opt_level: &'static str,
    layers: Vec<Layer<'p>>,
}

/// Without wait states.
#[derive(Serialize)]
struct EstimatedCycles {
    least: u64,
    about: u64,
    most: u64,
}

#[derive(Serialize)]
struct Layer<'p> {
    name: &'p str,
    algorithm: String,
    instructions: u64,
}

/// The object on a line, its end included.
pub(super) fn line(
    chip: &Chip,
    model: &PlainModel,
    plans: &[Plan],
    chosen: Option<usize>,
) -> String {
    let plans = Plans {
        core: chip.core.name(),
        processor: chip.processor.map(|processor| processor.name()),
        megahertz: chip.megahertz,
        chosen,
        plans: plans.iter().map(|plan| entry(chip, model, plan)).collect(),
    };
    serde_json::to_string(&plans).expect("numbers and text serialise") + "\n"
}

fn entry<'p>(chip: &Chip, model: &'p PlainModel, plan: &Plan) -> Entry<'p> {
    let cycles = chip.cycles(plan);
    let milliseconds = |(of, megahertz): (Cycles, f64)| of.about / megahertz / 1e3;
    let layers = model.layers.iter().zip(&plan.choices.layers).zip(&plan.layer_instructions);
    let layer = |((layer, choice), instructions): ((&'p PlainLayer, &Choice), &f64)| Layer {
        name: &layer.name,
        algorithm: choice.name(),
        instructions: instructions.round() as u64,
    };
    Entry {
        instructions: plan.instructions.round() as u64,
        estimated_cycles: cycles.map(EstimatedCycles::of),
        estimated_milliseconds: cycles.zip(chip.megahertz).map(milliseconds),
        ram_bytes: plan.ram,
        flash_bytes: plan.flash,
        model_bytes: plan.model_bytes,
        opt_level: plan.build.opt_level().trim_matches('"'),
        layers: layers.map(layer).collect(),
    }
}

impl EstimatedCycles {
    fn of(Cycles { least, about, most }: Cycles) -> Self {
        let [least, about, most] = [least, about, most].map(|cycles| cycles.round() as u64);
        Self { least, about, most }
    }
}
