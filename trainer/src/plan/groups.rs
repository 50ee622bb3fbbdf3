//! Groups of interleaved layers: which there can be, how many rows of their tensors they hold,
//! and in which slices they run.
//!
//! A convolution with pooling reads a few rows for each row it leaves, so the tensor that it reads
//! need not be held whole. To leave `c` rows at once it needs `(c - 1) * step + reach` of them; the
//! layer before then leaves `c * step` rows at once, and so on up to the first layer of the group:
//! with strides the first maps are held in many rows. Or the layer before leaves `c` rows at once
//! too, several times: that takes the least memory, and more slices.
//! Where two layers of a group read one tensor, the one that lags makes it hold more: the rows from
//! the first that the lagging one has still to read to the last that the other reads.

use std::collections::BTreeMap;

use infer::LayerKind;
use infer::features::Feature;
use infer::schedule::{RowWindow, Slice, TURNS_MAX};

use super::Features;
use super::frame::FrameWork;
use crate::placement;
use crate::plain_model::{Choice, PlainLayer, PlainModel};

/// Most rows of the last tensor of a group that are made at once, unless all are.
const ROWS_AT_ONCE_MAX: u16 = 8;

/// Most slices of an interleaved group, so that a run has no more than the loader allows.
const SLICES_MAX: usize = infer::schedule::SLICES_MAX as usize / 16;

/// Most layers of a group: longer ones gain little, and there are many of them.
const LAYERS_MAX: usize = if TURNS_MAX < 16 { TURNS_MAX } else { 16 };

/// Interleaved layers, or one by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first layer.
    pub first: usize,
    /// The layer after the last.
    pub end: usize,
    /// Rows that are held of tensor 0; of use for the group of the first layer alone.
    pub held_input: u16,
    /// Rows that are held of each layer's output.
    pub held_rows: Vec<u16>,
}

impl Group {
    /// All groups that begin with layer `first` and have few enough slices, the layer by itself
    /// first.
    pub fn beginning_with(model: &PlainModel, first: usize) -> Vec<Self> {
        let heights = model.heights();
        let alone = Self {
            first,
            end: first + 1,
            held_input: heights[0],
            held_rows: vec![heights[first + 1]],
        };
        let mut groups = vec![alone];
        let readers = Readers::of(model);
        let most_rows =
            |last: usize| model.layers[last].reduces().unwrap_or(heights[last + 1]).max(2);
        let may_take_turns = |layer: &usize| model.layers[*layer].kind.runs_by_rows();
        let ends = (first..model.layers.len()).take(LAYERS_MAX).take_while(may_take_turns);
        for last in ends.filter(|last| readers.end_a_group(first, *last)) {
            let mut rows = 1;
            while rows <= ROWS_AT_ONCE_MAX && rows < most_rows(last) {
                let mut leaving = readers.leaving(&heights, first, last, [rows, u16::MAX]);
                leaving.extend(readers.leaving(&heights, first, last, [rows, rows]));
                let is_short =
                    |group: &Self| group.work(model).is_some_and(|work| work.slices <= SLICES_MAX);
                for group in leaving {
                    if !groups.contains(&group) && is_short(&group) {
                        groups.push(group);
                    }
                }
                rows *= 2;
            }
        }
        groups
    }

