//! Proves that no two buffers that are in use at once share memory.
//!
//! Layers between which not all rows of a map are held take turns, so everything that any of them
//! uses is in use at once: from the map in front of the first of them to the map behind the last,
//! and each one's scratch memory while it runs.

use super::layer::{Input, Layer};
use crate::error::{LayerProblem, ModelError};
use crate::memory::ALIGNMENT_BYTES;
use crate::ops::SIZE_MAX_BYTES;
use crate::schedule::{LAYERS_MAX, SLICES_MAX, Schedule, Stage};

// Layers are counted in a u8: in the file, and in errors.
const _: () = assert!(LAYERS_MAX <= u8::MAX as usize);

/// A buffer: its first byte and its size.
type Buffer = (usize, usize);

/// Finds how much scratch memory each layer needs at most, over all slices that the schedule cuts
/// it into; how many these are.
///
/// # Errors
/// More slices than [`SLICES_MAX`]; a slice that needs a part of the crate that is not in this
/// build.
pub(crate) fn find_scratch(layers: &mut [Layer<'_>], input: Stage) -> Result<u32, ModelError> {
    let mut schedule = Schedule::new();
    for slices in 0..=SLICES_MAX {
        let stage = |map: usize| match map.checked_sub(1) {
            None => Some(input),
            Some(layer) => layers.get(layer).map(Layer::stage),
        };
        let Some(slice) = schedule.next(stage) else { return Ok(slices) };
        let Some(index) = slice.map.checked_sub(1) else { continue };
        let Some(layer) = layers.get_mut(index) else { continue };
        let kind = layer.kind.slice(&slice);
        if !kind.is_built() {
            return Err(ModelError::Layer { index: index as u8, problem: LayerProblem::NotBuilt });
        }
        let bytes = kind.scratch_bytes();
        layer.placement.scratch_bytes = layer.placement.scratch_bytes.max(bytes);
    }
    Err(ModelError::SliceCount { limit: SLICES_MAX })
}

/// Checks where everything lies; the end of the last buffer, which is the size of the arena.
///
/// # Errors
/// Buffers that are not at a multiple of 16 bytes, too large, or not apart from others that are in
/// use at once.
pub(crate) fn check(input: &Input, layers: &[Layer<'_>]) -> Result<usize, ModelError> {
    let mut arena_end = claim(input.arena_use()).map_err(ModelError::Input)?;
    for (index, layer) in (0u8..).zip(layers) {
        let refused = |problem| ModelError::Layer { index, problem };
        for buffer in layer.arena_use() {
            arena_end = arena_end.max(claim(buffer).map_err(refused)?);
        }
    }
    let mut first = 0;
    while first < layers.len() {
        let end = group_end(layers, first);
        check_group(input, layers, first, end)?;
        first = end;
    }
    Ok(arena_end)
}

/// End of the buffer.
fn claim((at, bytes): Buffer) -> Result<usize, LayerProblem> {
    if !at.is_multiple_of(ALIGNMENT_BYTES) {
        return Err(LayerProblem::ArenaMisaligned);
    }
    if bytes > SIZE_MAX_BYTES || at > SIZE_MAX_BYTES {
        return Err(LayerProblem::ArenaExceeded);
    }
    Ok(if bytes == 0 { 0 } else { at + bytes })
}

/// The layers that take turns with layer `first`, which no layer in front of it does: up to the
/// first map that is whole.
fn group_end(layers: &[Layer<'_>], first: usize) -> usize {
    let partial = |layer: &Layer<'_>| layer.held_rows < layer.output().height;
    let more =
        layers.get(first..).unwrap_or_default().iter().take_while(|layer| partial(layer)).count();
    (first + more + 1).min(layers.len())
}

/// Checks that the buffers of layers `first..end` lie apart.
fn check_group(
    input: &Input,
    layers: &[Layer<'_>],
    first: usize,
    end: usize,
) -> Result<(), ModelError> {
    let map = |map: usize| match map.checked_sub(1).and_then(|layer| layers.get(layer)) {
        Some(layer) => layer.arena_use()[2],
        None => input.arena_use(),
    };
    let overlap = |layer: usize| ModelError::Layer {
        index: layer as u8,
        problem: LayerProblem::ArenaOverlap,
    };
    for layer in first..end {
        let scratch = layers.get(layer).map_or((0, 0), |layer| layer.arena_use()[1]);
        if (first..=end).any(|other| shares(scratch, map(other))) {
            return Err(overlap(layer));
        }
        if (first..=layer).any(|other| shares(map(layer + 1), map(other))) {
            return Err(overlap(layer));
        }
    }
    Ok(())
}

/// Whether two buffers share a byte.
const fn shares(a: Buffer, b: Buffer) -> bool {
    a.1 > 0 && b.1 > 0 && a.0 < b.0 + b.1 && b.0 < a.0 + a.1
}
