//! The arena over the layers: which buffer lives when, and where.

use std::ops::Range;

use infer::{Layer, Model, Network};

use super::plot::{self, Plot};
use super::value::Count;

/// The arena of a model.
pub struct MemoryView {
    /// Time from left to right, addresses from bottom to top.
    pub plot: Plot,
    /// All buffers, in the order in which they are written.
    pub buffers: Vec<Buffer>,
    /// The whole arena, bytes.
    pub arena: Count,
    /// Whether there are interleaved layers, because not all rows of a map between them are held.
    pub interleaved: bool,
    /// The layer that has most bytes in use, and how many.
    pub busiest: (String, Count),
}

/// What a buffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A feature map.
    Map,
    /// Scratch memory of one layer.
    Scratch,
}

/// A part of the arena that is in use for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// What lies there.
    pub name: String,
    /// What it is for.
    pub of: Use,
    /// First byte.
    pub at: Count,
    /// Bytes.
    pub bytes: Count,
    /// The first layer during which it lives, from 0.
    pub first: usize,
    /// The last layer during which it lives.
    pub last: usize,
    /// Names of those two layers.
    pub lives: String,
}

impl MemoryView {
    /// Reads the buffers from the model.
    pub fn of(model: &Model<'_>) -> Self {
        let layers = model.layers();
        let names: Vec<String> = layers.iter().map(|layer| layer.name.to_owned()).collect();
        let network = Network::from(model);
        let groups: Vec<_> = network.groups().collect();
        let buffers = buffers(&network, &groups);
        let alive = |layer: usize| {
            buffers.iter().filter(move |buffer| (buffer.first..=buffer.last).contains(&layer))
        };
        let used = |layer: usize| Count(alive(layer).map(|buffer| buffer.bytes.0).sum());
        let uses =
            (0..layers.len()).rev().map(|layer| (used(layer), layers[layer].name.to_owned()));
        let (bytes, name) = uses.max_by_key(|(bytes, _)| *bytes).unwrap_or_default();
        let label = format!(
            "{} buffers in an arena of {} bytes over {} layers",
            buffers.len(),
            model.arena_bytes(),
            names.len()
        );
        Self {
            plot: plot::memory::draw(label, &names, model.arena_bytes(), &buffers),
            buffers,
            interleaved: groups.iter().any(|group| layers_of(group).len() > 1),
            arena: Count(model.arena_bytes()),
            busiest: (name, bytes),
        }
    }
}

/// The layers that make a group's tensors; tensor 0 is there before all of them.
fn layers_of(group: &Range<usize>) -> Range<usize> {
    group.start.max(1) - 1..group.end - 1
}

/// All buffers. Layers between which not all rows of a tensor are held are interleaved, so their
/// buffers live at the same time.
fn buffers(network: &Network<'_>, groups: &[Range<usize>]) -> Vec<Buffer> {
    let each = groups.iter().flat_map(|group| {
        let tensors = group.clone().map(|number| tensor(network, groups, number));
        scratch(network.layers(), layers_of(group)).into_iter().chain(tensors)
    });
    each.filter(|buffer| buffer.bytes.0 > 0).collect()
}

