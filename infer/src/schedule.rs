//! In which order the rows of tensors are made when memory holds only some of them at once.
//!
//! Tensor 0 is the network's input; each operator makes the tensor after those that it may read.
//!
//! ```text
//! for each group of interleaved tensors:
//!     repeat:
//!         take the last tensor of which more rows can be made from the rows that are held
//!         drop its rows that no reader will read again
//!         make as many rows as there is room for
//!     until the group's whole tensors are complete
//! ```
//!
//! A *group* is as short as it can be: no tensor of which only some rows are held is read outside
//! of its group. A tensor that is held whole is made by one [`Slice`] in a group of its own, unless
//! it is made from such rows; a model that holds all tensors whole runs operator by operator. Where
//! fewer rows are held, operators are interleaved: a convolution with pooling needs a few rows of
//! its input for each row it leaves, and never the whole input.
//!
//! An operator waits until its inputs hold rows enough for as many rows as it can ever make at once
//! ([`Stage::rows_at_once`]). Only when all operators of a group wait does the last one that can
//! make a row make those that it can: where one reader of a tensor lags another, a part of the rows
//! that are held serves the one that lags.
//!
//! A tensor is *passed on* when whatever rows of it a slice makes, the next slice reads for the
//! last time. It then needs memory from its slices to the ends of the slices after them only. That
//! is so when no slice keeps rows of it, and none reads it but right after its own
//! ([`Slice::keeps`]).
//!
//! An operator that reduces its input to a single row, such as a global average, takes rows before
//! its row is complete. Its tensor counts the rows that it has taken; its readers see no row of it
//! until all are.
//!
//! A chain of operators cannot get stuck. [`Model::from_bytes`](crate::Model::from_bytes) checks
//! that a tensor's held rows suffice for one row of its reader at least (`rows_at_once` is 1 or
//! more). So if the reader lacks rows, the rows it needs and has not got are fewer than those held:
//! there is room for one, and the same holds for the tensor before, down to the image, all of whose
//! rows are there. Branches that meet again can get stuck, where a tensor holds too few rows for
//! its readers' lag: [`Schedule::next`] then gives `None` before [`Schedule::is_done`], and the
//! loader, which walks the whole schedule, refuses the model.

use core::ops::Range;

use crate::features::Feature;

/// Most tensors of a group.
pub const TURNS_MAX: usize = 24;

/// Most tensors that an operator reads.
pub const INPUTS_MAX: usize = 2;

/// Whether tensors of which only some rows are held are in the build.
pub(crate) const HOLDS_ROWS: bool = Feature::HeldRows.is_built();

/// Whether graphs that are no chains are in the build.
pub(crate) const BRANCHES: bool = Feature::Branches.is_built();

/// Inputs of an operator that this build looks at.
pub(crate) const INPUTS: usize = if BRANCHES { INPUTS_MAX } else { 1 };

/// Most slices of a run: a model that is cut into more is refused, so that a few bytes cannot ask
/// for hours of looking for the next slice.
pub const SLICES_MAX: u32 = 16_384;

/// A network as the schedule sees it.
pub trait Tensors {
    /// What the schedule has to know of a tensor; `None` after the last.
    fn stage(&self, tensor: usize) -> Option<Stage>;

    /// What a row of a tensor reads of its operator's input number `input`; `None` after the last
    /// input, and for the network's input.
    fn read(&self, tensor: usize, input: usize) -> Option<Read>;
}

/// What the schedule has to know of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Rows of the tensor.
    pub rows: u16,
    /// Rows of the tensor that are held at once.
    pub held: u16,
    /// Most rows that can be made of the rows that the inputs hold, 1 or more.
    pub rows_at_once: u16,
    /// The last tensor that is made from this one; 0 when none is.
    pub last_reader: usize,
    /// Whether its operator [reduces](crate::ops::Operator::reduces) its input: the rows are those
    /// that it takes, and once all are taken a single row is there to be read.
    pub reduces: bool,
}

