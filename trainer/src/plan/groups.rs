//! Groups of layers that take turns: which there can be, how many rows of their maps they hold, and
//! in which slices they run.
//!
//! A convolution with pooling reads a few rows for each row it leaves, so the map in front of it
//! need not be held whole. To leave `c` rows at once it needs `(c - 1) * step + reach` of them; the
//! layer in front then leaves `c * step` rows at once, and so on up to the first layer of the
//! group.

use std::collections::BTreeMap;

use infer::LayerKind;
use infer::schedule::Slice;

use super::frame::FrameWork;
use crate::placement::Map;
use crate::plain_model::{Choice, PlainModel, slices};

/// Most rows of the last map of a group that are made at once, unless all are.
const ROWS_AT_ONCE_MAX: u16 = 8;

/// Most slices of a group that takes turns: a model of any number of groups then has no more than
/// the loader lets through.
const SLICES_MAX: usize = infer::schedule::SLICES_MAX as usize / infer::format::LAYERS_MAX;

/// Layers from one whole map to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first layer.
    pub first: usize,
    /// The layer behind the last.
    pub end: usize,
    /// Rows that are held of the map in front of the first layer, then of each layer's output.
    pub held_rows: Vec<u16>,
}

impl Group {
    /// All groups that begin with layer `first` and do not take turns too often, the layer by
    /// itself first.
    pub fn beginning_with(model: &PlainModel, first: usize) -> Vec<Self> {
        let heights: Vec<u16> = model.maps().map(|map| map.height).collect();
        let alone = Self { first, end: first + 1, held_rows: heights[first..=first + 1].to_vec() };
        let mut groups = vec![alone];
        let may_take_turns = |layer: &usize| model.layers[*layer].kind.runs_by_rows();
        for last in (first..model.layers.len()).take_while(may_take_turns) {
            let mut rows = 1;
            while rows <= ROWS_AT_ONCE_MAX && rows < heights[last + 1].max(2) {
                let leaving = Self::leaving(model, &heights, first, last, rows).into_iter();
                groups.extend(leaving.filter(|group| group.work(model).slices <= SLICES_MAX));
                rows *= 2;
            }
        }
        groups
    }

    /// Groups whose last layer leaves `rows` rows at once; none when that would need a whole map
    /// inside.
    fn leaving(
        model: &PlainModel,
        heights: &[u16],
        first: usize,
        last: usize,
        rows: u16,
    ) -> Vec<Self> {
        let mut held_rows = vec![heights[last + 1]];
        let mut rows = rows as u32;
        for layer in (first..=last).rev() {
            let window = model.layers[layer].row_window();
            let needed = (rows - 1) * window.step + window.reach;
            held_rows.insert(0, needed.min(heights[layer] as u32) as u16);
            rows = (rows * window.step).min(heights[layer] as u32);
        }
        let inside = first + 1..=last;
        if inside.clone().any(|map| held_rows[map - first] >= heights[map]) {
            return vec![];
        }
        let whole_input = Self { first, end: last + 1, held_rows: held_rows.clone() };
        let mut groups = vec![];
        // Only the image can be placed bit by bit: what lies in front of another group is whole.
        if first == 0 && held_rows[0] < heights[0] {
            groups.push(whole_input.clone());
        }
        if first < last {
            let mut group = whole_input;
            group.held_rows[0] = heights[first];
            groups.push(group);
        }
        groups
    }

    /// The group's maps as they lie in memory.
    pub fn maps(&self, model: &PlainModel) -> Vec<Map> {
        let shapes = model.maps().skip(self.first);
        let map = |(shape, held): (infer::Shape, &u16)| Map {
            held_bytes: *held as usize * shape.row_len(),
            is_whole: *held == shape.height,
        };
        shapes.zip(&self.held_rows).map(map).collect()
    }

    /// In which slices the group runs.
    pub fn work(&self, model: &PlainModel) -> GroupWork {
        let heights: Vec<u16> = model.maps().map(|map| map.height).collect();
        let mut held_rows = heights;
        held_rows[self.first..=self.end].copy_from_slice(&self.held_rows);
        let all = slices(&model.stages(&held_rows)[..=self.end]);
        let mut work = GroupWork::default();
        work.layers.resize(self.end - self.first, vec![]);
        for slice in all {
            work.slices += (slice.map > self.first || self.first == 0) as usize;
            match slice.map.checked_sub(self.first + 1) {
                Some(layer) => {
                    work.frame.add(&slice, model.layers[self.first + layer].output);
                    work.layers[layer].push(slice);
                }
                None if self.first == 0 => work.frame.add(&slice, model.map),
                None => (),
            }
        }
        work
    }
}

/// What a group does, whatever the algorithms of its layers.
#[derive(Clone, Debug, Default)]
pub struct GroupWork {
    /// The slices of each layer.
    layers: Vec<Vec<Slice>>,
    slices: usize,
    /// All that is not a layer's kernel.
    pub frame: FrameWork,
}

impl GroupWork {
    /// The kinds of slices of the group's layer `index` with how many there are of each.
    pub fn kinds<'m>(
        &self,
        model: &'m PlainModel,
        first: usize,
        index: usize,
        choice: Choice,
    ) -> Vec<(LayerKind<'m>, usize)> {
        let mut counts: BTreeMap<(u16, u16, i16), (LayerKind<'m>, usize)> = BTreeMap::new();
        let kind = model.layers[first + index].kind(choice);
        for slice in &self.layers[index] {
            let sizes = (slice.rows.len() as u16, slice.input.len() as u16, slice.origin);
            counts.entry(sizes).or_insert_with(|| (kind.slice(slice), 0)).1 += 1;
        }
        counts.into_values().collect()
    }
}
