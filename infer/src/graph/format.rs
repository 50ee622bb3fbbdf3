//! What the records of a model file say of the network; those of the operators are in
//! [`crate::ops`].
//!
//! ```text
//! 0                  28            28+R        multiple of 16
//! | header, 28 bytes | records, R  | zeros ... | sections, each at a multiple of 16 ... |
//! ```
//!
//! The *header* is fixed-width and little endian. The *records* are postcard: one [`InputRecord`],
//! the number of layers, one [`LayerRecord`] each, the number of outputs, the number of the tensor
//! that each is, a byte of [`Traits`], and what it says that follows. The *sections* follow in the
//! layers' order: the channel parameters of an operator that has weights, then its weights; at the
//! end those of the self-test. Nothing in the file says where a section lies: its place and size
//! follow from the records before it, so sections cannot overlap, and the last must end where the
//! file ends.
//! `docs/format.md` lists every field with its checks.

use serde::{Deserialize, Serialize};

use crate::header::Header;
use crate::ops::{OperatorRecord, SECTION_ALIGNMENT_BYTES, Tensor};
use crate::shape::Shape;
use crate::value_type::{OutputType, ValueType};

/// Most layers of a model: a tensor's number takes a byte, and 255 is none.
pub const LAYERS_MAX: usize = 254;

/// Most outputs of a model.
pub const OUTPUTS_MAX: usize = 4;

/// Longest layer name, bytes.
pub const NAME_BYTES_MAX: usize = 32;

/// The byte after the outputs: what follows it, and what the values of image and output are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Whether there is a self-test.
    pub has_self_test: bool,
    /// What the values of the image are.
    pub takes: ValueType,
    /// What the values of the first output are.
    pub gives: OutputType,
    /// Whether the scales of the channels follow.
    pub has_scales: bool,
    /// Whether [`Metadata`](crate::Metadata) follow.
    pub has_metadata: bool,
}

impl Traits {
    const SELF_TEST: u8 = 1;
    const METADATA: u8 = 1 << 5;
    const SCALES: u8 = 1 << 6;

    /// `None` for bits that say nothing in this format.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        let takes = match bits >> 1 & 3 {
            0 => ValueType::Pixels,
            1 => ValueType::Int8,
            2 => ValueType::Reals,
            _ => return None,
        };
        let gives = match bits >> 3 & 3 {
            0 => OutputType::Scores,
            1 => OutputType::Reals,
            2 => OutputType::Reconstruction,
            _ => return None,
        };
        if bits > 0x7f {
            return None;
        }
        let has_self_test = bits & Self::SELF_TEST != 0;
        let (has_metadata, has_scales) = (bits & Self::METADATA != 0, bits & Self::SCALES != 0);
        Some(Self { has_self_test, takes, gives, has_scales, has_metadata })
    }

    /// The byte as the file has it.
    pub const fn bits(self) -> u8 {
        let takes = match self.takes {
            ValueType::Pixels => 0,
            ValueType::Int8 => 1,
            ValueType::Reals => 2,
        };
        let gives = match self.gives {
            OutputType::Scores => 0,
            OutputType::Reals => 1,
            OutputType::Reconstruction => 2,
        };
        let flags = [
            (self.has_self_test, Self::SELF_TEST),
            (self.has_metadata, Self::METADATA),
            (self.has_scales, Self::SCALES),
        ];
        let mut bits = takes << 1 | gives << 3;
        let mut flag = 0;
        while flag < flags.len() {
            if flags[flag].0 {
                bits |= flags[flag].1;
            }
            flag += 1;
        }
        bits
    }
}

/// How the image becomes tensor 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// The image the caller hands over.
    pub image: Shape,
    /// Row and column of the image at which the tensor begins; what lies outside of the image reads
    /// as the tensor's zero point.
    pub origin: [i16; 2],
    /// The part of the image that is read, with as many channels as the image: tensor 0.
    pub tensor: TensorRecord,
}

/// A tensor: its size, what its values stand for, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorRecord {
    /// Size and quantisation.
    pub tensor: Tensor,
    /// Rows that are held at once, from 1 to all of them: see [`schedule`](crate::schedule).
    pub held_rows: u16,
    /// Place of the held rows in the arena, bytes.
    pub at: u32,
}

/// One layer: an operator and the tensor that it makes, which is tensor `n + 1` for layer `n`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LayerRecord<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// What it computes, and of which tensors.
    pub operator: OperatorRecord,
    /// The tensor that it makes.
    pub output: TensorRecord,
    /// Place of its scratch memory in the arena, bytes.
    pub scratch_at: u32,
}

/// An image and the scores that a model that works gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTest<'a> {
    /// As [`Session::run_stored`](crate::Session::run_stored) takes it.
    pub image: &'a [u8],
    /// The values of the first output, as bytes.
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
