//! Dilation as converters write it: a map is cut into batches, of every second value and so on, a
//! convolution runs over them, and its output is put together again. That is one convolution whose
//! taps lie apart.

use super::lowering::Lowering;
use super::value::{Value, sides, turn, turn_shape};
use crate::import::tflite::Kind;
use crate::import::tflite::reference::{Misfit, Node};

/// How a map is cut into batches; rows and columns are the model's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    /// Of how many values each batch has one.
    pub block: [usize; 2],
    /// Zeros before and after it, along rows and columns.
    pub zeros: [[usize; 2]; 2],
    /// Whether the file's rows were the model's columns when it was cut.
    turned: bool,
}

impl Lowering<'_, '_> {
    /// Cuts a map into batches: for now it stays whole.
    pub fn split(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        let value = self.value(node, 0)?;
        let turned = value.turned()?;
        let (block, zeros) = along(node, turned)?;
        self.splits[node.operator.outputs[0]] = Some(Split { block, zeros, turned });
        Ok(value)
    }

    /// Puts batches together: the convolution has left a map that is whole.
    pub fn join(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        let value = self.value(node, 0)?;
        let is_split = node.operator.inputs[0].is_some_and(|input| self.splits[input].is_some());
        let output = value.counted(&node.output()?.shape);
        if is_split || output.turned.is_none() { Err(Misfit::Batches) } else { Ok(output) }
    }

    /// A value that is counted in another way; of one in batches, a side of 1 more or fewer.
    pub fn recount(&mut self, node: Node<'_>, value: Value) -> Result<Value, Misfit> {
        let (from, to) = (node.operator.inputs[0].ok_or(Misfit::Count)?, node.operator.outputs[0]);
        let Some(split) = self.splits[from] else { return Ok(value) };
        self.splits[to] = Some(split);
        let of_batch = |tensor: usize| sides(self.network.tensors[tensor].shape.get(1..)?).ok();
        let before = of_batch(from).ok_or(Misfit::Batches)?;
        let after = of_batch(to).ok_or(Misfit::Batches)?;
        let is_turned = after == turn_shape(before, true) && before.height.min(before.width) == 1;
        match after == before {
            true => Ok(value),
            false if is_turned => Ok(Value { turned: Some(!value.turned()?), ..value }),
            false => Err(Misfit::Batches),
        }
    }

    /// How the map that an operator reads is cut, less what is cut off when its output is put
    /// together.
    pub fn split_of(&self, node: Node<'_>) -> Result<Option<Split>, Misfit> {
        let input = node.operator.inputs.first().copied().flatten().ok_or(Misfit::Count)?;
        let Some(split) = self.splits[input] else { return Ok(None) };
        let joined = self.joined(node.operator.outputs[0]).ok_or(Misfit::Batches)?;
        let (block, cut) = along(joined, split.turned)?;
        if block != split.block {
            return Err(Misfit::Batches);
        }
        let mut zeros = split.zeros;
        for (zeros, cut) in zeros.as_flattened_mut().iter_mut().zip(cut.as_flattened()) {
            *zeros = zeros.checked_sub(*cut).ok_or(Misfit::Batches)?;
        }
        Ok(Some(Split { zeros, ..split }))
    }

    /// The operator that puts batches together, after those that only say how they are counted.
    fn joined(&self, mut tensor: usize) -> Option<Node<'_>> {
        for operator in &self.network.operators {
            if operator.inputs.first() != Some(&Some(tensor)) {
                continue;
            }
            match operator.kind {
                Kind::BatchToSpace => return Some(Node { network: self.network, operator }),
                Kind::Reshape | Kind::Squeeze | Kind::ExpandDims => {
                    tensor = *operator.outputs.first()?;
                }
                _ => return None,
            }
        }
        None
    }
}

/// What an operator says of the map's rows and columns: the size of a block, and how many values
/// are added or cut off before and after them.
fn along(node: Node<'_>, turned: bool) -> Result<([usize; 2], [[usize; 2]; 2]), Misfit> {
    let size = |size: &i64| u16::try_from(*size).map(usize::from).map_err(|_| Misfit::Size);
    let block = node.integers(1)?.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let ends = node.integers(2)?.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let (block, ends) = match (&block[..], &ends[..]) {
        (&[columns], &[left, right]) => ([1, columns], [[0, 0], [left, right]]),
        (&[rows, columns], &[above, below, left, right]) => {
            ([rows, columns], [[above, below], [left, right]])
        }
        _ => return Err(Misfit::Batches),
    };
    Ok((turn(block, turned), turn(ends, turned)))
}