    /// The parts of `infer` that the graph needs here, whatever its operators are.
    pub fn features(&self, model: &PlainModel) -> Features {
        let heights = model.heights();
        let mut made = self.held_rows.iter().zip(&heights[self.first + 1..]);
        let holds_rows = made.any(|(held, height)| held < height)
            || (self.first == 0 && self.held_input < heights[0]);
        let mut layers = model.layers.iter().enumerate();
        let is_of_a_chain = |(index, layer): (usize, &PlainLayer)| {
            layer.inputs.len() == 1 && layer.inputs[0].number == index
        };
        let has_branches = !layers.all(is_of_a_chain);
        let needed = [(holds_rows, Feature::HeldRows), (has_branches, Feature::Branches)];
        needed.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, feature)| feature).collect()
    }

    /// Bytes of each buffer of tensors that is in use while the group runs.
    pub fn buffers(&self, model: &PlainModel, work: &GroupWork) -> Vec<usize> {
        let last_readers = model.last_readers();
        let is_in_use = |tensor: &usize| *tensor > self.first || last_readers[*tensor] > self.first;
        let bytes = model.held_bytes(&self.held_rows_of(model));
        placement::buffers((0..=self.end).filter(is_in_use), &bytes, &work.shared)
    }

    /// Rows that are held of each tensor while the group runs.
    fn held_rows_of(&self, model: &PlainModel) -> Vec<u16> {
        let mut held_rows = model.heights();
        held_rows[0] = if self.first == 0 { self.held_input } else { held_rows[0] };
        held_rows[self.first + 1..=self.end].copy_from_slice(&self.held_rows);
        held_rows
    }

    /// In which slices the group runs, after all before it; `None` when it gets stuck.
    pub fn work(&self, model: &PlainModel) -> Option<GroupWork> {
        let held_rows = self.held_rows_of(model);
        let shapes: Vec<_> = model.tensors().map(|tensor| tensor.shape).collect();
        let made = if self.first == 0 { 0..self.end + 1 } else { self.first + 1..self.end + 1 };
        let mut work = GroupWork::default();
        work.layers.resize(self.end - self.first, vec![]);
        let walk = model.flow(&held_rows).walk_of(made)?;
        work.shared = placement::shared_buffers(model, &walk.passed_on);
        for slice in walk.slices {
            work.slices += 1;
            work.frame.add(&slice, shapes[slice.tensor]);
            if let Some(layer) = slice.tensor.checked_sub(self.first + 1) {
                work.layers[layer].push(slice);
            }
        }
        Some(work)
    }
}

/// Which layers read each tensor, and how.
struct Readers {
    /// By tensor: the tensor that is made from it, and the rows that a row of that reads.
    of: Vec<Vec<(usize, RowWindow)>>,
    /// Whether the network is run for a tensor.
    is_output: Vec<bool>,
}

impl Readers {
    fn of(model: &PlainModel) -> Self {
        let mut of = vec![vec![]; model.layers.len() + 1];
        for (layer, made) in model.layers.iter().zip(1..) {
            for (edge, window) in layer.inputs.iter().zip(layer.row_windows()) {
                of[edge.number].push((made, window));
            }
        }
        let is_output = (0..of.len()).map(|tensor| model.outputs.contains(&tensor)).collect();
        Self { of, is_output }
    }

    /// Whether nothing that layers `first..last` make is read after layer `last`, so that all of it
    /// can be held in part.
    fn end_a_group(&self, first: usize, last: usize) -> bool {
        let ends = |tensor: usize| {
            !self.is_output[tensor] && self.of[tensor].iter().all(|(reader, _)| *reader <= last + 1)
        };
        (first + 1..=last).all(ends)
    }

    /// Groups whose last layer leaves `rows` rows at once, and no other more than `most`; none when
    /// that would need a whole tensor inside.
    fn leaving(
        &self,
        heights: &[u16],
        first: usize,
        last: usize,
        [rows, most]: [u16; 2],
    ) -> Vec<Group> {
        let (start, end) = (first + 1, last + 1);
        let needs = self.needs(heights, first, last, [rows, most]);
        let held = |tensor: usize| needs[&tensor].held.min(heights[tensor] as i64) as u16;
        let mut held_rows: Vec<u16> = (start..end).map(held).collect();
        if held_rows.iter().zip(&heights[start..end]).any(|(held, height)| held >= height) {
            return vec![];
        }
        held_rows.push(heights[end]);
        let with_input =
            |held_input| Group { first, end, held_input, held_rows: held_rows.clone() };
        let mut groups = vec![];
        // Only the image can be placed bit by bit: what other groups read is whole.
        let reads_the_image = first == 0 && self.of[0].iter().all(|(reader, _)| *reader <= end);
        if reads_the_image && needs.contains_key(&0) && held(0) < heights[0] {
            groups.push(with_input(held(0)));
        }
        if first < last {
            groups.push(with_input(heights[0]));
        }
        groups
    }