/// What a row of a tensor reads of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The tensor that is read, which has a smaller number.
    pub tensor: usize,
    /// Which rows of it.
    pub window: RowWindow,
}

/// Row `r` of a tensor reads rows `origin + r * step .. origin + r * step + reach` of an input, as
/// far as the input has them.
///
/// The loader bounds `rows * step + reach` of a tensor by 2^30, so that all of this fits 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowWindow {
    /// First row read by row 0; negative where padding is read.
    pub origin: i32,
    /// Rows from one window to the next.
    pub step: u32,
    /// Rows of a window.
    pub reach: u32,
}

/// Some rows of a tensor, made at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Which tensor: 0 is the network's input, `n` is the output of layer `n - 1`.
    pub tensor: usize,
    /// The rows that are made.
    pub rows: Range<u16>,
    /// Rows before them that are held and dropped first.
    pub dropped: u16,
    /// Rows before them that stay.
    pub kept: u16,
    /// What is read of each input; nothing where there is none.
    pub inputs: [InputRows; INPUTS_MAX],
}

/// The rows of an input that a slice reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputRows {
    /// Rows that are held and can be read, from the first that is read.
    pub rows: Range<u16>,
    /// How many rows of the input are held before those.
    pub skipped: u16,
    /// The first row of the window of the first row made, less the first row of `rows`: 0, or
    /// negative at padding.
    pub origin: i16,
}

/// How far each tensor is.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The interleaved tensors.
    group: Range<usize>,
    /// The rows of each of them that are held.
    held: [Held; TURNS_MAX],
    /// No tensor of the group after this one can be made further.
    last: usize,
    /// Whole tensors of the group that are not complete.
    left: usize,
}

/// Rows `first..end` of a tensor.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    first: u16,
    end: u16,
}

impl Slice {
    /// The tensors that are not passed on, as this slice shows, which follows one of tensor
    /// `before`: its own, when rows of it stay; of those that it may read, `inputs`, each of which
    /// it reads rows that an earlier slice made.
    #[inline(always)]
    pub fn keeps(
        &self,
        before: usize,
        inputs: impl Iterator<Item = usize>,
    ) -> impl Iterator<Item = usize> {
        let own = (self.kept > 0).then_some(self.tensor);
        let reads = inputs.zip(&self.inputs);
        let earlier = reads.filter(move |(read, of)| *read != before && !of.rows.is_empty());
        own.into_iter().chain(earlier.map(|(read, _)| read))
    }
}

impl RowWindow {
    /// The rows before which everything is done once `rows` rows are made, of an input of `height`
    /// rows.
    fn first_read(&self, rows: u16, height: u16) -> u16 {
        self.within(self.origin + (rows as u32 * self.step) as i32, height)
    }

    fn within(&self, row: i32, height: u16) -> u16 {
        row.clamp(0, height as i32) as u16
    }

    /// Whether the first `end` of the input's `height` rows are all that `rows` rows read; 1 row or
    /// more.
    fn suffices(&self, rows: u16, end: u16, height: u16) -> bool {
        let last = rows as u32 - 1;
        end >= height || self.origin + (last * self.step + self.reach) as i32 <= end as i32
    }

    /// Most rows that can be made of the first `end` of the input's `height` rows.
    fn rows_of(&self, end: u16, height: u16) -> u16 {
        if end >= height { u16::MAX } else { self.rows_within(end as i32 - self.origin) }
    }

    /// Most rows that can be made while `held` of the input's `height` rows are held; 0 if that is
    /// too few.
    pub const fn rows_at_once(&self, held: u16, height: u16) -> u16 {
        if held >= height { u16::MAX } else { self.rows_within(held as i32) }
    }

    /// Most rows whose windows fit into `rows` rows.
    const fn rows_within(&self, rows: i32) -> u16 {
        let more = rows - self.reach as i32;
        if more < 0 {
            return 0;
        }
        match (more as u32).checked_div(self.step) {
            Some(steps) if steps < u16::MAX as u32 => steps as u16 + 1,
            _ => u16::MAX,
        }
    }
}

