//! The operators of an ONNX file as layers.
//!
//! - `constants`: weights and other constants, in floating point;
//! - `weighted`: convolutions and dense layers;
//! - `windows`: what moves over a map: poolings, means, borders;
//! - `gelu`: the operators that are a GELU together, as one;
//! - `pointwise`: functions of one value, batch normalisation, sums and products;
//! - `order`: what only says otherwise how a map is counted;
//! - `quantised`: quantised operators as the ones that they stand for.

mod constants;
mod gelu;
mod order;
mod pointwise;
mod quantised;
mod weighted;
mod windows;

use std::collections::{HashMap, HashSet};

use infer::format::OutputQuant;

use super::array::Array;
use super::layers::Reduction;
use super::layout::{CHANNELS_FIRST, Layout};
use super::misfit::{Misfit, Unsupported};
use super::sketch::{Given, Sketch};
use super::values::{Seen, Value};
use super::{FloatError, FloatImport, OPERATORS_MAX, VALUES_MAX};
use crate::import::onnx::{Known, Network, Node};
use quantised::Unquantised;

/// The layers of a network, for an input whose values are as `given` says.
///
/// # Errors
/// What no network holds; all operators of that kind at once.
pub fn import(
    network: &Network<'_>,
    known: &Known<'_>,
    given: &Given,
) -> Result<FloatImport, FloatError> {
    let [input] = &network.inputs[..] else {
        return Err(FloatError::Inputs { found: network.inputs.len() });
    };
    let [output] = &network.outputs[..] else {
        return Err(FloatError::Outputs { found: network.outputs.len() });
    };
    let unquantised = Unquantised::of(network).ok_or(FloatError::TooManyValues)?;
    let Unquantised { nodes, constants, maps, weights } = unquantised;
    let constants = constants::all(network).into_iter().chain(constants).collect();
    let nodes = gelu::joined(nodes, &constants);
    let network = &Network { nodes, ..network.clone() };
    let needed = needed(network, known);
    if needed.len() > OPERATORS_MAX {
        return Err(FloatError::TooMany { found: needed.len() });
    }
    let (shape, layout) = order::input(network, known, given)?;
    if shape.is_empty() {
        return Err(FloatError::Empty);
    }
    let mut import = Import {
        known,
        constants,
        maps,
        steps: weights,
        readers: readers(network, &needed),
        values: HashMap::new(),
        sketch: Sketch::new(shape),
        makers: makers(network, &needed),
        ends: before_renaming(network, output.name),
        left: VALUES_MAX,
    };
    let first = import.sketch.normalised(given).map_err(|_| FloatError::Input {
        name: input.name.to_owned(),
        why: "it has more channels than a layer can have",
    })?;
    let is_sole = import.readers.get(input.name) == Some(&1) && first > 0;
    import.values.insert(input.name, Value { tensor: first, layout, is_sole });
    let is_softmax = import.nodes(network, &needed)?;
    let Some(answer) = import.values.remove(output.name) else {
        return Err(FloatError::Turned);
    };
    let is_map = answer.layout.is_of(&CHANNELS_FIRST) && answer.layout.rank() > 2;
    if !is_map && !answer.layout.is_in_order() {
        return Err(FloatError::Turned);
    }
    Ok(import.sketch.finish(is_softmax, needed.len())?)
}

/// What a value is another name of.
fn before_renaming<'a>(network: &Network<'a>, mut name: &'a str) -> &'a str {
    // Names are made before they are read.
    for node in network.nodes.iter().rev().filter(|node| node.operator == "Identity") {
        if let (&[input], [output]) = (&node.inputs[..], &node.outputs[..])
            && *output == name
        {
            name = input;
        }
    }
    name
}

/// Numbers of the nodes that the output depends on, but for those that compute sizes.
fn needed(network: &Network<'_>, known: &Known<'_>) -> Vec<usize> {
    let mut read: HashSet<&str> = network.outputs.iter().map(|output| output.name).collect();
    let mut needed = vec![];
    for (index, node) in network.nodes.iter().enumerate().rev() {
        let is_map = |name: &&str| read.contains(name) && !known.integers.contains_key(name);
        if node.outputs.iter().any(is_map) {
            read.extend(node.inputs.iter().filter(|name| !name.is_empty()));
            needed.push(index);
        }
    }
    needed.reverse();
    needed
}

