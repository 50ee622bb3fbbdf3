//! Where maps and scratch memory lie in the arena.
//!
//! Layers between which not all rows of a map are held form a group: they take turns, and all their
//! maps must lie apart, and apart from the scratch memory that they share. Whole maps take turns at
//! the two ends of the arena, with whatever a group needs besides between them, so the arena is no
//! larger than the most demanding group.

use std::ops::Range;

use infer::Shape;
use thiserror::Error;

use crate::plain_model::{Choices, PlainModel, slices};

/// Buffers start at multiples of this many bytes.
const ALIGNMENT_BYTES: usize = 16;

/// A feature map in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    /// Bytes of the rows that are held.
    pub held_bytes: usize,
    /// Whether those are all its rows.
    pub is_whole: bool,
}

/// More working memory than a model file can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the network needs {bytes} bytes of working memory or more; a model file counts up to {}: \
     use smaller maps",
    u32::MAX
)]
pub struct ArenaTooLarge {
    /// Where a buffer would lie, or how many bytes there would be.
    pub bytes: usize,
}

/// Byte offsets of the maps and scratch buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArenaPlan {
    /// Offset of the network's input, then of each stage's output.
    pub maps_at: Vec<u32>,
    /// Offset of each stage's scratch memory.
    pub scratch_at: Vec<u32>,
    /// Bytes of the whole arena.
    pub bytes: u32,
}

/// Where the buffers of the model lie with these choices.
///
/// # Errors
/// As [`place`].
pub fn arena(model: &PlainModel, choices: &Choices) -> Result<ArenaPlan, ArenaTooLarge> {
    let map = |(shape, held): (Shape, &u16)| Map {
        held_bytes: *held as usize * shape.row_len(),
        is_whole: *held == shape.height,
    };
    let maps: Vec<Map> = model.maps().zip(&choices.held_rows).map(map).collect();
    place(&maps, &scratch_bytes(model, choices))
}

/// Bytes of scratch memory of each layer: what the most demanding of its slices needs.
fn scratch_bytes(model: &PlainModel, choices: &Choices) -> Vec<usize> {
    let mut bytes = vec![0; model.layers.len()];
    for slice in slices(&model.stages(&choices.held_rows)) {
        let Some(layer) = slice.map.checked_sub(1) else { continue };
        let kind = model.layers[layer].kind(choices.layers[layer]).slice(&slice);
        bytes[layer] = kind.scratch_bytes().max(bytes[layer]);
    }
    bytes
}

/// Places maps and scratch buffers. `maps` holds the input and each stage's output, the last of
/// them whole; `scratch_bytes` each stage's scratch memory (one fewer).
///
/// # Errors
/// More bytes than a file can say.
pub fn place(maps: &[Map], scratch_bytes: &[usize]) -> Result<ArenaPlan, ArenaTooLarge> {
    let groups = groups(maps);
    let scratch_of =
        |group: &Range<usize>| scratch_bytes[group.clone()].iter().copied().max().unwrap_or(0);
    let busy = |group: &Range<usize>| busy_bytes(&maps[group.start..=group.end], scratch_of(group));
    let span = groups.iter().map(busy).max().unwrap_or(0);
    let (mut maps_at, mut scratch_at) = (vec![0; maps.len()], vec![0; scratch_bytes.len()]);
    for (index, group) in groups.iter().enumerate() {
        let at_bottom = index.is_multiple_of(2);
        let (first, last) = (maps[group.start], maps[group.end]);
        // The group's whole input lies at one end, since the group in front put it there, and its
        // output at the other.
        maps_at[group.end] = if at_bottom { span - aligned(last.held_bytes) } else { 0 };
        let mut at = match (at_bottom, first.is_whole) {
            (true, true) => aligned(first.held_bytes),
            (true, false) => 0,
            (false, _) => aligned(last.held_bytes),
        };
        for map in group.start..group.end {
            if !maps[map].is_whole {
                maps_at[map] = at;
                at += aligned(maps[map].held_bytes);
            }
        }
        scratch_at[group.clone()].fill(at);
    }
    let ends = |at: &[usize], bytes: &mut dyn Iterator<Item = usize>| {
        at.iter()
            .zip(bytes)
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(at, bytes)| at + bytes)
            .max()
            .unwrap_or(0)
    };
    let bytes = ends(&maps_at, &mut maps.iter().map(|map| map.held_bytes))
        .max(ends(&scratch_at, &mut scratch_bytes.iter().copied()));
    let narrow =
        |offsets: Vec<usize>| offsets.into_iter().map(in_32_bits).collect::<Result<Vec<_>, _>>();
    Ok(ArenaPlan {
        maps_at: narrow(maps_at)?,
        scratch_at: narrow(scratch_at)?,
        bytes: in_32_bits(bytes)?,
    })
}

