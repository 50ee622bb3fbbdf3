//! Reads tensors: shapes, types, quantisation and the bytes of constants.

use super::error::{Problem, ReadError};
use super::flatbuffer::{Field, Table};
use super::network::{ElementType, Quantisation, Tensor};

/// Dimensions of a tensor at most.
const RANK_MAX: usize = 8;

/// Elements of a tensor at most: 256 Mi, far more than any small core holds.
const ELEMENTS_MAX: usize = 1 << 28;

const BUFFERS: Field = Field::new(4, "buffers");
const TENSORS: Field = Field::new(0, "tensors");
const SHAPE: Field = Field::new(0, "shape");
const TYPE: Field = Field::new(1, "type");
const BUFFER: Field = Field::new(2, "buffer");
const NAME: Field = Field::new(3, "name");
const QUANTIZATION: Field = Field::new(4, "quantization");
const IS_VARIABLE: Field = Field::new(5, "is_variable");
const SPARSITY: Field = Field::new(6, "sparsity");
const SHAPE_SIGNATURE: Field = Field::new(7, "shape_signature");
const VARIANT_TENSORS: Field = Field::new(9, "variant_tensors");
const EXTERNAL_BUFFER: Field = Field::new(10, "external_buffer");

/// Reads the tensors of a subgraph, with the buffers of the model.
pub(super) fn read<'a>(
    model: Table<'_, 'a>,
    subgraph: Table<'_, 'a>,
) -> Result<Vec<Tensor<'a>>, ReadError> {
    let buffers = model.tables(BUFFERS, "Buffer")?;
    let buffers = buffers.into_iter().map(data).collect::<Result<Vec<_>, _>>()?;
    let tensors = subgraph.tables(TENSORS, "Tensor")?;
    tensors.into_iter().map(|table| tensor(table, &buffers)).collect()
}

/// The numbers of tensors in a field.
pub(super) fn numbers(
    table: Table<'_, '_>,
    field: Field,
    count: usize,
) -> Result<Vec<usize>, ReadError> {
    let numbers = table.numbers(field, i32::from_le_bytes)?;
    let checked = |number: i32| {
        let tensor = usize::try_from(number).ok().filter(|tensor| *tensor < count);
        tensor.ok_or_else(|| table.error(field, Problem::Index { index: number.into(), count }))
    };
    numbers.into_iter().map(checked).collect()
}

/// The bytes of a buffer; empty for a map.
fn data<'a>(buffer: Table<'_, 'a>) -> Result<&'a [u8], ReadError> {
    let offset = Field::new(1, "offset");
    if buffer.u64(offset, 0)? > 0 {
        return Err(buffer.error(offset, Problem::ExternalData));
    }
    Ok(buffer.bytes(Field::new(0, "data"))?.unwrap_or_default())
}

fn tensor<'a>(table: Table<'_, 'a>, buffers: &[&'a [u8]]) -> Result<Tensor<'a>, ReadError> {
    refuse_what_is_not_read(table)?;
    let shape = shape(table)?;
    let element = table.u8(TYPE, 0)?;
    let element = ElementType::numbered(element)
        .ok_or_else(|| table.error(TYPE, Problem::Unknown { found: element.into() }))?;
    let quantisation = match table.table(QUANTIZATION, "quantization")? {
        Some(parameters) => quantisation(parameters, &shape, element)?,
        None => None,
    };
    let (name, open_batch) = (table.string(NAME)?, open_batch(table)?);
    let data = constant(table, buffers, &shape, element)?;
    Ok(Tensor { name, shape, open_batch, element, quantisation, data })
}

fn refuse_what_is_not_read(table: Table<'_, '_>) -> Result<(), ReadError> {
    if table.bool(IS_VARIABLE)? {
        return Err(table.error(IS_VARIABLE, Problem::Variable));
    }
    if table.has(SPARSITY)? {
        return Err(table.error(SPARSITY, Problem::Sparse));
    }
    if table.has(VARIANT_TENSORS)? {
        return Err(table.error(VARIANT_TENSORS, Problem::Variable));
    }
    match table.u32(EXTERNAL_BUFFER, 0)? {
        0 => Ok(()),
        _ => Err(table.error(EXTERNAL_BUFFER, Problem::ExternalData)),
    }
}

fn shape(table: Table<'_, '_>) -> Result<Vec<usize>, ReadError> {
    let found = table.numbers(SHAPE, i32::from_le_bytes)?;
    let sides = found.iter().map(|side| usize::try_from(*side).ok()).collect::<Option<Vec<_>>>();
    let Some(shape) = sides.filter(|sides| sides.len() <= RANK_MAX) else {
        let found = found.into_iter().take(RANK_MAX + 1).collect();
        return Err(table.error(SHAPE, Problem::Shape { found }));
    };
    match elements(&shape) {
        Some(_) => Ok(shape),
        None => Err(table.error(SHAPE, Problem::TooLarge { found, limit: ELEMENTS_MAX })),
    }
}

