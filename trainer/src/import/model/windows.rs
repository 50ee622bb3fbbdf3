//! Operators whose windows move over a map: convolutions, poolings, means, dense layers.

use infer::Shape;
use infer::format::Tensor;

use super::layer::{Made, before, both, channel, channels, small};
use super::lowering::Lowering;
use super::order::in_order;
use super::value::{Value, quant, turn};
use crate::import::tflite::reference::{
    Conv, Factor, Filters, FullyConnected, Largest, Mean, Misfit, Node,
};
use crate::import::tflite::{Window, placed};
use crate::ops::{PlainKind, average_pool, conv, dense, depthwise, max_pool};

/// Least multiplier of a convolution that is not 0.
const NORMAL: i32 = 1 << 30;

/// How a window moves over the model's map; each pair is rows and columns.
struct Moving {
    value: Value,
    turned: bool,
    size: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Rows and columns before the map at which the first window begins.
    before: [usize; 2],
    places: [usize; 2],
}

impl Moving {
    /// What it leaves, with this number of channels.
    fn output(&self, node: Node<'_>, channels: u16) -> Result<Tensor, Misfit> {
        let [height, width] = both(self.places)?;
        let shape = Shape { height, width, channels };
        Ok(Tensor { shape, quant: quant(node.output()?)? })
    }

    fn origin(&self) -> Result<[i16; 2], Misfit> {
        Ok(before(self.before)?.map(|side| -side))
    }

    /// Rows and columns that all windows reach, from the first of them on, or the whole map.
    fn reach(&self) -> Result<[u16; 2], Misfit> {
        let shape = self.value.shape();
        let reach = |axis: usize, side: u16| {
            let windows = (self.places[axis] - 1) * self.stride[axis] + self.size[axis];
            windows.max(self.before[axis] + usize::from(side))
        };
        both([reach(0, shape.height), reach(1, shape.width)])
    }

    fn leaves_the_map(&self) -> Result<bool, Misfit> {
        let shape = self.value.shape();
        Ok(self.reach()? != [shape.height, shape.width])
    }
}

impl Lowering<'_, '_> {
    fn moving(&self, node: Node<'_>, window: Window, size: [usize; 2]) -> Result<Moving, Misfit> {
        let value = self.value(node, 0)?;
        let turned = value.turned()?;
        let axes = placed(node.network, node.operator).ok_or(Misfit::Count)?;
        let outside = axes.iter().any(|axis| axis.before + axis.after > 0);
        let mut moving = Moving {
            value,
            turned,
            size: turn(size, turned),
            stride: turn(window.stride, turned),
            dilation: turn(window.dilation, turned),
            before: turn(axes.map(|axis| axis.before), turned),
            places: turn(axes.map(|axis| axis.places), turned),
        };
        let Some(split) = self.split_of(node)? else { return Ok(moving) };
        if moving.stride != [1, 1] || outside {
            return Err(Misfit::Batches);
        }
        let sides = [value.shape().height, value.shape().width];
        for axis in [0, 1] {
            moving.dilation[axis] *= split.block[axis];
            let [first, last] = split.zeros[axis];
            let extent = (moving.size[axis] - 1) * moving.dilation[axis];
            let places = (first + usize::from(sides[axis]) + last).checked_sub(extent);
            moving.places[axis] = places.filter(|places| *places > 0).ok_or(Misfit::Batches)?;
            moving.before[axis] = first;
        }
        Ok(moving)
    }

    pub fn conv(&mut self, node: Node<'_>, window: Window) -> Result<Value, Misfit> {
        let filters = Conv::full(node)?.filters();
        let &[_, rows, columns, depth] = &node.input(1)?.shape[..] else {
            return Err(Misfit::Count);
        };
        let moving = self.moving(node, window, [rows, columns])?;
        let turned = |filter: &[i8]| turned_taps(filter, [rows, columns], depth, moving.turned);
        let each = (rows * columns * depth).max(1);
        let filters =
            Filters { weights: filters.weights.chunks(each).flat_map(turned).collect(), ..filters };
        let kind = PlainKind::Conv(conv::Plain {
            kernel: small(moving.size)?,
            stride: small(moving.stride)?,
            dilation: small(moving.dilation)?,
            origin: moving.origin()?,
            pool: [1, 1],
        });
        self.weighted(node, &moving, kind, filters)
    }

