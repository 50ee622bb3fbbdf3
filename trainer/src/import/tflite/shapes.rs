//! The shapes of maps, computed from the network's inputs by what each operator does.
//!
//! A file has the shape of every tensor, but where the batch is open it has 1 in its place, also
//! for maps that `SPACE_TO_BATCH_ND` cuts into several. So shapes are computed, and the file's are
//! compared with them: all dimensions must agree, the batch where it is not open.

use super::error::{Name, Problem, ReadError};
use super::network::{Network, Tensor};
use super::operator::{Kind, Operator};
use super::slices::Slice;
use super::tensors::elements;
use super::window::placed;

/// Computes the shapes of all maps and compares them with the file's.
pub(super) fn infer(network: &mut Network<'_>) -> Result<(), ReadError> {
    for index in 0..network.operators.len() {
        let operator = &network.operators[index];
        let name = Name::numbered("Operator", index);
        let made =
            output(network, operator).map_err(|problem| ReadError::new(name, "inputs", problem))?;
        let Some(expected) = made else { continue };
        let output = only_output(operator)
            .and_then(|output| agree(network, output, &expected).map(|()| output))
            .map_err(|problem| ReadError::new(name, "outputs", problem))?;
        network.tensors[output].shape = expected;
    }
    Ok(())
}

fn only_output(operator: &Operator) -> Result<usize, Problem> {
    match operator.outputs[..] {
        [output] => Ok(output),
        _ => Err(Problem::Count {
            found: operator.outputs.len(),
            operator: operator.kind.name().to_owned(),
            expected: "1",
        }),
    }
}

fn agree(network: &Network<'_>, tensor: usize, expected: &[usize]) -> Result<(), Problem> {
    let Tensor { shape, open_batch, .. } = &network.tensors[tensor];
    let open = usize::from(*open_batch);
    if shape.len() == expected.len() && shape.iter().skip(open).eq(expected.iter().skip(open)) {
        return Ok(());
    }
    Err(Problem::Output { tensor, found: shape.clone(), expected: expected.to_vec() })
}

/// The shape of an operator's only output; `None` where the file's has to be believed.
fn output(network: &Network<'_>, operator: &Operator) -> Result<Option<Vec<usize>>, Problem> {
    let inputs = Inputs { network, operator };
    let shape = match &operator.kind {
        Kind::Conv(..) => conv(&inputs)?,
        Kind::DepthwiseConv(..) => depthwise_conv(&inputs)?,
        Kind::FullyConnected { keep_dimensions, .. } => fully_connected(&inputs, *keep_dimensions)?,
        Kind::AveragePool(..) | Kind::MaxPool(..) => pool(&inputs)?,
        Kind::Add(_) | Kind::Sub(_) | Kind::Mul(_) | Kind::Maximum | Kind::Minimum => {
            broadcast(&inputs)?
        }
        Kind::Concatenation(axis, _) => concatenation(&inputs, *axis)?,
        Kind::Pad => pad(&inputs)?,
        Kind::Reshape | Kind::Squeeze | Kind::ExpandDims => reshape(&inputs)?,
        Kind::Mean { keep_dimensions } | Kind::ReduceMax { keep_dimensions } => {
            reduced(&inputs, *keep_dimensions)?
        }
        Kind::SpaceToBatch => space_to_batch(&inputs)?,
        Kind::BatchToSpace => batch_to_space(&inputs)?,
        Kind::Transpose => transpose(&inputs)?,
        Kind::StridedSlice(_) if operator.constant => return Ok(None),
        Kind::StridedSlice(_) | Kind::Slice => match Slice::of(network, operator) {
            Some(slice) => slice.shape(),
            // What is computed, or nothing: no kernel takes it.
            None => return Ok(None),
        },
        Kind::Prelu => prelu(&inputs)?,
        Kind::Softmax { .. }
        | Kind::Gelu { .. }
        | Kind::Logistic
        | Kind::Tanh
        | Kind::Relu
        | Kind::Relu6
        | Kind::ReluN1To1
        | Kind::LeakyRelu { .. }
        | Kind::HardSwish
        | Kind::Quantize
        | Kind::Dequantize => inputs.shape_of_only()?,
        Kind::Shape | Kind::Pack | Kind::Other(_) => return Ok(None),
    };
    match elements(&shape) {
        Some(_) => Ok(Some(shape)),
        None => Err(inputs.misfit("the output would be too large")),
    }
}

