//! What a session runs: the layers with their numbers and places, wherever they come from.
//!
//! Two ways lead to a network, and both prove the same:
//! - [`Model::from_bytes`] reads a file on the chip;
//! - a model that is compiled in was read and checked when the firmware was built: `build::embed`
//!   (feature `build`) writes the source of a constant [`Network`], and the chip needs no loader,
//!   no time and no stack to load.

use core::ops::Range;

use super::layer::{AFTER_RUN, Input, Layer, Place};
use super::model::Model;
use crate::features::Feature;
use crate::ops::Tensor;
use crate::quant::OutputQuant;
use crate::schedule::{Read, Stage, Tensors, group_end};
use crate::shape::Shape;

/// Checked layers over borrowed weights: what [`Session::new`](crate::Session::new) joins with
/// memory. Made of a `&Model`, or a constant that a build script wrote.
#[derive(Clone, Copy, Debug)]
pub struct Network<'m> {
    pub(crate) input: &'m Input<'m>,
    pub(crate) layers: &'m [Layer<'m>],
    /// The tensors that the network is run for.
    pub(crate) outputs: &'m [u8],
    pub(crate) arena_bytes: usize,
}

/// Most bytes that a layer takes on a 32-bit core, beside its weights: of flash in a constant
/// [`Network`], of RAM in a [`Table`](crate::Table).
pub const LAYER_BYTES: usize = 84;

#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Layer<'_>>() <= LAYER_BYTES);

impl<'m> Network<'m> {
    /// Bytes of working memory a [`Session`](crate::Session) needs: exact, not an estimate.
    pub const fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// The image [`Session::run`](crate::Session::run) takes: rows of values of
    /// [`Interface::takes`](crate::Interface::takes).
    pub const fn image_shape(&self) -> Shape {
        self.input.image
    }

    /// How the image becomes tensor 0.
    pub const fn input(&self) -> &'m Input<'m> {
        self.input
    }

    /// The layers in order, one at least.
    pub const fn layers(&self) -> &'m [Layer<'m>] {
        self.layers
    }

    /// The tensors that the network is run for, by their numbers; the first are the scores.
    pub const fn outputs(&self) -> &'m [u8] {
        self.outputs
    }

    /// Size and quantisation of a tensor: 0 is the network's input, `n` what layer `n - 1` makes.
    pub fn tensor(&self, tensor: usize) -> Option<Tensor> {
        match tensor.checked_sub(1) {
            None => Some(self.input.tensor),
            Some(layer) => self.layers.get(layer).map(|layer| layer.kind.output()),
        }
    }

    /// The held rows of a tensor, as `(start, bytes)` in the arena.
    pub fn tensor_use(&self, tensor: usize) -> Option<(usize, usize)> {
        match tensor.checked_sub(1) {
            None => Some(self.input.arena_use()),
            Some(layer) => self.layers.get(layer).map(Layer::output_use),
        }
    }

    /// Whether the graph needs a part of this crate, whatever its operators are.
    pub fn needs(&self, feature: Feature) -> bool {
        let mut layers = self.layers.iter().enumerate();
        match feature {
            Feature::HeldRows => {
                let is_whole = |place: &Place| place.held_rows == place.rows;
                !is_whole(&self.input.place) || !layers.all(|(_, layer)| is_whole(&layer.place))
            }
            Feature::Branches => !layers.all(|(index, layer)| layer.inputs.are_of_a_chain(index)),
            _ => false,
        }
    }

    /// The groups of interleaved tensors, in the order in which they run.
    pub fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        let mut first = 0;
        core::iter::from_fn(move || {
            let group = first..group_end(first, self)?;
            first = group.end;
            Some(group)
        })
    }

    /// Place of a tensor's held rows in the arena, bytes.
    pub(crate) fn tensor_at(&self, tensor: usize) -> Option<u32> {
        match tensor.checked_sub(1) {
            None => Some(self.input.place.at),
            Some(layer) => self.layers.get(layer).map(|layer| layer.place.at),
        }
    }

    /// Rows of a tensor that are held at once.
    pub(crate) fn held_rows(&self, tensor: usize) -> u16 {
        self.place(tensor).map_or(0, |place| place.held_rows)
    }

    /// The last tensor that may be made from a tensor.
    pub(crate) fn last_reader(&self, tensor: usize) -> usize {
        let last = self.place(tensor).map_or(0, |place| place.last_reader);
        if last == AFTER_RUN { self.layers.len() } else { last as usize }
    }

    fn place(&self, tensor: usize) -> Option<&'m Place> {
        match tensor.checked_sub(1) {
            None => Some(&self.input.place),
            Some(layer) => self.layers.get(layer).map(|layer| &layer.place),
        }
    }

    /// Number of scores: values of the first output.
    pub fn classes(&self) -> usize {
        self.output(0).map_or(0, |(tensor, _)| tensor.shape.len())
    }

    /// Quantisation of the scores.
    pub fn output_quant(&self) -> OutputQuant {
        self.output(0).map_or(self.input.tensor.quant, |(tensor, _)| tensor.quant)
    }

    /// An output with its place in the arena.
    pub(crate) fn output(&self, index: usize) -> Option<(Tensor, usize)> {
        let tensor = *self.outputs.get(index)? as usize;
        Some((self.tensor(tensor)?, self.tensor_use(tensor)?.0))
    }
}

impl Tensors for Network<'_> {
    fn stage(&self, tensor: usize) -> Option<Stage> {
        match tensor.checked_sub(1) {
            None => Some(self.input.stage()),
            Some(layer) => self.layers.get(layer).map(Layer::stage),
        }
    }

    fn read(&self, tensor: usize, input: usize) -> Option<Read> {
        let layer = self.layers.get(tensor.checked_sub(1)?)?;
        Some(Read { tensor: layer.inputs.get(input)?, window: layer.kind.row_window(input) })
    }
}

impl<'m> From<&'m Model<'_>> for Network<'m> {
    fn from(model: &'m Model<'_>) -> Self {
        model.network()
    }
}