    /// Its taps lie apart where there are zeros between them.
    pub fn depthwise(&mut self, node: Node<'_>, window: Window) -> Result<Value, Misfit> {
        let filters = Conv::depthwise(node)?.filters();
        let &[_, rows, columns, count] = &node.input(1)?.shape[..] else {
            return Err(Misfit::Count);
        };
        let mut moving = self.moving(node, window, [rows, columns])?;
        // The file has the filters side by side, tap after tap.
        let of_filter = |filter| {
            let taps: Vec<i8> =
                filters.weights.iter().skip(filter).step_by(count.max(1)).copied().collect();
            turned_taps(&taps, [rows, columns], 1, moving.turned)
        };
        let apart = |taps: Vec<i8>| with_zeros(&taps, moving.size, moving.dilation);
        let weights = (0..count).flat_map(|filter| apart(of_filter(filter))).collect();
        let filters = Filters { weights, ..filters };
        moving.size = [0, 1].map(|axis| (moving.size[axis] - 1) * moving.dilation[axis] + 1);
        let kind = PlainKind::Depthwise(depthwise::Plain {
            kernel: small(moving.size)?,
            stride: small(moving.stride)?,
            origin: moving.origin()?,
        });
        self.weighted(node, &moving, kind, filters)
    }

    /// A layer with weights, filter after filter.
    fn weighted(
        &mut self,
        node: Node<'_>,
        moving: &Moving,
        kind: PlainKind,
        filters: Filters,
    ) -> Result<Value, Misfit> {
        let count = u16::try_from(filters.bias.len()).map_err(|_| Misfit::Size)?;
        let output = moving.output(node, count)?;
        let channels = channels(&filters)?;
        let weights = filters.weights;
        let made = Made { channels, weights, ..Made::plain("", kind, output) };
        self.finish(node, vec![moving.value.edge], Some(moving.turned), made)
    }

    /// All values of a map, or the channels of each pixel.
    pub fn fully_connected(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        let filters = FullyConnected::new(node)?.filters();
        let inputs = filters.weights.len().checked_div(filters.bias.len());
        let ((value, order), inputs) = (self.in_any_order(node)?, inputs.ok_or(Misfit::Count)?);
        let units = u16::try_from(filters.bias.len()).map_err(|_| Misfit::Size)?;
        let (channels, shape) = (channels(&filters)?, value.shape());
        let (kind, shape, turned) = if shape.len() == inputs {
            (PlainKind::Dense(dense::Plain), Shape::vector(units), Some(false))
        } else if order.is_some() {
            return Err(Misfit::Transposed);
        } else if usize::from(shape.channels) == inputs {
            (one_pixel(), Shape { channels: units, ..shape }, value.turned)
        } else {
            return Err(Misfit::Reshaped);
        };
        let output = Tensor { shape, quant: quant(node.output()?)? };
        let weights = in_order(filters.weights, order.as_ref());
        let made = Made { channels, weights, ..Made::plain("", kind, output) };
        self.finish(node, vec![value.edge], turned, made)
    }

    /// Windows may reach outside of the map: only what lies inside counts.
    pub fn average_pool(
        &mut self,
        node: Node<'_>,
        size: [usize; 2],
        window: Window,
    ) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        let moving = self.moving(node, window, size)?;
        let (size, stride) = (both(moving.size)?, small(moving.stride)?);
        let pool = average_pool::Plain { size, stride, origin: moving.origin()? };
        let output = moving.output(node, moving.value.shape().channels)?;
        let made = Made::plain("", PlainKind::AveragePool(pool), output);
        self.finish(node, vec![moving.value.edge], Some(moving.turned), made)
    }

    /// Outside of the map lies the least value: there is a border of it where windows reach there.
    pub fn max_pool(
        &mut self,
        node: Node<'_>,
        size: [usize; 2],
        window: Window,
    ) -> Result<Value, Misfit> {
        node.same_scale(1)?;
        let moving = self.moving(node, window, size)?;
        let (size, stride) = (small(moving.size)?, small(moving.stride)?);
        let kind = PlainKind::MaxPool(max_pool::Plain { size, stride, origin: [0, 0] });
        let output = moving.output(node, moving.value.shape().channels)?;
        if !moving.leaves_the_map()? {
            let made = Made::plain("", kind, output);
            return self.finish(node, vec![moving.value.edge], Some(moving.turned), made);
        }
        let mut edge = moving.value.edge;
        let least = infer::format::OutputQuant { zero_point: i8::MIN, ..output.quant };
        if edge.tensor.quant != least {
            edge = self.push(node, vec![edge], Made::relabelled(edge.tensor, least));
        }
        let border = Made::border(edge.tensor, before(moving.before)?, moving.reach()?);
        edge = self.push(node, vec![edge], border);
        if output.quant == least {
            let made = Made::plain("", kind, output);
            return self.finish(node, vec![edge], Some(moving.turned), made);
        }
        let made = Made::plain("pooled", kind, Tensor { quant: least, ..output });
        edge = self.push(node, vec![edge], made);
        let made = Made::relabelled(edge.tensor, output.quant);
        self.finish(node, vec![edge], Some(moving.turned), Made { part: "", ..made })
    }

    /// A convolution whose weights are all 1.
    pub fn mean(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        let factor = Mean::new(node)?.factor();
        let Over { value, turned, size: [rows, columns], left: [height, width], channels: all } =
            self.over(node)?;
        let shape = value.shape();
        let (kernel, taps) = (small([rows, columns])?, rows * columns);
        let (stride, origin) = ([1, 1], [0, 0]);
        let depth = if all { usize::from(shape.channels) } else { 1 };
        let factor = without_remainder(factor, taps * depth);
        let is_normal = factor.multiplier == 0 || factor.multiplier >= NORMAL;
        let (kind, channels, each) = match all {
            // Only depthwise layers have other multipliers.
            true if !is_normal => return Err(Misfit::MeanOfChannels),
            true => {
                let (dilation, pool) = ([1, 1], [1, 1]);
                let conv = conv::Plain { kernel, stride, dilation, origin, pool };
                (PlainKind::Conv(conv), 1, taps * usize::from(shape.channels))
            }
            false => {
                let depthwise = depthwise::Plain { kernel, stride, origin };
                (PlainKind::Depthwise(depthwise), shape.channels, taps)
            }
        };
        let zero_point = value.zero_point().into();
        let weights = vec![1; usize::from(channels) * each];
        let parameters = channel(0, factor, zero_point, &weights[..each])?;
        let output =
            Tensor { shape: Shape { height, width, channels }, quant: quant(node.output()?)? };
        let channels = vec![parameters; channels.into()];
        let made = Made { channels, weights, ..Made::plain("", kind, output) };
        self.finish(node, vec![value.edge], Some(turned), made)
    }
}