/// The tensors that an operator reads.
struct Inputs<'n, 'a> {
    network: &'n Network<'a>,
    operator: &'n Operator,
}

impl<'n, 'a> Inputs<'n, 'a> {
    fn count(
        &self,
        counts: std::ops::RangeInclusive<usize>,
        expected: &'static str,
    ) -> Result<(), Problem> {
        let found = self.operator.inputs.len();
        if counts.contains(&found) {
            return Ok(());
        }
        Err(Problem::Count { found, operator: self.operator.kind.name().to_owned(), expected })
    }

    fn tensor(&self, number: usize) -> Result<&'n Tensor<'a>, Problem> {
        match self.operator.inputs.get(number) {
            Some(Some(tensor)) => Ok(&self.network.tensors[*tensor]),
            _ => Err(self.misfit("one that it needs is left out")),
        }
    }

    fn shape(&self, number: usize) -> Result<&'n [usize], Problem> {
        self.tensor(number).map(|tensor| &tensor.shape[..])
    }

    /// A map of batch, rows, columns and channels.
    fn map(&self, number: usize) -> Result<[usize; 4], Problem> {
        let shape = self.shape(number)?;
        shape.try_into().map_err(|_| self.misfit("four dimensions are needed"))
    }

    fn shape_of_only(&self) -> Result<Vec<usize>, Problem> {
        self.count(1..=1, "1")?;
        self.shape(0).map(<[usize]>::to_vec)
    }

    /// The values of a constant of whole numbers, `what` they are for.
    fn constant(&self, number: usize, what: &'static str) -> Result<Vec<i64>, Problem> {
        let tensor = self.operator.inputs.get(number).copied().flatten();
        let values = self.tensor(number)?.integers();
        values.ok_or(Problem::Constant { tensor: tensor.unwrap_or_default(), what })
    }

    /// The constant's values as pairs of sizes.
    fn pairs(&self, number: usize, what: &'static str) -> Result<Vec<[usize; 2]>, Problem> {
        let values = self.constant(number, what)?;
        let (pairs, _) = values.as_chunks();
        let size = |value: i64| {
            u32::try_from(value).map_err(|_| self.misfit("sizes must be 0 or more, below 2^32"))
        };
        pairs.iter().map(|[a, b]| Ok([size(*a)? as usize, size(*b)? as usize])).collect()
    }

    fn misfit(&self, why: &'static str) -> Problem {
        let tensors = self.operator.inputs.iter().flatten().take(4);
        Problem::Inputs {
            shapes: tensors.map(|tensor| self.network.tensors[*tensor].shape.clone()).collect(),
            operator: self.operator.kind.name().to_owned(),
            why,
        }
    }

    /// A bias, if there is one, has as many values as there are filters.
    fn check_bias(&self, filters: usize) -> Result<(), Problem> {
        match self.operator.inputs.get(2) {
            Some(Some(_)) if self.tensor(2)?.elements() != filters => {
                Err(self.misfit("the bias needs a value for each filter"))
            }
            _ => Ok(()),
        }
    }

    /// Rows and columns of the places of the operator's window.
    fn places(&self) -> Result<[usize; 2], Problem> {
        let axes = placed(self.network, self.operator);
        let axes = axes.ok_or_else(|| self.misfit("the window has no place on the map"))?;
        Ok(axes.map(|axis| axis.places))
    }
}

fn conv(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    inputs.count(2..=3, "2 or 3")?;
    let [batch, _, _, channels] = inputs.map(0)?;
    let [filters, _, _, kernel_channels] = inputs.map(1)?;
    if kernel_channels != channels || filters == 0 {
        return Err(
            inputs.misfit("the weights must have the map's channels; groups are not supported")
        );
    }
    inputs.check_bias(filters)?;
    let [rows, columns] = inputs.places()?;
    Ok(vec![batch, rows, columns, filters])
}

