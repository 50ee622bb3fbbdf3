//! In which order the rows of feature maps are made when memory holds only some of them at once.
//!
//! ```text
//! repeat:
//!     take the last map of which more rows can be made from the held rows of the map in front
//!     drop its rows that will not be read again
//!     make as many rows as there is room for
//! until the last map is whole
//! ```
//!
//! A map that is held whole is made by one [`Slice`]; a model that holds all maps whole runs layer
//! by layer. Where fewer rows are held, layers take turns: a convolution with pooling needs a few
//! rows of the map in front of it for each row it leaves, and never the whole map.
//!
//! The schedule cannot get stuck. [`Model::from_bytes`](crate::Model::from_bytes) checks that a
//! map's held rows suffice for one row of the next map at least ([`Stage::rows_at_once`] is 1 or
//! more). So if the next map lacks rows, the rows it needs and has not got are fewer than those
//! held: there is room for one, and the same holds for the map in front, down to the image, all of
//! whose rows are there.

use core::ops::Range;

/// Most layers of a model.
pub const LAYERS_MAX: usize = 16;

/// Most maps of a model: the network's input and the output of each layer.
pub const MAPS_MAX: usize = LAYERS_MAX + 1;

/// Most slices of a run: a model that is cut into more is refused, so that a few bytes cannot ask
/// for hours of looking for the next slice.
pub const SLICES_MAX: u32 = 16_384;

/// What the schedule has to know of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Rows of the map.
    pub rows: u16,
    /// Rows of the map that are held at once.
    pub held: u16,
    /// Rows of the map in front that a row reads.
    pub window: RowWindow,
    /// Most rows that can be made of the held rows of the map in front, 1 or more.
    pub rows_at_once: u16,
}

/// Row `r` of a map reads rows `origin + r * step .. origin + r * step + reach` of the map in front
/// of it, those of them that there are.
///
/// The loader bounds `rows * step + reach` of a map by 2^30, so that all of this fits 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowWindow {
    /// First row read by row 0; negative where padding is read.
    pub origin: i32,
    /// Rows from one window to the next.
    pub step: u32,
    /// Rows of a window.
    pub reach: u32,
}

/// Some rows of a map, made at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which map: 0 is the network's input, `n` is the output of layer `n - 1`.
    pub map: usize,
    /// The rows that are made.
    pub rows: Range<u16>,
    /// Rows in front of them that are held and dropped before.
    pub dropped: u16,
    /// Rows in front of them that stay.
    pub kept: u16,
    /// Rows of the map in front that are held and can be read, from the first that is read; empty
    /// for the network's input.
    pub input: Range<u16>,
    /// How many rows of the map in front are held before those.
    pub input_skipped: u16,
    /// The first row of the window of the first row made, less the first row of `input`: 0, or
    /// negative at padding.
    pub origin: i16,
}

/// How far each map is.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The rows that are held.
    held: [Held; MAPS_MAX],
    /// No map behind this one can be made further.
    last: usize,
    is_done: bool,
}

/// Rows `first..end` of a map.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    first: u16,
    end: u16,
}

impl RowWindow {
    /// The rows in front of which everything is done once `rows` rows are made, of a map in front
    /// of `height` rows.
    fn first_read(&self, rows: u16, height: u16) -> u16 {
        self.within(self.origin + (rows as u32 * self.step) as i32, height)
    }

    /// End of what the first `rows` rows read.
    fn end_read(&self, rows: u16, height: u16) -> u16 {
        let before_last = rows.saturating_sub(1) as u32 * self.step;
        self.within(self.origin + (before_last + self.reach) as i32, height)
    }

    fn within(&self, row: i32, height: u16) -> u16 {
        row.clamp(0, height as i32) as u16
    }

    /// Most rows that can be made while `held` of the `height` rows of the map in front are held; 0
    /// if that is too few.
    pub const fn rows_at_once(&self, held: u16, height: u16) -> u16 {
        if held >= height {
            return u16::MAX;
        }
        match (held as u32).checked_sub(self.reach) {
            None => 0,
            Some(more) => match more.checked_div(self.step) {
                Some(steps) if steps < u16::MAX as u32 => steps as u16 + 1,
                _ => u16::MAX,
            },
        }
    }
}

