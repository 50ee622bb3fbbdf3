//! What a session runs: the layers with their numbers and places, wherever they come from.
//!
//! Two ways lead to a network, and both prove the same:
//! - [`Model::from_bytes`] reads a file on the chip;
//! - a model that is compiled in was read and checked when the firmware was built: `build::embed`
//!   (feature `build`) writes the source of a constant [`Network`], and the chip needs no loader,
//!   no time and no stack to load.

use super::layer::{Input, Layer};
use super::model::Model;
use crate::quant::OutputQuant;
use crate::schedule::Stage;
use crate::shape::Shape;

/// Checked layers over borrowed weights: what [`Session::new`](crate::Session::new) joins with
/// memory. Made of a `&Model`, or a constant that a build script wrote.
#[derive(Clone, Copy, Debug)]
pub struct Network<'m> {
    pub(crate) input: &'m Input,
    pub(crate) layers: &'m [Layer<'m>],
    pub(crate) output_quant: OutputQuant,
    pub(crate) arena_bytes: usize,
}

/// Most bytes of flash that a layer of a constant [`Network`] takes on a 32-bit core, beside its
/// weights.
pub const LAYER_BYTES: usize = 96;

#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Layer<'_>>() <= LAYER_BYTES);

impl<'m> Network<'m> {
    /// Bytes of working memory a [`Session`](crate::Session) needs: exact, not an estimate.
    pub const fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// The image [`Session::run`](crate::Session::run) takes: rows of pixels of 8-bit values.
    pub const fn image_shape(&self) -> Shape {
        self.input.image
    }

    /// How the image becomes the first map.
    pub const fn input(&self) -> &'m Input {
        self.input
    }

    /// The layers in order, one at least.
    pub const fn layers(&self) -> &'m [Layer<'m>] {
        self.layers
    }

    /// Quantisation of the scores.
    pub const fn output_quant(&self) -> OutputQuant {
        self.output_quant
    }

    /// Number of scores.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(self.input.map, Layer::output).len()
    }

    /// What the schedule has to know of map `map`: 0 is the network's input, `n` the output of
    /// layer `n - 1`.
    pub(crate) fn stage(&self, map: usize) -> Option<Stage> {
        match map.checked_sub(1) {
            None => Some(Stage::input(self.input.map.height, self.input.held_rows)),
            Some(layer) => self.layers.get(layer).map(Layer::stage),
        }
    }

    /// Place of the scores in the arena.
    pub(crate) fn output_at(&self) -> usize {
        self.layers.last().map_or(self.input.arena_at, |layer| layer.placement.output_at)
    }
}

impl<'m> From<&'m Model<'_>> for Network<'m> {
    fn from(model: &'m Model<'_>) -> Self {
        let Model { input, layers, output_quant, arena_bytes, .. } = model;
        Self { input, layers, output_quant: *output_quant, arena_bytes: *arena_bytes }
    }
}
