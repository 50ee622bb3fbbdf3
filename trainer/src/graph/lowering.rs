//! From layers to stages: works out the shapes and joins what runs in one pass.

use infer::Shape;
use infer::schedule::INPUTS_MAX;

use super::Stage;
use super::sources::{Node, nodes};
use crate::network::{Layer, Network, NetworkError, Source, TENSOR_LIMIT};
use crate::ops::{Lowered, Operator, Problem, StageKind, at_most};

/// The stages of a network, each after those that it reads.
pub(super) fn stages(network: &Network) -> Result<Vec<Stage>, NetworkError> {
    let input = network.input.shape();
    check_input(input).map_err(|problem| NetworkError::Layer {
        number: 0,
        name: "input".into(),
        reads: vec![],
        problem: Box::new(problem),
    })?;
    let mut lowering = Lowering { nodes: nodes(network)?, input, stages: vec![], made: vec![] };
    for (index, layer) in network.layers.iter().enumerate() {
        let made = lowering.layer(index, layer);
        let made = made.map_err(|problem| lowering.error(index, layer, problem))?;
        lowering.made.push(made);
    }
    match lowering.stages.is_empty() {
        true => Err(NetworkError::Empty),
        false => Ok(lowering.stages),
    }
}

/// Builds stages layer by layer.
struct Lowering {
    nodes: Vec<Node>,
    input: Shape,
    stages: Vec<Stage>,
    /// The tensor that each layer makes: 0 is the input, `n` what stage `n - 1` leaves.
    made: Vec<usize>,
}

impl Lowering {
    /// The tensor that a layer makes.
    fn layer(&mut self, index: usize, layer: &Layer) -> Result<usize, Problem> {
        let inputs = self.inputs(index);
        let mut shapes = [self.shape(inputs[0]); INPUTS_MAX];
        for (shape, tensor) in shapes.iter_mut().zip(&inputs) {
            *shape = self.shape(*tensor);
        }
        match layer.kind.lower(shapes)? {
            Lowered::Operator(kind) => self.operator(index, kind, inputs),
            Lowered::Relu => self.relu(inputs[0]),
            Lowered::Probabilities if index + 1 < self.nodes.len() => {
                Err(Problem::Misplaced("softmax must be the last layer: move it to the end"))
            }
            Lowered::Probabilities => Ok(inputs[0]),
        }
    }

    /// The tensors that a layer reads.
    fn inputs(&self, index: usize) -> Vec<usize> {
        let tensor = |layer: &Option<usize>| layer.map_or(0, |layer| self.made[layer]);
        self.nodes[index].reads.iter().map(tensor).collect()
    }

    fn shape(&self, tensor: usize) -> Shape {
        tensor.checked_sub(1).map_or(self.input, |stage| self.stages[stage].output())
    }

    /// An operator is a stage of its own, unless the stage that it reads takes it in.
    fn operator(
        &mut self,
        index: usize,
        kind: StageKind,
        inputs: Vec<usize>,
    ) -> Result<usize, Problem> {
        let before = inputs[0];
        if self.is_read_once(before) && self.stages[before - 1].kind.take_in(&kind) {
            return Ok(before);
        }
        check_limits(&kind)?;
        let name = self.nodes[index].name.clone();
        self.stages.push(Stage { name, inputs, kind });
        Ok(self.stages.len())
    }

    /// A ReLU joins the nearest operator before it that takes one: it commutes with the others,
    /// where nothing else reads what is between.
    fn relu(&mut self, input: usize) -> Result<usize, Problem> {
        let mut tensor = input;
        while self.is_read_once(tensor) {
            let Stage { kind, inputs, .. } = &mut self.stages[tensor - 1];
            if kind.take_in_relu() {
                return Ok(input);
            }
            tensor = inputs[0];
        }
        Err(Problem::Misplaced(match tensor {
            0 => "nothing in front of this relu can be negative: remove it",
            _ => {
                "another layer reads what this relu reads: set activation = \"relu\" in the \
                  layers that need it"
            }
        }))
    }

    /// Whether one layer only reads a tensor as it is by now; the input is nobody's to change.
    fn is_read_once(&self, tensor: usize) -> bool {
        let last = self.made.iter().rposition(|made| *made == tensor);
        tensor > 0 && last.is_some_and(|layer| self.nodes[layer].readers == 1)
    }

    /// What is wrong with a layer; with what it reads where the description says that.
    fn error(&self, index: usize, layer: &Layer, problem: Problem) -> NetworkError {
        let Node { name, reads, .. } = &self.nodes[index];
        let source = |read: &Option<usize>, tensor: usize| Source {
            name: read.map_or("input", |layer| &self.nodes[layer].name).to_owned(),
            shape: self.shape(tensor),
        };
        let sources = reads.iter().zip(self.inputs(index));
        let reads = match layer.from.is_empty() {
            true => vec![],
            false => sources.map(|(read, tensor)| source(read, tensor)).collect(),
        };
        let (number, name, problem) = (index + 1, name.clone(), Box::new(problem));
        NetworkError::Layer { number, name, reads, problem }
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
