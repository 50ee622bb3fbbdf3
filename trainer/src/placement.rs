//! Where tensors and scratch memory lie in the arena.
//!
//! Interleaved tensors form a group. While a group runs, all its tensors are in use, with those
//! that were made before and are read in the group or after it. So is the scratch memory that the
//! group's layers share. A tensor keeps its place from the group that makes it to the last group
//! that reads it.
//!
//! A tensor that is [passed on](infer::schedule) is in use only while its layer runs and the one
//! that reads it. Those of a group share two buffers: one that is made of another lies in the other
//! buffer than that.
//!
//! In a chain of groups each one reads what the one before left. There whole tensors lie at the two
//! ends of the arena by turns, with all else that a group needs between them. So the arena is no
//! larger than the most demanding group. In other graphs each buffer, the largest first, takes the
//! lowest place that is free during its life.

use std::ops::Range;

use infer::schedule::Slice;
use thiserror::Error;

use crate::plain_model::{Choices, PlainModel};

/// Buffers start at multiples of this many bytes.
const ALIGNMENT_BYTES: usize = 16;

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

/// Byte offsets of the tensors and scratch buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArenaPlan {
    /// Offset of each tensor.
    pub tensors_at: Vec<u32>,
    /// Offset of each layer's scratch memory.
    pub scratch_at: Vec<u32>,
    /// Bytes of the whole arena.
    pub bytes: u32,
}

/// What a model keeps in the arena, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The groups in their order: interleaved tensors.
    pub groups: Vec<Range<usize>>,
    /// Bytes of the held rows of each tensor.
    pub tensor_bytes: Vec<usize>,
    /// The last group that reads each tensor; the last of all for an output.
    pub last_groups: Vec<usize>,
    /// Bytes of scratch memory of each layer.
    pub scratch_bytes: Vec<usize>,
    /// Which of its group's shared buffers each tensor lies in, as [`shared_buffers`] has it.
    pub shared: Vec<Option<usize>>,
}

/// Where the buffers of the model lie with these choices. A model that gets stuck has no slices
/// that need scratch memory; the loader refuses it.
///
/// # Errors
/// As [`place`].
pub fn arena(model: &PlainModel, choices: &Choices) -> Result<ArenaPlan, ArenaTooLarge> {
    let flow = model.flow(&choices.held_rows);
    let walk = flow.walk().unwrap_or_default();
    let tensors = model.layers.len() + 1;
    let (groups, shared) = match choices.streams {
        // In a stream all tensors are always in use.
        true => (std::iter::once(0..tensors).collect(), vec![None; tensors]),
        false => (flow.groups(), shared_buffers(model, &walk.passed_on)),
    };
    let lifetimes = Lifetimes::new(
        groups,
        model.held_bytes(&choices.held_rows),
        &model.last_readers(),
        scratch_bytes(model, choices, &walk.slices),
    );
    place(&Lifetimes { shared, ..lifetimes })
}

/// Which of its group's two shared buffers each tensor lies in, of those that are passed on.
pub fn shared_buffers(model: &PlainModel, passed_on: &[bool]) -> Vec<Option<usize>> {
    let mut shared = vec![None; model.layers.len() + 1];
    for (layer, made) in model.layers.iter().zip(1..) {
        if passed_on.get(made) == Some(&true) {
            let read = layer.inputs.iter().find_map(|edge| shared[edge.number]);
            shared[made] = Some(read.map_or(0, |buffer: usize| 1 - buffer));
        }
    }
    shared
}

/// Bytes of scratch memory of each layer: what the most demanding of its slices needs.
fn scratch_bytes(model: &PlainModel, choices: &Choices, slices: &[Slice]) -> Vec<usize> {
    let mut bytes = vec![0; model.layers.len()];
    for slice in slices {
        let Some(layer) = slice.tensor.checked_sub(1) else { continue };
        let kind = model.layers[layer].kind(choices.layers[layer]).slice(slice);
        bytes[layer] = kind.scratch_bytes().max(bytes[layer]);
    }
    bytes
}

