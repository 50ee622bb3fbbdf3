//! One slice of a layer, run in the arena.

use core::ops::Range;

use super::observer::Observer;
use crate::graph::layer::Layer;
use crate::graph::network::Network;
use crate::ops::{Buffers, Kernels, LayerKind, SUM_BYTES};
use crate::schedule::{BRANCHES, HOLDS_ROWS, Slice};

/// Makes some rows of a layer's output; `None` when its buffers do not lie apart.
#[inline(always)]
pub(super) fn make<Set: Kernels>(
    network: &Network<'_>,
    index: usize,
    slice: Slice,
    arena: &mut [i8],
    observer: &mut impl Observer,
) -> Option<()> {
    let layer = network.layers().get(index)?;
    let rows = rows_made(layer, &slice);
    observer.before(index, layer, rows.clone());
    let made = run_slice::<Set>(network, layer, &slice, arena)?;
    observer.after(index, layer, rows, made);
    Some(())
}

/// The rows that a slice makes: of an operator that reduces its input the only one, when all is
/// taken.
fn rows_made(layer: &Layer<'_>, slice: &Slice) -> Range<u16> {
    match layer.kind.reduces() {
        Some(rows) => 0..(slice.rows.end == rows) as u16,
        None => slice.rows.clone(),
    }
}

/// Drops the rows that are not needed any more and gives the memory of the rows to be made after
/// the others.
pub(super) fn make_room<'h>(
    held: &'h mut [i8],
    slice: &Slice,
    row_len: usize,
) -> Option<&'h mut [i8]> {
    let (dropped, kept) = (slice.dropped as usize * row_len, slice.kept as usize * row_len);
    if HOLDS_ROWS && dropped > 0 {
        move_down(held, dropped, kept);
    }
    held.get_mut(kept..kept + slice.rows.len() * row_len)
}

/// Moves `count` values down by `distance`, 1 or more; as much at once as source and destination do
/// not overlap, and not value by value: rows are most of what a stream moves.
#[inline(never)]
fn move_down(values: &mut [i8], distance: usize, count: usize) {
    let (mut rest, mut left) = (values, count);
    while left > 0 {
        let Some((to, from)) = rest.split_at_mut_checked(distance) else { return };
        let moved = distance.min(left);
        if let (Some(to), Some(from)) = (to.get_mut(..moved), from.get(..moved)) {
            to.copy_from_slice(from);
        }
        (rest, left) = (from, left - moved);
    }
}

/// Runs one slice of a layer on its buffers and gives the rows made; `None` where the buffers do
/// not lie apart inside of the arena, which the model guarantees.
fn run_slice<'a, Set: Kernels>(
    network: &Network<'_>,
    layer: &Layer<'_>,
    slice: &Slice,
    arena: &'a mut [i8],
) -> Option<&'a [i8]> {
    let kind = layer.kind.slice(slice);
    let row_len = kind.output().shape.row_len();
    // The rows that are held before the slice is made, or after it; or a sum for each value.
    let rows = slice.kept as usize + slice.rows.len().max(slice.dropped as usize);
    let reduces = layer.kind.reduces().is_some();
    let held = part(layer.place.at, if reduces { SUM_BYTES } else { rows } * row_len);
    let scratch = part(layer.scratch_at, kind.scratch_bytes());
    let first = input_part(network, layer, slice, &kind, 0);
    let has_second = BRANCHES && layer.inputs.count() > 1;
    let second = if has_second { input_part(network, layer, slice, &kind, 1) } else { 0..0 };
    let parts = arena.get_disjoint_mut([first, second, scratch, held]).ok()?;
    let [input, second, scratch, held] = parts;
    let output = if reduces { held } else { make_room(held, slice, row_len)? };
    // In one place: each place has the operators' code once more.
    kind.run::<Set>(Buffers { input, second, scratch, output });
    if reduces { output.get(..rows_made(layer, slice).len() * row_len) } else { Some(output) }
}

/// The rows of an input that a slice reads.
#[inline(always)]
pub(super) fn input_part(
    network: &Network<'_>,
    layer: &Layer<'_>,
    slice: &Slice,
    kind: &LayerKind<'_>,
    input: usize,
) -> Range<usize> {
    let at = layer.inputs.get(input).and_then(|tensor| network.tensor_at(tensor));
    let shape = kind.input(input);
    let skipped = slice.inputs.get(input).map_or(0, |input| input.skipped);
    let start = at.unwrap_or_default() as usize + skipped as usize * shape.row_len();
    start..start + shape.len()
}

/// A part of the arena; an empty one where it can overlap nothing.
pub(super) fn part(at: u32, bytes: usize) -> Range<usize> {
    if bytes == 0 { 0..0 } else { at as usize..at as usize + bytes }
}