/// The factor of a mean of this many values, or 0 where it leaves nothing of any of them: rounding
/// is monotone. Such a factor's multiplier is smaller than that of a convolution.
fn without_remainder(factor: Factor, count: usize) -> Factor {
    let most = i32::try_from(255 * count).unwrap_or(i32::MAX);
    match [most, -most].map(|sum| factor.scale(sum)) {
        [0, 0] => Factor { multiplier: 0, shift: 0 },
        _ => factor,
    }
}

/// What an operator goes over that makes one value of many; sides are rows and columns.
struct Over {
    value: Value,
    turned: bool,
    /// How many values become one.
    size: [usize; 2],
    /// How many are left.
    left: [u16; 2],
    /// Whether it goes over channels.
    channels: bool,
}

impl Lowering<'_, '_> {
    /// The sides that the second input of an operator names.
    fn over(&self, node: Node<'_>) -> Result<Over, Misfit> {
        let (value, rank) = (self.value(node, 0)?, node.input(0)?.shape.len() as i64);
        let turned = value.turned()?;
        let from_last = |axis: i64| if axis < 0 { -axis } else { rank - axis };
        let axes: Vec<i64> = node.integers(1)?.into_iter().map(from_last).collect();
        let [over_rows, over_columns] = turn([axes.contains(&3), axes.contains(&2)], turned);
        let shape = value.shape();
        let along = |is_over: bool, side: u16| if is_over { [side, 1] } else { [1, side] };
        let ([rows, height], [columns, width]) =
            (along(over_rows, shape.height), along(over_columns, shape.width));
        let (size, left) = ([rows.into(), columns.into()], [height, width]);
        Ok(Over { value, turned, size, left, channels: axes.contains(&1) })
    }

    /// The largest value of rows, of columns or of both: a pooling whose window is all of them.
    pub fn largest(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        Largest::new(node)?;
        let Over { value, turned, size, left: [height, width], channels } = self.over(node)?;
        if channels && value.shape().channels > 1 {
            return Err(Misfit::LargestChannel);
        }
        let (size, stride, origin) = (small(size)?, [1, 1], [0, 0]);
        let shape = Shape { height, width, ..value.shape() };
        let kind = PlainKind::MaxPool(max_pool::Plain { size, stride, origin });
        let output = Tensor { shape, quant: quant(node.output()?)? };
        self.finish(node, vec![value.edge], Some(turned), Made::plain("", kind, output))
    }
}

/// A convolution that looks at one pixel.
fn one_pixel() -> PlainKind {
    let (kernel, stride, dilation, pool) = ([1, 1], [1, 1], [1, 1], [1, 1]);
    PlainKind::Conv(conv::Plain { kernel, stride, dilation, origin: [0, 0], pool })
}

/// The taps of a filter, of `depth` values each, in the order of the model's map.
fn turned_taps(filter: &[i8], [rows, columns]: [usize; 2], depth: usize, turned: bool) -> Vec<i8> {
    if !turned {
        return filter.to_vec();
    }
    let places = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
    places.flat_map(|place| filter[place * depth..][..depth].iter().copied()).collect()
}

/// Taps with zeros between them.
fn with_zeros(taps: &[i8], [rows, columns]: [usize; 2], dilation: [usize; 2]) -> Vec<i8> {
    let [height, width] = [(rows - 1) * dilation[0] + 1, (columns - 1) * dilation[1] + 1];
    let mut apart = vec![0; height * width];
    for (place, tap) in taps.iter().enumerate() {
        let (row, column) = (place / columns, place % columns);
        apart[row * dilation[0] * width + column * dilation[1]] = *tap;
    }
    apart
}
