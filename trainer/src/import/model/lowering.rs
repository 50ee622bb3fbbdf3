//! Operators become layers, one after the other, with the numbers of the file.
//!
//! - The input's zero point goes into the biases: see `docs/arithmetic.md`.
//! - A fused activation is the output's saturation. One that is more than that is a lookup after
//!   the operator, as is every function of one value: its table is what the reference makes of all
//!   values.
//! - `RESHAPE`, `SQUEEZE` and `EXPAND_DIMS` are nothing: the order of a map in memory stays. So is
//!   `TRANSPOSE`, whose order goes into the weights after it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use infer::format::Tensor;
use infer::packing::WeightBits;

use super::batches::Split;
use super::layer::{Made, all_values, before, beyond_saturation, side_by_side};
use super::order::Order;
use super::value::{Value, quant, turn, turn_shape};
use crate::import::tflite::reference::{Interpreter, Misfit, Node, Softmax, Unsupported, Values};
use crate::import::tflite::{Kind, Network, Operator};
use crate::ops::{PlainKind, softmax};
use crate::plain_model::{Edge, PlainLayer};
use crate::terminal::printable;

/// Longest name of a layer, bytes; of longer ones the end is kept.
const NAME_BYTES_MAX: usize = infer::format::NAME_BYTES_MAX;

/// The model as far as it is made.
pub(super) struct Lowering<'n, 'a> {
    pub network: &'n Network<'a>,
    /// For each tensor of the file what the model has of it.
    pub values: Vec<Option<Value>>,
    /// For each tensor of the file how it is cut into batches.
    pub splits: Vec<Option<Split>>,
    /// For each tensor of the file where its values lie, if not in its order.
    pub orders: Vec<Option<Order>>,
    /// The tensors that refused operators would have made, as far as nothing is known of them.
    missing: BTreeSet<usize>,
    pub layers: Vec<PlainLayer>,
    /// For each layer the number of the operator that it is made for.
    pub operators: Vec<usize>,
}

impl<'n, 'a> Lowering<'n, 'a> {
    /// That of the input alone.
    pub fn new(network: &'n Network<'a>, input: usize, given: Value) -> Self {
        let mut values = vec![None; network.tensors.len()];
        values[input] = Some(given);
        Self {
            network,
            values,
            splits: vec![None; network.tensors.len()],
            orders: vec![None; network.tensors.len()],
            missing: BTreeSet::new(),
            layers: vec![],
            operators: vec![],
        }
    }

    /// Makes layers of all operators.
    ///
    /// # Errors
    /// All operators of which no layers can be made.
    pub fn all(&mut self) -> Result<(), Unsupported> {
        let mut unsupported = Unsupported::default();
        for (index, operator) in self.network.operators.iter().enumerate() {
            if let Err(misfit) = self.operator(operator) {
                // What reads what a refused operator would have made is not at fault.
                if misfit == Misfit::Operator || !self.is_blocked(operator) {
                    unsupported.add(index, operator, misfit);
                }
                self.assume(operator);
            }
            self.operators.resize(self.layers.len(), index);
        }
        if unsupported.is_empty() { Ok(()) } else { Err(unsupported) }
    }

    /// Outputs as the file has them, for the operators that follow one of which no layer was made.
    fn assume(&mut self, operator: &Operator) {
        for output in &operator.outputs {
            let tensor = super::value::tensor(&self.network.tensors[*output], false);
            self.values[*output] = tensor
                .ok()
                .map(|tensor| Value { edge: Edge { number: 0, tensor }, turned: Some(false) });
            if self.values[*output].is_none() {
                self.missing.insert(*output);
            }
        }
    }

    /// Whether an operator reads what a refused one would have made.
    fn is_blocked(&self, operator: &Operator) -> bool {
        operator.inputs.iter().flatten().any(|tensor| self.missing.contains(tensor))
    }

    fn operator(&mut self, operator: &'n Operator) -> Result<(), Misfit> {
        let node = Node { network: self.network, operator };
        if operator.constant {
            return node.is_read_for_its_shape().then_some(()).ok_or(Misfit::Constant);
        }
        let first = self.layers.len();
        let value = self.value_of(node)?;
        let output = operator.outputs[0];
        let name = layer_name(&self.name_of(node), "");
        if let Some(last) = self.layers[first..].last_mut() {
            last.name = name;
        }
        self.values[output] = Some(match (&self.splits[output], &self.orders[output]) {
            (Some(_), _) => value,
            (_, Some(_)) => Value { turned: None, ..value },
            (None, None) => value.counted(&self.network.tensors[output].shape),
        });
        Ok(())
    }

