//! Quantised operators as the ones that they stand for, and the scales that the file has.
//!
//! - `DequantizeLinear` of a constant gives the numbers that it stands for.
//! - `QuantizeLinear` and `DequantizeLinear` of a map change nothing but its scale.
//! - `QLinearConv` and its kin are the operators of that name, with scales for what they read and
//!   make.

use std::collections::HashMap;

use infer::format::OutputQuant;

use super::{Array, Import, Value};
use crate::import::float::VALUES_MAX;
use crate::import::float::misfit::Misfit;
use crate::import::onnx::{ElementType, Network, Node, Tensor};

/// A network without quantised operators.
pub(super) struct Unquantised<'a> {
    /// The nodes, as many as before.
    pub nodes: Vec<Node<'a>>,
    /// The constants that were integers, as the numbers that they stand for.
    pub constants: HashMap<&'a str, Array>,
    /// The scales of maps.
    pub maps: HashMap<&'a str, OutputQuant>,
    /// The scale of each output's weights.
    pub weights: HashMap<&'a str, Vec<f32>>,
}

/// Scale and zero point: the names of two constants.
type Names<'a> = [Option<&'a str>; 2];

impl<'a> Unquantised<'a> {
    /// Of a network; `None` where its constants have too many values. What is not known stays.
    pub fn of(network: &Network<'a>) -> Option<Self> {
        let constants = network.constants.iter().map(|tensor| (tensor.name, tensor)).collect();
        let mut whole = Unquantising {
            tensors: constants,
            made: Self {
                nodes: vec![],
                constants: HashMap::new(),
                maps: HashMap::new(),
                weights: HashMap::new(),
            },
            left: Some(VALUES_MAX),
        };
        for node in &network.nodes {
            let plain = whole.node(node).unwrap_or_else(|| node.clone());
            whole.made.nodes.push(plain);
            whole.left?;
        }
        Some(whole.made)
    }
}

struct Unquantising<'n, 'a> {
    tensors: HashMap<&'a str, &'n Tensor<'a>>,
    made: Unquantised<'a>,
    /// Values of constants that there may still be; `None` when there were more.
    left: Option<usize>,
}