/// A file counts the bytes of the arena in 32 bits.
fn in_32_bits(bytes: usize) -> Result<u32, ArenaTooLarge> {
    u32::try_from(bytes).map_err(|_| ArenaTooLarge { bytes })
}

/// Bytes in use while a group runs: all its maps and the scratch memory its stages share, each up
/// to the next one's alignment.
pub fn busy_bytes(maps: &[Map], scratch_bytes: usize) -> usize {
    aligned(scratch_bytes) + maps.iter().map(|map| aligned(map.held_bytes)).sum::<usize>()
}

/// The stages of each group: from one whole map to the next. A network's input that is not whole
/// belongs to the first.
fn groups(maps: &[Map]) -> Vec<Range<usize>> {
    let mut groups = vec![];
    let mut first = 0;
    for stage in 0..maps.len() - 1 {
        if maps[stage + 1].is_whole {
            groups.push(first..stage + 1);
            first = stage + 1;
        }
    }
    groups
}

fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(held_bytes: usize, is_whole: bool) -> Map {
        Map { held_bytes, is_whole }
    }

    /// All buffers of each group lie apart and inside of the arena.
    fn check(maps: &[Map], scratch: &[usize]) -> ArenaPlan {
        let plan = place(maps, scratch).unwrap();
        for group in groups(maps) {
            for stage in group.clone() {
                let held = |index: usize| (plan.maps_at[index] as usize, maps[index].held_bytes);
                let mut used: Vec<_> = (group.start..=group.end).map(held).collect();
                used.push((plan.scratch_at[stage] as usize, scratch[stage]));
                used.sort();
                let apart =
                    |pair: &[(usize, usize)]| pair[0].0 + pair[0].1 <= pair[1].0 || pair[0].1 == 0;
                assert!(used.windows(2).all(apart), "stage {stage}: {used:?}");
                assert!(
                    used.iter().all(|(at, bytes)| at + bytes <= plan.bytes as usize || *bytes == 0)
                );
            }
        }
        plan
    }

    #[test]
    fn buffers_of_a_stage_lie_apart() {
        let maps = [484, 3200, 1024, 64, 10].map(|bytes| map(bytes, true));
        assert_eq!(check(&maps, &[36, 1152, 2304, 0]).bytes, 3200 + 1152 + 1024);
    }

    #[test]
    fn maps_of_a_group_lie_apart() {
        let maps = [map(132, false), map(1280, false), map(1024, true), map(64, true)];
        assert_eq!(check(&maps, &[36, 0, 0]).bytes, 144 + 1280 + 48 + 1024);
        let maps = [
            map(484, true),
            map(90, false),
            map(80, false),
            map(100, true),
            map(70, false),
            map(7, true),
        ];
        check(&maps, &[1, 20, 30, 500, 9]);
    }

    #[test]
    fn more_memory_than_a_file_can_say_is_refused() {
        let half = 1 << 31;
        let refused = place(&[map(half, true), map(half, true)], &[0]).unwrap_err();
        assert!(refused.to_string().contains("4294967296 bytes of working memory"), "{refused}");
        assert!(place(&[map(half, true), map(half - 1, true)], &[0]).is_ok());
    }
}