    /// What the model has of an operator's output.
    fn value_of(&mut self, node: Node<'n>) -> Result<Value, Misfit> {
        let [_] = node.operator.outputs[..] else { return Err(Misfit::Count) };
        match &node.operator.kind {
            Kind::Conv(window, _) => self.conv(node, *window),
            Kind::DepthwiseConv(window, _) => self.depthwise(node, *window),
            Kind::FullyConnected { .. } => self.fully_connected(node),
            Kind::AveragePool(size, window, _) => self.average_pool(node, *size, *window),
            Kind::MaxPool(size, window, _) => self.max_pool(node, *size, *window),
            Kind::Mean { .. } => self.mean(node),
            Kind::ReduceMax { .. } => self.largest(node),
            Kind::Add(_) => self.sum(node, 1),
            Kind::Sub(_) => self.sum(node, -1),
            Kind::Mul(_) => self.product(node),
            Kind::Maximum => self.extremum(node, false),
            Kind::Minimum => self.extremum(node, true),
            Kind::Concatenation(axis, _) => self.concatenation(node, *axis),
            Kind::Pad => self.pad(node),
            Kind::Softmax { beta } => self.softmax(node, *beta),
            Kind::SpaceToBatch => self.split(node),
            Kind::BatchToSpace => self.join(node),
            Kind::Reshape | Kind::Squeeze | Kind::ExpandDims => self.reshape(node),
            Kind::Transpose => self.transpose(node),
            Kind::StridedSlice(_) | Kind::Slice => self.slice(node),
            Kind::Prelu => self.prelu(node),
            Kind::Quantize if node.same_scale(1).is_ok() => self.in_place(node),
            Kind::Relu
            | Kind::Relu6
            | Kind::ReluN1To1
            | Kind::LeakyRelu { .. }
            | Kind::HardSwish
            | Kind::Gelu { .. }
            | Kind::Logistic
            | Kind::Tanh
            | Kind::Quantize => self.lookup(node),
            Kind::Other(_) => Err(Misfit::Operator),
            _ => Err(Misfit::Chip),
        }
    }

    /// What the model has of an operator's input number `input`.
    pub fn value(&self, node: Node<'_>, input: usize) -> Result<Value, Misfit> {
        let tensor = node.operator.inputs.get(input).copied().flatten().ok_or(Misfit::Count)?;
        match self.orders[tensor] {
            None => self.values[tensor].ok_or(Misfit::NotConstant),
            Some(_) => Err(Misfit::Transposed),
        }
    }

