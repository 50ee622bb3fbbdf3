//! What moves over a map: poolings, means, borders of zeros.

use infer::Shape;

use super::pointwise::float;
use super::{Import, Value, layer_name};
use crate::import::float::layers::Reduction;
use crate::import::float::misfit::Misfit;
use crate::import::float::moving::Moving;
use crate::import::float::values::{Seen, dimension};
use crate::import::onnx::{self, Attribute, Node};

/// How a window moves over a map, by the options of a node.
pub(super) fn moving(node: &Node<'_>, map: Shape, kernel: [usize; 2]) -> Result<Moving, Misfit> {
    let sides = |name: &str| match node.ints(name) {
        None => Ok([1, 1]),
        Some([rows]) => Ok([size(*rows)?, 1]),
        Some([rows, columns]) => Ok([size(*rows)?, size(*columns)?]),
        Some(_) => Err(Misfit::from("an option that has not a number for rows and columns")),
    };
    let (stride, dilation) = (sides("strides")?, sides("dilations")?);
    if kernel.contains(&0) || stride.contains(&0) || dilation.contains(&0) {
        return Err("a window, stride or dilation of 0".into());
    }
    let border = match node.ints("pads") {
        None => [0; 4],
        Some([above, below]) => [size(*above)?, size(*below)?, 0, 0],
        Some([above, left, below, right]) => {
            [size(*above)?, size(*below)?, size(*left)?, size(*right)?]
        }
        Some(_) => return Err("pads that are not two for each side".into()),
    };
    let moving = Moving { kernel, stride, dilation, border };
    Ok(match node.attribute("auto_pad") {
        Some(Attribute::Text(b"SAME_UPPER")) => moving.same(map, false),
        Some(Attribute::Text(b"SAME_LOWER")) => moving.same(map, true),
        Some(Attribute::Text(b"VALID")) => Moving { border: [0; 4], ..moving },
        _ => moving,
    })
}

fn size(value: i64) -> Result<usize, Misfit> {
    let size = u16::try_from(value).map_err(|_| "an option that is below 0 or over 65,535")?;
    Ok(size.into())
}

