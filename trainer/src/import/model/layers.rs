//! Operators as layers that `infer` runs, with the numbers of the file.
//!
//! - The input's zero point goes into the biases: see `docs/arithmetic.md`.
//! - A fused activation is the output's saturation. One that is more than that is a lookup after
//!   the operator, as is every function of one value: its table is what the reference makes of all
//!   values.

use infer::Shape;
use infer::format::{Scaling, Tensor};
use infer::quant::{self, ChannelParameters};

use super::plain::tensor;
use crate::import::tflite::reference::{
    Conv, Factor, Filters, FullyConnected, Interpreter, Misfit, Node, Softmax, Sum, Values,
};
use crate::import::tflite::{Kind, Window, placed};
use crate::ops::{
    PlainKind, add, average_pool, concat, conv, dense, depthwise, lookup, max_pool, softmax,
};

/// A layer without its edges.
pub struct Made {
    pub kind: PlainKind,
    pub output: Tensor,
    pub channels: Vec<ChannelParameters>,
    pub weights: Vec<i8>,
    /// The values that its activation leaves, where that is more than saturation.
    pub clamp: Option<[i32; 2]>,
}

impl Made {
    /// That of an operator.
    pub fn of(node: Node<'_>) -> Result<Self, Misfit> {
        match &node.operator.kind {
            Kind::Conv(window, _) => conv(node, *window),
            Kind::DepthwiseConv(window, _) => depthwise(node, *window),
            Kind::FullyConnected { .. } => dense(node),
            Kind::AveragePool(size, window, _) => average_pool(node, *size, *window),
            Kind::MaxPool(size, window, _) => max_pool(node, *size, *window),
            Kind::Add(_) => add(node),
            Kind::Concatenation(axis, _) => concat(node, *axis),
            Kind::Pad => pad(node),
            Kind::Softmax { beta } => softmax(node, *beta),
            Kind::Relu
            | Kind::Relu6
            | Kind::ReluN1To1
            | Kind::LeakyRelu { .. }
            | Kind::HardSwish
            | Kind::Logistic
            | Kind::Tanh
            | Kind::Quantize => lookup(node),
            Kind::Other(_) => Err(Misfit::Operator),
            _ => Err(Misfit::Chip),
        }
    }

    /// The layer of the activation after it, where there is one.
    pub fn activation(&self) -> Option<Self> {
        let [least, most] = self.clamp?;
        let clamped = |value: i8| i32::from(value).max(least).min(most) as i8;
        let kind = PlainKind::Lookup(lookup::Plain { origin: [0, 0] });
        let weights = all_values().map(clamped).collect();
        Some(Self { kind, output: self.output, channels: vec![], weights, clamp: None })
    }

    /// A layer without weights.
    fn plain(node: Node<'_>, kind: PlainKind) -> Result<Self, Misfit> {
        let (output, clamp) = (tensor(node.output()?)?, beyond_saturation(node.clamped()?.range));
        Ok(Self { kind, output, channels: vec![], weights: vec![], clamp })
    }

    /// A layer with weights, filter after filter.
    fn weighted(node: Node<'_>, kind: PlainKind, filters: Filters) -> Result<Self, Misfit> {
        let channels = channels(&filters)?;
        Ok(Self { channels, weights: filters.weights, ..Self::plain(node, kind)? })
    }
}

fn conv(node: Node<'_>, window: Window) -> Result<Made, Misfit> {
    let filters = Conv::full(node)?.filters();
    let Kernel { kernel, stride, origin } = Kernel::new(node, window)?;
    let kind =
        PlainKind::Conv(conv::Plain { kernel, stride, dilation: [1, 1], origin, pool: [1, 1] });
    Made::weighted(node, kind, filters)
}

