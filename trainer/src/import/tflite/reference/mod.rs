//! TensorFlow Lite's arithmetic on int8 in plain loops: what each operator computes, byte for byte
//! as its reference kernels do (release 2.14). `docs/arithmetic.md` has the formulas.
//!
//! [`Interpreter::new`] checks every operator once: types, scales, and that no number outgrows its
//! 32 bits. [`Interpreter::run`] cannot fail after that.

mod broadcast;
mod conv;
mod elementwise;
mod error;
mod extremes;
mod fixed_point;
mod float;
mod groups;
mod hard_swish;
mod lookup;
mod mean;
mod moves;
mod node;
mod pool;
mod prelu;
mod requantise;
mod softmax;
mod taps;

pub(crate) use conv::{Conv, Filters, FullyConnected};
pub(crate) use elementwise::{Product, Sum};
pub use error::{Misfit, Unsupported};
pub(crate) use extremes::{Extremum, Largest};
pub use fixed_point::Factor;
pub(crate) use mean::Mean;
pub(crate) use node::Node;
pub(crate) use prelu::Prelu;
pub(crate) use softmax::Softmax;

use super::network::{ElementType, Network};
use super::operator::{Kind, Operator};
use float::Float;

/// Elements of a map at most: 4 Mi.
const MAP_ELEMENTS_MAX: usize = 1 << 22;

/// Elements of all maps and of the constants that each operator reads at most: 64 Mi.
pub const ELEMENTS_MAX: usize = 1 << 26;

/// A network that can be run.
pub struct Interpreter<'n> {
    network: &'n Network<'n>,
    steps: Vec<Step>,
}

/// The values of a map, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Quantised.
    Int8(Vec<i8>),
    /// Real, at the edges of a network.
    Float32(Vec<f32>),
}

/// The values of a network's tensors; `None` of constants and of what was not made.
pub type Maps = Vec<Option<Values>>;

/// An operator that has been checked.
enum Step {
    /// From maps of int8 to one.
    Int8(Box<dyn Kernel>),
    /// `QUANTIZE` of real numbers.
    Quantise(Float),
    /// `DEQUANTIZE` to real numbers.
    Dequantise(Float),
    /// What has the same result each time, and is read for its shape only.
    Nothing,
}

/// What an operator computes.
trait Kernel {
    /// From all maps that the operator reads, constants among them; those that are no int8 are
    /// empty.
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8>;
}

impl<'n> Interpreter<'n> {
    /// Checks that every operator can be run.
    ///
    /// # Errors
    /// All operators that cannot be run, with the reasons.
    pub fn new(network: &'n Network<'n>) -> Result<Self, Unsupported> {
        let (mut steps, mut unsupported) = (Vec::new(), Unsupported::default());
        let mut elements = 0_usize;
        for (index, operator) in network.operators.iter().enumerate() {
            elements = elements.saturating_add(held_elements(network, operator));
            let step = if elements > ELEMENTS_MAX {
                Err(Misfit::TooLarge)
            } else {
                step(Node { network, operator })
            };
            match step {
                Ok(step) => steps.push(step),
                Err(misfit) => unsupported.add(index, operator, misfit),
            }
        }
        if unsupported.is_empty() { Ok(Self { network, steps }) } else { Err(unsupported) }
    }

    /// Runs the network on its inputs, which come in its order.
    ///
    /// # Panics
    /// When an input has another size or type than the network's.
    pub fn run(&self, inputs: &[Values]) -> Maps {
        let mut maps: Maps = vec![None; self.network.tensors.len()];
        assert_eq!(inputs.len(), self.network.inputs.len(), "inputs of the network");
        for (tensor, values) in self.network.inputs.iter().zip(inputs) {
            assert_eq!(values.len(), self.network.tensors[*tensor].elements(), "an input's size");
            maps[*tensor] = Some(values.clone());
        }
        for (step, operator) in self.steps.iter().zip(&self.network.operators) {
            if let Some(values) = self.made(step, operator, &maps) {
                maps[operator.outputs[0]] = Some(values);
            }
        }
        maps
    }

    fn made(&self, step: &Step, operator: &Operator, maps: &Maps) -> Option<Values> {
        let float = |maps: &Maps| match operator.inputs[0].and_then(|tensor| maps[tensor].clone()) {
            Some(Values::Float32(values)) => values,
            _ => panic!("an input of real numbers"),
        };
        let inputs = || operator.inputs.iter().map(|input| self.int8(*input, maps));
        Some(match step {
            Step::Int8(kernel) => {
                let inputs: Vec<_> = inputs().collect();
                let inputs: Vec<_> = inputs.iter().map(|values| &values[..]).collect();
                Values::Int8(kernel.run(&inputs))
            }
            Step::Quantise(edge) => Values::Int8(edge.quantise(&float(maps))),
            Step::Dequantise(edge) => {
                Values::Float32(edge.dequantise(&inputs().next().unwrap_or_default()))
            }
            Step::Nothing => return None,
        })
    }

