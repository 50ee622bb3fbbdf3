//! Dilation as converters write it: a map is cut into batches, of every second value and so on, a
//! convolution runs over them, and its output is put together again. That is one convolution whose
//! taps lie apart.

use super::{Import, Misfit, Moving, Value};
use crate::import::float::layout::{Layout, Side};
use crate::import::tflite::{Kind, Operator};

/// How a value is cut into batches.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Split {
    /// Of how many values each batch has one, along rows and columns.
    block: [usize; 2],
    /// Zeros above, below, left and right of it.
    zeros: [usize; 4],
    /// How the file counts it before it is cut.
    layout: Layout,
}

impl Import<'_, '_> {
    /// Cuts a map into batches: for now it stays whole.
    pub(super) fn split(&mut self, operator: &Operator) -> Result<Value, Misfit> {
        let value = self.value(operator, 0)?;
        let (block, zeros) = (self.integers(operator, 1)?, self.integers(operator, 2)?);
        let layout = value.layout.clone();
        let mut split = Split { block: [1; 2], zeros: [0; 4], layout };
        for Along { axis, block, zeros } in along(&value.layout, &block, &zeros)? {
            split.block[axis] = block;
            [split.zeros[2 * axis], split.zeros[2 * axis + 1]] = zeros;
        }
        let output = operator.outputs.first().ok_or("it makes nothing")?;
        self.splits.insert(*output, split);
        Ok(value)
    }

    /// The window over the whole map of one that moves over its batches.
    pub(super) fn over_split(&self, operator: &Operator, moving: Moving) -> Result<Moving, Misfit> {
        let input = operator.inputs.first().copied().flatten();
        let Some(split) = input.and_then(|input| self.splits.get(&input)) else {
            return Ok(moving);
        };
        let whole = operator.outputs.first().and_then(|made| self.joined(*made));
        let why = "batches of a map that are not put together after one convolution: convert \
                   without them";
        let whole = whole.ok_or(why)?;
        let (block, cut) = (self.integers(whole, 1)?, self.integers(whole, 2)?);
        let mut border = split.zeros;
        for Along { axis, zeros: cut, .. } in along(&split.layout, &block, &cut)? {
            for (end, cut) in cut.into_iter().enumerate() {
                let zeros = &mut border[2 * axis + end];
                *zeros = zeros.checked_sub(cut).ok_or(why)?;
            }
        }
        if moving.stride != [1, 1] || moving.border != [0; 4] {
            return Err(why.into());
        }
        let dilation = [0, 1].map(|axis| moving.dilation[axis] * split.block[axis]);
        Ok(Moving { dilation, border, ..moving })
    }

    /// The operator that puts batches together, after those that only say how they are counted.
    fn joined(&self, mut tensor: usize) -> Option<&Operator> {
        for operator in &self.network.operators {
            if operator.inputs.first() != Some(&Some(tensor)) {
                continue;
            }
            match operator.kind {
                Kind::BatchToSpace => return Some(operator),
                Kind::Reshape | Kind::Squeeze | Kind::ExpandDims => {
                    tensor = *operator.outputs.first()?;
                }
                _ => return None,
            }
        }
        None
    }

    /// Notes that what a convolution over batches leaves is in batches too.
    pub(super) fn still_split(&mut self, operator: &Operator) {
        let input = operator.inputs.first().copied().flatten();
        let split = input.and_then(|input| self.splits.get(&input)).cloned();
        if let (Some(split), Some(output)) = (split, operator.outputs.first()) {
            self.splits.insert(*output, split);
        }
    }

    /// A map in batches with a side of 1 more or fewer; `None` of one that is whole.
    pub(super) fn reshaped_split(
        &mut self,
        operator: &Operator,
        value: &Value,
    ) -> Result<Option<Value>, Misfit> {
        let (Some(Some(input)), Some(output)) = (operator.inputs.first(), operator.outputs.first())
        else {
            return Ok(None);
        };
        let Some(split) = self.splits.get(input).cloned() else { return Ok(None) };
        let [before, after] =
            [input, output].map(|tensor| self.network.tensors[*tensor].shape.clone());
        let differs = before.iter().zip(&after).position(|(before, after)| before != after);
        let at = differs.unwrap_or(before.len().min(after.len()));
        let layout = match after.len() as i64 - before.len() as i64 {
            1 if after.get(at) == Some(&1) => Some(value.layout.with_one_more(at)),
            -1 => value.layout.with_one_fewer(at),
            _ => None,
        };
        let layout = layout.ok_or("batches of a map that are reshaped: convert without them")?;
        self.splits.insert(*output, split);
        Ok(Some(Value { layout, ..value.clone() }))
    }
}

/// What is said of rows (0) or columns (1) of a map.
struct Along {
    axis: usize,
    block: usize,
    /// Before and after them.
    zeros: [usize; 2],
}

/// What is said of each dimension after the batch, by rows (0) and columns (1) of the map.
fn along(layout: &Layout, block: &[i64], zeros: &[i64]) -> Result<Vec<Along>, Misfit> {
    let size = |size: i64| {
        let size = u16::try_from(size).map_err(|_| Misfit::from("a block or border over 65,535"));
        size.map(usize::from)
    };
    let mut along = vec![];
    for (place, (block, zeros)) in block.iter().zip(zeros.chunks(2)).enumerate() {
        let (block, zeros) = (size(*block)?, [size(zeros[0])?, size(zeros[zeros.len() - 1])?]);
        match layout.dimensions().get(place + 1).map(Vec::as_slice) {
            Some([(Side::Row, _)]) => along.push(Along { axis: 0, block, zeros }),
            Some([(Side::Column, _)]) => along.push(Along { axis: 1, block, zeros }),
            Some([]) if block == 1 && zeros == [0, 0] => {}
            _ => return Err("batches of another side than rows or columns".into()),
        }
    }
    Ok(along)
}