impl Stage {
    /// A map whose window lies on a map of `height` rows of which `held_in_front` are held.
    pub const fn new(
        rows: u16,
        held: u16,
        window: RowWindow,
        held_in_front: u16,
        height: u16,
    ) -> Self {
        Self { rows, held, window, rows_at_once: window.rows_at_once(held_in_front, height) }
    }

    /// The network's input.
    pub const fn input(rows: u16, held: u16) -> Self {
        Self {
            rows,
            held,
            window: RowWindow { origin: 0, step: 0, reach: 0 },
            rows_at_once: u16::MAX,
        }
    }

    const fn is_whole(&self) -> bool {
        self.held >= self.rows
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

impl Schedule {
    /// Nothing is made yet.
    pub const fn new() -> Self {
        Self { held: [Held { first: 0, end: 0 }; MAPS_MAX], last: 0, is_done: false }
    }

    /// What is made next; `None` when all is done. `stages` gives each map's stage, `None` behind
    /// the last.
    pub fn next(&mut self, stages: impl Fn(usize) -> Option<Stage>) -> Option<Slice> {
        if self.is_done {
            return None;
        }
        let mut map = self.last;
        loop {
            if let Some(slice) = self.slice(map, &stages) {
                let held = self.held.get_mut(map)?;
                held.first += slice.dropped;
                held.end = slice.rows.end;
                self.last = map + 1;
                self.is_done = stages(self.last).is_none() && stages(map)?.rows == held.end;
                return Some(slice);
            }
            map = map.checked_sub(1)?;
        }
    }

    /// Whether the last map is whole.
    pub const fn is_done(&self) -> bool {
        self.is_done
    }

    /// The rows of a map that can be made now.
    fn slice(&self, map: usize, stages: &impl Fn(usize) -> Option<Stage>) -> Option<Slice> {
        let (stage, held) = (stages(map)?, *self.held.get(map)?);
        let left = stage.rows.checked_sub(held.end).filter(|left| *left > 0)?;
        let first = if stage.is_whole() {
            0
        } else {
            self.first_needed(map, &stage, stages).max(held.first)
        };
        let kept = held.end.saturating_sub(first);
        let rows = left.min(stage.held.saturating_sub(kept)).min(stage.rows_at_once);
        let dropped = first.min(held.end).saturating_sub(held.first);
        let rows = held.end..held.end + rows;
        let slice = Slice { map, rows, dropped, kept, input: 0..0, input_skipped: 0, origin: 0 };
        if slice.rows.is_empty() { None } else { self.with_input(slice, &stage, stages) }
    }

    /// First row of a map that the next one has still to read.
    fn first_needed(
        &self,
        map: usize,
        stage: &Stage,
        stages: &impl Fn(usize) -> Option<Stage>,
    ) -> u16 {
        let next = stages(map + 1).zip(self.held.get(map + 1));
        next.map_or(0, |(next, made)| next.window.first_read(made.end, stage.rows))
    }

    /// The slice with what it reads, if that is there.
    fn with_input(
        &self,
        slice: Slice,
        stage: &Stage,
        stages: &impl Fn(usize) -> Option<Stage>,
    ) -> Option<Slice> {
        let Some(front) = slice.map.checked_sub(1) else { return Some(slice) };
        let (in_front, held) = (stages(front)?, *self.held.get(front)?);
        let height = in_front.rows;
        // A map that is held whole ends a group: what lies behind it may take the place of what it
        // is made from, so all of it comes first.
        let wanted = if in_front.is_whole() {
            height
        } else {
            stage.window.end_read(slice.rows.end, height)
        };
        if wanted > held.end {
            return None;
        }
        let first = stage.window.first_read(slice.rows.start, height).min(held.end);
        let window = stage.window.origin + (slice.rows.start as u32 * stage.window.step) as i32;
        // Negative at the map's beginning only: there it is the window's origin, an i16.
        let origin = (window - first as i32).clamp(i16::MIN as i32, 0) as i16;
        let input_skipped = first.saturating_sub(held.first);
        Some(Slice { input: first..held.end, input_skipped, origin, ..slice })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// 3x3 convolution with 2x2 pooling.
    const POOLED: RowWindow = RowWindow { origin: 0, step: 2, reach: 4 };

    fn slices(stages: &[Stage]) -> Vec<Slice> {
        let mut schedule = Schedule::new();
        core::iter::from_fn(|| schedule.next(|map| stages.get(map).copied())).collect()
    }

    fn stages(input: [u16; 2], layers: &[([u16; 2], RowWindow)]) -> Vec<Stage> {
        let mut stages = Vec::from([Stage::input(input[0], input[1])]);
        for ([rows, held], window) in layers {
            let front = stages[stages.len() - 1];
            stages.push(Stage::new(*rows, *held, *window, front.held, front.rows));
        }
        stages
    }

    #[test]
    fn whole_maps_are_made_one_after_the_other() {
        let stages = stages([22, 22], &[([10, 10], POOLED), ([4, 4], POOLED), ([1, 1], POOLED)]);
        let made: Vec<_> =
            slices(&stages).into_iter().map(|slice| (slice.map, slice.rows)).collect();
        assert_eq!(made, [(0, 0..22), (1, 0..10), (2, 0..4), (3, 0..1)]);
    }

    #[test]
    fn held_rows_are_dropped_once_they_are_read() {
        let stages = stages([10, 6], &[([4, 4], POOLED), ([1, 1], POOLED)]);
        let slice = |map, rows, dropped, kept, input, input_skipped| Slice {
            map,
            rows,
            dropped,
            kept,
            input,
            input_skipped,
            origin: 0,
        };
        let expected = [
            slice(0, 0..6, 0, 0, 0..0, 0),
            slice(1, 0..2, 0, 0, 0..6, 0),
            slice(0, 6..10, 4, 2, 0..0, 0),
            slice(1, 2..4, 0, 2, 4..10, 0),
            slice(2, 0..1, 0, 0, 0..4, 0),
        ];
        assert_eq!(slices(&stages), expected);
    }

    /// Found by a plan whose second group overwrote the image's rows: a slice of 8 of the 10 rows
    /// of the whole map had let it begin.
    #[test]
    fn a_whole_map_is_finished_before_it_is_read() {
        let pool = RowWindow { origin: 0, step: 2, reach: 2 };
        let overlapping = RowWindow { origin: 0, step: 1, reach: 3 };
        let stages =
            stages([20, 16], &[([10, 10], pool), ([8, 3], overlapping), ([6, 6], overlapping)]);
        let made: Vec<_> =
            slices(&stages).into_iter().map(|slice| (slice.map, slice.rows)).take(5).collect();
        assert_eq!(made, [(0, 0..16), (1, 0..8), (0, 16..20), (1, 8..10), (2, 0..3)]);
    }

    /// Follows the rows through memory: whatever a slice reads is held, and every row is made once.
    fn check(stages: &[Stage]) {
        let mut held = std::vec![0..0u16; stages.len()];
        for slice in slices(stages) {
            let stage = &stages[slice.map];
            assert_eq!(slice.rows.start, held[slice.map].end);
            held[slice.map] = held[slice.map].start + slice.dropped..slice.rows.end;
            assert_eq!(held[slice.map].start + slice.kept, slice.rows.start);
            assert!(held[slice.map].len() <= stage.held as usize, "{slice:?}");
            if slice.map > 0 {
                let front = &held[slice.map - 1];
                for row in slice.rows.clone() {
                    let first = stage.window.origin + row as i32 * stage.window.step as i32;
                    for read in first..first + stage.window.reach as i32 {
                        let exists = read >= 0 && read < stages[slice.map - 1].rows as i32;
                        assert!(
                            !exists || front.contains(&(read as u16)),
                            "{slice:?} reads {read}"
                        );
                    }
                }
                assert_eq!(front.start + slice.input_skipped, slice.input.start, "{slice:?}");
            }
        }
        assert_eq!(
            held.last().map(|held| held.end),
            stages.last().map(|stage| stage.rows),
            "{stages:?}"
        );
    }

    #[test]
    fn no_schedule_gets_stuck_or_reads_what_is_not_held() {
        for reach in 1..6 {
            for step in 1..5 {
                for origin in -2..=1 {
                    let window = RowWindow { origin, step, reach };
                    for (held, more) in
                        [(reach as u16, 0), (reach as u16, 1), (reach as u16 + 3, 2)]
                    {
                        let rows = |front: u16| (front as u32).div_ceil(step).max(1) as u16;
                        let (first, second) = (rows(23), rows(rows(23)));
                        let last_held = first.min(held + more);
                        let stages = stages(
                            [23, held + more],
                            &[([first, last_held], window), ([second; 2], window)],
                        );
                        if stages.iter().all(|stage| stage.rows_at_once > 0) {
                            check(&stages);
                        }
                    }
                }
            }
        }
    }
}
