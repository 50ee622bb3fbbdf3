//! Plans of streams: rows come one by one and never end, no row of any map is computed twice, and
//! all tensors are in memory all the time.
//!
//! Which rows are held and which are made for each new row does not depend on the algorithms: it is
//! found by following the stream until it does the same again and again. Then each layer is a
//! choice of its own.

use infer::flow::{Flow, row_of};
use infer::format::LAYERS_MAX;
use infer::schedule::Slice;
use infer::{LayerKind, Model, Network, StreamError, StreamProblem};
use thiserror::Error;

use super::budget::Budget;
use super::code::{Build, Loading, MostBytes};
use super::cycles;
use super::frame::FrameWork;
use super::front::{Partial, Plan, Sections, thinned, without_beaten};
use super::groups::{Group, kinds};
use super::{Core, Costs, FastestError};
use crate::model_file::{self, ModelTable, WriteModelError};
use crate::placement;
use crate::plain_model::{Choice, Choices, PlainModel};

/// Why a network cannot be a stream.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoStream {
    /// A layer cannot.
    #[error("layer '{name}' cannot stream: {problem}")]
    Layer {
        /// Its name.
        name: String,
        /// Why.
        problem: StreamProblem,
    },
    /// Branches whose rows come too far apart.
    #[error("the network cannot stream: a branch waits for another longer than its maps have rows")]
    Branches,
    /// Anything else.
    #[error("the network cannot stream: {0}")]
    Network(StreamError),
}

impl NoStream {
    fn of(model: &PlainModel, error: StreamError) -> Self {
        match error {
            StreamError::Layer { index, problem } => {
                let name = model.layers.get(index as usize).map_or("", |layer| &layer.name);
                Self::Layer { name: name.to_owned(), problem }
            }
            StreamError::Stuck => Self::Branches,
            other => Self::Network(other),
        }
    }
}

/// The plan that runs on any core with the least memory for weights: everything direct.
///
/// # Errors
/// A network that cannot stream, or that no model file can hold.
pub fn direct(model: &PlainModel) -> Result<Choices, FastestError> {
    let work = StreamWork::of(model)?;
    Ok(Choices { held_rows: work.held_rows, streams: true, ..model.direct() })
}

/// All plans that are worth having, whichever way the firmware is compiled, from the fewest
/// instructions for a row to the most. [`Plan::instructions`] are those for a new row on average,
/// and [`Plan::longest_step`] those for the row that takes most.
///
/// # Errors
/// As [`direct`].
pub fn front(model: &PlainModel, core: Core, loading: Loading) -> Result<Vec<Plan>, FastestError> {
    let work = StreamWork::of(model)?;
    let mut plans = vec![];
    for build in Build::ALL {
        let costs = Costs::of(core, build);
        let sections = Sections::of(model, &costs)?;
        let most = MostBytes::of(costs.code(loading));
        for partial in partials(model, &costs, &sections, &most, &work) {
            plans.push(plan(model, &costs, build, loading, &sections, &work, partial)?);
        }
    }
    Ok(without_beaten(plans))
}

/// The plan with the fewest instructions for a new row on `core` within `budget`.
///
/// # Errors
/// As [`direct`], or a chip that is too small.
pub fn fastest(
    model: &PlainModel,
    core: Core,
    loading: Loading,
    budget: Budget,
) -> Result<Plan, FastestError> {
    let mut front = front(model, core, loading)?;
    let chosen = budget.choose(&front)?;
    Ok(front.swap_remove(chosen))
}

/// The ways to run the network that are worth having.
fn partials(
    model: &PlainModel,
    costs: &Costs,
    sections: &Sections,
    most: &MostBytes,
    work: &StreamWork,
) -> Vec<Partial> {
    let features = work.group(model).features(model);
    let instructions = costs.frame(&work.frame);
    let held_input = work.held_rows[0];
    let mut partials = vec![Partial { held_input, instructions, features, ..Partial::default() }];
    for (index, ways) in sections.0.iter().enumerate() {
        let mut extended = vec![];
        for (choice, packed_bytes) in ways {
            let next = Partial {
                held_input,
                held_rows: vec![work.held_rows[index + 1]],
                ..Partial::of_layer(
                    costs,
                    *choice,
                    &work.kinds(model, index, *choice),
                    *packed_bytes,
                )
            };
            extended.extend(partials.iter().map(|partial| partial.then(&next)));
        }
        partials = thinned(extended, most);
    }
    partials
}

