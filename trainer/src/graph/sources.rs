//! Who reads whom: the names of a description's layers, and the layers that each one reads.

use std::collections::BTreeMap;

use crate::network::{Layer, Network, NetworkError};
use crate::ops::Problem;

/// The name by which layers read the network's input.
const INPUT: &str = "input";

/// A layer and its place in the graph.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The layer's name, or the one that it is given.
    pub(super) name: String,
    /// The layers that it reads; `None` is the network's input.
    pub(super) reads: Vec<Option<usize>>,
    /// How many layers read it.
    pub(super) readers: usize,
}

/// The layers of a network with what they read: what `from` says, or the layer before.
pub(super) fn nodes(network: &Network) -> Result<Vec<Node>, NetworkError> {
    let names = names(&network.layers);
    let mut nodes: Vec<Node> = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let reads = reads(layer, &names[..index]).map_err(|p| error(&names, index, p))?;
        reads.iter().flatten().for_each(|layer| nodes[*layer].readers += 1);
        nodes.push(Node { name: names[index].clone(), reads, readers: 0 });
    }
    let last = nodes.len().saturating_sub(1);
    match nodes[..last].iter().position(|node| node.readers == 0) {
        Some(index) => Err(error(&names, index, Problem::Unread)),
        None => Ok(nodes),
    }
}

fn error(names: &[String], index: usize, problem: Problem) -> NetworkError {
    let (number, name, problem) = (index + 1, names[index].clone(), Box::new(problem));
    NetworkError::Layer { number, name, reads: vec![], problem }
}

/// The names of all layers; those that have none are numbered.
fn names(layers: &[Layer]) -> Vec<String> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut name = |layer: &Layer| {
        let (name, is_numbered) = layer.kind.name();
        let count = counts.entry(name).or_default();
        *count += 1;
        match is_numbered {
            _ if !layer.name.is_empty() => layer.name.clone(),
            true => format!("{name}{count}"),
            false => name.to_owned(),
        }
    };
    layers.iter().map(&mut name).collect()
}

/// The layers that a layer reads, of those `before` it.
fn reads(layer: &Layer, before: &[String]) -> Result<Vec<Option<usize>>, Problem> {
    let ((needed, may_be_more), from) = (layer.kind.inputs(), &layer.from);
    let found = if from.is_empty() { 1 } else { from.len() };
    if found < needed || found > needed && !may_be_more {
        return Err(Problem::Inputs { found, needed });
    }
    if let Some(twice) = from.iter().enumerate().find(|(at, name)| from[..*at].contains(name)) {
        return Err(Problem::ReadTwice { name: twice.1.clone() });
    }
    match from.is_empty() {
        true => Ok(vec![before.len().checked_sub(1)]),
        false => from.iter().map(|name| find(name, before)).collect(),
    }
}

/// The layer of a name; `None` is the network's input.
fn find(name: &str, before: &[String]) -> Result<Option<usize>, Problem> {
    let mut found = before.iter().enumerate().filter(|(_, other)| *other == name);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(Problem::Ambiguous { name: name.to_owned() }),
        (Some((index, _)), None) => Ok(Some(index)),
        (None, _) if name == INPUT => Ok(None),
        (None, _) => Err(Problem::UnknownSource { name: name.to_owned(), known: known(before) }),
    }
}

fn known(before: &[String]) -> String {
    let names = std::iter::once(INPUT).chain(before.iter().map(String::as_str));
    names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