impl Stage {
    /// The network's input: `rows` rows; `held` of them are held at once.
    pub const fn input(rows: u16, held: u16, last_reader: usize) -> Self {
        Self { rows, held, rows_at_once: u16::MAX, last_reader, reduces: false }
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
        let held = [Held { first: 0, end: 0 }; TURNS_MAX];
        Self { group: 0..0, held, last: 0, left: 0 }
    }

    /// What is made next; `None` when all is done, or when no tensor can be made further.
    pub fn next(&mut self, tensors: &impl Tensors) -> Option<Slice> {
        let is_under_way = HOLDS_ROWS && self.left > 0;
        if is_under_way { self.next_of_group(tensors) } else { self.begin_group(tensors) }
    }

    /// Whether all tensors are made.
    pub fn is_done(&self, tensors: &impl Tensors) -> bool {
        self.left == 0 && tensors.stage(self.group.end).is_none()
    }

    /// The interleaved tensors.
    pub(crate) fn group(&self) -> Range<usize> {
        self.group.clone()
    }

    /// Goes on with the tensors after the group; `None` when there are none, or the group has too
    /// many.
    fn begin_group(&mut self, tensors: &impl Tensors) -> Option<Slice> {
        let first = self.group.end;
        let stage = tensors.stage(first)?;
        if stage.is_whole() || !HOLDS_ROWS {
            self.group = first..first + 1;
            return self.whole(first, stage.rows, tensors);
        }
        self.group = first..group_end(first, tensors)?;
        for (tensor, held) in self.group.clone().zip(&mut self.held) {
            *held = Held::default();
            self.left += tensors.stage(tensor)?.is_whole() as usize;
        }
        self.last = self.group.end - 1;
        if self.group.len() > TURNS_MAX { None } else { self.next_of_group(tensors) }
    }

    /// All rows of a tensor, made of tensors that are whole; in a build that holds all tensors
    /// whole nobody asks which rows of the inputs that takes.
    #[inline(always)]
    fn whole(&self, tensor: usize, rows: u16, tensors: &impl Tensors) -> Option<Slice> {
        let slice = Slice { tensor, rows: 0..rows, ..Slice::default() };
        if HOLDS_ROWS { self.with_inputs(slice, tensors) } else { Some(slice) }
    }

    /// The next slice of interleaved tensors.
    #[inline(never)]
    fn next_of_group(&mut self, tensors: &impl Tensors) -> Option<Slice> {
        let waiting = self.last_slice(self.last, tensors, Demand::AtOnce);
        // A chain cannot get stuck.
        let slice = if BRANCHES { waiting.or_else(|| self.any_slice(tensors)) } else { waiting }?;
        self.make(&slice, &tensors.stage(slice.tensor)?);
        Some(slice)
    }

    /// The last tensor that has rows to make though its operator would rather wait.
    #[cold]
    fn any_slice(&self, tensors: &impl Tensors) -> Option<Slice> {
        self.last_slice(self.group.end - 1, tensors, Demand::Any)
    }

    /// Rows of the last tensor, up to `last`, that has rows which can be made.
    fn last_slice(&self, last: usize, tensors: &impl Tensors, demand: Demand) -> Option<Slice> {
        let mut tensor = last;
        loop {
            if let Some(slice) = self.slice(tensor, tensors, demand) {
                return Some(slice);
            }
            tensor = tensor.checked_sub(1).filter(|tensor| *tensor >= self.group.start)?;
        }
    }

    /// Takes a slice as made.
    fn make(&mut self, slice: &Slice, stage: &Stage) {
        let Some(held) = self.held.get_mut(slice.tensor - self.group.start) else {
            return;
        };
        held.first += slice.dropped;
        held.end = slice.rows.end;
        if held.end == stage.rows && stage.is_whole() {
            self.left -= 1;
        }
        self.last = stage.last_reader.max(slice.tensor).min(self.group.end - 1);
    }

