//! All plans that are worth having: no other is at least as good in instructions, flash and working
//! memory.
//!
//! A plan cuts the layers into groups, between which all tensors that are read later are whole.
//! Layers of a group are interleaved ([`groups`](super::groups)). Instructions and bytes of flash
//! are sums over the layers. Working memory is that of the group that needs most, with the tensors
//! that live while it runs. So a front of plans for the first layers can be extended by each group
//! that can follow, and thinned out again, and never loses a plan of the whole front. The search is
//! exact for the groups that are tried. In graphs that are no chains the places of the buffers can
//! take more than the most demanding group needs; the plans' working memory is that of the places.

use infer::LayerKind;
use infer::features::Feature;

use super::code::{Build, Features, Loading, MostBytes};
use super::cycles::{self, Estimates};
use super::groups::Group;
use super::{Core, Costs};
use crate::model_file::{self, WriteModelError};
use crate::placement::{self, busy_bytes};
use crate::plain_model::{Choice, Choices, PlainLayer, PlainModel};

/// Sections begin at multiples of this many bytes of the file.
const SECTION_ALIGNMENT_BYTES: usize = infer::format::SECTION_ALIGNMENT_BYTES;

/// One choice per layer, and what comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How the model is run.
    pub choices: Choices,
    /// Predicted instructions of each layer.
    pub layer_instructions: Vec<f64>,
    /// Predicted instructions of a run.
    pub instructions: f64,
    /// Predicted instructions of the longest step that [`infer::Run::step`] takes.
    pub longest_step: f64,
    /// Estimated cycles of a run on each processor of the class, as far as Arm publishes timings.
    pub cycles: Estimates,
    /// Working memory, bytes: exact.
    pub ram: usize,
    /// Model file, bytes: exact.
    pub model_bytes: usize,
    /// Parts of `infer` that it needs.
    pub features: Features,
    /// How the firmware is compiled.
    pub build: Build,
    /// Where the model is read and checked.
    pub loading: Loading,
    /// Predicted bytes of the code that runs it, and loads it unless it is built in.
    pub code_bytes: usize,
    /// Model file, code, and the layers of a model that is built in, bytes.
    pub flash: usize,
}

/// How some layers are run.
#[derive(Clone, Debug, Default)]
pub(super) struct Partial {
    pub(super) choices: Vec<Choice>,
    /// Rows that are held of tensor 0.
    pub(super) held_input: u16,
    /// Rows that are held of each layer's output.
    pub(super) held_rows: Vec<u16>,
    pub(super) instructions: f64,
    pub(super) section_bytes: usize,
    pub(super) features: Features,
    /// Scratch memory of the most demanding layer; inside of a group.
    pub(super) scratch_bytes: usize,
    pub(super) ram: usize,
}

/// The front for a core, whichever way the firmware is compiled, from the fewest instructions to
/// the most.
///
/// # Errors
/// A model that no file can hold.
pub fn front_of(
    model: &PlainModel,
    core: Core,
    loading: Loading,
) -> Result<Vec<Plan>, WriteModelError> {
    let mut plans = vec![];
    for build in Build::ALL {
        plans.extend(front(model, &Costs::of(core, build), build, loading)?);
    }
    Ok(without_beaten(plans))
}

/// The front with these costs, which are those of `build`, from the fewest instructions to the
/// most.
///
/// # Errors
/// A model that no file can hold.
pub fn front(
    model: &PlainModel,
    costs: &Costs,
    build: Build,
    loading: Loading,
) -> Result<Vec<Plan>, WriteModelError> {
    model_file::check_limits(model)?;
    let (sections, most) = (Sections::of(model, costs)?, MostBytes::of(costs.code(loading)));
    let mut fronts = vec![vec![]; model.layers.len() + 1];
    fronts[0].push(Partial::default());
    for first in 0..model.layers.len() {
        let partials = thinned(std::mem::take(&mut fronts[first]), &most);
        for group in Group::beginning_with(model, first) {
            let candidates = candidates(model, costs, &sections, &most, &group);
            let extended = partials
                .iter()
                .flat_map(|partial| candidates.iter().map(|next| partial.then(next)));
            fronts[group.end].extend(extended);
        }
    }
    let last = thinned(fronts.pop().unwrap_or_default(), &most);
    let plan = |partial: Partial| {
        let choices = partial.choices();
        let arena = placement::arena(model, &choices)?;
        let model_bytes =
            model_file::file_bytes(model, &choices, &arena, &sections.bytes(&choices))?;
        let bytes = [arena.bytes as usize, model_bytes];
        Plan::of(model, costs, build, loading, choices, bytes)
    };
    Ok(without_beaten(last.into_iter().map(plan).collect::<Result<_, _>>()?))
}

