//! The shapes of all values, computed node by node; an open batch counts 1. With them go the whole
//! numbers that are computed of shapes, as exporters write the size of a reshape.

use std::collections::HashMap;
use std::ops::Range;

use thiserror::Error;

use super::error::shown;
use super::integers;
use super::network::{Attribute, Network, Node};

/// The shapes of constants and maps by their names. What an operator that is not known here makes
/// has none, nor has what depends on it.
pub type Shapes<'a> = HashMap<&'a str, Vec<usize>>;

/// Inputs that do not fit a node.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("node {node} ({operator}): {why}")]
pub struct Misfit {
    /// The node's number.
    pub node: usize,
    /// Its operator.
    pub operator: String,
    /// What does not fit.
    pub why: &'static str,
}

/// Multiply-accumulates and parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of convolutions and dense layers, taps on padding counted.
    pub macs: u64,
    /// Weights and biases.
    pub parameters: u64,
}

/// Elements of a map at most.
const ELEMENTS_MAX: usize = 1 << 28;

/// Elements of a constant of whole numbers at most, for its values to be of interest here.
const INTEGERS_MAX: usize = 64;

/// What is wrong, or nothing that can be said.
type Made = Result<Option<Vec<usize>>, &'static str>;

/// What is known of a network's values before it runs.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// Their shapes.
    pub shapes: Shapes<'a>,
    /// The values of those that are whole numbers, the same for every input: constants, shapes and
    /// what is computed of them.
    pub integers: HashMap<&'a str, Vec<i64>>,
}

/// Computes all shapes.
///
/// # Errors
/// The first node whose inputs do not fit.
pub fn infer<'a>(network: &Network<'a>) -> Result<Shapes<'a>, Misfit> {
    Ok(known(network)?.shapes)
}

/// Computes all shapes, and what is computed of them.
///
/// # Errors
/// The first node whose inputs do not fit.
pub fn known<'a>(network: &Network<'a>) -> Result<Known<'a>, Misfit> {
    let constants = network.constants.iter().map(|tensor| (tensor.name, tensor.shape.clone()));
    let integers = network.constants.iter().filter(|tensor| tensor.elements() <= INTEGERS_MAX);
    let integers = integers.filter_map(|tensor| Some((tensor.name, tensor.integers()?)));
    let mut known = Known { shapes: constants.collect(), integers: integers.collect() };
    for input in &network.inputs {
        let sizes = input.shape.iter().enumerate().map(|(dimension, size)| match size {
            None if dimension == 0 => Some(1),
            size => *size,
        });
        if let Some(shape) = sizes.collect::<Option<Vec<_>>>().filter(|shape| small(shape)) {
            known.shapes.insert(input.name, shape);
        }
    }
    for (index, node) in network.nodes.iter().enumerate() {
        let misfit = |why| Misfit { node: index, operator: shown(node.operator), why };
        let Some(output) = node.outputs.first() else { continue };
        if let Some(integers) = integers::of(node, &known) {
            known.shapes.insert(output, integers.shape);
            known.integers.insert(output, integers.values);
            continue;
        }
        let made = Inputs { node, known: &known }.output().map_err(misfit)?;
        let Some(shape) = made else { continue };
        if !small(&shape) {
            return Err(misfit("the output would be too large"));
        }
        known.shapes.insert(output, shape);
    }
    Ok(known)
}

/// The cost of a node.
pub fn cost(node: &Node<'_>, shapes: &Shapes<'_>) -> Cost {
    let Some([weights, bias]) = parameters(node) else { return Cost::default() };
    let shape = |name: Option<&&str>| name.and_then(|name| shapes.get(*name));
    let elements = |name: Option<&&str>| -> u64 {
        shape(name).map_or(0, |shape| shape.iter().product::<usize>() as u64)
    };
    let taps = shape(node.inputs.get(weights)).map_or(0, |shape| match node.operator {
        "Gemm" | "QGemm" if node.int("transB") == Some(1) => {
            shape.get(1).copied().unwrap_or(1) as u64
        }
        "Gemm" | "QGemm" | "MatMul" | "QLinearMatMul" => shape.first().copied().unwrap_or(1) as u64,
        _ => shape.iter().skip(1).product::<usize>() as u64,
    });
    let parameters = elements(node.inputs.get(weights)) + elements(node.inputs.get(bias));
    Cost { macs: elements(node.outputs.first()).saturating_mul(taps), parameters }
}