    /// The rows of a tensor that are held; all of one that is made before the group.
    fn held(&self, tensor: usize, rows: u16) -> Held {
        let of_group = tensor.checked_sub(self.group.start).and_then(|index| self.held.get(index));
        of_group.copied().unwrap_or(Held { first: 0, end: rows })
    }

    /// The rows of a tensor that are there to be read, and how many it has.
    #[inline(always)]
    fn readable(&self, tensor: usize, tensors: &impl Tensors) -> (Held, u16) {
        let Some(stage) = tensors.stage(tensor) else { return (Held::default(), 0) };
        let held = self.held(tensor, stage.rows);
        if Feature::REDUCES && stage.reduces {
            let is_complete = held.end == stage.rows;
            return (Held { first: 0, end: is_complete as u16 }, 1);
        }
        (held, stage.rows)
    }

    /// The rows of a tensor that can be made now.
    fn slice(&self, tensor: usize, tensors: &impl Tensors, demand: Demand) -> Option<Slice> {
        let stage = tensors.stage(tensor)?;
        let held = self.held(tensor, stage.rows);
        let left = stage.rows.checked_sub(held.end).filter(|left| *left > 0)?;
        let first = if stage.is_whole() { 0 } else { self.first_needed(tensor, &stage, tensors) };
        let first = first.max(held.first);
        let kept = held.end.saturating_sub(first);
        let rows = left.min(stage.held.saturating_sub(kept)).min(stage.rows_at_once);
        let rows = match demand {
            Demand::Any => rows.min(self.rows_of_inputs(tensor, tensors).saturating_sub(held.end)),
            Demand::AtOnce => rows,
        };
        if rows == 0 {
            return None;
        }
        let dropped = first.min(held.end).saturating_sub(held.first);
        let rows = held.end..held.end + rows;
        self.with_inputs(Slice { tensor, rows, dropped, kept, ..Slice::default() }, tensors)
    }

    /// Most rows of a tensor that can be made of those of its inputs.
    #[cold]
    fn rows_of_inputs(&self, tensor: usize, tensors: &impl Tensors) -> u16 {
        let reads = (0..INPUTS).map_while(|input| tensors.read(tensor, input));
        let rows = reads.map(|read| {
            let (held, height) = self.readable(read.tensor, tensors);
            read.window.rows_of(held.end, height)
        });
        rows.min().unwrap_or(u16::MAX)
    }

    /// First row of a tensor that one of its readers has still to read.
    fn first_needed(&self, tensor: usize, stage: &Stage, tensors: &impl Tensors) -> u16 {
        let mut first = stage.rows;
        let last_reader = if BRANCHES { stage.last_reader } else { tensor + 1 };
        for reader in tensor + 1..=last_reader {
            let made = self.held(reader, 0).end;
            let reads = (0..INPUTS).map_while(|input| tensors.read(reader, input));
            for Read { window, .. } in reads.filter(|read| read.tensor == tensor) {
                first = first.min(window.first_read(made, stage.rows));
            }
        }
        first
    }

    /// The slice with what it reads; `None` when its inputs do not hold all of that.
    #[inline(always)]
    fn with_inputs(&self, mut slice: Slice, tensors: &impl Tensors) -> Option<Slice> {
        for (input, rows) in slice.inputs.iter_mut().enumerate().take(INPUTS) {
            let Some(read) = tensors.read(slice.tensor, input) else {
                break;
            };
            let (held, height) = self.readable(read.tensor, tensors);
            if !read.window.suffices(slice.rows.end, held.end, height) {
                return None;
            }
            *rows = input_rows(slice.rows.start, &read, (held, height));
        }
        Some(slice)
    }
}

/// What rows from `start` on read of an input of which these rows are held, of `height` rows.
fn input_rows(start: u16, read: &Read, (held, height): (Held, u16)) -> InputRows {
    let first = read.window.first_read(start, height).min(held.end);
    let window = read.window.origin + (start as u32 * read.window.step) as i32;
    // Negative at the tensor's beginning only: there it is the window's origin, an i16.
    let origin = (window - first as i32).clamp(i16::MIN as i32, 0) as i16;
    InputRows { rows: first..held.end, skipped: first.saturating_sub(held.first), origin }
}

