//! The operators of a `.tflite` file in floating point as layers. Maps are batch, rows, columns,
//! channels; a series is a map of one column.

mod constants;
mod split;

use std::collections::{HashMap, HashSet};

use infer::Shape;

use super::array::Array;
use super::layers::Reduction;
use super::layout::{CHANNELS_FIRST, CHANNELS_LAST, Layout, Side};
use super::misfit::{Misfit, Unsupported};
use super::moving::{Moving, count};
use super::sketch::{Given, Sketch};
use super::values::{Arithmetic, Matrix, Seen, Value, dimension};
use super::{FloatError, FloatImport, OPERATORS_MAX};
use crate::import::model::begins_with_channels;
use crate::import::tflite::{
    Activation, ElementType, Kind, Network, Operator, Slice, Window, placed,
};
use crate::ops::{Gelu, HardSwish, LayerKind, Sigmoid, Tanh};
use split::Split;

/// Whether a network computes in floating point from its input on.
pub fn is_float(network: &Network<'_>) -> bool {
    let is_given = |tensor: &usize| network.tensors[*tensor].element == ElementType::Float32;
    let quantises = |operator: &Operator| operator.kind == Kind::Quantize && !operator.constant;
    network.inputs.iter().all(is_given) && !network.operators.iter().any(quantises)
}

/// The layers of a network, for an input whose values are as `given` says.
///
/// # Errors
/// What no network holds; all operators of that kind at once.
pub fn import(network: &Network<'_>, given: &Given) -> Result<FloatImport, FloatError> {
    let &[input] = &network.inputs[..] else {
        return Err(FloatError::Inputs { found: network.inputs.len() });
    };
    let &[output] = &network.outputs[..] else {
        return Err(FloatError::Outputs { found: network.outputs.len() });
    };
    let needed = needed(network, output);
    if needed.len() > OPERATORS_MAX {
        return Err(FloatError::TooMany { found: needed.len() });
    }
    let (shape, layout) = self::input(network, input, given)?;
    if shape.is_empty() {
        return Err(FloatError::Empty);
    }
    let mut import = Import {
        network,
        constants: constants::all(network).ok_or(FloatError::TooManyValues)?,
        readers: readers(network, &needed),
        values: HashMap::new(),
        splits: HashMap::new(),
        sketch: Sketch::new(shape),
        ends: output,
    };
    let first = import.sketch.normalised(given).map_err(|_| FloatError::Input {
        name: network.tensors[input].name.escape_default().to_string(),
        why: "it has more channels than a layer can have",
    })?;
    let is_sole = import.readers.get(&input) == Some(&1) && first > 0;
    import.values.insert(input, Value { tensor: first, layout, is_sole });
    let is_softmax = import.operators(&needed)?;
    let answer = import.values.remove(&output).filter(|answer| answer.layout.is_in_order());
    if answer.is_none() {
        return Err(FloatError::Turned);
    }
    Ok(import.sketch.finish(is_softmax, needed.len())?)
}

/// Numbers of the operators that the output depends on, but for those of constants.
fn needed(network: &Network<'_>, output: usize) -> Vec<usize> {
    let (mut read, mut needed) = (HashSet::from([output]), vec![]);
    for (index, operator) in network.operators.iter().enumerate().rev() {
        if !operator.constant && operator.outputs.iter().any(|made| read.contains(made)) {
            read.extend(operator.inputs.iter().flatten());
            needed.push(index);
        }
    }
    needed.reverse();
    needed
}

/// How many operators read each tensor.
fn readers(network: &Network<'_>, needed: &[usize]) -> HashMap<usize, usize> {
    let mut readers = HashMap::new();
    let inputs = needed.iter().flat_map(|index| network.operators[*index].inputs.iter().flatten());
    inputs.chain(&network.outputs).for_each(|tensor| *readers.entry(*tensor).or_default() += 1);
    readers
}

