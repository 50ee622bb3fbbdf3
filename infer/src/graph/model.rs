//! A validated model. [`Model::from_bytes`] is the border: what it lets through needs no further
//! check.
//!
//! Guaranteed for every `Model`:
//! - maps, weights and channel parameters have exactly the sizes their layer needs;
//! - the buffers of a layer (input, scratch, output) lie inside of the arena and share no byte;
//! - no accumulator can leave 32 bits for any input; every multiplier is 1 or more;
//! - index arithmetic of every window fits 32 bits.

use heapless::Vec;

use super::format::SelfTest;
use super::layer::{Input, Layer};
use super::reader;
use crate::error::ModelError;
use crate::ops::operations_of_map;
use crate::quant::OutputQuant;
use crate::schedule::LAYERS_MAX;
use crate::shape::Shape;

/// A validated model that borrows its weights from the file.
pub struct Model<'a> {
    pub(crate) input: Input,
    pub(crate) layers: Vec<Layer<'a>, LAYERS_MAX>,
    pub(crate) self_test: Option<SelfTest<'a>>,
    pub(crate) version: u32,
    pub(crate) output_quant: OutputQuant,
    pub(crate) file_bytes: usize,
    pub(crate) arena_bytes: usize,
    /// Slices of a run.
    pub(crate) slices: u32,
}

/// Looking for the next slice, and beginning it, counts as so many operations.
const SLICE_OPERATIONS: u64 = 128;

impl<'a> Model<'a> {
    /// Reads and validates a model file; weights stay where they are and are borrowed.
    ///
    /// On a backend that loads words, `file` must lie at a multiple of 16 bytes:
    /// [`include_model!`](crate::include_model) and [`Aligned`](crate::Aligned) see to that.
    ///
    /// # Errors
    /// Everything that is not exactly what the writer would have written, and everything later code
    /// could trip over: see [`ModelError`] and [`LayerProblem`](crate::LayerProblem).
    pub fn from_bytes(file: &'a [u8]) -> Result<Self, ModelError> {
        // Filled in where it is returned, because a model is large: moving it takes as much stack
        // again.
        let mut result = Ok(Self::empty());
        if let Ok(model) = &mut result
            && let Err(error) = reader::read(file, model)
        {
            result = Err(error);
        }
        result
    }

    /// No model yet.
    const fn empty() -> Self {
        let map = Shape::vector(0);
        Self {
            input: Input { image: map, map, origin: [0, 0], scale: 1.0, held_rows: 0, arena_at: 0 },
            layers: Vec::new(),
            self_test: None,
            version: 0,
            output_quant: OutputQuant { scale: 1.0, zero_point: 0 },
            file_bytes: 0,
            arena_bytes: 0,
            slices: 0,
        }
    }

    /// Bytes of working memory a [`Session`](crate::Session) needs: exact, not an estimate.
    pub const fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Bytes of the model file.
    pub const fn file_bytes(&self) -> usize {
        self.file_bytes
    }

    /// The maker's count of versions of this model.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// An image with the scores it must give; `None` when the file has none. See
    /// [`self_test`](crate::self_test()).
    pub const fn self_test(&self) -> Option<SelfTest<'a>> {
        self.self_test
    }

    /// The image [`Session::run`](crate::Session::run) takes: rows of pixels of 8-bit values.
    pub const fn image_shape(&self) -> Shape {
        self.input.image
    }

    /// How the image becomes the first map.
    pub const fn input(&self) -> &Input {
        &self.input
    }

    /// The layers in order, one at least.
    pub fn layers(&self) -> &[Layer<'a>] {
        &self.layers
    }

    /// Number of scores.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(self.input.map, Layer::output).len()
    }

    /// Quantisation of the scores.
    pub const fn output_quant(&self) -> OutputQuant {
        self.output_quant
    }

    /// Slices that a run is cut into, at most [`SLICES_MAX`](crate::schedule::SLICES_MAX): steps of
    /// [`Run::step`](crate::Run::step).
    pub const fn slices(&self) -> u32 {
        self.slices
    }

    /// Multiply-accumulates of one run; 2^64 - 1 for more than that.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(Layer::macs).fold(0, u64::saturating_add)
    }

    /// Work of one run, which bounds its time whatever the image: [`Layer::operations`] of all
    /// layers, placing the image, and beginning each slice ([`schedule`](crate::schedule)). 2^64 -
    /// 1 for more than that.
    pub fn operations(&self) -> u64 {
        let frame = operations_of_map(self.input.map) + SLICE_OPERATIONS * self.slices as u64;
        self.layers.iter().map(Layer::operations).fold(frame, u64::saturating_add)
    }
}
