//! What moves no value: transpositions and reshapes only say otherwise what the dimensions count.

use infer::Shape;

use super::{CHANNELS_FIRST, FloatError, Given, Import, Layout, Value};
use crate::import::float::layout::CHANNELS_LAST;
use crate::import::float::misfit::Misfit;
use crate::import::float::values::dimension;
use crate::import::onnx::{ElementType, Known, Network, Node};

/// The network's input as a map, and how the file counts it: batch, channels, rows, columns, unless
/// the network begins by turning it from batch, rows, columns, channels.
pub(super) fn input(
    network: &Network<'_>,
    known: &Known<'_>,
    given: &Given,
) -> Result<(Shape, Layout), FloatError> {
    let input = &network.inputs[0];
    let refused = |why| FloatError::Input { name: input.name.escape_default().to_string(), why };
    if input.element != Some(ElementType::Float32) {
        return Err(refused("its values are not float32: export the network in float32"));
    }
    let Some(sizes) = known.shapes.get(input.name) else {
        return Err(refused(
            "its shape is open: export with fixed sides, such as 1x3x32x32; only the batch may be \
             open",
        ));
    };
    if sizes.first() != Some(&1) {
        return Err(refused("its batch is not 1: export for one input"));
    }
    let side = |size: usize| u16::try_from(size).map_err(|_| refused("a side is over 65,535"));
    match sizes[1..] {
        [values] => {
            let is_same = |shape: &Shape| shape.len() == values;
            let shape = given.shape.filter(is_same).unwrap_or(Shape::vector(side(values)?));
            Ok((shape, Layout::flat(shape)))
        }
        [first, second] if has_channels_last(network, input.name) => {
            let shape = Shape::new(side(first)?, 1, side(second)?);
            let sides = [CHANNELS_LAST[0], CHANNELS_LAST[1], CHANNELS_LAST[3]];
            Ok((shape, Layout::new(shape, &sides)))
        }
        [first, second] => {
            let shape = Shape::new(side(second)?, 1, side(first)?);
            Ok((shape, Layout::new(shape, &CHANNELS_FIRST[..3])))
        }
        [rows, columns, channels] if is_turned(network, [0, 3, 1, 2]) => {
            let shape = Shape::new(side(rows)?, side(columns)?, side(channels)?);
            Ok((shape, Layout::new(shape, &CHANNELS_LAST)))
        }
        [channels, rows, columns] => {
            let shape = Shape::new(side(rows)?, side(columns)?, side(channels)?);
            Ok((shape, Layout::new(shape, &CHANNELS_FIRST)))
        }
        _ => Err(refused("it is no vector, series or map: export for 2 to 4 dimensions")),
    }
}

/// Whether the channels of a series come last: it is multiplied by a matrix, or turned for what
/// takes channels first.
fn has_channels_last(network: &Network<'_>, input: &str) -> bool {
    let mut readers = network.nodes.iter().filter(|node| node.inputs.first() == Some(&input));
    readers.any(|node| match (node.operator, node.outputs.first()) {
        ("MatMul", _) => true,
        ("Identity", Some(name)) => has_channels_last(network, name),
        ("Transpose", Some(name)) if node.ints("perm") == Some(&[0, 2, 1]) => {
            !has_channels_last(network, name)
        }
        _ => false,
    })
}

/// Whether the network's input is turned at once in this way.
fn is_turned<const RANK: usize>(network: &Network<'_>, order: [i64; RANK]) -> bool {
    let input = network.inputs[0].name;
    let mut readers = network.nodes.iter().filter(|node| node.inputs.contains(&input));
    readers.any(|node| node.operator == "Transpose" && node.ints("perm") == Some(&order[..]))
}

impl<'a> Import<'_, 'a> {
    /// The same values in other dimensions.
    pub(super) fn reshaped(&self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        let sizes = node.outputs.first().and_then(|name| self.known.shapes.get(name));
        let sizes = sizes.ok_or("its size is computed: export with fixed sides")?;
        let layout = value.layout.reshaped(sizes).ok_or(
            "it cuts the rows, columns or channels of a map in parts: only flattening, and sides \
             of 1 more or fewer are known",
        )?;
        Ok(Value { layout, ..value })
    }

    pub(super) fn transposed(&self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        let rank = value.layout.rank();
        let order: Option<Vec<usize>> = match node.ints("perm") {
            Some(order) => order.iter().map(|at| usize::try_from(*at).ok()).collect(),
            None => Some((0..rank).rev().collect()),
        };
        let fits = |order: &Vec<usize>| order.len() == rank && order.iter().all(|at| *at < rank);
        let order = order.filter(fits).ok_or("perm must name each dimension once")?;
        Ok(Value { layout: value.layout.transposed(&order), ..value })
    }

    /// A cast to what the values are.
    pub(super) fn cast(&self, node: &Node<'a>) -> Result<Value, Misfit> {
        const FLOAT32: i64 = 1;
        match node.int("to") {
            Some(FLOAT32) => self.value(node, 0),
            _ => Err("it casts a map to another type: export in float32".into()),
        }
    }

    /// The scores that a softmax at the end makes probabilities of.
    pub(super) fn softmax(&self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        if node.outputs.first() != Some(&self.ends) {
            return Err("it is not at the end, the only place where a softmax is known".into());
        }
        let axis = dimension(node.int("axis").unwrap_or(-1), value.layout.rank())?;
        match value.layout.dimension(axis) == value.layout.sides() {
            true => Ok(value),
            false => Err("it is not over all values: only a softmax of one vector is known".into()),
        }
    }
}
