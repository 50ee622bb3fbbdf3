//! The trainer's readers, without the trainer.
#![allow(dead_code, reason = "the targets use the readers alone")]

#[path = "../../../trainer/src/data/appearance.rs"]
pub mod appearance;
#[path = "../../../trainer/src/data/dataset.rs"]
mod dataset;
#[path = "../../../trainer/src/data/drawing.rs"]
mod drawing;
#[path = "../../../trainer/src/data/error.rs"]
pub mod error;
#[path = "../../../trainer/src/data/idx.rs"]
pub mod idx;
#[path = "../../../trainer/src/data/picture.rs"]
pub mod picture;
#[path = "../../../trainer/src/data/png.rs"]
pub mod png;

pub use dataset::Dataset;

/// Dimensions and number of values of an IDX file.
pub fn decode_idx(bytes: &[u8], ranks: &[u8]) -> Result<(Vec<u32>, usize), error::IdxError> {
    idx::Idx::decode(bytes, "image", ranks).map(|idx| (idx.dimensions, idx.values.len()))
}
