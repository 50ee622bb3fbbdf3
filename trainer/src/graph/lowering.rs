//! From layers to stages: works out the shapes and joins what runs in one pass.

use std::collections::BTreeMap;

use infer::Shape;

use super::Stage;
use crate::network::{Layer, Network, NetworkError, TENSOR_LIMIT};
use crate::ops::{Lowered, Operator, Problem, StageKind, at_most};

/// The stages of a network.
pub(super) fn stages(network: &Network) -> Result<Vec<Stage>, NetworkError> {
    let shape = network.input.shape();
    check_input(shape).map_err(|problem| NetworkError::Layer {
        number: 0,
        name: "input".into(),
        problem,
    })?;
    let mut lowering = Lowering { shape, stages: Vec::new(), counts: BTreeMap::new() };
    for (index, layer) in network.layers.iter().enumerate() {
        let (number, name) = (index + 1, lowering.name_of(layer));
        let is_last = number == network.layers.len();
        lowering.layer(&name, layer, is_last).map_err(|problem| NetworkError::Layer {
            number,
            name,
            problem,
        })?;
    }
    if lowering.stages.is_empty() { Err(NetworkError::Empty) } else { Ok(lowering.stages) }
}

/// Builds stages layer by layer.
struct Lowering {
    shape: Shape,
    stages: Vec<Stage>,
    /// How many layers of each name there are.
    counts: BTreeMap<&'static str, usize>,
}

impl Lowering {
    fn layer(&mut self, name: &str, layer: &Layer, is_last: bool) -> Result<(), Problem> {
        match layer.kind.lower(self.shape)? {
            Lowered::Operator(kind) => self.operator(name, kind),
            Lowered::Relu => self.relu(),
            Lowered::Probabilities if !is_last => {
                Err(Problem::Misplaced("softmax must be the last layer: move it to the end"))
            }
            Lowered::Probabilities => Ok(()),
        }
    }

    fn name_of(&mut self, layer: &Layer) -> String {
        let (name, is_numbered) = layer.kind.name();
        let count = self.counts.entry(name).or_default();
        *count += 1;
        match is_numbered {
            _ if !layer.name.is_empty() => layer.name.clone(),
            true => format!("{name}{count}"),
            false => name.to_owned(),
        }
    }

    fn operator(&mut self, name: &str, kind: StageKind) -> Result<(), Problem> {
        self.shape = kind.output();
        let joins = self.stages.last_mut().is_some_and(|stage| stage.kind.take_in(&kind));
        if !joins {
            check_limits(&kind)?;
            self.stages.push(Stage { name: name.to_owned(), kind });
        }
        Ok(())
    }

    /// A ReLU joins the nearest operator in front of it that takes one: it commutes with the
    /// others.
    fn relu(&mut self) -> Result<(), Problem> {
        match self.stages.iter_mut().rev().any(|stage| stage.kind.take_in_relu()) {
            true => Ok(()),
            false => {
                Err(Problem::Misplaced("nothing in front of this relu can be negative: remove it"))
            }
        }
    }
}

fn check_input(shape: Shape) -> Result<(), Problem> {
    if shape.is_empty() {
        return Err(Problem::Zero { what: "a side of the input" });
    }
    at_most(TENSOR_LIMIT, "it", values(shape))
}

fn check_limits(kind: &StageKind) -> Result<(), Problem> {
    at_most(TENSOR_LIMIT, "the output", values(kind.output()))?;
    let weights = kind.weights().map_or(0, |weights| weights.outputs as u64 * weights.taps as u64);
    at_most(TENSOR_LIMIT, "the weights", weights)
}

fn values(shape: Shape) -> u64 {
    [shape.height, shape.width, shape.channels].map(u64::from).iter().product()
}
