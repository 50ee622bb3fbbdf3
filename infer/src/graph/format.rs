//! The model file: header, records, sections.
//!
//! ```text
//! 0                  28            28+R        multiple of 16
//! | header, 28 bytes | records, R  | zeros ... | sections, each at a multiple of 16 ... |
//! ```
//!
//! The *header* is fixed-width and little endian. The *records* are postcard: one [`InputRecord`],
//! the number of layers, one
//! [`LayerRecord`](crate::ops::LayerRecord) each, and whether there is a self-test. The *sections*
//! follow in the layers' order: for a convolution or dense layer its channel parameters, then its
//! weights; at the end those of the self-test. Nothing in the file says where a section lies: its
//! place and size follow from the records in front of it, so sections cannot overlap, and the last
//! must end where the file ends. `docs/format.md` lists every field with its checks.

use serde::{Deserialize, Serialize};

use crate::header::Header;
use crate::ops::SECTION_ALIGNMENT_BYTES;
use crate::shape::Shape;

/// How the image becomes the first feature map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// The image the caller hands over, 8 bits per value.
    pub image: Shape,
    /// The part of the image that is read: the first feature map; as many channels as the image.
    pub map: Shape,
    /// Row and column of the image at which the map begins; pixels outside of the image read as 0.
    pub origin: [i16; 2],
    /// Real value of one step of a pixel.
    pub scale: f32,
    /// Rows of the map that are held at once, from 1 to all of them: see
    /// [`schedule`](crate::schedule).
    pub held_rows: u16,
    /// Place of the held rows in the arena, bytes.
    pub arena_at: u32,
}

/// An image and the scores that a model that works gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTest<'a> {
    /// As [`Session::run`](crate::Session::run) takes it.
    pub image: &'a [u8],
    /// The int8 scores, as bytes.
    pub scores: &'a [u8],
}

/// Reads one postcard record from the front of `bytes` and gives back the rest; `None` when it is
/// not one.
pub(crate) fn read_record<'a, Record: Deserialize<'a>>(
    bytes: &'a [u8],
) -> Option<(Record, &'a [u8])> {
    postcard::take_from_bytes(bytes).ok()
}

/// Start of the first section of a file with `record_bytes` of records.
pub(crate) const fn sections_start(record_bytes: usize) -> Option<usize> {
    match record_bytes.checked_add(Header::BYTES) {
        Some(end) => end.checked_next_multiple_of(SECTION_ALIGNMENT_BYTES),
        None => None,
    }
}