impl Lifetimes {
    /// From the groups, the bytes, and the last tensor that is made from each tensor; none is in a
    /// shared buffer.
    pub fn new(
        groups: Vec<Range<usize>>,
        tensor_bytes: Vec<usize>,
        last_readers: &[usize],
        scratch_bytes: Vec<usize>,
    ) -> Self {
        let last = groups.len().saturating_sub(1);
        let group_of = |tensor: &usize| groups.iter().position(|group| group.contains(tensor));
        let last_groups = last_readers.iter().map(|reader| group_of(reader).unwrap_or(last));
        let (last_groups, shared) = (last_groups.collect(), vec![None; tensor_bytes.len()]);
        Self { last_groups, groups, tensor_bytes, scratch_bytes, shared }
    }

    /// The tensors that are in use while group number `number` runs.
    fn in_use(&self, number: usize) -> impl Iterator<Item = usize> {
        let group = self.groups[number].clone();
        (0..group.end)
            .filter(move |tensor| group.contains(tensor) || self.last_groups[*tensor] >= number)
    }

    /// Scratch memory that the layers of a group share, bytes.
    fn scratch_of(&self, number: usize) -> usize {
        let layers = self.groups[number].clone().filter_map(|tensor| tensor.checked_sub(1));
        layers.map(|layer| self.scratch_bytes[layer]).max().unwrap_or(0)
    }

    /// Bytes in use while a group runs: its buffers, each up to the next one's alignment.
    fn busy_bytes(&self, number: usize) -> usize {
        let buffers = buffers(self.in_use(number), &self.tensor_bytes, &self.shared);
        busy_bytes(buffers.into_iter(), self.scratch_of(number))
    }

    /// Bytes of the buffers that tensors of a group share.
    fn shared_bytes(&self, number: usize) -> [usize; 2] {
        shared_bytes(self.groups[number].clone(), &self.tensor_bytes, &self.shared)
    }

    /// Whether each group reads nothing but what the one before it left last.
    fn is_chain(&self) -> bool {
        let numbers = 1..self.groups.len();
        let reads_the_last = |number: usize| {
            let start = self.groups[number].start;
            self.in_use(number).filter(|tensor| *tensor < start).eq([start - 1])
        };
        numbers.into_iter().all(reads_the_last)
    }
}

/// Bytes that buffers take which are in use at once, each up to the next one's alignment.
pub fn busy_bytes(buffers: impl Iterator<Item = usize>, scratch_bytes: usize) -> usize {
    aligned(scratch_bytes) + buffers.map(aligned).sum::<usize>()
}

/// Bytes of each buffer of tensors that are in use at once.
pub fn buffers(
    tensors: impl Iterator<Item = usize>,
    bytes: &[usize],
    shared: &[Option<usize>],
) -> Vec<usize> {
    let tensors: Vec<usize> = tensors.collect();
    let own = tensors.iter().filter(|tensor| shared[**tensor].is_none());
    let own = own.map(|tensor| bytes[*tensor]);
    own.chain(shared_bytes(tensors.iter().copied(), bytes, shared)).collect()
}

/// Bytes of the buffers that some of these tensors share.
fn shared_bytes(
    tensors: impl Iterator<Item = usize>,
    bytes: &[usize],
    shared: &[Option<usize>],
) -> [usize; 2] {
    let mut most = [0; 2];
    for tensor in tensors {
        if let Some(buffer) = shared[tensor] {
            most[buffer] = bytes[tensor].max(most[buffer]);
        }
    }
    most
}

/// Places all buffers.
///
/// # Errors
/// More bytes than a file can say.
pub fn place(lifetimes: &Lifetimes) -> Result<ArenaPlan, ArenaTooLarge> {
    let places = if lifetimes.is_chain() { at_ends(lifetimes) } else { lowest_free(lifetimes) };
    let Places { tensors_at, scratch_at } = places;
    let ends = |at: &[usize], bytes: &[usize]| {
        let used = at.iter().zip(bytes).filter(|(_, bytes)| **bytes > 0);
        used.map(|(at, bytes)| at + bytes).max().unwrap_or(0)
    };
    let bytes =
        ends(&tensors_at, &lifetimes.tensor_bytes).max(ends(&scratch_at, &lifetimes.scratch_bytes));
    let narrow =
        |offsets: Vec<usize>| offsets.into_iter().map(in_32_bits).collect::<Result<Vec<_>, _>>();
    Ok(ArenaPlan {
        tensors_at: narrow(tensors_at)?,
        scratch_at: narrow(scratch_at)?,
        bytes: in_32_bits(bytes)?,
    })
}