/// The plans that no other is at least as good as in instructions, flash and working memory, the
/// fastest first.
pub(super) fn without_beaten(mut plans: Vec<Plan>) -> Vec<Plan> {
    plans.sort_by(|a, b| {
        a.instructions
            .total_cmp(&b.instructions)
            .then_with(|| (a.flash, a.ram).cmp(&(b.flash, b.ram)))
    });
    let mut kept: Vec<Plan> = vec![];
    for plan in plans {
        if !kept.iter().any(|other| other.flash <= plan.flash && other.ram <= plan.ram) {
            kept.push(plan);
        }
    }
    kept
}

/// The ways to run a group that are worth having.
fn candidates(
    model: &PlainModel,
    costs: &Costs,
    sections: &Sections,
    most: &MostBytes,
    group: &Group,
) -> Vec<Partial> {
    let Some(work) = group.work(model) else { return vec![] };
    let (held_input, instructions) = (group.held_input, costs.frame(&work.frame));
    let (features, buffers) = (group.features(model), group.buffers(model, &work));
    let mut partials = vec![Partial { held_input, instructions, features, ..Partial::default() }];
    for index in 0..group.end - group.first {
        let mut extended = vec![];
        for (choice, packed_bytes) in &sections.0[group.first + index] {
            let kinds = work.kinds(model, group.first, index, *choice);
            let next = Partial {
                held_input,
                held_rows: vec![group.held_rows[index]],
                ..Partial::of_layer(costs, *choice, &kinds, *packed_bytes)
            };
            extended.extend(partials.iter().map(|partial| partial.then(&next)));
        }
        partials = thinned(extended, most);
    }
    for partial in &mut partials {
        partial.ram = busy_bytes(buffers.iter().copied(), partial.scratch_bytes);
        partial.scratch_bytes = 0;
    }
    partials
}

/// For each layer the ways that compute it exactly and for which the core has a loop, with the
/// bytes of packed weights they store.
pub(super) struct Sections(pub(super) Vec<Vec<(Choice, usize)>>);

impl Sections {
    pub(super) fn of(model: &PlainModel, costs: &Costs) -> Result<Self, WriteModelError> {
        let layers = model.layers.iter().map(|layer| Self::of_layer(layer, costs));
        Ok(Self(layers.collect::<Result<_, _>>()?))
    }

    /// A layer that not even the direct way computes is refused: every core has that.
    fn of_layer(
        layer: &PlainLayer,
        costs: &Costs,
    ) -> Result<Vec<(Choice, usize)>, WriteModelError> {
        let mut choices = layer.choices().into_iter();
        let direct = choices
            .next()
            .map(|choice| Ok((choice, model_file::packed_layer(layer, choice)?.len())));
        let section = |choice: Choice| Some(Ok((choice, layer.packed(choice).ok()?.len())));
        let others = choices.filter(|choice| costs.has_loop(*choice)).filter_map(section);
        direct.into_iter().chain(others).collect()
    }

    /// Bytes of packed weights of each layer with these choices, which are among the ways.
    pub(super) fn bytes(&self, choices: &Choices) -> Vec<usize> {
        let of = |(ways, wanted): (&Vec<(Choice, usize)>, &Choice)| {
            ways.iter().find(|(choice, _)| choice == wanted).map_or(0, |(_, bytes)| *bytes)
        };
        self.0.iter().zip(&choices.layers).map(of).collect()
    }
}