    /// What the file calls an operator's output, by the first name that says anything; where there
    /// is none, the operator's with the tensor's number.
    fn name_of(&self, node: Node<'_>) -> Cow<'n, str> {
        let output = node.operator.outputs.first().copied().unwrap_or_default();
        // A converter joins the names of all operators that became one.
        let names = self.network.tensors[output].name.split(';').map(str::trim);
        match names.into_iter().find(|name| !name.is_empty()) {
            None => format!("{}.{output}", node.operator.kind.name()).into(),
            Some(name) => name.into(),
        }
    }

    /// Adds a layer that is a part of an operator.
    pub fn push(&mut self, node: Node<'_>, inputs: Vec<Edge>, made: Made) -> Edge {
        let Made { part, kind, output, channels, weights } = made;
        let name = layer_name(&self.name_of(node), part);
        let bits = WeightBits::Eight;
        self.layers.push(PlainLayer { name, inputs, output, kind, channels, weights, bits });
        Edge { number: self.layers.len(), tensor: output }
    }

    /// Adds the layer that makes an operator's output, and what its activation needs after it.
    pub fn finish(
        &mut self,
        node: Node<'_>,
        inputs: Vec<Edge>,
        turned: Option<bool>,
        made: Made,
    ) -> Result<Value, Misfit> {
        let clamp = beyond_saturation(node.clamped()?.range);
        let mut edge = self.push(node, inputs, made);
        if let Some([least, most]) = clamp {
            let clamped = |value: i8| i32::from(value).max(least).min(most) as i8;
            edge = self.push(node, vec![edge], Made::lookup("activation", edge.tensor, clamped));
        }
        Ok(Value { edge, turned })
    }

    fn reshape(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        let value = self.in_place(node)?;
        self.recount(node, value)
    }

    /// A function of one value: what the reference makes of all of them.
    fn lookup(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        let value = self.in_place(node)?;
        let answers = answers(node)?;
        let output = Tensor { quant: quant(node.output()?)?, shape: value.shape() };
        let made = Made::lookup("", output, |value| answers[usize::from(value as u8)]);
        let edge = self.push(node, vec![value.edge], made);
        Ok(Value { edge, ..value })
    }

    /// The channels of maps, whose scale and zero point are the output's; two at a time.
    fn concatenation(&mut self, node: Node<'_>, axis: i32) -> Result<Value, Misfit> {
        let count = node.operator.inputs.len();
        node.same_scale(count)?;
        let rank = node.output()?.shape.len() as i32;
        if axis != -1 && axis + 1 != rank {
            return Err(Misfit::Concatenation);
        }
        let parts = (0..count).map(|input| self.value(node, input));
        let parts = parts.collect::<Result<Vec<_>, _>>().map_err(|_| Misfit::Concatenation)?;
        let Some((first, others)) = parts.split_first() else { return Err(Misfit::Count) };
        let turned = first.turned()?;
        let sides = |value: &Value| [value.shape().height, value.shape().width];
        let mut joined = first.edge;
        for (input, other) in others.iter().enumerate() {
            if other.turned()? != turned && sides(other) != [1, 1] || sides(other) != sides(first) {
                return Err(Misfit::Reshaped);
            }
            let part = if input + 2 < count { "joined" } else { "" };
            joined = self.side_by_side(node, part, [joined, other.edge])?;
        }
        Ok(Value { edge: joined, turned: Some(turned) })
    }

    fn side_by_side(
        &mut self,
        node: Node<'_>,
        part: &'static str,
        [first, mut second]: [Edge; 2],
    ) -> Result<Edge, Misfit> {
        if first.number == second.number {
            let copy = Made::relabelled(second.tensor, second.tensor.quant);
            second = self.push(node, vec![second], copy);
        }
        let mut output = first.tensor;
        let channels = output.shape.channels.checked_add(second.tensor.shape.channels);
        output.shape.channels = channels.ok_or(Misfit::Size)?;
        let made = Made::plain(part, side_by_side(2, [0, 0]), output);
        Ok(self.push(node, vec![first, second], made))
    }

    /// A border of zeros around a map.
    fn pad(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        let (value, sizes) = (self.value(node, 0)?, node.integers(1)?);
        let turned = value.turned()?;
        let side = |size: i64| usize::try_from(size).map_err(|_| Misfit::Size);
        let mut border = sizes.chunks(2).map(|pair| Ok([side(pair[0])?, side(pair[1])?]));
        let border = border.by_ref().collect::<Result<Vec<_>, Misfit>>()?;
        let Some((channels, rest)) = border.split_last() else { return Err(Misfit::Map) };
        let (columns, rest) = rest.split_last().unwrap_or((&[0; 2], &[]));
        let (rows, batches) = rest.split_last().unwrap_or((&[0; 2], &[]));
        if *channels != [0; 2] || batches.iter().any(|batch| *batch != [0; 2]) {
            return Err(Misfit::Map);
        }
        let shape = turn_shape(super::value::sides(&node.output()?.shape)?, turned);
        let first = before(turn([rows[0], columns[0]], turned))?;
        let made = Made::border(value.edge.tensor, first, [shape.height, shape.width]);
        let edge = self.push(node, vec![value.edge], Made { part: "", ..made });
        Ok(Value { edge, turned: Some(turned) })
    }

    fn softmax(&mut self, node: Node<'_>, beta: f32) -> Result<Value, Misfit> {
        let factor = super::pairs::factor(Softmax::new(node, beta)?.factor());
        let value = self.value(node, 0)?;
        let channels = node.input(0)?.shape.last().copied();
        if channels != Some(value.shape().channels.into()) {
            return Err(Misfit::Reshaped);
        }
        let output = Tensor { quant: quant(node.output()?)?, shape: value.shape() };
        let made = Made::plain("", PlainKind::Softmax(softmax::Plain { factor }), output);
        let edge = self.push(node, vec![value.edge], made);
        Ok(Value { edge, ..value })
    }
}

/// What the reference answers to all values, in the order of a table.
fn answers(node: Node<'_>) -> Result<Vec<i8>, Misfit> {
    node.quantisation(0)?;
    let (Some(Some(input)), &[output]) =
        (node.operator.inputs.first().copied(), &node.operator.outputs[..])
    else {
        return Err(Misfit::Count);
    };
    let mut alone = node.network.clone();
    for tensor in [input, output] {
        alone.tensors[tensor].shape = vec![1, 256];
    }
    (alone.inputs, alone.outputs) = (vec![input], vec![output]);
    alone.operators = vec![node.operator.clone()];
    let interpreter = Interpreter::new(&alone).map_err(|unsupported| {
        unsupported.operators().next().map_or(Misfit::Operator, |(_, misfit)| misfit)
    })?;
    match interpreter.run(&[Values::Int8(all_values().collect())])[output].take() {
        Some(Values::Int8(answers)) => Ok(answers),
        _ => Err(Misfit::Operator),
    }
}

/// A name with the part that a layer is, and the end of it where it is long.
fn layer_name(name: &str, part: &str) -> String {
    let first = printable(name);
    let whole = if part.is_empty() { first } else { format!("{first}/{part}") };
    let over = whole.len().saturating_sub(NAME_BYTES_MAX);
    let start = (over..=whole.len()).find(|start| whole.is_char_boundary(*start));
    whole[start.unwrap_or_default()..].to_owned()
}