fn depthwise(node: Node<'_>, window: Window) -> Result<Made, Misfit> {
    let mut filters = Conv::depthwise(node)?.filters();
    let Kernel { kernel, stride, origin } = Kernel::new(node, window)?;
    // The file has the filters side by side, tap after tap.
    let count = filters.bias.len();
    let of_filter = |filter| filters.weights.iter().skip(filter).step_by(count).copied();
    filters.weights = (0..count).flat_map(of_filter).collect();
    let kind = PlainKind::Depthwise(depthwise::Plain { kernel, stride, origin });
    Made::weighted(node, kind, filters)
}

fn dense(node: Node<'_>) -> Result<Made, Misfit> {
    let filters = FullyConnected::new(node)?.filters();
    let inputs = filters.weights.len() / filters.bias.len();
    if node.input(0)?.elements() != inputs {
        return Err(Misfit::Map);
    }
    let made = Made::weighted(node, PlainKind::Dense(dense::Plain), filters)?;
    let units = Shape::vector(made.output.shape.channels);
    if made.output.shape == units { Ok(made) } else { Err(Misfit::Map) }
}

fn max_pool(node: Node<'_>, size: [usize; 2], window: Window) -> Result<Made, Misfit> {
    node.same_scale(1)?;
    let axes = placed(node.network, node.operator).ok_or(Misfit::Count)?;
    if axes.iter().any(|axis| axis.before + axis.after > 0) {
        return Err(Misfit::Outside);
    }
    let (size, stride) = (small(size)?, small(window.stride)?);
    Made::plain(node, PlainKind::MaxPool(max_pool::Plain { size, stride, origin: [0, 0] }))
}

/// Windows may reach outside of the map: only what lies inside counts.
fn average_pool(node: Node<'_>, size: [usize; 2], window: Window) -> Result<Made, Misfit> {
    node.same_scale(1)?;
    let axes = placed(node.network, node.operator).ok_or(Misfit::Count)?;
    let [above, left] = axes.map(|axis| i16::try_from(axis.before));
    let origin = [-above.map_err(|_| Misfit::Size)?, -left.map_err(|_| Misfit::Size)?];
    let [rows, columns] = size.map(|side| u16::try_from(side).map_err(|_| Misfit::Size));
    let (size, stride) = ([rows?, columns?], small(window.stride)?);
    Made::plain(node, PlainKind::AveragePool(average_pool::Plain { size, stride, origin }))
}

/// The channels of two maps, whose scale and zero point are the output's.
fn concat(node: Node<'_>, axis: i32) -> Result<Made, Misfit> {
    node.same_scale(node.operator.inputs.len())?;
    let rank = node.output()?.shape.len() as i32;
    let is_last = axis == -1 || axis + 1 == rank;
    let is_constant = |input| node.input(input).is_ok_and(|tensor| tensor.data.is_some());
    if !is_last || node.operator.inputs.len() != 2 || is_constant(0) || is_constant(1) {
        return Err(Misfit::Concatenation);
    }
    Made::plain(node, side_by_side(2, [0, 0]))
}

/// A border of zeros around a map.
fn pad(node: Node<'_>) -> Result<Made, Misfit> {
    node.same_scale(1)?;
    let sizes = node.integers(1)?;
    let &[batch_before, batch_after, above, _, left, _, before, after] = &sizes[..] else {
        return Err(Misfit::Map);
    };
    if [batch_before, batch_after, before, after] != [0; 4] {
        return Err(Misfit::Map);
    }
    let [above, left] = [above, left].map(|side| i16::try_from(side).map_err(|_| Misfit::Size));
    Made::plain(node, side_by_side(1, [-above?, -left?]))
}

/// Some maps as they are, from this place on.
fn side_by_side(count: usize, origin: [i16; 2]) -> PlainKind {
    const SHIFT: u8 = 14;
    let multipliers = [1 << SHIFT; 2];
    PlainKind::Concat(concat::Plain { count, origins: [origin; 2], multipliers, shift: SHIFT })
}

/// A function of one value: what the reference makes of all of them.
fn lookup(node: Node<'_>) -> Result<Made, Misfit> {
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
        Some(Values::Int8(weights)) => {
            let kind = PlainKind::Lookup(lookup::Plain { origin: [0, 0] });
            Ok(Made { weights, ..Made::plain(node, kind)? })
        }
        _ => Err(Misfit::Operator),
    }
}