    /// What the tensors before tensor `last + 1` must hold for it to make `rows` rows at once, far
    /// from the edges: by how many rows each tensor grows at once while that makes `rows` rows, no
    /// more than `most`; from which row on its readers have still to read before the last of these,
    /// and the end of what they read.
    fn needs(
        &self,
        heights: &[u16],
        first: usize,
        last: usize,
        [rows, most]: [u16; 2],
    ) -> BTreeMap<usize, Need> {
        let mut needs = BTreeMap::new();
        let (rows, most) = (rows as i64, most as i64);
        needs.insert(last + 1, Need { rows, end: rows, held: rows });
        for tensor in (0..=last).rev() {
            let inside = self.of[tensor]
                .iter()
                .filter(|(reader, _)| (first + 1..=last + 1).contains(reader));
            let reads = inside.filter_map(|(reader, window)| Some((needs.get(reader)?, window)));
            if let Some(need) = reads.map(|(need, window)| need.of_input(window)).reduce(Need::and)
            {
                let rows = need.rows.min(heights[tensor] as i64).min(most);
                needs.insert(tensor, Need { rows, ..need });
            }
        }
        needs
    }
}

/// What a tensor must hold in the middle of a run.
#[derive(Clone, Copy, Debug)]
struct Need {
    /// Rows that are made of it at once.
    rows: i64,
    /// End of the rows that there must be at the end of the first round of the group.
    end: i64,
    /// Rows that are held at once.
    held: i64,
}

impl Need {
    /// What a reader that needs this of its own tensor needs of an input.
    fn of_input(&self, window: &RowWindow) -> Self {
        let (step, reach) = (window.step as i64, window.reach as i64);
        let end = (self.end - 1) * step + window.origin as i64 + reach;
        Self { rows: self.rows * step, end, held: (self.rows - 1) * step + reach }
    }

    /// What two readers of a tensor need: the rows from the first that the lagging one has still to
    /// read on.
    fn and(self, other: Self) -> Self {
        let first = (self.end - self.held).min(other.end - other.held);
        let end = self.end.max(other.end);
        Self { rows: self.rows.max(other.rows), end, held: end - first }
    }
}

/// What a group does, whatever the algorithms of its layers.
#[derive(Clone, Debug, Default)]
pub struct GroupWork {
    /// The slices of each layer.
    layers: Vec<Vec<Slice>>,
    slices: usize,
    /// Which shared buffer each tensor lies in, as [`placement::shared_buffers`] has it.
    shared: Vec<Option<usize>>,
    /// All that is not a layer's kernel.
    pub frame: FrameWork,
}

impl GroupWork {
    /// The kinds of slices of the group's layer `index` with how many there are of each.
    pub fn kinds(
        &self,
        model: &PlainModel,
        first: usize,
        index: usize,
        choice: Choice,
    ) -> Vec<(LayerKind<'static>, usize)> {
        let kind = model.layers[first + index].kind(choice);
        kinds(&self.layers[index], |slice| kind.slice(slice))
    }
}

/// The kinds of slices with how many there are of each.
pub(super) fn kinds(
    slices: &[Slice],
    of: impl Fn(&Slice) -> LayerKind<'static>,
) -> Vec<(LayerKind<'static>, usize)> {
    let mut counts: BTreeMap<Sizes, (LayerKind<'static>, usize)> = BTreeMap::new();
    for slice in slices {
        counts.entry(Sizes::of(slice)).or_insert_with(|| (of(slice), 0)).1 += 1;
    }
    counts.into_values().collect()
}

/// What makes one slice of a layer another kind than the next.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sizes {
    rows: usize,
    /// Rows and origin of each input.
    inputs: Vec<(usize, i16)>,
}

impl Sizes {
    fn of(slice: &Slice) -> Self {
        let inputs = slice.inputs.iter().map(|input| (input.rows.len(), input.origin)).collect();
        Self { rows: slice.rows.len(), inputs }
    }
}
