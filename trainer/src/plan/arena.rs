//! Where maps and scratch memory lie in the arena.
//!
//! While layer `i` runs, its input, its scratch memory and its output must lie apart. Maps take turns at the two ends of
//! the arena with scratch memory between them, so the arena is no larger than the most demanding layer.

/// Buffers start at multiples of this many bytes.
const ALIGNMENT_BYTES: usize = 16;

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

/// Places maps and scratch buffers. `map_bytes` holds the input and each stage's output, `scratch_bytes` each stage's
/// scratch memory (one fewer).
pub fn place(map_bytes: &[usize], scratch_bytes: &[usize]) -> ArenaPlan {
    let stages = map_bytes.windows(2).zip(scratch_bytes);
    let busiest = stages.map(|(pair, scratch)| busiest_bytes(pair[0], *scratch, pair[1]));
    let span = busiest.max().unwrap_or(0);
    let bottom = |index: usize| index.is_multiple_of(2);
    let map_at = |index: usize| if bottom(index) { 0 } else { span - aligned(map_bytes[index]) };
    let maps_at: Vec<usize> = (0..map_bytes.len()).map(map_at).collect();
    // Scratch lies on top of whichever of the stage's two maps is at the bottom.
    let scratch_at = |stage: usize| aligned(map_bytes[if bottom(stage) { stage } else { stage + 1 }]);
    let scratch_at: Vec<usize> = (0..scratch_bytes.len()).map(scratch_at).collect();
    let ends = |at: &[usize], bytes: &[usize]| {
        at.iter().zip(bytes).filter(|(_, bytes)| **bytes > 0).map(|(at, bytes)| at + bytes).max().unwrap_or(0)
    };
    let bytes = ends(&maps_at, map_bytes).max(ends(&scratch_at, scratch_bytes));
    let narrow = |offsets: Vec<usize>| offsets.into_iter().map(|offset| offset as u32).collect();
    ArenaPlan { maps_at: narrow(maps_at), scratch_at: narrow(scratch_at), bytes: bytes as u32 }
}

/// Bytes in use while a stage runs: its input, its scratch memory and its output, each up to the next one's alignment.
pub fn busiest_bytes(input: usize, scratch: usize, output: usize) -> usize {
    aligned(input) + aligned(scratch) + aligned(output)
}

fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_a_stage_lie_apart() {
        let (maps, scratch) = ([484, 3200, 1024, 64, 10], [36, 1152, 2304, 0]);
        let plan = place(&maps, &scratch);
        for stage in 0..scratch.len() {
            let mut used = [
                (plan.maps_at[stage] as usize, maps[stage]),
                (plan.maps_at[stage + 1] as usize, maps[stage + 1]),
                (plan.scratch_at[stage] as usize, scratch[stage]),
            ];
            used.sort();
            let apart = |pair: &[(usize, usize)]| pair[0].0 + pair[0].1 <= pair[1].0 || pair[0].1 == 0;
            assert!(used.windows(2).all(apart), "stage {stage}: {used:?}");
            assert!(used.iter().all(|(at, bytes)| at + bytes <= plan.bytes as usize || *bytes == 0));
        }
        assert_eq!(plan.bytes, 3200 + 1152 + 1024);
    }
}