impl<'a> Unquantising<'_, 'a> {
    /// What a quantised node stands for; `None` of others.
    fn node(&mut self, node: &Node<'a>) -> Option<Node<'a>> {
        let name = |number: usize| node.inputs.get(number).copied().filter(|name| !name.is_empty());
        let scale = |number: usize| [name(number), name(number + 1)];
        let (operator, reads, made) = match node.operator {
            "QuantizeLinear" => {
                self.has_bytes(name(2)).then_some(())?;
                ("Identity", vec![name(0)?], scale(1))
            }
            "DequantizeLinear" => return self.dequantised(node, scale(1)),
            "QLinearConv" => {
                self.weights(name(3)?, scale(4), Some(0))?;
                let reads = self.reads([name(0)?, name(3)?], name(8), [name(1), name(4)])?;
                ("Conv", reads, scale(6))
            }
            "QLinearMatMul" => {
                self.weights(name(3)?, scale(4), Some(1))?;
                ("MatMul", vec![name(0)?, name(3)?], scale(6))
            }
            "QGemm" => {
                let axis = usize::from(node.int("transB") != Some(1));
                self.weights(name(3)?, scale(4), Some(axis))?;
                let reads = self.reads([name(0)?, name(3)?], name(6), [name(1), name(4)])?;
                ("Gemm", reads, scale(7))
            }
            "QLinearAdd" | "QLinearMul" => {
                for (value, scale) in [(name(0)?, scale(1)), (name(3)?, scale(4))] {
                    if self.tensors.contains_key(value) {
                        self.weights(value, scale, None)?;
                    }
                }
                (&node.operator["QLinear".len()..], vec![name(0)?, name(3)?], scale(6))
            }
            "QLinearConcat" => {
                let maps = (2..node.inputs.len()).step_by(3).map(name).collect::<Option<_>>()?;
                ("Concat", maps, scale(0))
            }
            "QLinearAveragePool"
            | "QLinearGlobalAveragePool"
            | "QLinearLeakyRelu"
            | "QLinearSigmoid"
            | "QLinearSoftmax" => {
                if node.int("channels_last").unwrap_or(0) != 0 {
                    return None;
                }
                (&node.operator["QLinear".len()..], vec![name(0)?], scale(3))
            }
            _ => return None,
        };
        if let (Some(quant), Some(output)) = (self.quant(made), node.outputs.first()) {
            self.made.maps.insert(output, quant);
        }
        Some(Node { operator, domain: "", inputs: reads, ..node.clone() })
    }

    /// A constant, or a map as it is.
    fn dequantised(&mut self, node: &Node<'a>, scale: Names<'a>) -> Option<Node<'a>> {
        let (input, output) = (*node.inputs.first()?, *node.outputs.first()?);
        if self.tensors.contains_key(input) {
            let axis = node.int("axis").unwrap_or(1);
            let axis = usize::try_from(axis).ok();
            let (array, steps) = self.real(input, scale, axis)?;
            self.insert(output, array)?;
            self.made.weights.insert(output, steps);
            // Known already: it reads what it makes.
            return Some(Node { operator: "Identity", inputs: vec![output], ..node.clone() });
        }
        let [_, zero] = scale;
        let node = Node { operator: "Identity", inputs: vec![input], ..node.clone() };
        self.has_bytes(zero).then_some(node)
    }

    /// Whether a zero point is int8 or uint8; uint8 where there is none. Quantisers leave out what
    /// only cuts values off where the type does, and of other types that is not known here.
    fn has_bytes(&self, zero: Option<&str>) -> bool {
        let element = zero.map(|zero| self.tensors.get(zero).map(|tensor| tensor.element));
        let element = element.unwrap_or(Some(ElementType::UInt8));
        matches!(element, Some(ElementType::Int8 | ElementType::UInt8))
    }

    /// Notes the numbers that constant integers stand for; `None` where they have others already.
    fn weights(&mut self, name: &'a str, scale: Names<'a>, axis: Option<usize>) -> Option<()> {
        let (array, steps) = self.real(name, scale, axis)?;
        self.note(name, array)?;
        self.made.weights.insert(name, steps);
        Some(())
    }

    /// A map, weights and their bias where there is one.
    fn reads(
        &mut self,
        map_and_weights: [&'a str; 2],
        bias: Option<&'a str>,
        scales: Names<'a>,
    ) -> Option<Vec<&'a str>> {
        let mut reads = map_and_weights.to_vec();
        if let Some(bias) = bias {
            self.bias(bias, scales)?;
            reads.push(bias);
        }
        Some(reads)
    }

    /// Notes the numbers of a bias, whose scale is the product of those of map and weights.
    fn bias(&mut self, name: &'a str, scales: Names<'a>) -> Option<()> {
        let [map, weights] = scales.map(|scale| self.floats(scale?));
        let (map, weights) = (*map?.first()?, weights?);
        let tensor = self.tensors.get(name)?;
        let values = integers(tensor)?;
        if weights.len() != 1 && weights.len() != values.len() {
            return None;
        }
        let real = |(at, value): (usize, &i32)| {
            (f64::from(*value) * f64::from(map) * f64::from(weights[at % weights.len()])) as f32
        };
        let values = values.iter().enumerate().map(real).collect();
        self.note(name, Array { shape: tensor.shape.clone(), values })
    }

    fn note(&mut self, name: &'a str, array: Array) -> Option<()> {
        match self.made.constants.get(name) {
            Some(other) => (*other == array).then_some(()),
            None => self.insert(name, array),
        }
    }

    fn insert(&mut self, name: &'a str, array: Array) -> Option<()> {
        self.left = self.left?.checked_sub(array.values.len());
        self.left?;
        self.made.constants.insert(name, array);
        Some(())
    }

    /// The numbers that integers stand for, with a scale or one for each place along `axis`.
    fn real(
        &self,
        name: &str,
        [scale, zero]: Names<'a>,
        axis: Option<usize>,
    ) -> Option<(Array, Vec<f32>)> {
        let tensor = self.tensors.get(name)?;
        let (values, scales) = (integers(tensor)?, self.floats(scale?)?);
        let zeros = match zero {
            Some(zero) => integers(self.tensors.get(zero)?)?,
            None => vec![0],
        };
        let along = axis.and_then(|axis| tensor.shape.get(axis)).copied().unwrap_or(1);
        let each: usize = tensor.shape.iter().skip(axis.unwrap_or(0) + 1).product();
        let fits = |count: usize| count == 1 || (count == along && axis.is_some());
        if scales.is_empty() || zeros.is_empty() || !fits(scales.len()) || !fits(zeros.len()) {
            return None;
        }
        let real = |(at, value): (usize, &i32)| {
            let place = at / each.max(1) % along.max(1);
            let zero = zeros[place % zeros.len()];
            (f64::from(*value) - f64::from(zero)) as f32 * scales[place % scales.len()]
        };
        let values = values.iter().enumerate().map(real).collect();
        Some((Array { shape: tensor.shape.clone(), values }, scales))
    }

    /// The scale of a map in int8; that of uint8 has a zero point that is 128 more.
    fn quant(&self, [scale, zero]: Names<'a>) -> Option<OutputQuant> {
        let scale = self.floats(scale?)?;
        let (&[scale], zero) = (&scale[..], zero.and_then(|zero| self.tensors.get(zero))) else {
            return None;
        };
        // Without one the values are uint8 from 0 on.
        let zero_point = match zero {
            None => i8::MIN,
            Some(zero) => {
                let shift = if zero.element == ElementType::UInt8 { 128 } else { 0 };
                i8::try_from(*integers(zero)?.first()? - shift).ok()?
            }
        };
        let is_scale = scale > 0.0 && scale.is_finite();
        is_scale.then_some(OutputQuant { scale, zero_point })
    }

    fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.tensors.get(name)?;
        let (values, _) = tensor.data.as_chunks();
        let is_float = tensor.element == ElementType::Float32;
        is_float.then(|| values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

/// The values of a constant of integers.
fn integers(tensor: &Tensor<'_>) -> Option<Vec<i32>> {
    let data = &tensor.data[..];
    match tensor.element {
        ElementType::Int8 => Some(data.iter().map(|byte| i32::from(*byte as i8)).collect()),
        ElementType::UInt8 => Some(data.iter().map(|byte| i32::from(*byte)).collect()),
        ElementType::Int32 => {
            Some(data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
        }
        _ => None,
    }
}

impl<'a> Import<'_, 'a> {
    /// Notes the scales of what a node has left. Values below the least one that its integers stand
    /// for are cut off: where that is 0, by a ReLU, which quantisers leave out.
    pub(super) fn with_scales(&mut self, node: &Node<'a>, value: Value) -> Result<Value, Misfit> {
        if let ("Conv" | "Gemm" | "MatMul", Some(weights)) = (node.operator, node.inputs.get(1))
            && let Some(steps) = self.steps.get(weights)
        {
            self.sketch.keep_weights(value.tensor, steps);
        }
        let Some(quant) = node.outputs.first().and_then(|output| self.maps.get(output)).copied()
        else {
            return Ok(value);
        };
        let is_cut = quant.zero_point == i8::MIN && !self.sketch.is_never_negative(value.tensor);
        let value = match is_cut {
            true => self.sketch.clip("relu", &value, [0.0, f32::INFINITY])?,
            false => value,
        };
        self.sketch.keep_scale(value.tensor, quant);
        Ok(value)
    }
}
