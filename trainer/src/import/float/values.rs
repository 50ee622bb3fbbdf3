//! Maps on their way through a file's operators, with how the file counts them, and what the
//! operators of any format do to them.

use std::ops::Range;

use infer::Shape;

use super::array::Array;
use super::layers::{Map, Reduction};
use super::layout::{Layout, Side};
use super::misfit::Misfit;
use super::moving::Moving;
use super::sketch::Sketch;
use crate::ops::{LayerKind, LeakyRelu, add, concat, extremum, mul};

/// A map on its way.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Its number in the sketch.
    pub tensor: usize,
    /// How the file counts it.
    pub layout: Layout,
    /// Whether one operator only reads it, and nothing else what it is another name of.
    pub is_sole: bool,
}

impl Value {
    /// What a layer has just left.
    pub const fn fresh(tensor: usize, layout: Layout) -> Self {
        Self { tensor, layout, is_sole: true }
    }

    /// As the sketch has it.
    pub const fn map(&self) -> Map {
        Map { tensor: self.tensor, is_sole: self.is_sole }
    }

    /// What a layer left that leaves every value in its place.
    pub fn in_place(&self, tensor: usize) -> Self {
        let is_sole = tensor != self.tensor || self.is_sole;
        Self { tensor, layout: self.layout.clone(), is_sole }
    }
}

/// A map as an operator sees it that moves windows over rows and columns.
pub(super) struct Seen {
    /// The map.
    pub value: Value,
    /// Its size as the operator sees it.
    pub shape: Shape,
    /// What each dimension counts.
    sides: Vec<Option<Side>>,
    /// Whether the operator's rows are the map's columns, as in a series, whose moments are rows.
    is_turned: bool,
}

impl Seen {
    /// A map whose dimensions count what `order` says, or rows and columns the other way round.
    pub fn of(sketch: &Sketch, value: Value, order: &[Option<Side>]) -> Result<Self, Misfit> {
        let rank = value.layout.rank().clamp(1, order.len());
        let turned = |side: &Option<Side>| match side {
            Some(Side::Row) => Some(Side::Column),
            Some(Side::Column) => Some(Side::Row),
            other => *other,
        };
        let straight = order[..rank].to_vec();
        let turned: Vec<_> = order[..rank].iter().map(turned).collect();
        let Shape { height, width, channels } = sketch.shape(value.tensor);
        if value.layout.is_of(&straight) {
            let shape = Shape::new(height, width, channels);
            return Ok(Self { value, shape, sides: straight, is_turned: false });
        }
        if value.layout.is_of(&turned) && rank > 2 {
            let shape = Shape::new(width, height, channels);
            return Ok(Self { value, shape, sides: turned, is_turned: true });
        }
        Err("it reads a map that was turned or flattened: export without that".into())
    }

    /// The windows over the sketch's map.
    pub fn moving(&self, moving: Moving) -> Moving {
        if self.is_turned { moving.turned() } else { moving }
    }

    /// The taps `[row][column]…` over the sketch's map.
    pub fn taps(&self, taps: Array) -> Array {
        let order: Vec<usize> = [1, 0].into_iter().chain(2..taps.shape.len()).collect();
        match taps.transposed(&order) {
            Some(turned) if self.is_turned => turned,
            _ => taps,
        }
    }

    /// What a layer left of it.
    pub fn left(&self, sketch: &Sketch, tensor: usize) -> Value {
        let is_sole = tensor != self.value.tensor || self.value.is_sole;
        Value { tensor, layout: Layout::new(sketch.shape(tensor), &self.sides), is_sole }
    }

    /// The sides that its dimensions count.
    pub fn sides(&self) -> &[Option<Side>] {
        &self.sides
    }
}

/// What is done to two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    /// The larger.
    Max,
    /// The smaller.
    Min,
}

impl Sketch {
    /// A function of each value.
    pub fn function(
        &mut self,
        name: &str,
        value: &Value,
        kind: LayerKind,
    ) -> Result<Value, Misfit> {
        let tensor = self.push(name, &[value.tensor], kind, None)?;
        Ok(value.in_place(tensor))
    }

    /// `x`, and below 0 `slope * x`.
    pub fn leaky_relu(&mut self, name: &str, value: &Value, slope: f32) -> Result<Value, Misfit> {
        match (0.0..=1.0).contains(&slope) {
            true => {
                let kind = LayerKind::LeakyRelu(LeakyRelu { slope: Some(slope) });
                self.function(name, value, kind)
            }
            false => Err("its slope is not between 0 and 1: train with one that is".into()),
        }
    }

