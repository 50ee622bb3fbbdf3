//! Walks the schedule once, and proves that no two buffers that are in use at once share memory.
//!
//! Interleaved tensors form a *group* of the [`schedule`](crate::schedule). While a group runs, all
//! its tensors are in use, and so is each tensor that was made before and is read in the group or
//! after it. A layer's scratch memory is in use while the layer runs. A tensor that is passed on is
//! in use only while its layer runs and the one that reads it.

use core::mem;
use core::ops::Range;

use super::layer::{Input, Layer};
use super::network::Network;
use crate::error::{LayerProblem, ModelError};
use crate::memory::ALIGNMENT_BYTES;
use crate::ops::SIZE_MAX_BYTES;
use crate::schedule::{HOLDS_ROWS, SLICES_MAX, Schedule, Tensors, group_end};

/// A buffer: its first byte and its size.
type Buffer = (usize, usize);

/// Finds how much scratch memory each layer needs at most, over all slices that the schedule cuts
/// it into, and which tensors are passed on; how many slices these are.
///
/// # Errors
/// More slices than [`SLICES_MAX`]; a schedule that gets stuck; a slice that needs a part of the
/// crate that is not in this build.
// Not inlined: what it keeps on the stack is not there while records are read, which takes most.
#[inline(never)]
pub(crate) fn find_scratch(input: &Input<'_>, layers: &mut [Layer<'_>]) -> Result<u32, ModelError> {
    let (mut schedule, mut before) = (Schedule::new(), 0);
    layers.iter_mut().for_each(|layer| layer.place.is_passed_on = layer.place.is_in_part());
    for slices in 0..=SLICES_MAX {
        let network = Network { input, layers, outputs: &[], arena_bytes: 0 };
        let Some(slice) = schedule.next(&network) else {
            return if schedule.is_done(&network) { Ok(slices) } else { Err(stuck(&schedule)) };
        };
        let made_before = mem::replace(&mut before, slice.tensor);
        let Some(index) = slice.tensor.checked_sub(1) else { continue };
        let Some(layer) = layers.get_mut(index) else { continue };
        let kind = layer.kind.slice(&slice);
        if let Some(part) = kind.left_out() {
            let problem = LayerProblem::NotBuilt(part);
            return Err(ModelError::Layer { index: index as u8, problem });
        }
        // More than 32 bits hold is refused as too large.
        let bytes = u32::try_from(kind.scratch_bytes()).unwrap_or(u32::MAX);
        layer.scratch_bytes = layer.scratch_bytes.max(bytes);
        if HOLDS_ROWS {
            let inputs = layer.inputs;
            slice.keeps(made_before, inputs.iter()).for_each(|tensor| keep(tensor, layers));
        }
    }
    Err(ModelError::SliceCount { limit: SLICES_MAX })
}

/// Takes a tensor as not passed on.
#[inline(always)]
fn keep(tensor: usize, layers: &mut [Layer<'_>]) {
    if let Some(layer) = tensor.checked_sub(1).and_then(|made| layers.get_mut(made)) {
        layer.place.is_passed_on = false;
    }
}

/// Names the last of the layers that wait for each other.
fn stuck(schedule: &Schedule) -> ModelError {
    let index = schedule.group().end.saturating_sub(2) as u8;
    ModelError::Layer { index, problem: LayerProblem::Stuck }
}

/// Checks where everything lies; the end of the last buffer, which is the size of the arena.
///
/// # Errors
/// Buffers that are not at a multiple of 16 bytes, too large, or not apart from others that are in
/// use at once.
pub(crate) fn check(network: &Network<'_>) -> Result<usize, ModelError> {
    let mut arena_end = claim(network.input.arena_use()).map_err(ModelError::Input)?;
    for (index, layer) in (0u8..).zip(network.layers) {
        let refused = |problem| ModelError::Layer { index, problem };
        for buffer in [layer.output_use(), layer.scratch_use()] {
            arena_end = arena_end.max(claim(buffer).map_err(refused)?);
        }
    }
    let mut first = 0;
    while let Some(end) = group_end(first, network) {
        check_group(network, first..end)?;
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

/// Checks that the tensors of a group lie apart from each other and from those that are read later.
/// The scratch memory of its layers lies apart from all of them. Tensors that are passed on lie
/// apart from what is in use as long as they are.
fn check_group(network: &Network<'_>, group: Range<usize>) -> Result<(), ModelError> {
    let buffer = |tensor: usize| network.tensor_use(tensor).unwrap_or_default();
    let last_reader = |tensor: usize| network.stage(tensor).map_or(0, |stage| stage.last_reader);
    let is_alive = |tensor: &usize| group.contains(tensor) || last_reader(*tensor) >= group.start;
    for tensor in group.clone() {
        let Some(index) = tensor.checked_sub(1) else { continue };
        let scratch = network.layers.get(index).map_or((0, 0), Layer::scratch_use);
        let overlaps = (0..group.end).filter(is_alive).any(|other| {
            shares(scratch, buffer(other)) && !is_idle_in(network, other, tensor)
                || other < tensor
                    && shares(buffer(tensor), buffer(other))
                    && !(is_idle_in(network, other, tensor) && is_idle_in(network, tensor, other))
        });
        if overlaps {
            let problem = LayerProblem::ArenaOverlap;
            return Err(ModelError::Layer { index: index as u8, problem });
        }
    }
    Ok(())
}

/// Whether a tensor is not in use while rows of tensor `made` are made: it is passed on, is another
/// one, and is not read for them.
fn is_idle_in(network: &Network<'_>, tensor: usize, made: usize) -> bool {
    let layer = |tensor: usize| network.layers.get(tensor.checked_sub(1)?);
    HOLDS_ROWS
        && tensor != made
        && layer(tensor).is_some_and(|layer| layer.place.is_passed_on)
        && layer(made).is_some_and(|layer| layer.inputs.iter().all(|input| input != tensor))
}

/// Whether two buffers share a byte.
const fn shares(a: Buffer, b: Buffer) -> bool {
    a.1 > 0 && b.1 > 0 && a.0 < b.0 + b.1 && b.0 < a.0 + a.1
}