fn buffer(
    layers: &[Layer<'_>],
    name: &str,
    of: Use,
    (at, bytes): (usize, usize),
    [first, last]: [usize; 2],
) -> Buffer {
    let lives = span(layers, [first, last]);
    Buffer { name: name.to_owned(), of, at: Count(at), bytes: Count(bytes), first, last, lives }
}

/// A tensor, from the first layer of its group to the last layer of the last group that reads it;
/// one that is passed on, from its layer to the one that reads it.
fn tensor(network: &Network<'_>, groups: &[Range<usize>], number: usize) -> Buffer {
    let layers = network.layers();
    let group_of = |number: usize| groups.iter().find(|group| group.contains(&number));
    let reads = |layer: &Layer<'_>| layer.inputs.iter().any(|input| input == number);
    let is_output = network.outputs().iter().any(|output| usize::from(*output) == number);
    let last_reader = layers.iter().rposition(reads).map_or(number, |layer| layer + 1);
    let last_group = group_of(if is_output { layers.len() } else { last_reader });
    let last = last_group.map_or(layers.len(), |group| layers_of(group).end).max(1) - 1;
    let first = group_of(number).map_or(0, |group| layers_of(group).start);
    let passed_on = number.checked_sub(1).filter(|layer| layers[*layer].is_passed_on());
    let lives = passed_on.map_or([first, last], |layer| [layer, last_reader - 1]);
    let name = match number.checked_sub(1) {
        None => "image, what is read".to_owned(),
        Some(layer) => format!("output of {}", layers[layer].name),
    };
    let place = network.tensor_use(number).unwrap_or_default();
    buffer(layers, &name, Use::Map, place, lives)
}

/// The scratch memory that the layers of a group share; none for tensor 0 by itself.
fn scratch(layers: &[Layer<'_>], group: Range<usize>) -> Option<Buffer> {
    let uses = layers[group.clone()].iter().map(Layer::scratch_use);
    let largest = uses.max_by_key(|(_, bytes)| *bytes)?;
    let ends = [group.start, group.end - 1];
    let name = format!("scratch of {}", span(layers, ends));
    Some(buffer(layers, &name, Use::Scratch, largest, ends))
}

/// `conv1`, or `conv1 to conv3`.
fn span(layers: &[Layer<'_>], [first, last]: [usize; 2]) -> String {
    match first == last {
        true => layers[first].name.to_owned(),
        false => format!("{} to {}", layers[first].name, layers[last].name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::export::{Target, export_for};
    use crate::model_file::ModelTable;
    use crate::plan::{Budget, Core, Loading};
    use crate::preset::Preset;
    use crate::train::initial;

    /// The tutorial's network, untrained, for an M4 with so much working memory.
    fn file(ram: usize) -> Vec<u8> {
        let preset = Preset::load("tutorial").unwrap();
        let model = initial(&preset.network, 0).unwrap();
        let images = Dataset {
            shape: infer::Shape::new(28, 28, 1),
            pixels: vec![9; 784],
            labels: vec![0],
            classes: 1,
            targets: vec![],
        };
        let budget = Budget { flash: None, ram: Some(ram) };
        export_for(&model, &images, Target::Chip(Core::M4, Loading::OnChip, budget)).unwrap().bytes
    }

    /// Whatever lives at the same time lies apart, all inside of the arena, and something reaches
    /// its end.
    fn check(file: &[u8]) -> Vec<Buffer> {
        let mut table = ModelTable::new();
        let model = Model::from_bytes(file, &mut table).unwrap();
        let buffers = MemoryView::of(&model).buffers;
        let end = |buffer: &Buffer| buffer.at.0 + buffer.bytes.0;
        assert_eq!(buffers.iter().map(end).max(), Some(model.arena_bytes()));
        for (index, one) in buffers.iter().enumerate() {
            for other in &buffers[index + 1..] {
                let together = one.first <= other.last && other.first <= one.last;
                let apart = end(one) <= other.at.0 || end(other) <= one.at.0;
                assert!(!together || apart, "{one:?} and {other:?}");
            }
        }
        buffers
    }

    #[test]
    fn buffers_that_live_together_lie_apart() {
        let lives = |buffers: &[Buffer]| {
            buffers.iter().find(|buffer| buffer.name == "output of conv1").cloned()
        };
        let layer_by_layer = lives(&check(&file(16 * 1024))).unwrap();
        assert_eq!((layer_by_layer.first, layer_by_layer.last), (0, 1));
        let taking_turns = check(&file(4 * 1024));
        assert_eq!(lives(&taking_turns).unwrap().first, 0);
        assert!(
            taking_turns.iter().any(|buffer| buffer.name.starts_with("scratch of conv1 to")),
            "{taking_turns:?}"
        );
    }
}