    /// `x`, and below 0 a factor for each channel times `x`.
    ///
    /// ```text
    /// max(x, a * x) where no factor is above 1, min(x, a * x) where none is below
    /// relu(x) - a * relu(-x) else
    /// ```
    pub fn prelu(&mut self, name: &str, value: &Value, slopes: &Array) -> Result<Value, Misfit> {
        let slopes = self.per_channel(value, slopes)?;
        if self.is_never_negative(value.tensor) {
            return Ok(value.clone());
        }
        if let Some(first) = slopes.first().filter(|first| (0.0..=1.0).contains(*first))
            && slopes.iter().all(|slope| slope == first)
        {
            return self.leaky_relu(name, value, *first);
        }
        let each = |of: fn(f32) -> f32| -> Vec<f32> { slopes.iter().map(|s| of(*s)).collect() };
        let (zeros, map) = (each(|_| 0.0), Map { is_sole: false, ..value.map() });
        let kind = if slopes.iter().all(|slope| *slope <= 1.0) {
            LayerKind::Maximum(extremum::Maximum { activation: None })
        } else if slopes.iter().all(|slope| *slope >= 1.0) {
            LayerKind::Minimum(extremum::Minimum { activation: None })
        } else {
            let negative = self.affine(name, map, [&each(|_| -1.0), &zeros])?;
            let negative = self.relu(name, negative)?;
            let negative = Map { tensor: negative, is_sole: true };
            let negative = self.affine(name, negative, [&each(|slope| -slope), &zeros])?;
            let positive = self.relu(name, value.tensor)?;
            let sum = LayerKind::Add(add::Layer { activation: None });
            let tensor = self.push(name, &[positive, negative], sum, None)?;
            return Ok(Value::fresh(tensor, value.layout.clone()));
        };
        let scaled = self.affine(name, map, [&slopes, &zeros])?;
        let tensor = self.push(name, &[value.tensor, scaled], kind, None)?;
        Ok(Value::fresh(tensor, value.layout.clone()))
    }

    /// Values cut off below and above.
    pub fn clip(
        &mut self,
        name: &str,
        value: &Value,
        [low, high]: [f32; 2],
    ) -> Result<Value, Misfit> {
        // Exporters write the largest number there is where there is no bound.
        let is_open = |bound: f32| bound.abs() > 1e30;
        let each = |bound: f32| vec![bound; self.shape(value.tensor).channels.into()];
        match [is_open(low), is_open(high)] {
            [true, true] => Ok(value.clone()),
            [false, true] => self.cut_off(name, value, false, &each(low)),
            [true, false] => self.cut_off(name, value, true, &each(high)),
            [false, false] if low < high => {
                let tensor = self.limited(name, value.map(), [1.0, 0.0], [low, high])?;
                Ok(value.in_place(tensor))
            }
            _ => Err("values are cut off at two ends, the lower above the upper".into()),
        }
    }

    /// A map and constant numbers, one or one for each channel; `is_first`: the map comes first.
    pub fn with_constant(
        &mut self,
        name: &str,
        value: &Value,
        arithmetic: Arithmetic,
        (constant, is_first): (&Array, bool),
    ) -> Result<Value, Misfit> {
        let numbers = self.per_channel(value, constant)?;
        if let Arithmetic::Max | Arithmetic::Min = arithmetic {
            return self.cut_off(name, value, arithmetic == Arithmetic::Min, &numbers);
        }
        let each = |of: fn(f32) -> f32| -> Vec<f32> { numbers.iter().map(|n| of(*n)).collect() };
        let (ones, zeros) = (each(|_| 1.0), each(|_| 0.0));
        let affine = match (arithmetic, is_first) {
            (Arithmetic::Add, _) => [ones, numbers],
            (Arithmetic::Sub, true) => [ones, each(|number| -number)],
            (Arithmetic::Sub, false) => [each(|_| -1.0), numbers],
            (Arithmetic::Mul, _) => [numbers, zeros],
            (Arithmetic::Div, true) if !numbers.contains(&0.0) => [each(f32::recip), zeros],
            _ => return Err("it divides by a map, or by 0: export without it".into()),
        };
        let tensor = self.affine(name, value.map(), [&affine[0], &affine[1]])?;
        Ok(Value::fresh(tensor, value.layout.clone()))
    }

