//! A network as layers that `infer` runs, with the numbers of the file.
//!
//! - `RESHAPE`, `SQUEEZE` and `EXPAND_DIMS` are folded: the order of a map in memory stays.

use infer::format::{OUTPUTS_MAX, OutputQuant, Tensor};
use infer::{SelfTestError, Shape, ValueType};
use thiserror::Error;

use super::layers::Made;
use crate::import::tflite::reference::{Misfit, Node, Unsupported};
use crate::import::tflite::{self, ElementType, Kind, Network};
use crate::model_file::WriteModelError;
use crate::plain_model::{Edge, PlainLayer, PlainModel};
use crate::plan::FastestError;
use crate::terminal::printable;

/// Longest name of a layer, bytes; of longer ones the end is kept.
const NAME_BYTES_MAX: usize = infer::format::NAME_BYTES_MAX;

/// Why a network cannot be imported.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ImportError {
    /// None, or several.
    #[error("the network has {found} inputs, only networks of one can be imported")]
    Inputs {
        /// How many.
        found: usize,
    },
    /// None, or too many.
    #[error("the network has {found} outputs, a model has 1 to {OUTPUTS_MAX}")]
    Outputs {
        /// How many.
        found: usize,
    },
    /// An output that no layer makes.
    #[error("output {index} is made by no layer")]
    OutputNotMade {
        /// Its place, from 0.
        index: usize,
    },
    /// It makes something else than its input.
    #[error(
        "the network takes {inputs} values and makes {outputs}: --task reconstruct is for networks \
         that make their input once more"
    )]
    Reconstruction {
        /// Values that it takes.
        inputs: usize,
        /// Values that it makes.
        outputs: usize,
    },
    /// An input of another kind.
    #[error("the input: {0}")]
    Input(Misfit),
    /// Operators, all of them.
    #[error(transparent)]
    Operators(#[from] Unsupported),
    /// No model file can hold it.
    #[error(transparent)]
    Write(#[from] WriteModelError),
    /// There is no plan for the chip.
    #[error(transparent)]
    Fastest(#[from] FastestError),
    /// The model is at fault.
    #[error("the model does not give TensorFlow Lite's bytes: {0}")]
    Differs(SelfTestError),
}

/// The layers of a network.
///
/// # Errors
/// What no model holds; all operators of that kind at once.
pub fn plain_model(network: &Network<'_>) -> Result<PlainModel, ImportError> {
    let &[input] = &network.inputs[..] else {
        return Err(ImportError::Inputs { found: network.inputs.len() });
    };
    if !(1..=OUTPUTS_MAX).contains(&network.outputs.len()) {
        return Err(ImportError::Outputs { found: network.outputs.len() });
    }
    let given = tensor(&network.tensors[input]).map_err(ImportError::Input)?;
    let steps = steps(network)?;
    Maps::new(network, input, given).connected(steps)
}

/// What becomes of an operator.
enum Step {
    /// Its result is the same each time, and is read for its shape only.
    Nothing,
    /// Its output is its input.
    Renamed,
    /// A layer.
    Layer(Made),
}

/// What becomes of every operator.
fn steps(network: &Network<'_>) -> Result<Vec<Step>, Unsupported> {
    let (mut steps, mut unsupported) = (Vec::new(), Unsupported::default());
    let shaped = shapes_in_memory(network);
    for (index, operator) in network.operators.iter().enumerate() {
        match step(Node { network, operator }, &shaped) {
            Ok(step) => steps.push(step),
            Err(misfit) => unsupported.add(index, operator, misfit),
        }
    }
    if unsupported.is_empty() { Ok(steps) } else { Err(unsupported) }
}

fn step(node: Node<'_>, shaped: &[usize]) -> Result<Step, Misfit> {
    if node.operator.constant {
        return node.is_read_for_its_shape().then_some(Step::Nothing).ok_or(Misfit::Constant);
    }
    if let Kind::Reshape | Kind::Squeeze | Kind::ExpandDims = node.operator.kind {
        node.same_scale(1)?;
        return Ok(Step::Renamed);
    }
    let made = Made::of(node)?;
    let keeps_order = matches!(node.operator.kind, Kind::FullyConnected { .. });
    let is_as_made = keeps_order || are_read_as_made(node, shaped);
    is_as_made.then_some(Step::Layer(made)).ok_or(Misfit::Reshaped)
}

/// For each tensor the one that was made or given, whose values it has.
fn shapes_in_memory(network: &Network<'_>) -> Vec<usize> {
    let mut tensors: Vec<usize> = (0..network.tensors.len()).collect();
    for operator in &network.operators {
        if let (Kind::Reshape | Kind::Squeeze | Kind::ExpandDims, Some(Some(input)), &[output]) =
            (&operator.kind, operator.inputs.first(), &operator.outputs[..])
        {
            tensors[output] = tensors[*input];
        }
    }
    tensors
}

/// Whether an operator's maps have the rows, columns and channels with which they were made.
fn are_read_as_made(node: Node<'_>, shaped: &[usize]) -> bool {
    let tensors = &node.network.tensors;
    let mut maps =
        node.operator.inputs.iter().flatten().filter(|map| tensors[**map].data.is_none());
    maps.all(|input| {
        let [read, made] = [*input, shaped[*input]].map(|tensor| shape(&tensors[tensor].shape));
        read.is_ok() && read == made
    })
}

/// A map as a model has it.
pub(super) fn tensor(tensor: &tflite::Tensor<'_>) -> Result<Tensor, Misfit> {
    if tensor.element != ElementType::Int8 {
        let (found, expected) = (tensor.element.name(), ElementType::Int8.name());
        return Err(Misfit::Element { found, expected });
    }
    match tensor.scale_and_zero_point() {
        Some((scale, zero_point)) if scale > 0.0 => Ok(Tensor {
            shape: shape(&tensor.shape)?,
            quant: OutputQuant { scale, zero_point: zero_point as i8 },
        }),
        _ => Err(Misfit::Quantisation),
    }
}

/// Rows, columns and channels of a batch of one: the last sides that it has.
fn shape(sides: &[usize]) -> Result<Shape, Misfit> {
    let (rows, columns, channels) = match *sides {
        [1, channels] => (1, 1, channels),
        [1, columns, channels] => (1, columns, channels),
        [1, rows, columns, channels] => (rows, columns, channels),
        _ => return Err(Misfit::Map),
    };
    let side = |side: usize| u16::try_from(side).map_err(|_| Misfit::Size);
    Ok(Shape::new(side(rows)?, side(columns)?, side(channels)?))
}

/// The tensors of the model as they are made.
struct Maps<'n, 'a> {
    network: &'n Network<'a>,
    input: Tensor,
    /// For each tensor of the file the model's.
    edges: Vec<Option<Edge>>,
    layers: Vec<PlainLayer>,
}

impl<'n, 'a> Maps<'n, 'a> {
    fn new(network: &'n Network<'a>, input: usize, given: Tensor) -> Self {
        let mut edges = vec![None; network.tensors.len()];
        edges[input] = Some(Edge { number: 0, tensor: given });
        Self { network, input: given, edges, layers: vec![] }
    }

    /// The layers with the tensors that they read.
    fn connected(mut self, steps: Vec<Step>) -> Result<PlainModel, ImportError> {
        for (operator, step) in self.network.operators.iter().zip(steps) {
            let edge = match step {
                Step::Nothing => continue,
                Step::Renamed => self.edge_of_first(&operator.inputs),
                Step::Layer(made) => self.layer(operator.outputs[0], &operator.inputs, made),
            };
            self.edges[operator.outputs[0]] = edge;
        }
        let outputs = self.outputs()?;
        Ok(PlainModel {
            image: self.input.shape,
            interface: ValueType::Int8.into(),
            origin: [0, 0],
            input: self.input,
            layers: self.layers,
            outputs,
            version: 0,
            self_test: None,
            metadata: vec![],
        })
    }

    fn edge_of_first(&self, inputs: &[Option<usize>]) -> Option<Edge> {
        self.edges[(*inputs.first()?)?]
    }

    fn layer(&mut self, output: usize, inputs: &[Option<usize>], made: Made) -> Option<Edge> {
        let name = self.network.tensors[output].name;
        let inputs = inputs.iter().filter_map(|input| self.edges[(*input)?]).collect();
        let activation = made.activation();
        let edge = self.push(layer_name(name), inputs, made);
        match activation {
            None => Some(edge),
            Some(lookup) => {
                let first = name.split(';').next().unwrap_or_default();
                Some(self.push(layer_name(&format!("{first}/activation")), vec![edge], lookup))
            }
        }
    }

    fn push(&mut self, name: String, inputs: Vec<Edge>, made: Made) -> Edge {
        let Made { kind, output, channels, weights, .. } = made;
        self.layers.push(PlainLayer { name, inputs, output, kind, channels, weights });
        Edge { number: self.layers.len(), tensor: output }
    }

    fn outputs(&self) -> Result<Vec<usize>, ImportError> {
        let outputs = self.network.outputs.iter().enumerate();
        let number = |(index, tensor): (usize, &usize)| match self.edges[*tensor] {
            Some(Edge { number, .. }) if number > 0 => Ok(number),
            _ => Err(ImportError::OutputNotMade { index }),
        };
        outputs.map(number).collect()
    }
}

/// A converter joins the names of all operators that became one by `;`: the first of them, and the
/// end of it where it is long.
fn layer_name(name: &str) -> String {
    let first = printable(name.split(';').next().unwrap_or_default());
    let over = first.len().saturating_sub(NAME_BYTES_MAX);
    let start = (over..=first.len()).find(|start| first.is_char_boundary(*start));
    first[start.unwrap_or_default()..].to_owned()
}