/// Offsets of tensors and of scratch memory.
struct Places {
    tensors_at: Vec<usize>,
    scratch_at: Vec<usize>,
}

/// A file counts the bytes of the arena in 32 bits.
fn in_32_bits(bytes: usize) -> Result<u32, ArenaTooLarge> {
    u32::try_from(bytes).map_err(|_| ArenaTooLarge { bytes })
}

/// A chain: what a group leaves last lies at one end of the arena, what it reads at the other.
fn at_ends(lifetimes: &Lifetimes) -> Places {
    let Lifetimes { groups, tensor_bytes, scratch_bytes, .. } = lifetimes;
    let span = (0..groups.len()).map(|number| lifetimes.busy_bytes(number)).max().unwrap_or(0);
    let (mut tensors_at, mut scratch_at) =
        (vec![0; tensor_bytes.len()], vec![0; scratch_bytes.len()]);
    // Tensor 0 as a group of its own lies at the bottom, as what the first layers read.
    let begins_whole = usize::from(groups.first().is_some_and(|group| group.len() == 1));
    for (number, group) in groups.iter().enumerate().skip(begins_whole) {
        let at_bottom = (number - begins_whole).is_multiple_of(2);
        let last = group.end - 1;
        let read = group.start.checked_sub(1).map_or(0, |tensor| tensor_bytes[tensor]);
        tensors_at[last] = if at_bottom { span - aligned(tensor_bytes[last]) } else { 0 };
        let mut at = aligned(if at_bottom { read } else { tensor_bytes[last] });
        let shared_at = lifetimes.shared_bytes(number).map(|bytes| take(&mut at, bytes));
        for tensor in group.start..last {
            tensors_at[tensor] = match lifetimes.shared[tensor] {
                Some(buffer) => shared_at[buffer],
                None => take(&mut at, tensor_bytes[tensor]),
            };
        }
        for tensor in group.clone().filter(|tensor| *tensor > 0) {
            scratch_at[tensor - 1] = at;
        }
    }
    Places { tensors_at, scratch_at }
}

/// The place of a buffer, after which `at` goes on.
fn take(at: &mut usize, bytes: usize) -> usize {
    let place = *at;
    *at += aligned(bytes);
    place
}

/// A buffer with its life: from group `lives.start` to the one before `lives.end`.
struct Buffer {
    bytes: usize,
    lives: Range<usize>,
}

/// Any graph: the largest buffer first, each at the lowest place that is free during its life.
fn lowest_free(lifetimes: &Lifetimes) -> Places {
    let Lifetimes { groups, tensor_bytes, last_groups, scratch_bytes, shared } = lifetimes;
    let made =
        groups.iter().enumerate().flat_map(|(number, group)| group.clone().map(move |_| number));
    let tensors = made.zip(tensor_bytes).zip(last_groups).zip(shared).map(
        |(((made, bytes), last), shared)| {
            let bytes = if shared.is_some() { 0 } else { *bytes };
            Buffer { bytes, lives: made..made.max(*last) + 1 }
        },
    );
    let of_groups = (0..groups.len()).flat_map(|number| {
        let [first, second] = lifetimes.shared_bytes(number);
        [first, second, lifetimes.scratch_of(number)]
            .map(|bytes| Buffer { bytes, lives: number..number + 1 })
    });
    let buffers: Vec<Buffer> = tensors.chain(of_groups).collect();
    let places = placed(&buffers);
    let (tensors_at, groups_at) = places.split_at(tensor_bytes.len());
    let (mut tensors_at, mut scratch_at) = (tensors_at.to_vec(), vec![0; scratch_bytes.len()]);
    for (group, at) in groups.iter().zip(groups_at.chunks_exact(3)) {
        for tensor in group.clone() {
            if let Some(buffer) = shared[tensor] {
                tensors_at[tensor] = at[buffer];
            }
            if let Some(layer) = tensor.checked_sub(1) {
                scratch_at[layer] = at[2];
            }
        }
    }
    Places { tensors_at, scratch_at }
}

