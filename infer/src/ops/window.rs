//! Walking maps: rows at places that may lie outside, and all places in order.

use crate::shape::Shape;

/// Row `number` of a map; empty when it lies outside.
#[inline(always)]
pub fn row<Value>(map: &[Value], shape: Shape, number: i32) -> &[Value] {
    if number < 0 || number >= shape.height as i32 {
        return &[];
    }
    let start = number as usize * shape.row_len();
    map.get(start..start + shape.row_len()).unwrap_or_default()
}

/// Fills `out` with `source[start..]`, each value converted; what lies outside of `source` reads as
/// `outside`.
#[inline(always)]
pub fn copy<Value: Copy>(
    source: &[Value],
    start: i32,
    out: &mut [i8],
    outside: i8,
    convert: impl Fn(Value) -> i8,
) {
    let before = (start.min(0).unsigned_abs() as usize).min(out.len());
    let Some((left, rest)) = out.split_at_mut_checked(before) else { return };
    left.fill(outside);
    let inside = source.get(start.max(0) as usize..).unwrap_or_default();
    let Some((middle, right)) = rest.split_at_mut_checked(inside.len().min(rest.len())) else {
        return;
    };
    for (value, from) in middle.iter_mut().zip(inside) {
        *value = convert(*from);
    }
    right.fill(outside);
}

/// All `[row, column, channel]` in memory order.
pub fn coordinates(rows: u16, columns: u16, channels: u16) -> impl Iterator<Item = [usize; 3]> {
    let [rows, columns, channels] = [rows, columns, channels].map(usize::from);
    (0..rows).flat_map(move |row| {
        (0..columns)
            .flat_map(move |column| (0..channels).map(move |channel| [row, column, channel]))
    })
}

/// Sum of products of values and int8 weights.
#[inline(always)]
pub fn dot(values: &[i8], weights: &[u8]) -> i32 {
    values.iter().zip(weights).map(|(value, weight)| *value as i32 * *weight as i8 as i32).sum()
}
