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
        let used = |layer: &Layer<'_>| layer.arena_use().iter().map(|(_, bytes)| bytes).sum();
        let uses = layers.iter().map(|layer| (Count(used(layer)), layer.name.to_owned()));
        let (bytes, name) = uses.rev().max_by_key(|(bytes, _)| *bytes).unwrap_or_default();
        let label = format!(
            "{} buffers in an arena of {} bytes over {} layers",
            buffers.len(),
            model.arena_bytes(),
            names.len()
        );
        Self {
            plot: plot::memory::draw(label, &names, model.arena_bytes(), &buffers),
            buffers,
            arena: Count(model.arena_bytes()),
            busiest: (name, bytes),
        }
    }
}

fn buffers(layers: &[Layer<'_>]) -> Vec<Buffer> {
    let mut buffers = Vec::new();
    let lives = |first: usize, last: usize| match first == last {
        true => layers[first].name.to_owned(),
        false => format!("{} to {}", layers[first].name, layers[last].name),
    };
    let mut push = |name: String, of: Use, (at, bytes): (usize, usize), first: usize, last: usize| {
        if bytes > 0 {
            let lives = lives(first, last);
            buffers.push(Buffer { name, of, at: Count(at), bytes: Count(bytes), first, last, lives });
        }
    };
    for (index, layer) in layers.iter().enumerate() {
        let [input, scratch, output] = layer.arena_use();
        if index == 0 {
            push("image, what is read".to_owned(), Use::Map, input, 0, 0);
        }
        push(format!("scratch of {}", layer.name), Use::Scratch, scratch, index, index);
        push(format!("output of {}", layer.name), Use::Map, output, index, (index + 1).min(layers.len() - 1));
    }
    buffers
}
