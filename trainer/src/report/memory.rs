//! The arena over the layers: which buffer lives when, and where.

use infer::{Layer, Model};

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
    /// Whether there are layers that take turns, because not all rows of a map between them are
    /// held.
    pub takes_turns: bool,
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
        let buffers = buffers(layers);
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
            takes_turns: groups(layers).iter().any(|[first, last]| first < last),
            arena: Count(model.arena_bytes()),
            busiest: (name, bytes),
        }
    }
}

/// All buffers. Layers between which not all rows of a map are held take turns, so their buffers
/// live at the same time.
fn buffers(layers: &[Layer<'_>]) -> Vec<Buffer> {
    let groups = groups(layers);
    let image = groups
        .first()
        .map(|group| buffer(layers, "image, what is read", Use::Map, input(layers), *group));
    let each = groups.iter().enumerate().flat_map(|(place, [first, last])| {
        // The last map of a group lives on until the next group has read it.
        let read_by = groups.get(place + 1).map_or(*last, |next| next[1]);
        let ends = move |layer: usize| [*first, if layer == *last { read_by } else { *last }];
        let outputs = (*first..=*last).map(move |layer| output(layers, layer, ends(layer)));
        std::iter::once(scratch(layers, [*first, *last])).chain(outputs)
    });
    image.into_iter().chain(each).filter(|buffer| buffer.bytes.0 > 0).collect()
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

fn input(layers: &[Layer<'_>]) -> (usize, usize) {
    layers[0].arena_use()[0]
}

fn output(layers: &[Layer<'_>], layer: usize, ends: [usize; 2]) -> Buffer {
    let [.., output] = layers[layer].arena_use();
    buffer(layers, &format!("output of {}", layers[layer].name), Use::Map, output, ends)
}

/// The scratch memory that the layers of a group share.
fn scratch(layers: &[Layer<'_>], [first, last]: [usize; 2]) -> Buffer {
    let uses = layers[first..=last].iter().map(|layer| layer.arena_use()[1]);
    let largest = uses.max_by_key(|(_, bytes)| *bytes).unwrap_or_default();
    let name = format!("scratch of {}", span(layers, [first, last]));
    buffer(layers, &name, Use::Scratch, largest, [first, last])
}

/// `conv1`, or `conv1 to conv3`.
fn span(layers: &[Layer<'_>], [first, last]: [usize; 2]) -> String {
    match first == last {
        true => layers[first].name.to_owned(),
        false => format!("{} to {}", layers[first].name, layers[last].name),
    }
}

/// First and last layer of each group of layers that take turns.
fn groups(layers: &[Layer<'_>]) -> Vec<[usize; 2]> {
    let mut groups: Vec<[usize; 2]> = Vec::new();
    let mut first = 0;
    for (index, layer) in layers.iter().enumerate() {
        let is_whole = layer.held_rows == layer.output().height;
        if is_whole || index + 1 == layers.len() {
            groups.push([first, index]);
            first = index + 1;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::export::{Target, export_for};
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
        };
        let budget = Budget { flash: None, ram: Some(ram) };
        export_for(&model, &images, Target::Chip(Core::M4, Loading::OnChip, budget)).unwrap().bytes
    }

    /// Whatever lives at the same time lies apart, all inside of the arena, and something reaches
    /// its end.
    fn check(file: &[u8]) -> Vec<Buffer> {
        let model = Model::from_bytes(file).unwrap();
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