/// The factor of the larger scale of two that are added.
const HALF: quant::Factor = quant::Factor { multiplier: 1 << 30, shift: 0 };

/// A sum of two maps of the same size.
fn add(node: Node<'_>) -> Result<Made, Misfit> {
    let sum = Sum::new(node, 1)?;
    let (a, b, output) = (node.input(0)?, node.input(1)?, node.output()?);
    let is_constant = a.data.is_some() || b.data.is_some();
    if is_constant || a.shape != output.shape || b.shape != output.shape {
        return Err(Misfit::Broadcast);
    }
    let [of_a, of_b, of_sum] = sum.factors().map(factor);
    let scaling = if of_a == HALF {
        Scaling::twice(1, [of_b, of_sum])
    } else {
        Scaling::twice(0, [of_a, of_sum])
    };
    Made::plain(node, PlainKind::Add(add::Plain { origins: [[0, 0]; 2], scaling }))
}

fn softmax(node: Node<'_>, beta: f32) -> Result<Made, Misfit> {
    let factor = factor(Softmax::new(node, beta)?.factor());
    Made::plain(node, PlainKind::Softmax(softmax::Plain { factor }))
}

/// Sides, steps and place of a kernel.
struct Kernel {
    kernel: [u8; 2],
    stride: [u8; 2],
    origin: [i16; 2],
}

impl Kernel {
    fn new(node: Node<'_>, window: Window) -> Result<Self, Misfit> {
        if window.dilation != [1, 1] {
            return Err(Misfit::Dilation);
        }
        let &[_, rows, columns, _] = &node.input(1)?.shape[..] else { return Err(Misfit::Count) };
        let axes = placed(node.network, node.operator).ok_or(Misfit::Count)?;
        let [above, left] = axes.map(|axis| i16::try_from(axis.before));
        let origin = [-above.map_err(|_| Misfit::Size)?, -left.map_err(|_| Misfit::Size)?];
        Ok(Self { kernel: small([rows, columns])?, stride: small(window.stride)?, origin })
    }
}

/// A range, where it leaves less than saturation does.
fn beyond_saturation(range: [i32; 2]) -> Option<[i32; 2]> {
    (range != [i8::MIN, i8::MAX].map(i32::from)).then_some(range)
}

/// All values in the order of a table: that to value `v` at place `v as u8`.
fn all_values() -> impl Iterator<Item = i8> {
    (0..=u8::MAX).map(u8::cast_signed)
}

/// The numbers of each filter, with the input's zero point in the bias.
fn channels(filters: &Filters) -> Result<Vec<ChannelParameters>, Misfit> {
    let of_filter = filters.weights.len() / filters.bias.len();
    let numbers = filters.bias.iter().zip(&filters.factors);
    let channel = |((bias, factor), weights): ((&i32, &Factor), &[i8])| {
        let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
        let bias = i64::from(*bias) - i64::from(filters.input_zero_point) * sum;
        let size: u64 = weights.iter().map(|weight| u64::from(weight.unsigned_abs())).sum();
        if !factor.fits(bias.unsigned_abs() + 128 * size) {
            return Err(Misfit::Range);
        }
        let shift = Some(factor.shift as i8);
        Ok(ChannelParameters { bias: bias as i32, multiplier: factor.multiplier, shift })
    };
    numbers.zip(filters.weights.chunks(of_filter.max(1))).map(channel).collect()
}

/// A factor as a model has it; its shift is between -31 and 30.
fn factor(factor: Factor) -> quant::Factor {
    quant::Factor { multiplier: factor.multiplier, shift: factor.shift as i8 }
}

/// Sides of a kernel or strides.
fn small(sides: [usize; 2]) -> Result<[u8; 2], Misfit> {
    let [rows, columns] = sides.map(|side| u8::try_from(side).map_err(|_| Misfit::Size));
    Ok([rows?, columns?])
}