    /// Values cut off by a number for each channel: from below, or from above where `is_least`.
    ///
    /// ```text
    /// max(x, c) = relu(x - c) + c
    /// min(x, c) = c - relu(c - x)
    /// ```
    fn cut_off(
        &mut self,
        name: &str,
        value: &Value,
        is_least: bool,
        numbers: &[f32],
    ) -> Result<Value, Misfit> {
        let most = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let is_one = numbers.iter().all(|number| *number == most);
        if is_one && is_least && most > 0.0 && self.is_never_negative(value.tensor) {
            return self.clip(name, value, [0.0, most]);
        }
        if is_one && !is_least && most == 0.0 {
            return Ok(value.in_place(self.relu(name, value.tensor)?));
        }
        let sign = if is_least { -1.0 } else { 1.0 };
        let signs = vec![sign; numbers.len()];
        let summands: Vec<f32> = numbers.iter().map(|number| -sign * number).collect();
        let before = self.affine(name, value.map(), [&signs, &summands])?;
        let relu = self.relu(name, before)?;
        let after = self.affine(name, Map { tensor: relu, is_sole: true }, [&signs, numbers])?;
        Ok(Value::fresh(after, value.layout.clone()))
    }

    /// A constant as a number for each channel of a map.
    fn per_channel(&self, value: &Value, array: &Array) -> Result<Vec<f32>, Misfit> {
        let shape = self.shape(value.tensor);
        let channels: usize = shape.channels.into();
        if let [number] = array.values[..] {
            return Ok(vec![number; channels]);
        }
        let offset = value.layout.rank().checked_sub(array.shape.len());
        let offset = offset.ok_or("a constant of more dimensions than the map")?;
        let dimensions = &value.layout.dimensions()[offset..];
        let sizes = &value.layout.sizes()[offset..];
        let mut sides = array.shape.iter().zip(sizes);
        if !sides.all(|(size, of_map)| *size == 1 || size == of_map) {
            return Err(
                "a constant that is larger than the map: only one number, or one for each \
                        channel, is known"
                    .into(),
            );
        }
        let why = "a constant that is another for each pixel: only one number, or one for each \
                   channel, is known";
        let mut numbers = vec![None; channels];
        for (place, number) in array.values.iter().enumerate() {
            let known = match channel_of(place, &array.shape, dimensions) {
                Some(channel) => &mut numbers[channel..=channel],
                None => &mut numbers[..],
            };
            if known.iter().flatten().any(|known| known != number) {
                return Err(why.into());
            }
            known.fill(Some(*number));
        }
        Ok(numbers.into_iter().collect::<Option<_>>().ok_or(why)?)
    }

    /// Two maps, value by value, or a map times a factor for each channel.
    pub fn of_maps(
        &mut self,
        name: &str,
        arithmetic: Arithmetic,
        [a, b]: [Value; 2],
    ) -> Result<Value, Misfit> {
        let kind = match arithmetic {
            Arithmetic::Add => LayerKind::Add(add::Layer { activation: None }),
            Arithmetic::Mul => LayerKind::Mul(mul::Layer { activation: None }),
            Arithmetic::Max => LayerKind::Maximum(extremum::Maximum { activation: None }),
            Arithmetic::Min => LayerKind::Minimum(extremum::Minimum { activation: None }),
            _ => {
                return Err(
                    "a difference or quotient of maps: only sums, products and the larger \
                            or smaller of two are known"
                        .into(),
                );
            }
        };
        let is_vector = |value: &Value| {
            let Shape { height, width, .. } = self.shape(value.tensor);
            (height, width) == (1, 1)
        };
        let swaps = arithmetic == Arithmetic::Mul && is_vector(&a) && !is_vector(&b);
        let [a, b] = if swaps { [b, a] } else { [a, b] };
        // Dimensions are matched from the last one.
        let rank = a.layout.rank().max(b.layout.rank());
        let [a, b] = [a, b].map(|value| Value { layout: value.layout.with_rank(rank), ..value });
        let is_spread = arithmetic == Arithmetic::Mul && is_vector(&b);
        let is_same = |at| {
            let [a, b] = [a.layout.dimension(at), b.layout.dimension(at)];
            a == b || b.is_empty() && is_spread
        };
        let channels = [&a, &b].map(|value| self.shape(value.tensor).channels);
        if !(0..rank).all(is_same) || channels[0] != channels[1] {
            return Err("the maps are of different sizes, or turned: only a product spreads one \
                        over the other, a factor for each channel; make them alike before"
                .into());
        }
        let [first, second] = self.distinct(name, &[a.tensor, b.tensor])?[..] else {
            return Err("it reads too few values".into());
        };
        let tensor = self.push(name, &[first, second], kind, None)?;
        Ok(Value::fresh(tensor, a.layout))
    }

