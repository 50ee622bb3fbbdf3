//! Values that `TRANSPOSE` moves, and parts of maps.
//!
//! The model leaves transposed values where they are. What reads all of them, such as a dense
//! layer, takes its weights in the model's order.

use std::rc::Rc;

use infer::format::Tensor;

use super::layer::{Made, both, small};
use super::lowering::Lowering;
use super::value::{Value, quant, turn};
use crate::import::tflite::Part;
use crate::import::tflite::reference::{Misfit, Node};
use crate::ops::{PlainKind, max_pool};

/// For each value of a tensor of the file its place in the model's map.
pub(super) type Order = Rc<[u32]>;

impl Lowering<'_, '_> {
    /// What the model has of an operator's first input, and where its values lie if not in the
    /// file's order.
    pub fn in_any_order(&self, node: Node<'_>) -> Result<(Value, Option<Order>), Misfit> {
        let tensor = node.operator.inputs.first().copied().flatten().ok_or(Misfit::Count)?;
        let value = self.values[tensor].ok_or(Misfit::NotConstant)?;
        Ok((value, self.orders[tensor].clone()))
    }

    /// The same for an operator that leaves each value in its place.
    pub fn in_place(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        let (value, order) = self.in_any_order(node)?;
        self.orders[node.operator.outputs[0]] = order;
        Ok(value)
    }

    /// Dimensions in another order: nothing, or an order to be told to what reads it.
    pub fn transpose(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        self.is_whole(node)?;
        let (value, before) = self.in_any_order(node)?;
        let (order, shape) = (node.order()?, &node.input(0)?.shape);
        let mut places = vec![0_u32];
        for dimension in order {
            let step = shape[dimension + 1..].iter().product::<usize>() as u32;
            let side = shape[dimension] as u32;
            let along = |place: u32| (0..side).map(move |at| place + at * step);
            places = places.into_iter().flat_map(along).collect();
        }
        if let Some(before) = before {
            places.iter_mut().for_each(|place| *place = before[*place as usize]);
        }
        let is_moved = places.iter().enumerate().any(|(at, place)| at != *place as usize);
        self.orders[node.operator.outputs[0]] = is_moved.then(|| places.into());
        Ok(value)
    }

    /// Rows and columns from one on, every so many: windows of one value.
    pub fn slice(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        self.is_whole(node)?;
        let (slice, shape) = (node.slice()?, &node.input(0)?.shape);
        let is_all = |(part, side): (&Part, &usize)| part.is_all(*side);
        if slice.parts.iter().zip(shape).all(is_all) {
            return self.in_place(node);
        }
        let value = self.value(node, 0)?;
        let turned = value.turned()?;
        let inner = shape.len().saturating_sub(3);
        let is_kept = |at: usize| at < inner || at + 1 == shape.len();
        let mut parts = slice.parts.iter().zip(shape).enumerate();
        if parts.any(|(at, (part, side))| is_kept(at) && !part.is_all(*side)) {
            return Err(Misfit::Part);
        }
        let before = |from_last: usize| shape.len().checked_sub(from_last);
        let part = |from_last: usize| before(from_last).map(|at| slice.parts[at]);
        let of = |number: fn(Part) -> usize, default: usize| {
            turn([3, 2].map(|from_last| part(from_last).map_or(default, number)), turned)
        };
        let [height, width] = both(of(|part| part.count, 1))?;
        // A single value needs no step, which may be large.
        let stride = small(of(|part| if part.count > 1 { part.step } else { 1 }, 1))?;
        let origin = both(of(|part| part.start, 0))?;
        let kind = PlainKind::MaxPool(max_pool::Plain { size: [1, 1], stride, origin });
        let shape = infer::Shape { height, width, ..value.shape() };
        let output = Tensor { shape, quant: quant(node.output()?)? };
        self.finish(node, vec![value.edge], Some(turned), Made::plain("", kind, output))
    }

    /// Refuses a map that was cut into batches.
    fn is_whole(&self, node: Node<'_>) -> Result<(), Misfit> {
        let input = node.operator.inputs.first().copied().flatten().ok_or(Misfit::Count)?;
        if self.splits[input].is_some() { Err(Misfit::Batches) } else { Ok(()) }
    }
}

/// The weights of each unit, of as many values as there are places, in the model's order.
pub(super) fn in_order(weights: Vec<i8>, order: Option<&Order>) -> Vec<i8> {
    let Some(order) = order else { return weights };
    let mut moved = vec![0; weights.len()];
    let units = moved.chunks_mut(order.len().max(1)).zip(weights.chunks(order.len().max(1)));
    for (to, from) in units {
        order.iter().zip(from).for_each(|(place, weight)| to[*place as usize] = *weight);
    }
    moved
}