fn small(shape: &[usize]) -> bool {
    let bound = shape.iter().try_fold(1, |bound: usize, side| bound.checked_mul((*side).max(1)));
    shape.len() <= 8 && bound.is_some_and(|bound| bound <= ELEMENTS_MAX)
}

/// The numbers of weights and bias among a node's inputs.
fn parameters(node: &Node<'_>) -> Option<[usize; 2]> {
    match node.operator {
        "Conv" | "Gemm" | "MatMul" => Some([1, 2]),
        "QLinearConv" => Some([3, 8]),
        "QGemm" => Some([3, 6]),
        "QLinearMatMul" => Some([3, usize::MAX]),
        _ => None,
    }
}

/// A node's inputs.
struct Inputs<'n, 'a> {
    node: &'n Node<'a>,
    known: &'n Known<'a>,
}

impl<'n> Inputs<'n, '_> {
    fn shape(&self, number: usize) -> Option<&'n [usize]> {
        let name = self.node.inputs.get(number)?;
        self.known.shapes.get(name).map(|shape| &shape[..])
    }

    /// The whole numbers that an input is, the same each time.
    fn integers(&self, number: usize) -> Option<Vec<i64>> {
        self.known.integers.get(self.node.inputs.get(number)?).cloned()
    }

    /// The shape of the first output; `None` where it cannot be told.
    fn output(&self) -> Made {
        let Some(first) = self.shape(0) else { return Ok(None) };
        match self.node.operator {
            "Conv" => self.conv(1),
            "QLinearConv" => self.conv(3),
            "MaxPool" | "AveragePool" | "QLinearAveragePool" => self.pool(first),
            "GlobalAveragePool" | "GlobalMaxPool" | "QLinearGlobalAveragePool" => {
                let inner = first.len().saturating_sub(2);
                Ok(Some(first.iter().copied().take(2).chain((0..inner).map(|_| 1)).collect()))
            }
            "Gemm" => self.gemm(first, 1),
            "QGemm" => self.gemm(first, 3),
            "MatMul" => self.matmul(first, 1),
            "QLinearMatMul" => self.matmul(first, 3),
            "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" => self.broadcast(first, 1),
            "QLinearAdd" | "QLinearMul" => self.broadcast(first, 3),
            "Concat" => self.concat(0, 1),
            "QLinearConcat" => self.concat(2, 3),
            "Flatten" => self.flatten(first),
            "Reshape" => self.reshape(first),
            "Transpose" => self.transpose(first),
            "Pad" => self.pad(first),
            "Squeeze" => self.squeeze(first),
            "Unsqueeze" => self.unsqueeze(first),
            "ReduceMean" | "ReduceMax" => self.reduce(first),
            "Slice" => self.slice(first),
            "Gather" => self.gather(first),
            "Relu" | "PRelu" | "LeakyRelu" | "Gelu" | "Erf" | "Sigmoid" | "Tanh" | "HardSwish"
            | "HardSigmoid" | "Clip" | "Softmax" | "LogSoftmax" | "BatchNormalization"
            | "QuantizeLinear" | "DequantizeLinear" | "Identity" | "Dropout"
            | "QLinearLeakyRelu" | "QLinearSigmoid" | "QLinearSoftmax" => Ok(Some(first.to_vec())),
            _ => Ok(None),
        }
    }

    fn conv(&self, weights: usize) -> Made {
        let (Some(map), Some(weights)) = (self.shape(0), self.shape(weights)) else {
            return Ok(None);
        };
        let group = self.node.int("group").unwrap_or(1);
        let group = usize::try_from(group).ok().filter(|group| *group > 0);
        let group = group.ok_or("the number of groups must be 1 or more")?;
        let fits = map.len() >= 3 && map.len() == weights.len();
        if !fits || weights[1].checked_mul(group) != Some(map[1]) {
            return Err("the weights must have the map's dimensions and channels");
        }
        let inner = self.windows(&map[2..], &weights[2..])?;
        Ok(Some([&[map[0], weights[0]], &inner[..]].concat()))
    }

    fn pool(&self, map: &[usize]) -> Made {
        let kernel = self.node.ints("kernel_shape").ok_or("kernel_shape is missing")?;
        let kernel = sizes(kernel)?;
        if map.len() != kernel.len() + 2 {
            return Err("the window must have the map's dimensions");
        }
        let inner = self.windows(&map[2..], &kernel)?;
        Ok(Some([&map[..2], &inner[..]].concat()))
    }

    /// The places of a window along each dimension.
    fn windows(&self, map: &[usize], kernel: &[usize]) -> Result<Vec<usize>, &'static str> {
        let list = |name: &str, default: usize, count: usize| match self.node.ints(name) {
            Some(values) if values.len() == count => sizes(values),
            Some(_) => Err("an option has another number of values than the window"),
            None => Ok(vec![default; count]),
        };
        let rank = map.len();
        let (strides, dilations) = (list("strides", 1, rank)?, list("dilations", 1, rank)?);
        let pads = list("pads", 0, 2 * rank)?;
        let same = matches!(self.node.attribute("auto_pad"),
            Some(Attribute::Text(text)) if text.starts_with(b"SAME"));
        let ceil = self.node.int("ceil_mode") == Some(1);
        let places = (0..rank).map(|axis| {
            let stride = Some(strides[axis]).filter(|stride| *stride > 0)?;
            if same {
                return Some(map[axis].div_ceil(stride));
            }
            let extent =
                kernel[axis].checked_sub(1)?.checked_mul(dilations[axis])?.checked_add(1)?;
            let padded = map[axis].checked_add(pads[axis])?.checked_add(pads[axis + rank])?;
            let rest = padded.checked_sub(extent)?;
            Some(if ceil { rest.div_ceil(stride) } else { rest / stride } + 1)
        });
        places.collect::<Option<_>>().ok_or("the window has no place on the map")
    }

    fn gemm(&self, a: &[usize], weights: usize) -> Made {
        let Some(b) = self.shape(weights) else { return Ok(None) };
        let turned = |name: &str| self.node.int(name).unwrap_or(0) != 0;
        let (&[rows, inner], &[depth, columns]) = (a, b) else {
            return Err("two dimensions are needed");
        };
        let [rows, inner] = if turned("transA") { [inner, rows] } else { [rows, inner] };
        let [depth, columns] = if turned("transB") { [columns, depth] } else { [depth, columns] };
        if inner != depth {
            return Err("the map must have as many values as the weights have rows");
        }
        Ok(Some(vec![rows, columns]))
    }

    fn matmul(&self, a: &[usize], weights: usize) -> Made {
        let Some(b) = self.shape(weights) else { return Ok(None) };
        let (&[depth, columns], Some((inner, outer))) = (b, a.split_last()) else {
            return Err("weights of two dimensions are needed");
        };
        if *inner != depth {
            return Err("the map must have as many values as the weights have rows");
        }
        Ok(Some([outer, &[columns]].concat()))
    }

    /// Dimensions are compared from the last; 1 takes the other's size.
    fn broadcast(&self, a: &[usize], second: usize) -> Made {
        let Some(b) = self.shape(second) else { return Ok(None) };
        let rank = a.len().max(b.len());
        let side = |shape: &[usize], index: usize| {
            (index + shape.len()).checked_sub(rank).map_or(1, |index| shape[index])
        };
        let sides = (0..rank).map(|index| match [side(a, index), side(b, index)] {
            [a, b] if a == b => Ok(a),
            [1, other] | [other, 1] => Ok(other),
            _ => Err("dimensions must be equal, or 1"),
        });
        sides.collect::<Result<_, _>>().map(Some)
    }

    /// Joins the inputs that are maps: every `step`th one from `first` on.
    fn concat(&self, first: usize, step: usize) -> Made {
        let Some(mut shape) = self.shape(first).map(<[usize]>::to_vec) else { return Ok(None) };
        let axis = place(self.node.int("axis").unwrap_or(1), shape.len())?;
        for number in (first + step..self.node.inputs.len()).step_by(step) {
            let Some(other) = self.shape(number) else { return Ok(None) };
            let mut sides = shape.iter().zip(other).enumerate();
            if other.len() != shape.len() || !sides.all(|(at, (a, b))| at == axis || a == b) {
                return Err("all dimensions but one must agree");
            }
            shape[axis] = shape[axis].saturating_add(other[axis]);
        }
        Ok(Some(shape))
    }

    fn flatten(&self, shape: &[usize]) -> Made {
        let axis = self.node.int("axis").unwrap_or(1);
        let axis = if axis == shape.len() as i64 { shape.len() } else { place(axis, shape.len())? };
        Ok(Some(vec![shape[..axis].iter().product(), shape[axis..].iter().product()]))
    }

    /// 0 keeps a dimension, -1 is what is left.
    fn reshape(&self, shape: &[usize]) -> Made {
        let Some(wanted) = self.integers(1) else { return Ok(None) };
        let values: usize = shape.iter().product();
        let mut made = Vec::new();
        for (index, size) in wanted.iter().enumerate() {
            made.push(match size {
                0 => *shape.get(index).ok_or("there is no dimension to keep")?,
                -1 => 1,
                size => usize::try_from(*size).map_err(|_| "a size must be -1 or more")?,
            });
        }
        if !small(&made) {
            return Err("the output would be too large");
        }
        if let Some(open) = wanted.iter().position(|size| *size == -1) {
            made[open] = values.checked_div(made.iter().product()).unwrap_or(0);
        }
        let same = made.iter().product::<usize>() == values;
        same.then_some(Some(made)).ok_or("the output has another number of values")
    }

    fn transpose(&self, shape: &[usize]) -> Made {
        let Some(order) = self.node.ints("perm") else {
            return Ok(Some(shape.iter().rev().copied().collect()));
        };
        let order = sizes(order)?;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..shape.len()) {
            return Err("perm must name each dimension once");
        }
        Ok(Some(order.iter().map(|axis| shape[*axis]).collect()))
    }

    fn pad(&self, shape: &[usize]) -> Made {
        let pads = self.node.ints("pads").map(<[i64]>::to_vec).or_else(|| self.integers(1));
        let Some(pads) = pads else { return Ok(None) };
        let pads = sizes(&pads)?;
        if pads.len() != 2 * shape.len() {
            return Err("two sizes are needed for each dimension");
        }
        let (before, after) = pads.split_at(shape.len());
        let sides = shape.iter().zip(before).zip(after);
        Ok(Some(sides.map(|((side, before), after)| side + before + after).collect()))
    }

    /// The dimensions in the option or the constant `axes`.
    fn axes(&self, rank: usize) -> Result<Option<Vec<usize>>, &'static str> {
        let axes = self.node.ints("axes").map(<[i64]>::to_vec).or_else(|| self.integers(1));
        let Some(axes) = axes else { return Ok(None) };
        axes.iter().map(|axis| place(*axis, rank)).collect::<Result<_, _>>().map(Some)
    }

    fn squeeze(&self, shape: &[usize]) -> Made {
        let axes = self.axes(shape.len())?;
        let dropped = |index: usize, side: usize| match &axes {
            Some(axes) => axes.contains(&index),
            None => side == 1,
        };
        let sides = shape.iter().enumerate().filter(|(index, side)| !dropped(*index, **side));
        let made: Vec<_> = sides.map(|(_, side)| *side).collect();
        let same = made.iter().product::<usize>() == shape.iter().product::<usize>();
        same.then_some(Some(made)).ok_or("only dimensions of 1 can be left out")
    }

    /// A dimension becomes those of the list that is gathered along it.
    fn gather(&self, shape: &[usize]) -> Made {
        let Some(list) = self.shape(1) else { return Ok(None) };
        let axis = place(self.node.int("axis").unwrap_or(0), shape.len())?;
        Ok(Some([&shape[..axis], list, &shape[axis + 1..]].concat()))
    }

    fn unsqueeze(&self, shape: &[usize]) -> Made {
        let count = self.node.ints("axes").map(<[i64]>::len);
        let Some(count) = count.or_else(|| self.integers(1).map(|axes| axes.len())) else {
            return Ok(None);
        };
        let Some(axes) = self.axes(shape.len() + count)? else { return Ok(None) };
        let mut sides = shape.iter().copied();
        let rank = shape.len() + count;
        let made = (0..rank).map(|index| match axes.contains(&index) {
            true => Some(1),
            false => sides.next(),
        });
        made.collect::<Option<_>>().map(Some).ok_or("axes must name each dimension once")
    }

    fn slice(&self, shape: &[usize]) -> Made {
        let Some(taken) = parts(self.node, shape, |number| self.integers(number)) else {
            return Ok(None);
        };
        let mut sides = shape.to_vec();
        for part in taken? {
            sides[part.axis] = part.sides.len();
        }
        Ok(Some(sides))
    }

    fn reduce(&self, shape: &[usize]) -> Made {
        let Some(axes) = self.axes(shape.len())? else { return Ok(None) };
        let keep = self.node.int("keepdims").unwrap_or(1) != 0;
        let sides =
            shape.iter().enumerate().filter_map(|(index, side)| match axes.contains(&index) {
                true => keep.then_some(1),
                false => Some(*side),
            });
        Ok(Some(sides.collect()))
    }
}