    /// The tensors with copies of those that come again.
    fn distinct(&mut self, name: &str, tensors: &[usize]) -> Result<Vec<usize>, Misfit> {
        let mut distinct: Vec<usize> = vec![];
        for tensor in tensors {
            let is_there = distinct.contains(tensor);
            distinct.push(if is_there { self.copy(name, *tensor)? } else { *tensor });
        }
        Ok(distinct)
    }

    /// Maps side by side in their channels.
    pub fn side_by_side(
        &mut self,
        name: &str,
        values: &[Value],
        axis: i64,
    ) -> Result<Value, Misfit> {
        let [first, rest @ ..] = values else { return Err("it reads nothing".into()) };
        if rest.is_empty() {
            return Ok(first.clone());
        }
        let rank = first.layout.rank();
        let axis = dimension(axis, rank)?;
        let fits = |value: &Value| {
            let shape = self.shape(value.tensor);
            value.layout.rank() == rank
                && value.layout.counts(axis, Side::Channel, shape)
                && value.layout.without(&[axis]) == first.layout.without(&[axis])
        };
        if !values.iter().all(fits) {
            return Err(
                "it joins maps along another side than their channels, or flattened ones: \
                        join them before they are flattened"
                    .into(),
            );
        }
        let tensors: Vec<usize> = values.iter().map(|value| value.tensor).collect();
        let tensors = self.distinct(name, &tensors)?;
        let kind = LayerKind::Concat(concat::Layer { activation: None });
        let tensor = self.push(name, &tensors, kind, None)?;
        Ok(Value::fresh(tensor, first.layout.with(axis, Side::Channel, self.shape(tensor))))
    }

    /// Weights times what the last dimension counts: of a vector a dense layer, of a map's channels
    /// a convolution of one tap.
    pub fn times(
        &mut self,
        name: &str,
        value: &Value,
        weights: Matrix,
        bias: Vec<f32>,
    ) -> Result<Value, Misfit> {
        let (shape, layout) = (self.shape(value.tensor), &value.layout);
        let last = layout.rank().saturating_sub(1);
        let is_vector = (0..last).all(|dimension| layout.dimension(dimension).is_empty());
        let tensor = if is_vector {
            self.dense(name, value.tensor, weights.in_order_of(layout)?, bias)?
        } else if layout.counts(last, Side::Channel, shape) {
            self.product(name, value.tensor, weights.values, bias)?
        } else {
            return Err("it multiplies rows or columns of a map: only vectors and channels are \
                        multiplied"
                .into());
        };
        Ok(Value::fresh(tensor, layout.with(last, Side::Channel, self.shape(tensor))))
    }

    /// The mean or the largest over dimensions that count rows or columns, which stay with a size
    /// of 1 or not.
    pub fn reduced_over(
        &mut self,
        reduction: Reduction,
        name: &str,
        value: &Value,
        axes: &[i64],
        stays: bool,
    ) -> Result<Value, Misfit> {
        let rank = value.layout.rank();
        let axes = axes.iter().map(|axis| dimension(*axis, rank));
        let axes = axes.collect::<Result<Vec<_>, _>>()?;
        let counted = axes.iter().flat_map(|axis| value.layout.dimension(*axis));
        let sides: Vec<Side> = counted.map(|(side, _)| *side).collect();
        if sides.contains(&Side::Channel) {
            return Err("it goes over channels: only over rows and columns is it known".into());
        }
        let asked = [Side::Row, Side::Column].map(|side| sides.contains(&side));
        let tensor = self.reduced(reduction, name, value.tensor, asked)?;
        let mut layout = value.layout.without(&axes);
        if !stays {
            let kept: Vec<usize> = (0..rank).filter(|at| !axes.contains(at)).collect();
            layout = layout.transposed(&kept);
        }
        Ok(Value { layout, ..value.in_place(tensor) })
    }

