//! Reading rows of a map at places that may lie outside of it.

use crate::shape::Shape;

/// Row `number` of a map; empty when it lies outside.
#[inline(always)]
pub(crate) fn row<Value>(map: &[Value], shape: Shape, number: i32) -> &[Value] {
    if number < 0 || number >= shape.height as i32 {
        return &[];
    }
    let start = number as usize * shape.row_len();
    map.get(start..start + shape.row_len()).unwrap_or_default()
}

/// Fills `out` with `source[start..]`, each value converted; what lies outside of `source` reads as
/// `outside`.
#[inline(always)]
pub(crate) fn copy<Value: Copy>(
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