fn depthwise_conv(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    inputs.count(2..=3, "2 or 3")?;
    let [batch, _, _, channels] = inputs.map(0)?;
    let [one, _, _, filters] = inputs.map(1)?;
    if one != 1 || channels == 0 || filters == 0 || filters % channels != 0 {
        return Err(inputs.misfit("the weights need a whole number of filters for each channel"));
    }
    inputs.check_bias(filters)?;
    let [rows, columns] = inputs.places()?;
    Ok(vec![batch, rows, columns, filters])
}

fn fully_connected(inputs: &Inputs<'_, '_>, keep: bool) -> Result<Vec<usize>, Problem> {
    inputs.count(2..=3, "2 or 3")?;
    let map = inputs.shape(0)?;
    let &[units, taps] = inputs.shape(1)? else {
        return Err(inputs.misfit("the weights need two dimensions"));
    };
    let values: usize = map.iter().product();
    if taps == 0
        || units == 0
        || !values.is_multiple_of(taps)
        || (keep && map.last() != Some(&taps))
    {
        return Err(inputs.misfit("the map must hold whole rows of the weights"));
    }
    inputs.check_bias(units)?;
    let mut shape = if keep { map[..map.len() - 1].to_vec() } else { vec![values / taps] };
    shape.push(units);
    Ok(shape)
}

fn pool(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    inputs.count(1..=1, "1")?;
    let [batch, _, _, channels] = inputs.map(0)?;
    let [rows, columns] = inputs.places()?;
    Ok(vec![batch, rows, columns, channels])
}

/// Dimensions are compared from the last; 1 takes the other's size.
fn broadcast(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    inputs.count(2..=2, "2")?;
    let [a, b] = [inputs.shape(0)?, inputs.shape(1)?];
    let side = |shape: &[usize], from_last: usize| {
        shape.len().checked_sub(from_last + 1).map_or(1, |index| shape[index])
    };
    let sides = (0..a.len().max(b.len())).rev().map(|from_last| {
        match [side(a, from_last), side(b, from_last)] {
            [a, b] if a == b => Ok(a),
            [1, other] | [other, 1] => Ok(other),
            _ => Err(inputs.misfit("dimensions must be equal, or 1")),
        }
    });
    sides.collect()
}

fn concatenation(inputs: &Inputs<'_, '_>, axis: i32) -> Result<Vec<usize>, Problem> {
    inputs.count(1..=usize::MAX, "1 or more")?;
    let mut shape = inputs.shape(0)?.to_vec();
    let axis = place(axis.into(), shape.len())
        .ok_or_else(|| inputs.misfit("the map has no such dimension"))?;
    for number in 1..inputs.operator.inputs.len() {
        let other = inputs.shape(number)?;
        let sides = shape.iter().zip(other).enumerate();
        let agree = sides.into_iter().all(|(index, (a, b))| index == axis || a == b);
        if other.len() != shape.len() || !agree {
            return Err(inputs.misfit("all dimensions but one must agree"));
        }
        shape[axis] = shape[axis].saturating_add(other[axis]);
    }
    Ok(shape)
}