/// The part of a dimension that a `Slice` takes, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which dimension.
    pub axis: usize,
    /// What of it.
    pub sides: Range<usize>,
}

/// The parts that a `Slice` takes of a value of this shape; `None` where numbers are not known.
/// They are options, or since version 10 of the operators inputs.
///
/// # Errors
/// Numbers that do not fit the shape or each other, and steps other than 1.
pub fn parts(
    node: &Node<'_>,
    shape: &[usize],
    input: impl Fn(usize) -> Option<Vec<i64>>,
) -> Option<Result<Vec<Part>, &'static str>> {
    let listed = |option: &str, number: usize| {
        let is_there = node.inputs.get(number).is_some_and(|name| !name.is_empty());
        match node.ints(option) {
            Some(values) => Some(Some(values.to_vec())),
            None if is_there => input(number).map(Some),
            None => Some(None),
        }
    };
    let (starts, ends) = (listed("starts", 1)??, listed("ends", 2)??);
    let axes = listed("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = listed("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Some(Err("starts, ends, axes and steps must be as many"));
    }
    if steps.iter().any(|step| *step != 1) {
        return Some(Err("only steps of 1 are known"));
    }
    let part = |((start, end), axis): ((&i64, &i64), &i64)| {
        let axis = place(*axis, shape.len())?;
        let side = shape[axis] as i64;
        let within = |at: i64| (if at < 0 { at.saturating_add(side) } else { at }).clamp(0, side);
        let (start, end) = (within(*start), within(*end));
        Ok(Part { axis, sides: start as usize..end.max(start) as usize })
    };
    Some(starts.iter().zip(&ends).zip(&axes).map(part).collect())
}

/// Sizes of 0 and more, below 2^31.
fn sizes(values: &[i64]) -> Result<Vec<usize>, &'static str> {
    let size = |value: &i64| u32::try_from(*value).ok().filter(|size| *size < 1 << 31);
    let sizes = values.iter().map(|value| size(value).map(|size| size as usize));
    sizes.collect::<Option<_>>().ok_or("sizes must be 0 or more, below 2^31")
}

/// A dimension, counted from the end where it is negative.
fn place(axis: i64, rank: usize) -> Result<usize, &'static str> {
    let axis = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    let axis = usize::try_from(axis).ok().filter(|axis| *axis < rank);
    axis.ok_or("the map has no such dimension")
}
