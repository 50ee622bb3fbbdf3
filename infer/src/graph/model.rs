//! A validated model. [`Model::from_bytes`] is the border: what it lets through needs no further
//! check.
//!
//! Guaranteed for every `Model`:
//! - maps, weights and channel parameters have exactly the sizes their layer needs;
//! - the buffers of a layer (input, scratch, output) lie inside of the arena and share no byte;
//! - no accumulator can leave 32 bits for any input; a greater accumulator gives no smaller output;
//! - index arithmetic of every window fits 32 bits.

use heapless::VecView;

use super::format::SelfTest;
use super::layer::{Input, Layer};
use super::metadata::Metadata;
use super::network::Network;
use super::reader;
use super::table::Table;
use crate::error::ModelError;
use crate::ops::operations_of_map;
use crate::quant::OutputQuant;
use crate::shape::Shape;

/// A validated model that borrows its layers from the caller's table, and its weights from the
/// file.
pub struct Model<'m> {
    pub(crate) input: Input<'m>,
    pub(crate) layers: &'m [Layer<'m>],
    /// The tensors that the network is run for.
    pub(crate) outputs: &'m [u8],
    pub(crate) self_test: Option<SelfTest<'m>>,
    pub(crate) version: u32,
    pub(crate) file_bytes: usize,
    pub(crate) arena_bytes: usize,
    pub(crate) metadata: Metadata<'m>,
    /// Slices of a run.
    pub(crate) slices: u32,
}

/// What looking for the next slice and beginning it counts as, in operations.
const SLICE_OPERATIONS: u64 = 128;

impl<'m> Model<'m> {
    /// Reads and validates a model file: its layers into `table`, in place of what that holds;
    /// weights stay where they are and are borrowed.
    ///
    /// On a backend that loads words, `file` must lie at a multiple of 16 bytes:
    /// [`include_model!`](crate::include_model) and [`Aligned`](crate::Aligned) see to that.
    ///
    /// # Errors
    /// Everything that is not exactly what the writer would have written, and everything later code
    /// could trip over: see [`ModelError`] and [`LayerProblem`](crate::LayerProblem).
    pub fn from_bytes<'f: 'm, const LAYERS: usize>(
        file: &'f [u8],
        table: &'m mut Table<'f, LAYERS>,
    ) -> Result<Self, ModelError> {
        Self::from_bytes_into(file, table.0.as_mut_view())
    }

    /// [`Model::from_bytes`] where the program itself says how many layers there is room for: the
    /// layers go into `layers`, in place of what that holds.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn from_bytes_into<'f: 'm>(
        file: &'f [u8],
        layers: &'m mut VecView<Layer<'f>>,
    ) -> Result<Self, ModelError> {
        layers.clear();
        reader::read(file, layers)
    }

    pub(crate) fn network(&self) -> Network<'_> {
        let Self { input, layers, outputs, arena_bytes, .. } = self;
        Network { input, layers, outputs, arena_bytes: *arena_bytes }
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
    pub const fn self_test(&self) -> Option<SelfTest<'m>> {
        self.self_test
    }

    /// What the file says for people: names of the classes and the like.
    pub const fn metadata(&self) -> Metadata<'m> {
        self.metadata
    }

    /// The image [`Session::run`](crate::Session::run) takes: rows of values of
    /// [`Interface::takes`](crate::Interface::takes).
    pub const fn image_shape(&self) -> Shape {
        self.input.image
    }

    /// How the image becomes tensor 0.
    pub const fn input(&self) -> &Input<'m> {
        &self.input
    }

    /// The layers in order, one at least.
    pub const fn layers(&self) -> &'m [Layer<'m>] {
        self.layers
    }

    /// The tensors that the network is run for, by their numbers; the first are the scores.
    pub const fn outputs(&self) -> &'m [u8] {
        self.outputs
    }

    /// Number of scores.
    pub fn classes(&self) -> usize {
        self.network().classes()
    }

    /// Quantisation of the scores.
    pub fn output_quant(&self) -> OutputQuant {
        self.network().output_quant()
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
        let input = operations_of_map(self.input.tensor.shape);
        let frame = input + SLICE_OPERATIONS * self.slices as u64;
        self.layers.iter().map(Layer::operations).fold(frame, u64::saturating_add)
    }
}
