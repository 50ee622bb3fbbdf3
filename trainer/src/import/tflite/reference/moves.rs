//! Operators that only move values: `CONCATENATION`, `PAD`, `RESHAPE` and its kin, `TRANSPOSE`,
//! `STRIDED_SLICE` and `SLICE`, `SPACE_TO_BATCH_ND` and `BATCH_TO_SPACE_ND`. Scale and zero point
//! stay.

use super::Kernel;
use super::error::Misfit;
use super::node::Node;

/// For each value of the output where it comes from.
pub struct Moves {
    from: Vec<Source>,
    /// What the places outside of a map hold.
    zero_point: i8,
}

/// A value of an input; the zero point where `input` is [`OUTSIDE`].
#[derive(Clone, Copy)]
struct Source {
    input: u16,
    place: u32,
}

const OUTSIDE: u16 = u16::MAX;

impl Kernel for Moves {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let value = |source: &Source| match source.input {
            OUTSIDE => self.zero_point,
            input => inputs[usize::from(input)][source.place as usize],
        };
        self.from.iter().map(value).collect()
    }
}

impl Moves {
    /// `source` gives input and index of what the output has at an index; `None` outside of the
    /// map.
    fn new(
        node: Node<'_>,
        inputs: usize,
        source: impl Fn(&[usize]) -> Option<(usize, Vec<usize>)>,
    ) -> Result<Self, Misfit> {
        let zero_point = node.same_scale(inputs)?.zero_point as i8;
        let shapes = (0..inputs).map(|input| node.input(input).map(|tensor| &tensor.shape[..]));
        let shapes = shapes.collect::<Result<Vec<_>, _>>()?;
        let output = &node.output()?.shape;
        let mut from = Vec::new();
        for place in 0..output.iter().product() {
            from.push(match source(&index(place, output)) {
                Some((input, at)) => {
                    let place =
                        at.iter().zip(shapes[input]).fold(0, |place, (at, side)| place * side + at);
                    Source { input: input as u16, place: place as u32 }
                }
                None => Source { input: OUTSIDE, place: 0 },
            });
        }
        Ok(Self { from, zero_point })
    }
}

/// The index of a place in a map of this shape.
fn index(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape.to_vec();
    for (at, side) in index.iter_mut().rev().zip(shape.iter().rev()) {
        *at = place % side;
        place /= side;
    }
    index
}

pub fn reshape(node: Node<'_>) -> Result<Moves, Misfit> {
    let output = node.output()?.shape.clone();
    let input = node.input(0)?.shape.clone();
    Moves::new(node, 1, |at| {
        let place = at.iter().zip(&output).fold(0, |place, (at, side)| place * side + at);
        Some((0, index(place, &input)))
    })
}

/// Dimension `n` of the output is dimension `order[n]` of the input.
pub fn transpose(node: Node<'_>) -> Result<Moves, Misfit> {
    let order = node.order()?;
    Moves::new(node, 1, |at| {
        let mut from = at.to_vec();
        order.iter().zip(at).for_each(|(dimension, at)| from[*dimension] = *at);
        Some((0, from))
    })
}

pub fn slice(node: Node<'_>) -> Result<Moves, Misfit> {
    let slice = node.slice()?;
    Moves::new(node, 1, |at| Some((0, slice.place(at))))
}

pub fn concatenation(node: Node<'_>, axis: i32) -> Result<Moves, Misfit> {
    let count = node.operator.inputs.len();
    if count >= OUTSIDE.into() {
        return Err(Misfit::Count);
    }
    let rank = node.output()?.shape.len();
    let axis = if axis < 0 { axis + rank as i32 } else { axis } as usize;
    let sides = (0..count).map(|input| node.input(input).map(|tensor| tensor.shape[axis]));
    let sides = sides.collect::<Result<Vec<_>, _>>()?;
    Moves::new(node, count, |at| {
        let mut at = at.to_vec();
        let input = sides.iter().position(|side| match at[axis].checked_sub(*side) {
            Some(rest) => {
                at[axis] = rest;
                false
            }
            None => true,
        });
        input.map(|input| (input, at))
    })
}

pub fn pad(node: Node<'_>) -> Result<Moves, Misfit> {
    let padding = node.integers(1)?;
    let input = &node.input(0)?.shape;
    Moves::new(node, 1, |at| {
        let (pairs, _) = padding.as_chunks::<2>();
        let inside = at.iter().zip(input).zip(pairs).map(|((at, side), [before, _])| {
            at.checked_sub(*before as usize).filter(|at| at < side)
        });
        inside.collect::<Option<Vec<_>>>().map(|at| (0, at))
    })
}

/// Value `[batch, row, ..]` of the output comes from batch `batch % batches`, and from row
/// `row * block + shift - before`, where the block's row is the rest of the batch.
pub fn space_to_batch(node: Node<'_>) -> Result<Moves, Misfit> {
    let (blocks, padding) = (node.integers(1)?, node.integers(2)?);
    let input = &node.input(0)?.shape;
    Moves::new(node, 1, |at| {
        let mut from = at.to_vec();
        let mut shift = at[0] / input[0];
        from[0] = at[0] % input[0];
        for (dimension, block) in blocks.iter().enumerate().rev() {
            let (block, before) = (*block as usize, padding[2 * dimension] as usize);
            let place = at[dimension + 1] * block + shift % block;
            shift /= block;
            from[dimension + 1] = place.checked_sub(before)?;
        }
        from.iter().zip(input).all(|(at, side)| at < side).then_some((0, from))
    })
}

/// The way back: row `row + before` of the output lies in row `/ block` of the batch that the rest
/// names.
pub fn batch_to_space(node: Node<'_>) -> Result<Moves, Misfit> {
    let (blocks, cut) = (node.integers(1)?, node.integers(2)?);
    let batches = node.output()?.shape.first().copied().unwrap_or(1);
    Moves::new(node, 1, |at| {
        let mut from = at.to_vec();
        let mut shift = 0;
        for (dimension, block) in blocks.iter().enumerate() {
            let (block, before) = (*block as usize, cut[2 * dimension] as usize);
            let place = at[dimension + 1] + before;
            shift = shift * block + place % block;
            from[dimension + 1] = place / block;
        }
        from[0] = shift * batches + at[0];
        Some((0, from))
    })
}