/// The network's input as a map, and how the file counts it.
fn input(
    network: &Network<'_>,
    tensor: usize,
    given: &Given,
) -> Result<(Shape, Layout), FloatError> {
    let is_turned = begins_with_channels(network, tensor);
    let tensor = &network.tensors[tensor];
    let name = || tensor.name.escape_default().to_string();
    let refused = |why| FloatError::Input { name: name(), why };
    let side = |size: usize| u16::try_from(size).map_err(|_| refused("a side is over 65,535"));
    match tensor.shape[..] {
        [1, values] => {
            let is_same = |shape: &Shape| shape.len() == values;
            let shape = given.shape.filter(is_same).unwrap_or(Shape::vector(side(values)?));
            Ok((shape, Layout::flat(shape)))
        }
        [1, channels, rows] if is_turned => {
            let shape = Shape::new(side(rows)?, 1, side(channels)?);
            Ok((shape, Layout::new(shape, &CHANNELS_FIRST[..3])))
        }
        [1, channels, rows, columns] if is_turned => {
            let shape = Shape::new(side(rows)?, side(columns)?, side(channels)?);
            Ok((shape, Layout::new(shape, &CHANNELS_FIRST)))
        }
        [1, rows, channels] => {
            let shape = Shape::new(side(rows)?, 1, side(channels)?);
            Ok((shape, Layout::new(shape, &SERIES)))
        }
        [1, rows, columns, channels] => {
            let shape = Shape::new(side(rows)?, side(columns)?, side(channels)?);
            Ok((shape, Layout::new(shape, &CHANNELS_LAST)))
        }
        _ => Err(refused("it is no vector, series or map of one input: convert for a batch of 1")),
    }
}

/// Batch, moments, channels.
const SERIES: [Option<Side>; 3] = [None, Some(Side::Row), Some(Side::Channel)];

/// What is known while operator after operator becomes layers.
struct Import<'n, 'a> {
    network: &'n Network<'a>,
    constants: HashMap<usize, Array>,
    readers: HashMap<usize, usize>,
    values: HashMap<usize, Value>,
    /// Of the values that are cut into batches how.
    splits: HashMap<usize, Split>,
    sketch: Sketch,
    /// The network's output.
    ends: usize,
}

