//! All plans that are worth having: no other is at least as good in instructions, flash and working memory.
//!
//! Instructions and bytes of flash of a plan are sums over its layers, and its working memory is that of the layer that
//! needs most. So a front of plans for the first layers, extended by each candidate of the next layer and thinned out
//! again, never loses a plan of the whole front: the search is exact.

use super::Costs;
use super::arena::busiest_bytes;
use crate::model_file::{self, WriteModelError};
use crate::plain_model::{Choice, PlainLayer, PlainModel};

/// Sections begin at multiples of this many bytes of the file.
const SECTION_ALIGNMENT_BYTES: usize = infer::format::SECTION_ALIGNMENT_BYTES;

/// One choice per layer, and what comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How each layer is computed.
    pub choices: Vec<Choice>,
    /// Predicted instructions of each layer.
    pub layer_instructions: Vec<f64>,
    /// Predicted instructions of a run.
    pub instructions: f64,
    /// Working memory, bytes: exact.
    pub ram: usize,
    /// Model file, bytes: exact.
    pub model_bytes: usize,
    /// Model file and code, bytes.
    pub flash: usize,
}

/// One way to compute one layer.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    choice: Choice,
    instructions: f64,
    section_bytes: usize,
    ram: usize,
}

/// Candidates for the first layers.
#[derive(Clone, Debug)]
struct Partial {
    choices: Vec<Choice>,
    instructions: f64,
    section_bytes: usize,
    ram: usize,
}

/// The front for a core with these costs, from the fewest instructions to the most.
///
/// # Errors
/// A model that no file can hold.
pub fn front(model: &PlainModel, costs: &Costs) -> Result<Vec<Plan>, WriteModelError> {
    let mut partials = vec![Partial { choices: vec![], instructions: 0.0, section_bytes: 0, ram: 0 }];
    for layer in &model.layers {
        let candidates = candidates(layer, costs);
        let extended = partials.iter().flat_map(|partial| candidates.iter().map(|next| partial.with(next)));
        partials = thinned(extended.collect());
    }
    partials.into_iter().map(|partial| Plan::new(model, costs, partial.choices)).collect()
}

/// The ways that compute the layer exactly.
fn candidates(layer: &PlainLayer, costs: &Costs) -> Vec<Candidate> {
    let candidate = |choice: Choice| {
        let packed = layer.packed(choice).ok()?;
        let scratch = model_file::scratch_bytes(layer, choice);
        let instructions = costs.layer(&layer.kind(choice));
        let section_bytes = packed.len().next_multiple_of(SECTION_ALIGNMENT_BYTES);
        let ram = busiest_bytes(layer.input.len(), scratch, layer.output.len());
        Some(Candidate { choice, instructions, section_bytes, ram })
    };
    layer.choices().into_iter().filter_map(candidate).collect()
}

impl Partial {
    fn with(&self, next: &Candidate) -> Self {
        let mut choices = self.choices.clone();
        choices.push(next.choice);
        Self {
            choices,
            instructions: self.instructions + next.instructions,
            section_bytes: self.section_bytes + next.section_bytes,
            ram: self.ram.max(next.ram),
        }
    }
}

/// Without those that another is at least as good as in every respect; the fastest first.
fn thinned(mut partials: Vec<Partial>) -> Vec<Partial> {
    partials.retain(|partial| partial.instructions.is_finite());
    partials.sort_by(|a, b| {
        let by_size = || (a.section_bytes, a.ram).cmp(&(b.section_bytes, b.ram));
        a.instructions.total_cmp(&b.instructions).then_with(by_size)
    });
    // Least flash among the faster ones for each amount of working memory: few different amounts occur.
    let mut least: Vec<(usize, usize)> = vec![];
    partials.retain(|partial| {
        let beaten = least.iter().any(|(ram, flash)| *ram <= partial.ram && *flash <= partial.section_bytes);
        if !beaten {
            least.retain(|(ram, flash)| *ram < partial.ram || *flash < partial.section_bytes);
            least.push((partial.ram, partial.section_bytes));
        }
        !beaten
    });
    partials
}

impl Plan {
    /// What comes of these choices.
    ///
    /// # Errors
    /// Choices that do not fit their layers, or a model that no file can hold.
    pub fn new(model: &PlainModel, costs: &Costs, choices: Vec<Choice>) -> Result<Self, WriteModelError> {
        let bytes = model_file::write(model, &choices)?;
        let layers = model.layers.iter().zip(&choices);
        let layer_instructions: Vec<f64> =
            layers.map(|(layer, choice)| costs.layer(&layer.kind(*choice))).collect();
        let frame = costs.frame(model.map, model.layers.len());
        Ok(Self {
            instructions: frame + layer_instructions.iter().sum::<f64>(),
            layer_instructions,
            ram: model_file::arena(model, &choices).bytes as usize,
            model_bytes: bytes.len(),
            flash: bytes.len() + costs.code_bytes,
            choices,
        })
    }
}