impl Partial {
    /// A layer that runs slices of these kinds.
    pub(super) fn of_layer(
        costs: &Costs,
        choice: Choice,
        kinds: &[(LayerKind<'_>, usize)],
        packed_bytes: usize,
    ) -> Self {
        let features = kinds.iter().map(|(kind, _)| Features::of_layer(kind));
        Self {
            choices: vec![choice],
            instructions: kinds.iter().map(|(kind, count)| costs.layer(kind) * *count as f64).sum(),
            section_bytes: packed_bytes.next_multiple_of(SECTION_ALIGNMENT_BYTES),
            features: features.fold(Features::NONE, Features::and),
            scratch_bytes: kinds.iter().map(|(kind, _)| kind.scratch_bytes()).max().unwrap_or(0),
            ..Self::default()
        }
    }

    pub(super) fn then(&self, next: &Self) -> Self {
        let is_first = self.held_rows.is_empty();
        Self {
            choices: [&*self.choices, &next.choices].concat(),
            held_input: if is_first { next.held_input } else { self.held_input },
            held_rows: [&*self.held_rows, &next.held_rows].concat(),
            instructions: self.instructions + next.instructions,
            section_bytes: self.section_bytes + next.section_bytes,
            features: self.features.and(next.features),
            scratch_bytes: self.scratch_bytes.max(next.scratch_bytes),
            ram: self.ram.max(next.ram),
        }
    }

    pub(super) fn choices(self) -> Choices {
        let held_rows = std::iter::once(self.held_input).chain(self.held_rows).collect();
        Choices { layers: self.choices, held_rows, streams: false }
    }

    fn memory(&self) -> usize {
        self.ram + self.scratch_bytes
    }
}

/// Without those that another is at least as good as in every respect, with whatever code it needs
/// more; the fastest first.
pub(super) fn thinned(mut partials: Vec<Partial>, most: &MostBytes) -> Vec<Partial> {
    partials.retain(|partial| partial.instructions.is_finite());
    partials.sort_by(|a, b| {
        let by_size = || (a.section_bytes, a.memory()).cmp(&(b.section_bytes, b.memory()));
        a.instructions.total_cmp(&b.instructions).then_with(by_size)
    });
    let mut kept: Vec<(usize, usize, Features)> = vec![];
    partials.retain(|partial| {
        let this = (partial.memory(), partial.section_bytes, partial.features);
        let beats = |a: &(usize, usize, Features), b: &(usize, usize, Features)| {
            a.0 <= b.0 && a.1 + most.beyond(a.2, b.2) <= b.1
        };
        let is_beaten = kept.iter().any(|other| beats(other, &this));
        if !is_beaten {
            kept.retain(|other| !beats(&this, other));
            kept.push(this);
        }
        !is_beaten
    });
    partials
}

/// The parts of `infer` that a stream needs, whatever its tensors are.
pub(super) fn of_stream(choices: &Choices) -> Features {
    choices.streams.then_some(Feature::HeldRows).into_iter().collect()
}

impl Plan {
    /// What comes of these choices.
    ///
    /// # Errors
    /// Choices that do not fit their layers, or a model that no file can hold.
    pub fn new(
        model: &PlainModel,
        costs: &Costs,
        build: Build,
        loading: Loading,
        choices: Choices,
    ) -> Result<Self, WriteModelError> {
        let packed = model_file::packed(model, &choices)?;
        let packed_bytes: Vec<usize> = packed.iter().map(Vec::len).collect();
        let arena = placement::arena(model, &choices)?;
        let model_bytes = model_file::file_bytes(model, &choices, &arena, &packed_bytes)?;
        Self::of(model, costs, build, loading, choices, [arena.bytes as usize, model_bytes])
    }

    /// What comes of these choices, with the bytes of working memory and model file.
    pub(super) fn of(
        model: &PlainModel,
        costs: &Costs,
        build: Build,
        loading: Loading,
        choices: Choices,
        [ram, model_bytes]: [usize; 2],
    ) -> Result<Self, WriteModelError> {
        let (held_input, held_rows) = (choices.held_rows[0], choices.held_rows[1..].to_vec());
        let whole = Group { first: 0, end: model.layers.len(), held_input, held_rows };
        let work = whole.work(model).ok_or(WriteModelError::Stuck)?;
        let (mut layer_instructions, mut longest_step, mut features) =
            (vec![], 0.0, whole.features(model).and(of_stream(&choices)));
        let frame = costs.frame(&work.frame);
        let mut cycles = costs.frame_cycles(frame);
        for (index, choice) in choices.layers.iter().enumerate() {
            let mut sum = 0.0;
            for (kind, count) in work.kinds(model, 0, index, *choice) {
                let instructions = costs.layer(&kind);
                let of_kind = costs.layer_cycles(&kind, instructions);
                cycles::add(&mut cycles, &of_kind, count as f64);
                sum += instructions * count as f64;
                longest_step = instructions.max(longest_step);
                features = features.and(Features::of_layer(&kind));
            }
            layer_instructions.push(sum);
        }
        let code_bytes = costs.code(loading).bytes(features);
        Ok(Self {
            instructions: frame + layer_instructions.iter().sum::<f64>(),
            layer_instructions,
            longest_step,
            cycles,
            ram,
            model_bytes,
            features,
            build,
            loading,
            code_bytes,
            flash: model_bytes + code_bytes + loading.layer_bytes(choices.layers.len()),
            choices,
        })
    }
}