/// The number of elements; `None` of too many. A dimension of 0 hides no large one.
pub(super) fn elements(shape: &[usize]) -> Option<usize> {
    let sides = shape.iter().map(|side| (*side).max(1));
    let bound = sides.into_iter().try_fold(1, |product: usize, side| product.checked_mul(side))?;
    (bound <= ELEMENTS_MAX).then(|| shape.iter().product())
}

/// Whether the batch is open. Nothing else may be.
fn open_batch(table: Table<'_, '_>) -> Result<bool, ReadError> {
    let mut found = table.numbers(SHAPE_SIGNATURE, i32::from_le_bytes)?;
    if found.iter().skip(1).all(|side| *side >= 0) {
        return Ok(found.first().is_some_and(|batch| *batch < 0));
    }
    found.truncate(RANK_MAX);
    Err(table.error(SHAPE_SIGNATURE, Problem::Dynamic { found }))
}

/// The bytes of a constant, as many as shape and type need; `None` of a map.
fn constant<'a>(
    table: Table<'_, 'a>,
    buffers: &[&'a [u8]],
    shape: &[usize],
    element: ElementType,
) -> Result<Option<&'a [u8]>, ReadError> {
    let (index, count) = (table.u32(BUFFER, 0)?, buffers.len());
    let Some(data) = buffers.get(index as usize) else {
        return Err(table.error(BUFFER, Problem::Index { index: index.into(), count }));
    };
    let elements = shape.iter().product::<usize>() as u64;
    if data.is_empty() && elements > 0 {
        return Ok(None);
    }
    match element.bits().map(|bits| (elements * bits).div_ceil(8)) {
        Some(expected) if expected != data.len() as u64 => {
            Err(table.error(BUFFER, Problem::DataBytes { found: data.len(), expected }))
        }
        _ => Ok(Some(data)),
    }
}

/// Scales and zero points, where there are any.
fn quantisation(
    table: Table<'_, '_>,
    shape: &[usize],
    element: ElementType,
) -> Result<Option<Quantisation>, ReadError> {
    let [scale, zero_point] = [Field::new(2, "scale"), Field::new(3, "zero_point")];
    let details = Field::new(4, "details_type");
    if table.u8(details, 0)? != 0 {
        return Err(table.error(details, Problem::Quantisation));
    }
    let scales = table.numbers(scale, f32::from_le_bytes)?;
    if scales.is_empty() {
        return Ok(None);
    }
    if let Some(found) = scales.iter().copied().find(|scale| !(0.0..=f32::MAX).contains(scale)) {
        return Err(table.error(scale, Problem::Scale { found }));
    }
    let axis = axis(table, shape, scales.len())?;
    let zero_points = table.numbers(zero_point, i64::from_le_bytes)?;
    let zero_points = per_scale(zero_points, scales.len())
        .map_err(|problem| table.error(zero_point, problem))?
        .into_iter()
        .map(|found| checked_zero_point(found, element))
        .collect::<Result<_, _>>()
        .map_err(|problem| table.error(zero_point, problem))?;
    Ok(Some(Quantisation { scales, zero_points, axis }))
}

/// The dimension that scales are counted along; 0 of a single scale.
fn axis(table: Table<'_, '_>, shape: &[usize], scales: usize) -> Result<usize, ReadError> {
    if scales == 1 {
        return Ok(0);
    }
    let field = Field::new(6, "quantized_dimension");
    let axis = table.i32(field, 0)?;
    let side = usize::try_from(axis).ok().and_then(|axis| Some((axis, *shape.get(axis)?)));
    match side {
        Some((axis, channels)) if channels == scales => Ok(axis),
        Some((_, channels)) => {
            Err(table.error(field, Problem::PerChannel { found: scales, channels }))
        }
        None => Err(table.error(field, Problem::Index { index: axis.into(), count: shape.len() })),
    }
}

/// One zero point for each scale: 0 if none is given, and one may stand for all.
fn per_scale(zero_points: Vec<i64>, scales: usize) -> Result<Vec<i64>, Problem> {
    match zero_points[..] {
        [] => Ok(vec![0; scales]),
        [one] => Ok(vec![one; scales]),
        _ if zero_points.len() == scales => Ok(zero_points),
        _ => Err(Problem::PerChannel { found: zero_points.len(), channels: scales }),
    }
}

fn checked_zero_point(found: i64, element: ElementType) -> Result<i32, Problem> {
    let inside = |[least, most]: [i64; 2]| (least..=most).contains(&found);
    match element.range() {
        Some(range) if inside(range) => Ok(found as i32),
        None if found == 0 => Ok(0),
        _ => Err(Problem::ZeroPoint { found, element: element.name() }),
    }
}
