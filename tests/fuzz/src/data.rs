//! The trainer's readers, without the trainer.
#![allow(dead_code, reason = "the targets use the readers alone")]

#[path = "../../../trainer/src/data/elements.rs"]
pub mod elements;
#[path = "../../../trainer/src/data/idx.rs"]
pub mod idx;
#[path = "../../../trainer/src/data/idx_error.rs"]
pub mod idx_error;
#[path = "../../../trainer/src/data/jpeg.rs"]
mod jpeg;
#[path = "../../../trainer/src/data/npy.rs"]
pub mod npy;
#[path = "../../../trainer/src/data/npz.rs"]
pub mod npz;
#[path = "../../../trainer/src/data/picture_file.rs"]
pub mod picture_file;
#[path = "../../../trainer/src/data/png.rs"]
pub mod png;
#[path = "../../../trainer/src/data/reading.rs"]
pub mod reading;
#[path = "../../../trainer/src/data/scale.rs"]
pub mod scale;

pub use pictures::{appearance, picture};

/// Dimensions and numbers of an IDX file.
pub fn decode_idx(
    bytes: &[u8],
    ranks: &[u8],
) -> Result<(Vec<u32>, elements::Numbers), idx_error::IdxError> {
    idx::Idx::decode(bytes, "image", ranks).map(|idx| (idx.dimensions, idx.numbers))
}