impl<'a> Import<'_, 'a> {
    /// The window of a pooling over a map.
    fn pooling(&self, node: &Node<'a>) -> Result<(Seen, Moving), Misfit> {
        let seen = self.seen(node)?;
        let kernel = match (node.ints("kernel_shape"), seen.sides().len()) {
            (Some([rows]), 3) => [size(*rows)?, 1],
            (Some([rows, columns]), 4) => [size(*rows)?, size(*columns)?],
            _ => return Err("a window of other dimensions than the map's".into()),
        };
        let mut moving = moving(node, seen.shape, kernel)?;
        if moving.dilation != [1, 1] {
            return Err("a pooling whose taps lie apart: export with dilation 1".into());
        }
        if node.int("ceil_mode").unwrap_or(0) != 0 {
            moving = moving.whole(seen.shape);
        }
        let moving = seen.moving(moving);
        Ok((seen, moving))
    }

    /// The largest value of each window.
    pub(super) fn max_pool(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let (seen, moving) = self.pooling(node)?;
        let tensor = self.sketch.max_pool(layer_name(node), seen.value.tensor, &moving)?;
        Ok(seen.left(&self.sketch, tensor))
    }

    /// The mean of each window, of which the border counts or not.
    pub(super) fn average_pool(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let (seen, mut moving) = self.pooling(node)?;
        let mut tensor = seen.value.tensor;
        let has_border = node.ints("pads").is_some_and(|pads| pads.iter().any(|zeros| *zeros > 0));
        if node.int("count_include_pad") == Some(1) && has_border {
            if node.int("ceil_mode") == Some(1) {
                return Err("a mean that counts its border, with ceil_mode: export with one".into());
            }
            tensor = self.sketch.pad(layer_name(node), tensor, moving.border()?)?;
            moving.border = [0; 4];
        }
        let tensor = self.sketch.average_pool(layer_name(node), tensor, &moving)?;
        Ok(seen.left(&self.sketch, tensor))
    }

    /// The mean or the largest of all pixels.
    pub(super) fn global(
        &mut self,
        reduction: Reduction,
        node: &Node<'a>,
    ) -> Result<Value, Misfit> {
        let (seen, name) = (self.seen(node)?, layer_name(node));
        let tensor = self.sketch.reduced(reduction, name, seen.value.tensor, [true, true])?;
        Ok(seen.left(&self.sketch, tensor))
    }

    /// The mean or the largest over dimensions that are rows or columns.
    pub(super) fn reduce(
        &mut self,
        reduction: Reduction,
        node: &Node<'a>,
    ) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        let axes = self.listed(node, "axes");
        let axes = axes.ok_or("it goes over everything, or over computed dimensions")?;
        let stays = node.int("keepdims").unwrap_or(1) != 0;
        self.sketch.reduced_over(reduction, layer_name(node), &value, &axes, stays)
    }

    /// Whole numbers that are an option, or since later versions the second input.
    fn listed(&self, node: &Node<'a>, option: &str) -> Option<Vec<i64>> {
        let input = || self.known.integers.get(node.inputs.get(1)?).cloned();
        node.ints(option).map(<[i64]>::to_vec).or_else(input)
    }

    /// A border of zeros around rows and columns.
    pub(super) fn pad(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let seen = self.seen(node)?;
        let is_constant = match node.attribute("mode") {
            Some(Attribute::Text(mode)) => *mode == b"constant",
            _ => true,
        };
        let number = self.optional(node, 2)?.and_then(|array| array.values.first().copied());
        let number = number.or(float(node, "value")).unwrap_or(0.0);
        if !is_constant || number != 0.0 {
            return Err("a border that is not of zeros: export with zeros".into());
        }
        let rank = seen.sides().len();
        let pads = self.listed(node, "pads").filter(|pads| pads.len() == 2 * rank);
        let pads = pads.ok_or("a border of a size that is computed: export it as a constant")?;
        let zeros = (0..rank).map(|at| Ok([size(pads[at])?, size(pads[at + rank])?]));
        let zeros = zeros.collect::<Result<Vec<_>, Misfit>>()?;
        self.sketch.bordered(layer_name(node), &seen, &zeros)
    }

    /// Without the last rows or columns of a convolution, which then reads fewer zeros beyond the
    /// edge: so PyTorch's networks make a convolution causal.
    pub(super) fn slice(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let shape = self.known.shapes.get(node.inputs.first().copied().unwrap_or_default());
        let shape = shape.ok_or("it takes a part of something whose size is not known")?;
        let listed = |number: usize| self.known.integers.get(node.inputs.get(number)?).cloned();
        let parts =
            onnx::parts(node, shape, listed).ok_or("it takes a part that is computed")??;
        if parts.iter().all(|part| part.sides == (0..shape[part.axis])) {
            return self.value(node, 0);
        }
        let (seen, mut ranges) = (self.seen(node)?, vec![]);
        for part in parts {
            match seen.sides().get(part.axis).copied().flatten() {
                Some(side) => ranges.push((side, part.sides)),
                None if part.sides == (0..shape[part.axis]) => {}
                None => return Err("it takes a part of the batch: export for one input".into()),
            }
        }
        self.sketch.sliced(layer_name(node), &seen, &ranges)
    }

    /// One row, column or channel of a map, which then has a dimension fewer, or as many.
    pub(super) fn gather(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let (seen, rank) = (self.seen(node)?, self.value(node, 0)?.layout.rank());
        let axis = dimension(node.int("axis").unwrap_or(0), rank)?;
        let index = node.inputs.get(1).and_then(|name| self.known.integers.get(name));
        let (Some(&[index]), Some(side)) = (index.map(|index| &index[..]), seen.sides()[axis])
        else {
            return Err("it takes what no single number says: only one row, column or channel is \
                        taken"
                .into());
        };
        let length = side.of(self.sketch.shape(seen.value.tensor));
        let from_start = if index < 0 { index.saturating_add(length as i64) } else { index };
        let place = usize::try_from(from_start).ok().filter(|place| *place < length);
        let place = place.ok_or("it takes a row, column or channel that is not there")?;
        let name = layer_name(node);
        let tensor = self.sketch.part(name, seen.value.tensor, side, &(place..place + 1))?;
        let value = seen.left(&self.sketch, tensor);
        let sizes = node.outputs.first().and_then(|output| self.known.shapes.get(output));
        match sizes.is_some_and(|sizes| sizes.len() == rank) {
            true => Ok(value),
            false => {
                let layout = value.layout.with_one_fewer(axis).ok_or("it takes several")?;
                Ok(Value { layout, ..value })
            }
        }
    }
}