/// How many nodes read each value.
fn readers<'a>(network: &Network<'a>, needed: &[usize]) -> HashMap<&'a str, usize> {
    let mut readers = HashMap::new();
    let inputs = needed.iter().flat_map(|node| &network.nodes[*node].inputs);
    let outputs = network.outputs.iter().map(|output| &output.name);
    inputs.chain(outputs).for_each(|name| *readers.entry(*name).or_default() += 1);
    readers
}

/// The node that makes each value.
fn makers<'n, 'a>(network: &'n Network<'a>, needed: &[usize]) -> HashMap<&'a str, &'n Node<'a>> {
    let nodes = needed.iter().map(|node| &network.nodes[*node]);
    nodes.flat_map(|node| node.outputs.iter().map(move |name| (*name, node))).collect()
}

/// What is known while node after node becomes layers.
struct Import<'n, 'a> {
    known: &'n Known<'a>,
    constants: HashMap<&'a str, Array>,
    readers: HashMap<&'a str, usize>,
    makers: HashMap<&'a str, &'n Node<'a>>,
    values: HashMap<&'a str, Value>,
    /// The scales that the file has of maps.
    maps: HashMap<&'a str, OutputQuant>,
    /// The scales that it has of weights.
    steps: HashMap<&'a str, Vec<f32>>,
    sketch: Sketch,
    /// The name of the network's output.
    ends: &'a str,
    /// Values of constants that may still be computed of others.
    left: usize,
}

impl<'n, 'a> Import<'n, 'a> {
    /// Makes layers of all nodes that are needed; whether the last is a softmax.
    fn nodes(&mut self, network: &'n Network<'a>, needed: &[usize]) -> Result<bool, Unsupported> {
        let (mut unsupported, mut is_softmax) = (Unsupported::default(), false);
        for index in needed {
            let node = &network.nodes[*index];
            let is_blocked = self.reads_nothing_known(node);
            self.sketch.begin(node.operator);
            let made = match self.node(node) {
                // Scales after the softmax are those of probabilities.
                Ok(Made::Value(value)) if !is_softmax => {
                    self.with_scales(node, value).map(Made::Value)
                }
                made => made,
            };
            match made {
                Ok(Made::Value(value)) => self.name(node, value),
                Ok(Made::Scores(value)) => {
                    is_softmax = true;
                    self.name(node, value);
                }
                Ok(Made::Constant(array)) => {
                    self.left -= array.values.len();
                    node.outputs.first().map(|name| self.constants.insert(name, array));
                }
                Ok(Made::Nothing) => {}
                // What a refused node would have made is missing; what reads it is not at fault.
                Err(misfit) if misfit == Misfit::Operator || !is_blocked => {
                    unsupported.add(*index, node.operator, node.name, misfit);
                }
                Err(_) => {}
            }
        }
        if unsupported.is_empty() { Ok(is_softmax) } else { Err(unsupported) }
    }