    /// The values of a tensor of int8; nothing of others.
    fn int8(&self, tensor: Option<usize>, maps: &Maps) -> Vec<i8> {
        let Some(tensor) = tensor else { return Vec::new() };
        match (&maps[tensor], &self.network.tensors[tensor]) {
            (Some(Values::Int8(values)), _) => values.clone(),
            (None, constant) if constant.element == ElementType::Int8 => {
                constant.data.unwrap_or_default().iter().map(|byte| *byte as i8).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Int8(values) => values.len(),
            Self::Float32(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn output_elements(network: &Network<'_>, operator: &Operator) -> usize {
    operator.outputs.iter().map(|tensor| network.tensors[*tensor].elements()).sum()
}

/// Elements that an operator makes, and those of its constants, which it may share with others.
pub fn held_elements(network: &Network<'_>, operator: &Operator) -> usize {
    let tensors = operator.inputs.iter().flatten().map(|tensor| &network.tensors[*tensor]);
    let constants = tensors.filter(|tensor| tensor.data.is_some()).map(|tensor| tensor.elements());
    constants.fold(output_elements(network, operator), usize::saturating_add)
}

/// Checks an operator.
fn step(node: Node<'_>) -> Result<Step, Misfit> {
    if node.operator.constant {
        return node.is_read_for_its_shape().then_some(Step::Nothing).ok_or(Misfit::Constant);
    }
    if output_elements(node.network, node.operator) > MAP_ELEMENTS_MAX {
        return Err(Misfit::TooLarge);
    }
    match node.operator.kind {
        Kind::Quantize if node.input(0)?.element == ElementType::Float32 => {
            node.output_quantisation().map(|output| Step::Quantise(Float(output)))
        }
        Kind::Dequantize => {
            node.only(ElementType::Float32, node.output()?)?;
            node.quantisation(0).map(|input| Step::Dequantise(Float(input)))
        }
        _ => kernel(node).map(Step::Int8),
    }
}

/// The kernel of an operator from int8 to int8.
fn kernel(node: Node<'_>) -> Result<Box<dyn Kernel>, Misfit> {
    Ok(match &node.operator.kind {
        Kind::Conv(..) => Box::new(conv::Conv::full(node)?),
        Kind::DepthwiseConv(..) => Box::new(conv::Conv::depthwise(node)?),
        Kind::FullyConnected { .. } => Box::new(conv::FullyConnected::new(node)?),
        Kind::AveragePool(size, ..) => Box::new(pool::Pool::new(node, *size, pool::average)?),
        Kind::MaxPool(size, ..) => Box::new(pool::Pool::new(node, *size, pool::maximum)?),
        Kind::Add(_) => Box::new(elementwise::Sum::new(node, 1)?),
        Kind::Sub(_) => Box::new(elementwise::Sum::new(node, -1)?),
        Kind::Mul(_) => Box::new(elementwise::Product::new(node)?),
        Kind::Maximum => Box::new(extremes::Extremum::new(node, false)?),
        Kind::Minimum => Box::new(extremes::Extremum::new(node, true)?),
        Kind::Concatenation(axis, _) => Box::new(moves::concatenation(node, *axis)?),
        Kind::Pad => Box::new(moves::pad(node)?),
        Kind::Reshape | Kind::Squeeze | Kind::ExpandDims => Box::new(moves::reshape(node)?),
        Kind::SpaceToBatch => Box::new(moves::space_to_batch(node)?),
        Kind::BatchToSpace => Box::new(moves::batch_to_space(node)?),
        Kind::Softmax { beta } => Box::new(softmax::Softmax::new(node, *beta)?),
        Kind::Logistic => Box::new(lookup::logistic(node)?),
        Kind::Tanh => Box::new(lookup::tanh(node)?),
        Kind::HardSwish => Box::new(hard_swish::HardSwish::new(node)?),
        Kind::Relu => Box::new(requantise::Requantise::relu(node, 0.0, f32::INFINITY)?),
        Kind::Relu6 => Box::new(requantise::Requantise::relu(node, 0.0, 6.0)?),
        Kind::ReluN1To1 => Box::new(requantise::Requantise::relu(node, -1.0, 1.0)?),
        Kind::LeakyRelu { alpha } => Box::new(requantise::Requantise::leaky_relu(node, *alpha)?),
        Kind::Quantize => Box::new(requantise::Requantise::quantise(node)?),
        Kind::Mean { .. } => Box::new(mean::Mean::new(node)?),
        Kind::ReduceMax { .. } => Box::new(extremes::Largest::new(node)?),
        Kind::Transpose => Box::new(moves::transpose(node)?),
        Kind::StridedSlice(_) | Kind::Slice => Box::new(moves::slice(node)?),
        Kind::Prelu => Box::new(prelu::Prelu::new(node)?),
        Kind::Gelu { is_tanh } => Box::new(lookup::gelu(node, *is_tanh)?),
        Kind::Dequantize | Kind::Shape | Kind::Pack | Kind::Other(_) => {
            return Err(Misfit::Operator);
        }
    })
}
