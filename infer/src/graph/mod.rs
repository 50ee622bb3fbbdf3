//! What a model is: its file, the checks of it, and the layers that come out of them.

pub mod format;
pub(crate) mod layer;
pub mod metadata;
pub(crate) mod model;
pub(crate) mod network;
mod placement;
pub(crate) mod reader;
pub(crate) mod table;
pub mod writer;