    /// Ranges of rows, columns and channels. Where a convolution reads zeros for the last rows or
    /// columns, it leaves these out; else layers take the ranges.
    pub fn sliced(
        &mut self,
        name: &str,
        seen: &Seen,
        ranges: &[(Side, Range<usize>)],
    ) -> Result<Value, Misfit> {
        if ranges.iter().any(|(_, range)| range.is_empty()) {
            return Err("it leaves nothing".into());
        }
        let mut tensor = seen.value.tensor;
        let shape = self.shape(tensor);
        let end = |asked: Side| {
            let mut of_side = ranges.iter().filter(|(side, _)| *side == asked);
            let range = of_side.next().map(|(_, range)| range).filter(|range| range.start == 0);
            range.map_or(0, |range| asked.of(shape) - range.end)
        };
        let ends = [end(Side::Row), end(Side::Column)];
        let is_cropped = self.cropped(seen.value.map(), ends)?;
        for (side, range) in ranges {
            let is_done = is_cropped && *side != Side::Channel && range.start == 0;
            if !is_done {
                tensor = self.part(name, tensor, *side, range)?;
            }
        }
        Ok(seen.left(self, tensor))
    }

    /// A border of zeros: before and after what each dimension counts.
    pub fn bordered(
        &mut self,
        name: &str,
        seen: &Seen,
        zeros: &[[usize; 2]],
    ) -> Result<Value, Misfit> {
        let mut moving = Moving::POINT;
        for (side, zeros) in seen.sides().iter().zip(zeros) {
            let axis = match side {
                Some(Side::Row) => 0,
                Some(Side::Column) => 1,
                _ if *zeros == [0, 0] => continue,
                _ => return Err("a border of channels: only rows and columns have one".into()),
            };
            [moving.border[2 * axis], moving.border[2 * axis + 1]] = *zeros;
        }
        let tensor = self.pad(name, seen.value.tensor, moving.border()?)?;
        Ok(seen.left(self, tensor))
    }
}

/// The channel that a value of an array belongs to, whose dimensions are of size 1 or those of a
/// map; `None` where that is all of them.
fn channel_of(mut place: usize, shape: &[usize], map: &[Vec<(Side, usize)>]) -> Option<usize> {
    let mut channel = None;
    for (size, counted) in shape.iter().zip(map).rev().filter(|(size, _)| **size > 1) {
        let mut at = place % size;
        place /= size;
        for (side, length) in counted.iter().rev() {
            if *side == Side::Channel {
                channel = Some(at % length);
            }
            at /= length;
        }
    }
    channel
}

/// The dimension that an option counts, from the end where it is negative.
pub(super) fn dimension(axis: i64, rank: usize) -> Result<usize, Misfit> {
    let axis = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    let axis = usize::try_from(axis).ok().filter(|axis| *axis < rank);
    Ok(axis.ok_or("it names a dimension that the map does not have")?)
}

/// Weights `[input][output]`.
pub(super) struct Matrix {
    /// How many outputs there are.
    pub outputs: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// Of an array of two dimensions, which `is_turned`: has the outputs first.
    pub fn of(array: &Array, is_turned: bool) -> Result<Self, Misfit> {
        let turned = if is_turned { array.transposed(&[1, 0]) } else { Some(array.clone()) };
        match turned {
            Some(Array { shape, values }) if shape.len() == 2 => {
                Ok(Self { outputs: shape[1], values })
            }
            _ => Err("weights that are no matrix: export a product with one".into()),
        }
    }

    /// All of them times a factor.
    pub fn times(mut self, factor: f32) -> Self {
        self.values.iter_mut().for_each(|value| *value *= factor);
        self
    }

    /// The inputs in the order in which a map lies in memory: rows, columns, channels.
    fn in_order_of(self, layout: &Layout) -> Result<Vec<f32>, Misfit> {
        let mut step = self.outputs;
        let mut steps = [[1, 0]; 3];
        for (side, length) in layout.sides().iter().rev() {
            steps[*side as usize] = [*length, step];
            step *= length;
        }
        if step != self.values.len() {
            return Err("weights that do not fit the map".into());
        }
        let [rows, columns, channels] =
            steps.map(|[length, step]| (0..length).map(move |at| at * step));
        let pixels = rows.flat_map(|row| columns.clone().map(move |column| row + column));
        let starts = pixels.flat_map(|pixel| channels.clone().map(move |channel| pixel + channel));
        Ok(starts.flat_map(|start| &self.values[start..start + self.outputs]).copied().collect())
    }
}