/// A dimension, counted from the end where it is negative.
fn place(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

fn pad(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    inputs.count(2..=2, "2")?;
    let (shape, padding) = (inputs.shape(0)?, inputs.pairs(1, "the padding")?);
    if padding.len() != shape.len() {
        return Err(inputs.misfit("the padding needs two values for each dimension"));
    }
    Ok(shape.iter().zip(padding).map(|(side, [before, after])| side + before + after).collect())
}

/// The shape of these operators is the file's, if it has as many elements; an open batch has the
/// size that makes them fit.
fn reshape(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    inputs.count(1..=2, "1 or 2")?;
    let output = &inputs.network.tensors[only_output(inputs.operator)?];
    let values: usize = inputs.shape(0)?.iter().product();
    let mut shape = output.shape.clone();
    if output.open_batch && !shape.is_empty() {
        let rest: usize = shape[1..].iter().product();
        shape[0] = values.checked_div(rest).unwrap_or_default();
    }
    match shape.iter().product::<usize>() == values {
        true => Ok(shape),
        false => Err(inputs.misfit("the output has another number of elements")),
    }
}

/// Some dimensions become one value, or none.
fn reduced(inputs: &Inputs<'_, '_>, keep: bool) -> Result<Vec<usize>, Problem> {
    inputs.count(2..=2, "2")?;
    let shape = inputs.shape(0)?;
    let axes = inputs.constant(1, "the dimensions to go over")?;
    let axes = axes.into_iter().map(|axis| place(axis, shape.len())).collect::<Option<Vec<_>>>();
    let axes = axes.ok_or_else(|| inputs.misfit("the map has no such dimension"))?;
    let sides = shape.iter().enumerate().filter_map(|(index, side)| match axes.contains(&index) {
        true => keep.then_some(1),
        false => Some(*side),
    });
    Ok(sides.collect())
}

/// The map's dimensions in another order.
fn transpose(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    inputs.count(2..=2, "2")?;
    let shape = inputs.shape(0)?;
    let order = inputs.constant(1, "the order of dimensions")?;
    let order = order_of(&order, shape.len());
    let order = order.ok_or_else(|| inputs.misfit("each dimension must be named once"))?;
    Ok(order.into_iter().map(|dimension| shape[dimension]).collect())
}

/// An order of dimensions that names each of them once.
pub(super) fn order_of(order: &[i64], rank: usize) -> Option<Vec<usize>> {
    let order = order.iter().map(|axis| place(*axis, rank)).collect::<Option<Vec<_>>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.into_iter().eq(0..rank).then_some(order)
}

/// The map's shape, over which the factors are spread.
fn prelu(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    let shape = broadcast(inputs)?;
    match shape == inputs.shape(0)? {
        true => Ok(shape),
        false => Err(inputs.misfit("there are more factors than values")),
    }
}

/// Blocks become batches: `[batch * blocks, (side + padding) / block, .., channels]`.
fn space_to_batch(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    let (mut shape, blocks, padding) = blocks(inputs)?;
    for (index, (block, [before, after])) in blocks.iter().zip(padding).enumerate() {
        let side = shape[index + 1] + before + after;
        if side % block != 0 {
            return Err(inputs.misfit("blocks must divide the padded map"));
        }
        shape[index + 1] = side / block;
        shape[0] = shape[0].saturating_mul(*block);
    }
    Ok(shape)
}

/// Batches become blocks: `[batch / blocks, side * block - cut, .., channels]`.
fn batch_to_space(inputs: &Inputs<'_, '_>) -> Result<Vec<usize>, Problem> {
    let (mut shape, blocks, cut) = blocks(inputs)?;
    for (index, (block, [before, after])) in blocks.iter().zip(cut).enumerate() {
        let side = shape[index + 1].saturating_mul(*block).checked_sub(before + after);
        shape[index + 1] = side.ok_or_else(|| inputs.misfit("more is cut off than is there"))?;
        if shape[0] % block != 0 {
            return Err(inputs.misfit("blocks must divide the batch"));
        }
        shape[0] /= block;
    }
    Ok(shape)
}

/// The map's shape, the block's size and two more sizes along each of its inner dimensions.
#[allow(clippy::type_complexity, reason = "three lists that go together")]
fn blocks(inputs: &Inputs<'_, '_>) -> Result<(Vec<usize>, Vec<usize>, Vec<[usize; 2]>), Problem> {
    inputs.count(3..=3, "3")?;
    let shape = inputs.shape(0)?.to_vec();
    let blocks = inputs.constant(1, "the block's sizes")?;
    let blocks = blocks.into_iter().map(|block| usize::try_from(block).ok().filter(|b| *b > 0));
    let blocks = blocks.collect::<Option<Vec<_>>>();
    let blocks = blocks.ok_or_else(|| inputs.misfit("blocks must be 1 or more"))?;
    let pairs = inputs.pairs(2, "what is added or cut off")?;
    if blocks.len() + 2 > shape.len() || pairs.len() != blocks.len() {
        return Err(inputs.misfit("one block and two sizes are needed for each inner dimension"));
    }
    Ok((shape, blocks, pairs))
}
