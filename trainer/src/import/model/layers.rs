//! Operators as layers that `infer` runs, with the numbers of the file.
//!
//! - The input's zero point goes into the biases: see `docs/arithmetic.md`.
//! - A fused activation is the output's saturation. One that is more than that is refused.

use infer::Shape;
use infer::format::{Scaling, Tensor};
use infer::quant::{self, ChannelParameters};

use super::plain::tensor;
use crate::import::tflite::reference::{
    Conv, Factor, Filters, FullyConnected, Misfit, Node, Softmax, Sum,
};
use crate::import::tflite::{Kind, Window, placed};
use crate::ops::{PlainKind, add, conv, dense, depthwise, max_pool, softmax};

/// A layer without its edges.
pub struct Made {
    pub kind: PlainKind,
    pub output: Tensor,
    pub channels: Vec<ChannelParameters>,
    pub weights: Vec<i8>,
}

impl Made {
    /// That of an operator.
    pub fn of(node: Node<'_>) -> Result<Self, Misfit> {
        match &node.operator.kind {
            Kind::Conv(window, _) => conv(node, *window),
            Kind::DepthwiseConv(window, _) => depthwise(node, *window),
            Kind::FullyConnected { .. } => dense(node),
            Kind::MaxPool(size, window, _) => max_pool(node, *size, *window),
            Kind::Add(_) => add(node),
            Kind::Softmax { beta } => softmax(node, *beta),
            Kind::Other(_) => Err(Misfit::Operator),
            _ => Err(Misfit::Chip),
        }
    }

    /// A layer without weights.
    fn plain(node: Node<'_>, kind: PlainKind) -> Result<Self, Misfit> {
        Ok(Self { kind, output: tensor(node.output()?)?, channels: vec![], weights: vec![] })
    }

    /// A layer with weights, filter after filter.
    fn weighted(node: Node<'_>, kind: PlainKind, filters: Filters) -> Result<Self, Misfit> {
        saturates(filters.output.range)?;
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
    saturates(node.clamped()?.range)?;
    let axes = placed(node.network, node.operator).ok_or(Misfit::Count)?;
    if axes.iter().any(|axis| axis.before + axis.after > 0) {
        return Err(Misfit::Outside);
    }
    let (size, stride) = (small(size)?, small(window.stride)?);
    Made::plain(node, PlainKind::MaxPool(max_pool::Plain { size, stride, origin: [0, 0] }))
}

/// The factor of the larger scale of two that are added.
const HALF: quant::Factor = quant::Factor { multiplier: 1 << 30, shift: 0 };

/// A sum of two maps of the same size.
fn add(node: Node<'_>) -> Result<Made, Misfit> {
    let sum = Sum::new(node, 1)?;
    saturates(node.clamped()?.range)?;
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

/// Refuses an activation that leaves less than saturation does.
fn saturates(range: [i32; 2]) -> Result<(), Misfit> {
    if range == [i8::MIN, i8::MAX].map(i32::from) { Ok(()) } else { Err(Misfit::Clamp) }
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
