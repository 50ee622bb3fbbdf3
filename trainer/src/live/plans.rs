//! The plans of a model for every core, as a page shows them.

use infer::Model;
use serde::Serialize;

use crate::plain_model::{Choices, PlainModel};
use crate::plan::{Build, Core, Costs, Loading, Plan, front_of};

/// Most plans of a core that a page shows.
const PLANS_MAX: usize = 60;

/// The plans for a core, from the fewest instructions to the most.
#[derive(Serialize)]
pub struct CoreFacts {
    name: &'static str,
    plans: Vec<PlanFacts>,
}

/// A plan.
#[derive(Serialize)]
struct PlanFacts {
    instructions: u64,
    ram: usize,
    flash: usize,
    opt_level: &'static str,
    layers: Vec<LayerCost>,
    /// Whether it is the plan of the model file.
    is_file: bool,
}

/// What a layer costs.
#[derive(Serialize)]
struct LayerCost {
    /// How it is computed.
    how: String,
    instructions: u64,
}

/// The plans for each core; none where no costs are known for the model's arithmetic.
pub fn of_all_cores(model: &Model<'_>) -> Vec<CoreFacts> {
    let (plain, choices) = (PlainModel::of(model), Choices::of(model));
    Core::ALL.into_iter().filter_map(|core| of_core(&plain, &choices, core)).collect()
}

fn of_core(model: &PlainModel, choices: &Choices, core: Core) -> Option<CoreFacts> {
    let front = front_of(model, core, Loading::OnChip).ok()?;
    let mut plans: Vec<PlanFacts> = spread(&front).map(|plan| facts(plan, choices)).collect();
    if !plans.iter().any(|plan| plan.is_file) {
        plans.extend(of_file(model, choices, core));
        plans.sort_by_key(|plan| plan.instructions);
    }
    Some(CoreFacts { name: named(core), plans })
}

/// The plan of the model file, where the core's costs for it are known.
fn of_file(model: &PlainModel, choices: &Choices, core: Core) -> Option<PlanFacts> {
    let costs = Costs::of(core, Build::Fast);
    let plan = Plan::new(model, &costs, Build::Fast, Loading::OnChip, choices.clone()).ok()?;
    plan.instructions.is_finite().then(|| facts(&plan, choices))
}

/// At most [`PLANS_MAX`] plans, evenly spread, the first and the last among them.
fn spread(front: &[Plan]) -> impl Iterator<Item = &Plan> {
    let shown = front.len().min(PLANS_MAX);
    (0..shown).map(move |place| &front[place * (front.len() - 1) / (shown - 1).max(1)])
}

fn facts(plan: &Plan, of_file: &Choices) -> PlanFacts {
    let costs = plan.choices.layers.iter().zip(&plan.layer_instructions);
    let cost = |(choice, instructions): (&crate::plain_model::Choice, &f64)| LayerCost {
        how: choice.name(),
        instructions: instructions.round() as u64,
    };
    PlanFacts {
        instructions: plan.instructions.round() as u64,
        ram: plan.ram,
        flash: plan.flash,
        opt_level: plan.build.opt_level(),
        layers: costs.map(cost).collect(),
        is_file: plan.choices == *of_file && plan.build == Build::Fast,
    }
}

const fn named(core: Core) -> &'static str {
    match core {
        Core::M0 => "Cortex-M0, M0+",
        Core::M3 => "Cortex-M3",
        Core::M4 => "Cortex-M4, M7",
        Core::M33 => "Cortex-M33",
        Core::M55 => "Cortex-M55",
    }
}
