//! From layers to stages: works out the shapes and joins what runs in one pass.

use infer::Shape;
use infer::packing::WeightBits;
use infer::schedule::INPUTS_MAX;

use super::Stage;
use super::sources::{Node, nodes};
use crate::network::{Layer, Network, NetworkError, Source, TENSOR_LIMIT};
use crate::ops::lookup::Lookup;
use crate::ops::{
    Function, INT4_TAPS_MAX, Lowered, Operator, Problem, Rectifier, StageKind, at_most,
};

/// The stages of a network, each after those that it reads, and for each layer the tensor that it
/// makes.
pub(super) fn stages(network: &Network) -> Result<(Vec<Stage>, Vec<usize>), NetworkError> {
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
        false => Ok((lowering.stages, lowering.made)),
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
        let mut inputs = self.inputs(index);
        while inputs.len() > INPUTS_MAX {
            // The first two become one, which is no layer's.
            let rest = inputs.split_off(INPUTS_MAX);
            let name = format!("{}.{}", self.nodes[index].name, rest.len());
            inputs = vec![self.step(index, layer, inputs, name)?];
            inputs.extend(rest);
        }
        let made = self.step(index, layer, inputs, self.nodes[index].name.clone())?;
        match layer.kind.activation() {
            Some(activation) => Ok(self.activate(index, made, activation.function())),
            None => Ok(made),
        }
    }

    /// The tensor that a layer makes of some tensors.
    fn step(
        &mut self,
        index: usize,
        layer: &Layer,
        inputs: Vec<usize>,
        name: String,
    ) -> Result<usize, Problem> {
        let mut shapes = [self.shape(inputs[0]); INPUTS_MAX];
        for (shape, tensor) in shapes.iter_mut().zip(&inputs) {
            *shape = self.shape(*tensor);
        }
        match layer.kind.lower(shapes)? {
            Lowered::Operator(kind) => {
                let bits = layer.kind.weight_bits();
                self.operator(kind, inputs, name, bits)
            }
            Lowered::Function(function) => self.function(index, function, inputs[0]),
            Lowered::Dropout(rate) => self.dropout(rate, inputs[0]),
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
        kind: StageKind,
        inputs: Vec<usize>,
        name: String,
        bits: WeightBits,
    ) -> Result<usize, Problem> {
        let before = inputs[0];
        if self.is_read_once(before)
            && let Stage { kind: other, dropout: 0.0, .. } = &mut self.stages[before - 1]
            && other.take_in(&kind)
        {
            return Ok(before);
        }
        check_limits(&kind)?;
        if bits == WeightBits::Four && !kind.has_int4() {
            return Err(Problem::TooManyTaps { limit: INT4_TAPS_MAX });
        }
        self.stages.push(Stage { name, inputs, kind, bits, dropout: 0.0 });
        Ok(self.stages.len())
    }

    /// A ReLU joins the nearest operator before it that takes one, where what is between commutes
    /// with it and nothing else reads that; else it is a stage of its own, as any other function.
    fn function(
        &mut self,
        index: usize,
        function: Function,
        input: usize,
    ) -> Result<usize, Problem> {
        if let Function::Rectify(rectifier) = function {
            let mut tensor = input;
            while self.is_read_once(tensor) {
                let Stage { kind, inputs, dropout, .. } = &mut self.stages[tensor - 1];
                if *dropout > 0.0 && rectifier != Rectifier::Relu {
                    break;
                }
                if kind.rectify(rectifier) {
                    return Ok(input);
                }
                if !kind.commutes_with_relu() {
                    break;
                }
                tensor = inputs[0];
            }
            if tensor == 0 && rectifier == Rectifier::Relu {
                return Err(Problem::Misplaced(
                    "nothing before this relu can be negative: remove it",
                ));
            }
        }
        Ok(self.lookup(function, input, self.nodes[index].name.clone()))
    }

    /// The tensor after a layer's own activation: nothing can read what is before it.
    fn activate(&mut self, index: usize, made: usize, function: Function) -> usize {
        if let Function::Rectify(rectifier) = function
            && self.stages[made - 1].kind.rectify(rectifier)
        {
            return made;
        }
        self.lookup(function, made, format!("{}.activation", self.nodes[index].name))
    }

    /// Dropout is a part of the stage before it, whose output nothing else reads.
    fn dropout(&mut self, rate: f32, input: usize) -> Result<usize, Problem> {
        if !self.is_read_once(input) {
            return Err(Problem::Misplaced(
                "dropout follows a layer that no other layer reads: move it, or let the others \
                 read the dropout",
            ));
        }
        let dropout = &mut self.stages[input - 1].dropout;
        *dropout = 1.0 - (1.0 - *dropout) * (1.0 - rate);
        Ok(input)
    }

    /// A function as a stage of its own.
    fn lookup(&mut self, function: Function, input: usize, name: String) -> usize {
        let kind = StageKind::Lookup(Lookup { shape: self.shape(input), function });
        let bits = WeightBits::Eight;
        self.stages.push(Stage { name, inputs: vec![input], kind, bits, dropout: 0.0 });
        self.stages.len()
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
