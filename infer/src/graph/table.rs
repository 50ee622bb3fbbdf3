//! The caller's memory for the layers of a loaded model.

use heapless::Vec;

use super::layer::Layer;

/// Room for the layers of a model, `LAYERS` of them at most:
/// [`Model::from_bytes`](crate::Model::from_bytes) fills it in. A layer takes
/// [`LAYER_BYTES`](crate::LAYER_BYTES) on a 32-bit core.
pub struct Table<'f, const LAYERS: usize>(pub(crate) Vec<Layer<'f>, LAYERS>);

impl<const LAYERS: usize> Table<'_, LAYERS> {
    /// An empty table.
    pub const fn new() -> Self {
        Self(Vec::new())
    }
}

impl<const LAYERS: usize> Default for Table<'_, LAYERS> {
    fn default() -> Self {
        Self::new()
    }
}