/// A place for each buffer.
fn placed(buffers: &[Buffer]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(buffers[*index].bytes));
    let mut places: Vec<Option<usize>> = vec![None; buffers.len()];
    for index in order {
        let buffer = &buffers[index];
        let meets = |other: &Buffer| {
            other.lives.start < buffer.lives.end && buffer.lives.start < other.lives.end
        };
        let mut taken: Vec<Range<usize>> = buffers
            .iter()
            .zip(&places)
            .filter(|(other, _)| meets(other))
            .filter_map(|(other, at)| Some((*at)?..(*at)? + aligned(other.bytes)))
            .collect();
        taken.sort_by_key(|range| range.start);
        places[index] = Some(lowest_gap(&taken, aligned(buffer.bytes)));
    }
    places.into_iter().flatten().collect()
}

/// The lowest place of `bytes` bytes that none of the ranges, sorted by their starts, reaches into.
fn lowest_gap(taken: &[Range<usize>], bytes: usize) -> usize {
    let mut at = 0;
    for range in taken {
        if at + bytes <= range.start {
            break;
        }
        at = at.max(range.end);
    }
    at
}

fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of tensors; those that are `false` are held in part, so their readers join them.
    fn chain(tensors: &[(usize, bool)], scratch: &[usize]) -> Lifetimes {
        let mut groups: Vec<Range<usize>> = vec![];
        let mut first = 0;
        for (tensor, (_, is_whole)) in tensors.iter().enumerate() {
            if *is_whole {
                groups.push(first..tensor + 1);
                first = tensor + 1;
            }
        }
        let readers: Vec<usize> = (1..=tensors.len()).collect();
        let bytes = tensors.iter().map(|(bytes, _)| *bytes).collect();
        Lifetimes::new(groups, bytes, &readers, scratch.to_vec())
    }

    /// All buffers that are in use at once lie apart and inside of the arena.
    fn check(lifetimes: &Lifetimes) -> ArenaPlan {
        let plan = place(lifetimes).unwrap();
        for (number, group) in lifetimes.groups.iter().enumerate() {
            let tensor =
                |tensor: usize| (plan.tensors_at[tensor] as usize, lifetimes.tensor_bytes[tensor]);
            for layer in group.clone().filter_map(|tensor| tensor.checked_sub(1)) {
                let own = |tensor: &usize| lifetimes.shared[*tensor].is_none();
                let mut used: Vec<_> = lifetimes.in_use(number).filter(own).map(tensor).collect();
                for (buffer, bytes) in lifetimes.shared_bytes(number).into_iter().enumerate() {
                    let lies_there = |tensor: &usize| lifetimes.shared[*tensor] == Some(buffer);
                    let mut places = group.clone().filter(lies_there).map(|it| tensor(it).0);
                    let first = places.next();
                    assert!(places.all(|at| Some(at) == first), "one place for all");
                    used.extend(first.map(|at| (at, bytes)));
                }
                used.push((plan.scratch_at[layer] as usize, lifetimes.scratch_bytes[layer]));
                used.retain(|(_, bytes)| *bytes > 0);
                used.sort();
                let apart = |pair: &[(usize, usize)]| pair[0].0 + pair[0].1 <= pair[1].0;
                assert!(used.windows(2).all(apart), "group {number}: {used:?}");
                assert!(used.iter().all(|(at, bytes)| at + bytes <= plan.bytes as usize));
            }
        }
        plan
    }

    #[test]
    fn buffers_of_a_layer_lie_apart() {
        let tensors = [484, 3200, 1024, 64, 10].map(|bytes| (bytes, true));
        assert_eq!(check(&chain(&tensors, &[36, 1152, 2304, 0])).bytes, 3200 + 1152 + 1024);
    }

    #[test]
    fn tensors_of_a_group_lie_apart() {
        let tensors = [(132, false), (1280, false), (1024, true), (64, true)];
        assert_eq!(check(&chain(&tensors, &[36, 0, 0])).bytes, 144 + 1280 + 48 + 1024);
        let tensors = [(484, true), (90, false), (80, false), (100, true), (70, false), (7, true)];
        check(&chain(&tensors, &[1, 20, 30, 500, 9]));
    }

    /// Tensors 1, 2 and 4 are passed on, and 2 is made of 1.
    #[test]
    fn tensors_that_are_passed_on_share_two_buffers() {
        let tensors = [(64, false), (32, false), (64, false), (96, false), (48, false), (80, true)];
        let shared = vec![None, Some(0), Some(1), None, Some(0), None];
        let lifetimes = Lifetimes { shared, ..chain(&tensors, &[16; 5]) };
        let plan = check(&lifetimes);
        assert_eq!(plan.bytes, 64 + 48 + 64 + 96 + 80 + 16);
        assert_eq!(plan.tensors_at[1], plan.tensors_at[4]);
        // The same in a graph that is no chain: the last group reads tensor 0 again.
        let residual = Lifetimes { last_groups: vec![1; 7], ..with_a_group_more(lifetimes) };
        assert!(!residual.is_chain());
        let plan = check(&residual);
        assert_eq!(plan.tensors_at[1], plan.tensors_at[4]);
    }

    /// With a tensor more, in a group by itself.
    fn with_a_group_more(mut lifetimes: Lifetimes) -> Lifetimes {
        let tensor = lifetimes.tensor_bytes.len();
        lifetimes.groups.push(tensor..tensor + 1);
        lifetimes.tensor_bytes.push(16);
        lifetimes.scratch_bytes.push(0);
        lifetimes.shared.push(None);
        lifetimes
    }

    /// A tensor that a later group reads keeps its place while others come and go.
    #[test]
    fn a_tensor_that_is_read_later_keeps_its_place() {
        let groups: Vec<_> = (0..5).map(|tensor| tensor..tensor + 1).collect();
        // 0 -> 1 -> 2 -> 3, and 4 is made of 3 and 0.
        let readers = [4, 2, 3, 4, usize::MAX];
        let residual =
            Lifetimes::new(groups, vec![64, 160, 320, 64, 64], &readers, vec![0, 32, 16, 0]);
        assert!(!residual.is_chain());
        assert_eq!(check(&residual).bytes, 64 + 160 + 320 + 32);
    }

    /// Random lifetimes: whatever lives at the same time lies apart, and the arena is little larger
    /// than the most demanding group.
    #[test]
    fn random_graphs_lie_apart() {
        let mut state = 7u64;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % limit
        };
        for _ in 0..500 {
            let count = 2 + below(12);
            let groups = (0..count).map(|tensor| tensor..tensor + 1).collect();
            let bytes = (0..count).map(|_| below(2000)).collect();
            let readers: Vec<usize> =
                (0..count).map(|tensor| tensor + 1 + below(count - tensor)).collect();
            let scratch = (1..count).map(|_| below(300)).collect();
            let lifetimes = Lifetimes::new(groups, bytes, &readers, scratch);
            let busy = (0..count).map(|number| lifetimes.busy_bytes(number)).max();
            let plan = check(&lifetimes);
            assert!(plan.bytes as usize <= busy.unwrap_or(0) * 3 / 2, "{lifetimes:?}");
        }
    }

    #[test]
    fn more_memory_than_a_file_can_say_is_refused() {
        let half = 1 << 31;
        let refused = place(&chain(&[(half, true), (half, true)], &[0])).unwrap_err();
        assert!(refused.to_string().contains("4294967296 bytes of working memory"), "{refused}");
        assert!(place(&chain(&[(half, true), (half - 1, true)], &[0])).is_ok());
    }
}