fn plan(
    model: &PlainModel,
    costs: &Costs,
    build: Build,
    loading: Loading,
    sections: &Sections,
    work: &StreamWork,
    partial: Partial,
) -> Result<Plan, WriteModelError> {
    let instructions = partial.instructions / work.period;
    let choices = Choices { streams: true, ..partial.choices() };
    let arena = placement::arena(model, &choices)?;
    let model_bytes = model_file::file_bytes(model, &choices, &arena, &sections.bytes(&choices))?;
    let kinds = |index: usize| work.kinds(model, index, choices.layers[index]);
    let cost = |(kind, count): &(LayerKind<'_>, usize)| costs.layer(kind) * *count as f64;
    let mut cycles = costs.frame_cycles(costs.frame(&work.frame) / work.period);
    for (kind, count) in (0..model.layers.len()).flat_map(kinds) {
        let of_row = costs.layer_cycles(&kind, costs.layer(&kind));
        cycles::add(&mut cycles, &of_row, count as f64 / work.period);
    }
    let layers = 0..model.layers.len();
    let layer_instructions =
        layers.clone().map(|index| kinds(index).iter().map(cost).sum::<f64>() / work.period);
    let layer_instructions = layer_instructions.collect();
    let dearest =
        |index| kinds(index).iter().map(|(kind, _)| costs.layer(kind)).fold(0.0, f64::max);
    let longest_step = costs.frame(&work.frame) / work.period + layers.map(dearest).sum::<f64>();
    let bytes = [arena.bytes as usize, model_bytes];
    let of_run = Plan::of(model, costs, build, loading, choices, bytes)?;
    Ok(Plan { instructions, layer_instructions, longest_step, cycles, ..of_run })
}

/// What a stream does in a period.
struct StreamWork {
    /// Rows that are held of each tensor.
    held_rows: Vec<u16>,
    /// Rows of the input in a period.
    period: f64,
    /// The rows that are made of each layer.
    layers: Vec<Vec<Slice>>,
    /// All that is not a layer's kernel.
    frame: FrameWork,
}

impl StreamWork {
    fn of(model: &PlainModel) -> Result<Self, FastestError> {
        let file = model_file::write(model, &Choices { streams: false, ..model.direct() })?;
        let mut table = ModelTable::new();
        let whole = Model::from_bytes(&file, &mut table).map_err(WriteModelError::Refused)?;
        let work = Self::of_network(&Network::from(&whole));
        let mut work = work.map_err(|error| NoStream::of(model, error))?;
        for output in &model.outputs {
            // A file holds whole outputs.
            work.held_rows[*output] = model.heights()[*output];
        }
        Ok(work)
    }

    fn of_network(network: &Network<'_>) -> Result<Self, StreamError> {
        let layers = network.layers().len();
        let mut work = Self {
            held_rows: vec![1; layers + 1],
            period: 0.0,
            layers: vec![vec![]; layers],
            frame: FrameWork::default(),
        };
        let mut flow = Flow::<LAYERS_MAX>::new(network)?;
        let settled = flow.settle(network, &mut |slice| {
            let held = &mut work.held_rows[slice.tensor];
            *held = (*held).max(slice.kept + 1);
            Some(())
        })?;
        work.period = settled.period as f64;
        for _ in 0..settled.rows {
            flow.push(network, &mut |_| Some(())).ok_or(StreamError::Stuck)?;
        }
        for _ in 0..settled.period {
            flow.push(network, &mut |slice| {
                work.take(network, slice);
                Some(())
            });
        }
        Ok(work)
    }

    fn take(&mut self, network: &Network<'_>, slice: &Slice) {
        if let Some(tensor) = network.tensor(slice.tensor) {
            self.frame.add_of_stream(slice, tensor.shape);
        }
        if let Some(layer) = slice.tensor.checked_sub(1) {
            self.layers[layer].push(slice.clone());
        }
    }

    /// The kinds of rows that a layer makes, with how many there are of each in a period.
    fn kinds(
        &self,
        model: &PlainModel,
        index: usize,
        choice: Choice,
    ) -> Vec<(LayerKind<'static>, usize)> {
        let kind = model.layers[index].kind(choice);
        kinds(&self.layers[index], |slice| row_of(&kind, slice))
    }

    /// All layers, which are interleaved.
    fn group(&self, model: &PlainModel) -> Group {
        let (held_input, held_rows) = (self.held_rows[0], self.held_rows[1..].to_vec());
        Group { first: 0, end: model.layers.len(), held_input, held_rows }
    }
}
