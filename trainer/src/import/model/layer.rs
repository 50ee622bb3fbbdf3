//! A layer of the model without its edges, and layers that only say the same in another way.

use infer::Shape;
use infer::format::{OutputQuant, Tensor};
use infer::quant::ChannelParameters;

use crate::import::tflite::reference::{Factor, Filters, Misfit};
use crate::ops::{PlainKind, average_pool, concat, depthwise, lookup};

/// A layer without its edges.
pub(super) struct Made {
    /// What it is called beside the operator that it is made for, of which it is a part.
    pub part: &'static str,
    pub kind: PlainKind,
    pub output: Tensor,
    pub channels: Vec<ChannelParameters>,
    pub weights: Vec<i8>,
}

impl Made {
    /// A layer without weights.
    pub fn plain(part: &'static str, kind: PlainKind, output: Tensor) -> Self {
        Self { part, kind, output, channels: vec![], weights: vec![] }
    }

    /// A function of one value.
    pub fn lookup(part: &'static str, output: Tensor, answer: impl Fn(i8) -> i8) -> Self {
        let kind = PlainKind::Lookup(lookup::Plain { origin: [0, 0] });
        Self { weights: all_values().map(answer).collect(), ..Self::plain(part, kind, output) }
    }

    /// The same values with another meaning.
    pub fn relabelled(input: Tensor, quant: OutputQuant) -> Self {
        Self::lookup("relabelled", Tensor { quant, ..input }, |value| value)
    }

    /// A map within a border of zeros.
    pub fn border(input: Tensor, [above, left]: [i16; 2], [height, width]: [u16; 2]) -> Self {
        let shape = Shape { height, width, ..input.shape };
        let kind = side_by_side(1, [-above, -left]);
        Self::plain("border", kind, Tensor { shape, ..input })
    }

    /// A pixel, a row or a column again and again: averages of windows in which there is only one.
    pub fn spread(input: Tensor, [height, width]: [u16; 2]) -> Result<Self, Misfit> {
        let along = |has: u16, wants: u16| match (has, wants) {
            (has, wants) if has == wants => Ok((1, 0)),
            (1, wants) => {
                let reach = wants.checked_mul(2).ok_or(Misfit::Size)? - 1;
                Ok((reach, -i16::try_from(wants - 1).map_err(|_| Misfit::Size)?))
            }
            _ => Err(Misfit::Broadcast),
        };
        let rows = along(input.shape.height, height)?;
        let columns = along(input.shape.width, width)?;
        let (size, origin) = ([rows.0, columns.0], [rows.1, columns.1]);
        let pool = average_pool::Plain { size, stride: [1, 1], origin };
        let shape = Shape { height, width, ..input.shape };
        Ok(Self::plain("spread", PlainKind::AveragePool(pool), Tensor { shape, ..input }))
    }

    /// The one channel of a map again and again.
    pub fn repeated(input: Tensor, channels: u16) -> Self {
        let zero = i32::from(input.quant.zero_point);
        let parameters = ChannelParameters { bias: -zero, ..ONE };
        let shape = Shape { channels, ..input.shape };
        Self {
            channels: vec![parameters; channels.into()],
            weights: vec![1; channels.into()],
            ..Self::plain("repeated", pointwise(), Tensor { shape, ..input })
        }
    }

    /// A pixel of constants, made from a map with as many channels, or with one: of weights 0
    /// nothing but the biases is left.
    pub fn constant(values: &[i8], quant: OutputQuant) -> Result<Self, Misfit> {
        let count = u16::try_from(values.len()).map_err(|_| Misfit::Size)?;
        let bias = |value: &i8| i32::from(*value) - i32::from(quant.zero_point);
        let channels = values.iter().map(|value| ChannelParameters { bias: bias(value), ..ONE });
        Ok(Self {
            channels: channels.collect(),
            weights: vec![0; values.len()],
            ..Self::plain("constant", pointwise(), Tensor { shape: Shape::vector(count), quant })
        })
    }
}

/// A factor of 1.
const ONE: ChannelParameters = ChannelParameters { bias: 0, multiplier: 1 << 30, shift: Some(1) };

/// A depthwise convolution that looks at one pixel.
pub(super) fn pointwise() -> PlainKind {
    PlainKind::Depthwise(depthwise::Plain { kernel: [1, 1], stride: [1, 1], origin: [0, 0] })
}

/// Some maps as they are, from this place on.
pub(super) fn side_by_side(count: usize, origin: [i16; 2]) -> PlainKind {
    const SHIFT: u8 = 14;
    let multipliers = [1 << SHIFT; 2];
    PlainKind::Concat(concat::Plain { count, origins: [origin; 2], multipliers, shift: SHIFT })
}

/// All values in the order of a table: that to value `v` at place `v as u8`.
pub(super) fn all_values() -> impl Iterator<Item = i8> {
    (0..=u8::MAX).map(u8::cast_signed)
}

/// The numbers of each filter, with the input's zero point in the bias.
pub(super) fn channels(filters: &Filters) -> Result<Vec<ChannelParameters>, Misfit> {
    let of_filter = filters.weights.len() / filters.bias.len().max(1);
    let numbers = filters.bias.iter().zip(&filters.factors);
    let channel = |((bias, factor), weights): ((&i32, &Factor), &[i8])| {
        channel(*bias, *factor, filters.input_zero_point, weights)
    };
    numbers.zip(filters.weights.chunks(of_filter.max(1))).map(channel).collect()
}

/// The numbers of a filter.
pub(super) fn channel(
    bias: i32,
    factor: Factor,
    input_zero_point: i32,
    weights: &[i8],
) -> Result<ChannelParameters, Misfit> {
    let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
    let bias = i64::from(bias) - i64::from(input_zero_point) * sum;
    let size: u64 = weights.iter().map(|weight| u64::from(weight.unsigned_abs())).sum();
    if !factor.fits(bias.unsigned_abs() + 128 * size) {
        return Err(Misfit::Range);
    }
    let shift = Some(factor.shift as i8);
    Ok(ChannelParameters { bias: bias as i32, multiplier: factor.multiplier, shift })
}

/// A range, where it leaves less than saturation does.
pub(super) fn beyond_saturation(range: [i32; 2]) -> Option<[i32; 2]> {
    (range != [i8::MIN, i8::MAX].map(i32::from)).then_some(range)
}

/// Sides of a kernel or strides.
pub(super) fn small(sides: [usize; 2]) -> Result<[u8; 2], Misfit> {
    let [rows, columns] = sides.map(|side| u8::try_from(side).map_err(|_| Misfit::Size));
    Ok([rows?, columns?])
}

/// Rows and columns.
pub(super) fn both(sides: [usize; 2]) -> Result<[u16; 2], Misfit> {
    let [rows, columns] = sides.map(|side| u16::try_from(side).map_err(|_| Misfit::Size));
    Ok([rows?, columns?])
}

/// Rows and columns before a map.
pub(super) fn before(sides: [usize; 2]) -> Result<[i16; 2], Misfit> {
    let [rows, columns] = sides.map(|side| i16::try_from(side).map_err(|_| Misfit::Size));
    Ok([rows?, columns?])
}