impl<'n> Import<'n, '_> {
    /// Makes layers of all operators that are needed; whether the last is a softmax.
    fn operators(&mut self, needed: &[usize]) -> Result<bool, Unsupported> {
        let (mut unsupported, mut is_softmax) = (Unsupported::default(), false);
        for index in needed {
            let operator = &self.network.operators[*index];
            let is_blocked = operator.inputs.iter().flatten().any(|tensor| {
                let is_known = self.values.contains_key(tensor);
                !is_known && self.network.tensors[*tensor].data.is_none()
            });
            self.sketch.begin(operator.kind.name());
            match self.operator(operator) {
                Ok(value) => {
                    is_softmax |= matches!(operator.kind, Kind::Softmax { .. });
                    self.name(operator, value);
                }
                Err(misfit) if misfit == Misfit::Operator || !is_blocked => {
                    unsupported.add(*index, operator.kind.name(), self.full_name(operator), misfit);
                }
                Err(_) => {}
            }
        }
        if unsupported.is_empty() { Ok(is_softmax) } else { Err(unsupported) }
    }

    fn name(&mut self, operator: &Operator, value: Value) {
        let Some(output) = operator.outputs.first() else { return };
        let is_sole = value.is_sole && self.readers.get(output) == Some(&1);
        self.values.insert(*output, Value { is_sole, ..value });
    }

    /// The first of the names that a converter joins, of those that say anything.
    fn full_name(&self, operator: &Operator) -> &'n str {
        let output = operator.outputs.first().map(|tensor| self.network.tensors[*tensor].name);
        let mut names = output.unwrap_or_default().split(';').map(str::trim);
        names.find(|name| !name.is_empty()).unwrap_or_default()
    }

    /// A name for a layer: `model/conv1/Relu` is what `Relu` of the layer `conv1` made. Where
    /// nothing has a name it is the operator's.
    fn layer_name<'o>(&self, operator: &'o Operator) -> &'o str
    where
        'n: 'o,
    {
        let mut parts = self.full_name(operator).rsplit('/').filter(|part| !part.is_empty());
        let (last, layer) = (parts.next(), parts.next());
        layer.or(last).unwrap_or(operator.kind.name())
    }

    /// What becomes of an operator, with its activation.
    fn operator(&mut self, operator: &Operator) -> Result<Value, Misfit> {
        let value = self.alone(operator)?;
        let name = self.layer_name(operator);
        let value = match operator.kind.activation() {
            Activation::None => value,
            Activation::Relu => self.sketch.clip(name, &value, [0.0, f32::INFINITY])?,
            Activation::Relu6 => self.sketch.clip(name, &value, [0.0, 6.0])?,
            Activation::ReluN1To1 => self.sketch.clip(name, &value, [-1.0, 1.0])?,
            Activation::Tanh => self.sketch.function(name, &value, LayerKind::Tanh(Tanh {}))?,
            Activation::SignBit => return Err("an activation that no layer has".into()),
        };
        self.has_the_size_of(operator, &value)?;
        Ok(value)
    }

    /// Refuses a layer that leaves another size than the file's operator does.
    fn has_the_size_of(&self, operator: &Operator, value: &Value) -> Result<(), Misfit> {
        let is_split = operator.outputs.iter().any(|tensor| self.splits.contains_key(tensor));
        let shape = operator.outputs.first().map(|tensor| &self.network.tensors[*tensor].shape);
        match is_split || shape.is_none_or(|shape| *shape == value.layout.sizes()) {
            true => Ok(()),
            false => Err("its options give another size than a layer has: convert without".into()),
        }
    }

    /// What becomes of an operator without its activation.
    fn alone(&mut self, operator: &Operator) -> Result<Value, Misfit> {
        let name = self.layer_name(operator);
        match &operator.kind {
            Kind::Conv(window, _) => self.conv(operator, *window),
            Kind::DepthwiseConv(window, _) => self.depthwise(operator, *window),
            Kind::FullyConnected { keep_dimensions, .. } => self.dense(operator, *keep_dimensions),
            Kind::AveragePool(size, window, _) => {
                let (seen, moving) = self.windows(operator, *size, *window)?;
                let tensor = self.sketch.average_pool(name, seen.value.tensor, &moving)?;
                Ok(seen.left(&self.sketch, tensor))
            }
            Kind::MaxPool(size, window, _) => {
                let (seen, moving) = self.windows(operator, *size, *window)?;
                let tensor = self.sketch.max_pool(name, seen.value.tensor, &moving)?;
                Ok(seen.left(&self.sketch, tensor))
            }
            Kind::Add(_) => self.arithmetic(operator, Arithmetic::Add),
            Kind::Sub(_) => self.arithmetic(operator, Arithmetic::Sub),
            Kind::Mul(_) => self.arithmetic(operator, Arithmetic::Mul),
            Kind::Maximum => self.arithmetic(operator, Arithmetic::Max),
            Kind::Minimum => self.arithmetic(operator, Arithmetic::Min),
            Kind::Concatenation(axis, _) => {
                let values = (0..operator.inputs.len()).map(|number| self.value(operator, number));
                let values = values.collect::<Result<Vec<_>, _>>()?;
                self.sketch.side_by_side(name, &values, (*axis).into())
            }
            Kind::Pad => self.pad(operator),
            Kind::Mean { keep_dimensions } => {
                let (value, axes) = (self.value(operator, 0)?, self.integers(operator, 1)?);
                self.sketch.reduced_over(Reduction::Mean, name, &value, &axes, *keep_dimensions)
            }
            Kind::ReduceMax { keep_dimensions } => {
                let (value, axes) = (self.value(operator, 0)?, self.integers(operator, 1)?);
                self.sketch.reduced_over(Reduction::Max, name, &value, &axes, *keep_dimensions)
            }
            Kind::Softmax { beta } => self.softmax(operator, *beta),
            Kind::Reshape | Kind::Squeeze | Kind::ExpandDims => self.reshaped(operator),
            Kind::Transpose => self.transposed(operator),
            Kind::StridedSlice(_) | Kind::Slice => self.sliced(operator),
            Kind::Prelu => {
                let slopes = self.constant(operator, 1)?.clone();
                let value = self.value(operator, 0)?;
                self.sketch.prelu(name, &value, &slopes)
            }
            Kind::SpaceToBatch => self.split(operator),
            Kind::BatchToSpace => self.value(operator, 0),
            kind => {
                let value = self.value(operator, 0)?;
                self.function(name, &value, kind)
            }
        }
    }

    /// A function of each value.
    fn function(&mut self, name: &str, value: &Value, kind: &Kind) -> Result<Value, Misfit> {
        match kind {
            Kind::Relu => self.sketch.clip(name, value, [0.0, f32::INFINITY]),
            Kind::Relu6 => self.sketch.clip(name, value, [0.0, 6.0]),
            Kind::ReluN1To1 => self.sketch.clip(name, value, [-1.0, 1.0]),
            Kind::LeakyRelu { alpha } => self.sketch.leaky_relu(name, value, *alpha),
            Kind::Logistic => self.sketch.function(name, value, LayerKind::Sigmoid(Sigmoid {})),
            Kind::Tanh => self.sketch.function(name, value, LayerKind::Tanh(Tanh {})),
            Kind::Gelu { is_tanh } => {
                self.sketch.function(name, value, LayerKind::Gelu(Gelu::of(*is_tanh)))
            }
            Kind::HardSwish => {
                self.sketch.function(name, value, LayerKind::HardSwish(HardSwish {}))
            }
            _ => Err(Misfit::Operator),
        }
    }

    /// A map that an operator reads.
    fn value(&self, operator: &Operator, number: usize) -> Result<Value, Misfit> {
        let tensor = operator.inputs.get(number).copied().flatten();
        let value = tensor.and_then(|tensor| self.values.get(&tensor)).cloned();
        Ok(value.ok_or("it reads a constant where a map is expected: convert without it")?)
    }

    /// The map that an operator reads as batch, rows, columns, channels.
    fn seen(&self, operator: &Operator) -> Result<Seen, Misfit> {
        let value = self.value(operator, 0)?;
        let sides = if value.layout.rank() == SERIES.len() { &SERIES[..] } else { &CHANNELS_LAST };
        Seen::of(&self.sketch, value, sides)
    }

    /// A constant that an operator reads.
    fn constant(&self, operator: &Operator, number: usize) -> Result<&Array, Misfit> {
        let tensor = operator.inputs.get(number).copied().flatten();
        let constant = tensor.and_then(|tensor| self.constants.get(&tensor));
        Ok(constant
            .ok_or("its weights or numbers are no constants, or of a type that is not known")?)
    }

    /// Whole numbers that an operator reads.
    fn integers(&self, operator: &Operator, number: usize) -> Result<Vec<i64>, Misfit> {
        let tensor = operator.inputs.get(number).copied().flatten();
        let integers = tensor.and_then(|tensor| self.network.tensors[tensor].integers());
        Ok(integers.ok_or("its sizes are no constants")?)
    }

    /// A bias, as many numbers as there are outputs; zeros without.
    fn bias(&self, operator: &Operator, outputs: usize) -> Result<Vec<f32>, Misfit> {
        match operator.inputs.get(2).copied().flatten() {
            None => Ok(vec![0.0; count(outputs)?.into()]),
            Some(_) => Ok(self.constant(operator, 2)?.values.clone()),
        }
    }

    /// The map and the window over it, as the sketch has both.
    fn windows(
        &self,
        operator: &Operator,
        kernel: [usize; 2],
        window: Window,
    ) -> Result<(Seen, Moving), Misfit> {
        let seen = self.seen(operator)?;
        let Window { stride, dilation, .. } = window;
        let [rows, columns] = placed(self.network, operator).ok_or("a window that does not fit")?;
        let border = [rows.before, rows.after, columns.before, columns.after];
        let moving = seen.moving(Moving { kernel, stride, dilation, border });
        let moving = self.over_split(operator, moving)?;
        Ok((seen, moving))
    }

    fn conv(&mut self, operator: &Operator, window: Window) -> Result<Value, Misfit> {
        let weights = self.constant(operator, 1)?;
        let [outputs, rows, columns, channels] = weights.shape[..] else {
            return Err("weights that have not four dimensions".into());
        };
        // Outputs, rows, columns, channels.
        let taps = weights.transposed(&[1, 2, 3, 0]).ok_or("weights of other dimensions")?;
        let bias = self.bias(operator, outputs)?;
        let (seen, moving) = self.windows(operator, [rows, columns], window)?;
        if channels != usize::from(seen.shape.channels) {
            return Err("it has groups of channels: only one group is known".into());
        }
        let (name, taps) = (self.layer_name(operator), seen.taps(taps));
        let tensor = self.sketch.conv(name, seen.value.map(), moving, &taps, bias)?;
        self.still_split(operator);
        Ok(seen.left(&self.sketch, tensor))
    }

    fn depthwise(&mut self, operator: &Operator, window: Window) -> Result<Value, Misfit> {
        let weights = self.constant(operator, 1)?;
        let [1, rows, columns, outputs] = weights.shape[..] else {
            return Err("weights that have not four dimensions".into());
        };
        let taps = Array { shape: vec![rows, columns, outputs], values: weights.values.clone() };
        let bias = self.bias(operator, outputs)?;
        let (seen, moving) = self.windows(operator, [rows, columns], window)?;
        let (name, taps) = (self.layer_name(operator), seen.taps(taps));
        let tensor = self.sketch.depthwise(name, seen.value.map(), moving, &taps, bias)?;
        self.still_split(operator);
        Ok(seen.left(&self.sketch, tensor))
    }

    /// A dense layer of a vector or of a flattened map, or of each pixel's channels.
    fn dense(&mut self, operator: &Operator, keeps: bool) -> Result<Value, Misfit> {
        let value = self.value(operator, 0)?;
        let weights = self.constant(operator, 1)?;
        let &[units, inputs] = &weights.shape[..] else {
            return Err("weights that are no matrix".into());
        };
        let (weights, bias) = (Matrix::of(weights, true)?, self.bias(operator, units)?);
        let elements: usize = value.layout.sizes().iter().product();
        let rows = elements.checked_div(inputs).unwrap_or(0);
        let layout = match keeps {
            true => Some(value.layout.clone()),
            false => value.layout.reshaped(&[rows, inputs]),
        };
        let layout = layout.ok_or("it cuts the sides of a map in parts: flatten it before")?;
        let value = Value { layout, ..value };
        self.sketch.times(self.layer_name(operator), &value, weights, bias)
    }

    /// Two maps, or a map and a constant.
    fn arithmetic(&mut self, operator: &Operator, arithmetic: Arithmetic) -> Result<Value, Misfit> {
        let name = self.layer_name(operator);
        let constant = |number: usize| {
            let tensor = operator.inputs.get(number).copied().flatten();
            tensor.and_then(|tensor| self.constants.get(&tensor))
        };
        match [constant(0), constant(1)] {
            [None, Some(constant)] => {
                let value = self.value(operator, 0)?;
                self.sketch.with_constant(name, &value, arithmetic, (constant, true))
            }
            [Some(constant), _] => {
                let value = self.value(operator, 1)?;
                self.sketch.with_constant(name, &value, arithmetic, (constant, false))
            }
            [None, None] => {
                let maps = [self.value(operator, 0)?, self.value(operator, 1)?];
                self.sketch.of_maps(name, arithmetic, maps)
            }
        }
    }

    /// A border of zeros around rows and columns.
    fn pad(&mut self, operator: &Operator) -> Result<Value, Misfit> {
        let (seen, sizes) = (self.seen(operator)?, self.integers(operator, 1)?);
        let size = |zeros: i64| u16::try_from(zeros).map_err(|_| Misfit::from("a border over 255"));
        let zeros = sizes.chunks(2).map(|pair| match pair {
            [before, after] => Ok([size(*before)?.into(), size(*after)?.into()]),
            _ => Err("a border of other dimensions than the map".into()),
        });
        let zeros = zeros.collect::<Result<Vec<[usize; 2]>, Misfit>>()?;
        self.sketch.bordered(self.layer_name(operator), &seen, &zeros)
    }

    /// The same values in other dimensions.
    fn reshaped(&mut self, operator: &Operator) -> Result<Value, Misfit> {
        let value = self.value(operator, 0)?;
        if let Some(value) = self.reshaped_split(operator, &value)? {
            return Ok(value);
        }
        let output = operator.outputs.first().ok_or("it makes nothing")?;
        let layout = value.layout.reshaped(&self.network.tensors[*output].shape).ok_or(
            "it cuts the rows, columns or channels of a map in parts: only flattening, and sides \
             of 1 more or fewer are known",
        )?;
        Ok(Value { layout, ..value })
    }

    /// Dimensions in another order.
    fn transposed(&self, operator: &Operator) -> Result<Value, Misfit> {
        let value = self.value(operator, 0)?;
        let rank = value.layout.rank();
        let order = self.integers(operator, 1)?.into_iter().map(|axis| dimension(axis, rank));
        let order = order.collect::<Result<Vec<_>, _>>()?;
        Ok(Value { layout: value.layout.transposed(&order), ..value })
    }

    /// Ranges of a map's rows, columns and channels, perhaps without sides of 1.
    fn sliced(&mut self, operator: &Operator) -> Result<Value, Misfit> {
        let mut value = self.value(operator, 0)?;
        let slice = Slice::of(self.network, operator);
        let slice = slice.ok_or("a part that is computed, empty or counted backwards")?;
        let sizes = value.layout.sizes();
        if slice.parts.len() != sizes.len() {
            return Err("it takes a part of batches: convert without them".into());
        }
        let parts = slice.parts.iter().zip(&sizes).enumerate();
        let parts: Vec<_> = parts.filter(|(_, (part, size))| !part.is_all(**size)).collect();
        if !parts.is_empty() {
            let (seen, mut ranges) = (self.seen(operator)?, vec![]);
            for (dimension, (part, _)) in parts {
                let side = seen.sides().get(dimension).copied().flatten();
                let side = side.ok_or("it takes a part of the batch: convert for one input")?;
                if part.step != 1 {
                    return Err("it leaves values out between others: only steps of 1 are known, \
                                as a convolution or pooling with that stride"
                        .into());
                }
                ranges.push((side, part.start..part.start + part.count));
            }
            value = self.sketch.sliced(self.layer_name(operator), &seen, &ranges)?;
        }
        let kept: Vec<usize> = slice.from.iter().flatten().copied().collect();
        let mut layout = value.layout.transposed(&kept);
        for (at, _) in slice.from.iter().enumerate().filter(|(_, from)| from.is_none()) {
            layout = layout.with_one_more(at);
        }
        Ok(Value { layout, ..value })
    }

    /// The scores that a softmax at the end makes probabilities of.
    fn softmax(&self, operator: &Operator, beta: f32) -> Result<Value, Misfit> {
        let value = self.value(operator, 0)?;
        let last = value.layout.rank().saturating_sub(1);
        if operator.outputs.first() != Some(&self.ends) || beta != 1.0 {
            return Err("it is not at the end, the only place where a softmax is known".into());
        }
        match value.layout.dimension(last) == value.layout.sides() {
            true => Ok(value),
            false => Err("it is not over all values: only a softmax of one vector is known".into()),
        }
    }
}