/// How many rows a slice is to have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// As many as can be made at once.
    AtOnce,
    /// As many as there are inputs for.
    Any,
}

/// The tensor after the group that begins with `first`; `None` when there is no such tensor.
pub fn group_end(first: usize, tensors: &impl Tensors) -> Option<usize> {
    let mut end = first;
    let mut last_read = first;
    while end <= last_read {
        let Some(stage) = tensors.stage(end) else {
            break;
        };
        if !stage.is_whole() {
            last_read = last_read.max(stage.last_reader);
        }
        end += 1;
    }
    (end > first).then_some(end)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// 3x3 convolution with 2x2 pooling.
    const POOLED: RowWindow = RowWindow { origin: 0, step: 2, reach: 4 };

    /// Tensors with what each reads.
    struct Graph(Vec<(Stage, Vec<Read>)>);

    impl Tensors for Graph {
        fn stage(&self, tensor: usize) -> Option<Stage> {
            self.0.get(tensor).map(|(stage, _)| *stage)
        }

        fn read(&self, tensor: usize, input: usize) -> Option<Read> {
            self.0.get(tensor)?.1.get(input).copied()
        }
    }

    impl Graph {
        fn input(rows: u16, held: u16) -> Self {
            Self(Vec::from([(Stage::input(rows, held, 0), Vec::new())]))
        }

        /// With a tensor more, which reads the tensors of these numbers.
        fn with(mut self, [rows, held]: [u16; 2], reads: &[(usize, RowWindow)]) -> Self {
            let (made, mut rows_at_once) = (self.0.len(), u16::MAX);
            for (tensor, window) in reads {
                let height = self.height(*tensor);
                let stage = &mut self.0[*tensor].0;
                stage.last_reader = made;
                rows_at_once = rows_at_once.min(window.rows_at_once(stage.held, height));
            }
            let reads =
                reads.iter().map(|(tensor, window)| Read { tensor: *tensor, window: *window });
            let stage = Stage { rows, held, rows_at_once, last_reader: 0, reduces: false };
            self.0.push((stage, reads.collect()));
            self
        }

        /// With a tensor more, of one row, which is made of all rows of the tensor `read`.
        fn with_reduced(self, read: usize) -> Self {
            let rows = self.height(read);
            let mut graph = self.with([rows, rows], &[(read, POINT)]);
            graph.0.last_mut().unwrap().0.reduces = true;
            graph
        }

        /// Rows that readers see.
        fn height(&self, tensor: usize) -> u16 {
            let (stage, _) = &self.0[tensor];
            if stage.reduces { 1 } else { stage.rows }
        }

        fn slices(&self) -> (Vec<Slice>, bool) {
            let mut schedule = Schedule::new();
            let slices = core::iter::from_fn(|| schedule.next(self)).collect();
            (slices, schedule.is_done(self))
        }

        fn made(&self) -> Vec<(usize, Range<u16>)> {
            self.slices().0.into_iter().map(|slice| (slice.tensor, slice.rows)).collect()
        }
    }

    fn chain(input: [u16; 2], layers: &[([u16; 2], RowWindow)]) -> Graph {
        let begin = Graph::input(input[0], input[1]);
        let step = |graph: Graph, (rows, window): &([u16; 2], RowWindow)| {
            let front = graph.0.len() - 1;
            graph.with(*rows, &[(front, *window)])
        };
        layers.iter().fold(begin, step)
    }

    #[test]
    fn whole_tensors_are_made_one_after_the_other() {
        let chain = chain([22, 22], &[([10, 10], POOLED), ([4, 4], POOLED), ([1, 1], POOLED)]);
        assert_eq!(chain.made(), [(0, 0..22), (1, 0..10), (2, 0..4), (3, 0..1)]);
    }

    #[test]
    fn held_rows_are_dropped_once_they_are_read() {
        let chain = chain([10, 6], &[([4, 4], POOLED), ([1, 1], POOLED)]);
        let slice = |tensor, rows, dropped, kept, read, skipped| {
            let inputs = [InputRows { rows: read, skipped, origin: 0 }, InputRows::default()];
            Slice { tensor, rows, dropped, kept, inputs }
        };
        let expected = [
            slice(0, 0..6, 0, 0, 0..0, 0),
            slice(1, 0..2, 0, 0, 0..6, 0),
            slice(0, 6..10, 4, 2, 0..0, 0),
            slice(1, 2..4, 0, 2, 4..10, 0),
            slice(2, 0..1, 0, 0, 0..4, 0),
        ];
        assert_eq!(chain.slices(), (Vec::from(expected), true));
    }

    /// Found by a plan whose second group overwrote the image's rows: a slice of 8 of the 10 rows
    /// of the whole tensor had let it begin.
    #[test]
    fn a_whole_tensor_is_finished_before_the_next_group_reads_it() {
        let pool = RowWindow { origin: 0, step: 2, reach: 2 };
        let overlapping = RowWindow { origin: 0, step: 1, reach: 3 };
        let chain =
            chain([20, 16], &[([10, 10], pool), ([8, 3], overlapping), ([6, 6], overlapping)]);
        let first = chain.made().into_iter().take(5).collect::<Vec<_>>();
        assert_eq!(first, [(0, 0..16), (1, 0..8), (0, 16..20), (1, 8..10), (2, 0..3)]);
    }

    const SAME: RowWindow = RowWindow { origin: -1, step: 1, reach: 3 };
    const POINT: RowWindow = RowWindow { origin: 0, step: 1, reach: 1 };

    /// A residual block: three 3x3 convolutions, and their input added to what they leave.
    fn residual(rows: u16, held: [u16; 4]) -> Graph {
        Graph::input(rows, held[0])
            .with([rows, held[1]], &[(0, SAME)])
            .with([rows, held[2]], &[(1, SAME)])
            .with([rows, held[3]], &[(2, SAME)])
            .with([rows, rows], &[(3, POINT), (0, POINT)])
    }

    #[test]
    fn rows_stream_through_a_residual_block() {
        let block = residual(16, [6, 4, 4, 2]);
        assert!(check(&block));
        assert!(block.slices().0.len() > 20);
    }

    /// Row 0 of the sum reads row 0 of the input, and through the convolutions rows 0 to 3.
    #[test]
    fn a_window_too_small_for_its_readers_lag_gets_stuck() {
        assert!(check(&residual(16, [4, 3, 3, 1])));
        assert!(!check(&residual(16, [3, 3, 3, 1])));
    }

    /// The third tensor takes two rows at once of the second; its reader waits for the last.
    #[test]
    fn what_is_reduced_is_taken_row_by_row() {
        let graph = Graph::input(6, 6)
            .with([6, 2], &[(0, POINT)])
            .with_reduced(1)
            .with([3, 3], &[(2, RowWindow { origin: -1, step: 1, reach: 3 })]);
        let taken = [0..2, 2..4, 4..6];
        let turns = taken.into_iter().flat_map(|rows| [(1, rows.clone()), (2, rows)]);
        let all = [(0, 0..6)].into_iter().chain(turns).chain([(3, 0..3)]);
        assert_eq!(graph.made(), all.collect::<Vec<_>>());
        assert!(check(&graph));
    }

    #[test]
    fn branches_are_made_in_the_order_of_their_operators() {
        let graph = Graph::input(8, 8)
            .with([8, 8], &[(0, SAME)])
            .with([8, 8], &[(1, SAME)])
            .with([8, 8], &[(0, POINT)])
            .with([8, 8], &[(2, POINT), (3, POINT)]);
        assert_eq!(graph.made(), [(0, 0..8), (1, 0..8), (2, 0..8), (3, 0..8), (4, 0..8)]);
    }

    /// Follows the rows through memory: all that a slice reads is held, every row is made once, and
    /// no more is held than there is room for. Whether all tensors were made.
    fn check(graph: &Graph) -> bool {
        let mut held = std::vec![0..0u16; graph.0.len()];
        let (slices, is_done) = graph.slices();
        for slice in &slices {
            let (stage, reads) = &graph.0[slice.tensor];
            assert_eq!(slice.rows.start, held[slice.tensor].end);
            held[slice.tensor] = held[slice.tensor].start + slice.dropped..slice.rows.end;
            assert_eq!(held[slice.tensor].start + slice.kept, slice.rows.start);
            assert!(held[slice.tensor].len() <= stage.held as usize, "{slice:?}");
            for (read, input) in reads.iter().zip(&slice.inputs) {
                let (height, front) = (graph.height(read.tensor), &held[read.tensor]);
                let (read_stage, _) = &graph.0[read.tensor];
                let reduced = 0..(front.end == read_stage.rows) as u16;
                let front = if read_stage.reduces { &reduced } else { front };
                for row in slice.rows.clone() {
                    let first = read.window.origin + row as i32 * read.window.step as i32;
                    for row in first..first + read.window.reach as i32 {
                        let exists = row >= 0 && row < height as i32;
                        assert!(!exists || front.contains(&(row as u16)), "{slice:?} reads {row}");
                    }
                }
                assert_eq!(front.start + input.skipped, input.rows.start, "{slice:?}");
            }
        }
        let complete = |(held, (stage, _)): (&Range<u16>, &(Stage, Vec<Read>))| {
            !stage.is_whole() || held.end == stage.rows
        };
        assert_eq!(is_done, held.iter().zip(&graph.0).all(complete), "{:?}", graph.0);
        is_done
    }

    #[test]
    fn no_chain_gets_stuck_or_reads_what_is_not_held() {
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
                        let layers = [([first, last_held], window), ([second; 2], window)];
                        let chain = chain([23, held + more], &layers);
                        if chain.0.iter().all(|(stage, _)| stage.rows_at_once > 0) {
                            assert!(check(&chain));
                        }
                    }
                }
            }
        }
    }

    /// Random acyclic graphs: none reads what is not held, whether it gets stuck or not; and with
    /// all tensors whole none gets stuck.
    #[test]
    fn random_graphs_read_what_is_held() {
        let mut state = 1u64;
        let mut below = |limit: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % limit
        };
        let (mut done, mut stuck) = (0, 0);
        for _ in 0..20_000 {
            let whole = below(4) == 0;
            let hold = |rows: u16, below: &mut dyn FnMut(u64) -> u64| {
                if whole || below(3) == 0 { rows } else { (1 + below(8) as u16).min(rows) }
            };
            let mut graph = Graph::input(24, hold(24, &mut below));
            let count = 2 + below(6) as usize;
            for made in 1..=count {
                let step = 1 + below(2) as u32;
                let windows: Vec<_> = (0..1 + below(2))
                    .map(|_| {
                        let reach = 1 + below(4) as u32;
                        let origin = -(below(reach as u64) as i32);
                        // The tensor before is read, so that all but the last have a reader.
                        (RowWindow { origin, step, reach }, below(made as u64) as usize)
                    })
                    .collect();
                let mut reads: Vec<_> =
                    windows.iter().map(|(window, tensor)| (*tensor, *window)).collect();
                reads[0].0 = made - 1;
                if below(6) == 0 {
                    graph = graph.with_reduced(made - 1);
                    continue;
                }
                let height = graph.height(made - 1).div_ceil(step as u16);
                let held = if made == count { height } else { hold(height, &mut below) };
                graph = graph.with([height, held], &reads);
            }
            if graph.0.iter().any(|(stage, _)| stage.rows_at_once == 0) {
                continue;
            }
            let is_done = check(&graph);
            assert!(is_done || !whole);
            *(if is_done { &mut done } else { &mut stuck }) += 1;
        }
        assert!(done > 1000 && stuck > 100, "{done} done, {stuck} stuck");
    }
}