    fn reads_nothing_known(&self, node: &Node<'a>) -> bool {
        let is_known = |name: &&'a str| {
            name.is_empty()
                || self.values.contains_key(name)
                || self.constants.contains_key(name)
                || self.known.integers.contains_key(name)
        };
        // Scales of unknown types are what the node is refused for.
        let read = match node.operator {
            "QuantizeLinear" | "DequantizeLinear" => &node.inputs[..node.inputs.len().min(1)],
            _ => &node.inputs[..],
        };
        !read.iter().all(is_known)
    }

    fn name(&mut self, node: &Node<'a>, value: Value) {
        let Some(output) = node.outputs.first() else { return };
        let is_sole = value.is_sole && self.readers.get(output) == Some(&1);
        self.values.insert(output, Value { is_sole, ..value });
    }

    /// What becomes of a node.
    fn node(&mut self, node: &'n Node<'a>) -> Result<Made, Misfit> {
        if matches!(node.operator, "QuantizeLinear" | "DequantizeLinear") {
            return Err("it has another type than int8 and uint8, or scales that are computed: \
                        quantise to 8 bits"
                .into());
        }
        if !matches!(node.domain, "" | "ai.onnx") {
            return Err(Misfit::Operator);
        }
        if let Some(array) = self.folded(node) {
            return Ok(Made::Constant(array));
        }
        let value = match node.operator {
            "Conv" => self.conv(node)?,
            "Gemm" => self.gemm(node)?,
            "MatMul" => self.matmul(node)?,
            "MaxPool" => self.max_pool(node)?,
            "AveragePool" => self.average_pool(node)?,
            "GlobalAveragePool" => self.global(Reduction::Mean, node)?,
            "GlobalMaxPool" => self.global(Reduction::Max, node)?,
            "ReduceMean" => self.reduce(Reduction::Mean, node)?,
            "ReduceMax" => self.reduce(Reduction::Max, node)?,
            "Pad" => self.pad(node)?,
            "Slice" => self.slice(node)?,
            "Gather" => self.gather(node)?,
            "PRelu" => self.prelu(node)?,
            "Concat" => self.concat(node)?,
            "BatchNormalization" => self.batch_norm(node)?,
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node)?,
            "Max" | "Min" => self.extremum(node)?,
            "Relu" | "LeakyRelu" | "Sigmoid" | "Tanh" | "HardSwish" | "Gelu" => {
                self.function(node)?
            }
            "Clip" => self.clip(node)?,
            "HardSigmoid" if self.is_half_of_hard_swish(node) => return Ok(Made::Nothing),
            "HardSigmoid" => self.hard_sigmoid(node)?,
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => self.reshaped(node)?,
            "Transpose" => self.transposed(node)?,
            "Identity" | "Dropout" => self.value(node, 0)?,
            "Cast" => self.cast(node)?,
            "Softmax" | "LogSoftmax" => return Ok(Made::Scores(self.softmax(node)?)),
            _ => return Err(Misfit::Operator),
        };
        self.has_the_size_of(node, &value)?;
        Ok(Made::Value(value))
    }

    /// Refuses a layer that leaves another size than the file's operator does.
    fn has_the_size_of(&self, node: &Node<'a>, value: &Value) -> Result<(), Misfit> {
        let sizes = node.outputs.first().and_then(|name| self.known.shapes.get(name));
        match sizes.is_none_or(|sizes| *sizes == value.layout.sizes()) {
            true => Ok(()),
            false => {
                Err("its options give another size than a layer has: export without them".into())
            }
        }
    }

    /// A map that a node reads.
    fn value(&self, node: &Node<'a>, number: usize) -> Result<Value, Misfit> {
        let name = node.inputs.get(number).ok_or("it reads too few values")?;
        let value = self.values.get(name).cloned();
        Ok(value.ok_or("it reads a constant where a map is expected: fold it while exporting")?)
    }

    /// The map that a node reads as batch, channels, rows and columns, or fewer of them.
    fn seen(&self, node: &Node<'a>) -> Result<Seen, Misfit> {
        Seen::of(&self.sketch, self.value(node, 0)?, &CHANNELS_FIRST)
    }
}

/// What becomes of a node.
enum Made {
    /// A map.
    Value(Value),
    /// A map that is the network's scores.
    Scores(Value),
    /// A constant.
    Constant(Array),
    /// A part of what another node becomes.
    Nothing,
}

/// A name for the layer of a node: `/features/features.0/Conv` is the node `Conv` of the module
/// `features.0`.
fn layer_name<'a>(node: &Node<'a>) -> &'a str {
    let full = match node.name {
        "" => node.outputs.first().copied().unwrap_or_default(),
        name => name,
    };
    let mut parts = full.rsplit('/').filter(|part| !part.is_empty());
    let (last, module) = (parts.next().unwrap_or_default(), parts.next());
    let is_the_operator = last.strip_prefix(node.operator).is_some_and(|number| {
        number.strip_prefix('_').unwrap_or(number).bytes().all(|byte| byte.is_ascii_digit())
    });
    module.filter(|_| is_the_operator).unwrap_or(last)
}
