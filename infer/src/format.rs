//! The model file: header, records, sections; its reader and its writer side by side.
//!
//! ```text
//! 0                  28            28+R        multiple of 16
//! | header, 28 bytes | records, R  | zeros ... | sections, each at a multiple of 16 ... |
//! ```
//!
//! The *header* is fixed-width and little endian. The *records* are postcard: one [`InputRecord`],
//! the number of layers, one [`LayerRecord`] each, and whether there is a self-test. The *sections*
//! follow in the layers' order: for a convolution or dense layer its channel parameters, then its
//! weights; at the end those of the self-test. Nothing in the file says where a section lies: its
//! place and size follow from the records in front of it, so sections cannot overlap, and the last
//! must end where the file ends. `docs/format.md` lists every field with its checks.

use serde::{Deserialize, Serialize};

pub use crate::checksum::checksum;
use crate::error::ModelError;
use crate::quant::ChannelParameters;
use crate::shape::Shape;

/// First bytes of every model file.
pub const MAGIC: [u8; 4] = *b"KNDL";

/// The format this crate reads and writes.
pub const FORMAT_VERSION: u16 = 2;

/// Sections start at multiples of this many bytes.
pub const SECTION_ALIGNMENT_BYTES: usize = 16;

/// Most layers of a model.
pub const LAYERS_MAX: usize = 16;

/// Longest layer name, bytes.
pub const NAME_BYTES_MAX: usize = 32;

/// The fixed-width start of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole file.
    pub file_bytes: u32,
    /// CRC-32 (IEEE 802.3) of everything behind this field.
    pub checksum: u32,
    /// Bytes of working memory the model needs.
    pub arena_bytes: u32,
    /// Bytes of the records.
    pub record_bytes: u32,
    /// The maker's count of versions of this model: an update never goes back to a smaller one.
    pub model_version: u32,
}

impl Header {
    /// Size in the file.
    pub const BYTES: usize = 28;

    /// Start of the bytes that the checksum covers.
    pub const CHECKED_FROM: usize = 16;

    /// Reads the header and checks what can be checked without the rest of the file.
    ///
    /// # Errors
    /// [`ModelError::TooShort`], [`ModelError::Magic`], [`ModelError::Version`],
    /// [`ModelError::Reserved`].
    pub const fn read(file: &[u8]) -> Result<Self, ModelError> {
        let Some((header, _)) = file.split_first_chunk::<{ Self::BYTES }>() else {
            return Err(ModelError::TooShort { needed: Self::BYTES, found: file.len() });
        };
        #[rustfmt::skip]
        let [
            m0, m1, m2, m3, v0, v1, r0, r1, l0, l1, l2, l3, c0, c1, c2, c3,
            a0, a1, a2, a3, b0, b1, b2, b3, n0, n1, n2, n3,
        ] = *header;
        if u32::from_le_bytes([m0, m1, m2, m3]) != u32::from_le_bytes(MAGIC) {
            return Err(ModelError::Magic { found: [m0, m1, m2, m3] });
        }
        let version = u16::from_le_bytes([v0, v1]);
        if version != FORMAT_VERSION {
            return Err(ModelError::Version { found: version, supported: FORMAT_VERSION });
        }
        if u16::from_le_bytes([r0, r1]) != 0 {
            return Err(ModelError::Reserved);
        }
        Ok(Self {
            file_bytes: u32::from_le_bytes([l0, l1, l2, l3]),
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            arena_bytes: u32::from_le_bytes([a0, a1, a2, a3]),
            record_bytes: u32::from_le_bytes([b0, b1, b2, b3]),
            model_version: u32::from_le_bytes([n0, n1, n2, n3]),
        })
    }

    /// The header as the file holds it.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let words = [
            self.file_bytes,
            self.checksum,
            self.arena_bytes,
            self.record_bytes,
            self.model_version,
        ];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        for (field, word) in bytes[8..].chunks_exact_mut(4).zip(words) {
            field.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

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

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LayerRecord<'a> {
    /// Convolution, with the pooling behind it.
    #[serde(borrow)]
    Conv(ConvRecord<'a>),
    /// Maximum over windows.
    MaxPool(MaxPoolRecord<'a>),
    /// Fully connected.
    Dense(DenseRecord<'a>),
}

/// A convolution of the map in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvRecord<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// The map it leaves, after pooling.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the kernel's first tap for the first output; negative where
    /// padding is read. Input outside of the map reads as the zero point.
    pub origin: [i16; 2],
    /// Rows and columns of the pooling window, which is also its step; 1, 1 without pooling.
    pub pool: [u8; 2],
    /// How the output is quantised and where the layer works.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it, and so how its weights are packed.
    pub algorithm: Algorithm,
    /// Rows of the output that are held at once, from 1 to all of them: see
    /// [`schedule`](crate::schedule).
    pub held_rows: u16,
    /// Place of the held rows in the arena, bytes.
    pub output_at: u32,
    /// Place of the scratch memory in the arena, bytes.
    pub scratch_at: u32,
}

/// Maximum over windows of the map in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxPoolRecord<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// The map it leaves.
    pub output: Shape,
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Rows of the output that are held at once, from 1 to all of them: see
    /// [`schedule`](crate::schedule).
    pub held_rows: u16,
    /// Place of the held rows in the arena, bytes.
    pub output_at: u32,
}

/// A fully connected layer over all values of the map in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenseRecord<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// Outputs.
    pub units: u16,
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it, and so how its weights are packed.
    pub algorithm: DenseAlgorithm,
    /// Place of the output in the arena, bytes.
    pub output_at: u32,
}

/// Quantisation of a layer's output: `real = scale * (int8 - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputQuant {
    /// Real value of one step.
    pub scale: f32,
    /// The int8 value that stands for 0.0.
    pub zero_point: i8,
}

/// How a convolution is computed, and so how its weights lie: see [`packing`](crate::packing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Multiply and add tap by tap. Weights: int8, `[output channel][kernel row][kernel
    /// column][input channel]`.
    Direct,
    /// The same with int8 weights of two output channels interleaved, for cores that multiply int16
    /// pairs.
    DirectPaired,
    /// 3x3 over one input channel with 2x2 pooling, for cores that multiply int16 pairs.
    SingleChannel,
    /// Winograd F(2x2, 3x3) with transformed weights in int16: a good 3.5 bytes per weight.
    WinogradF2,
    /// Winograd F(4x4, 3x3) with transformed weights in int16: 8 bytes per weight.
    WinogradF4,
    /// Winograd F(2x2, 3x3) that transforms int8 weights when it runs.
    WinogradF2OnTheFly,
    /// Winograd F(4x4, 3x3) that transforms int8 weights when it runs.
    WinogradF4OnTheFly,
    /// Tap by tap with int8 weights of two output channels interleaved by 16 taps, for cores that
    /// multiply vectors.
    DirectVector,
    /// As [`Algorithm::Direct`], without scratch memory.
    DirectInPlace,
}

/// How a dense layer is computed, and so how its weights lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DenseAlgorithm {
    /// Unit by unit. Weights: int8, `[unit][input]`.
    Rows,
    /// Four units at once. Weights: int8, `[four units][four inputs][unit][input]`, zero for units
    /// beyond the last.
    Quads,
    /// The same with weights widened to int16, which saves a core with the DSP extension a third of
    /// its instructions: `[four units][input pair][unit][input of the pair]`.
    QuadsWide,
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

/// Everything of a model file that is not derived: what [`write()`] lays out.
pub struct Content<'c> {
    /// How the image becomes the first map.
    pub input: InputRecord,
    /// The layers in order.
    pub layers: &'c [LayerRecord<'c>],
    /// Channel parameters and packed weights of each layer, empty for poolings; as long as
    /// `layers`.
    pub sections: &'c [Section<'c>],
    /// Bytes of working memory.
    pub arena_bytes: u32,
    /// The maker's count of versions of this model.
    pub model_version: u32,
    /// An image with the scores it must give.
    pub self_test: Option<SelfTest<'c>>,
}

/// The numbers of one layer.
#[derive(Clone, Copy)]
pub struct Section<'c> {
    /// One entry per output channel.
    pub channels: &'c [ChannelParameters],
    /// Weights, packed as the layer's algorithm asks.
    pub weights: &'c [u8],
}

/// An image and the scores that a model that works gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTest<'a> {
    /// As [`Session::run`](crate::Session::run) takes it.
    pub image: &'a [u8],
    /// The int8 scores, as bytes.
    pub scores: &'a [u8],
}

/// The buffer given to [`write()`] is too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferFull;

/// Lays out a model file in `buffer` and returns its size in bytes.
///
/// The result is not validated: a reader does that.
///
/// # Errors
/// [`BufferFull`] when the file does not fit.
pub fn write(content: &Content<'_>, buffer: &mut [u8]) -> Result<usize, BufferFull> {
    let mut writer = Writer { buffer, at: Header::BYTES };
    writer.record(&content.input)?;
    writer.record(&(content.layers.len() as u8))?;
    for layer in content.layers {
        writer.record(layer)?;
    }
    writer.record(&content.self_test.is_some())?;
    let record_bytes = (writer.at - Header::BYTES) as u32;
    writer.align()?;
    for section in content.sections {
        writer.section(section)?;
    }
    if let Some(SelfTest { image, scores }) = content.self_test {
        writer.aligned(image)?;
        writer.aligned(scores)?;
    }
    writer.finish(content, record_bytes)
}

struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn record<Record: Serialize>(&mut self, record: &Record) -> Result<(), BufferFull> {
        let free = self.buffer.get_mut(self.at..).ok_or(BufferFull)?;
        self.at += postcard::to_slice(record, free).map_err(|_| BufferFull)?.len();
        Ok(())
    }

    fn section(&mut self, section: &Section<'_>) -> Result<(), BufferFull> {
        if section.channels.is_empty() {
            return Ok(());
        }
        self.align()?;
        for channel in section.channels {
            self.bytes(&channel.to_le_bytes())?;
        }
        self.aligned(section.weights)
    }

    fn aligned(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        self.align()?;
        self.bytes(bytes)
    }

    fn align(&mut self) -> Result<(), BufferFull> {
        while !self.at.is_multiple_of(SECTION_ALIGNMENT_BYTES) {
            self.bytes(&[0])?;
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let end = self.at + bytes.len();
        self.buffer.get_mut(self.at..end).ok_or(BufferFull)?.copy_from_slice(bytes);
        self.at = end;
        Ok(())
    }

    fn finish(self, content: &Content<'_>, record_bytes: u32) -> Result<usize, BufferFull> {
        let file = self.buffer.get_mut(..self.at).ok_or(BufferFull)?;
        let Content { arena_bytes, model_version, .. } = *content;
        let file_bytes = file.len() as u32;
        let mut header =
            Header { file_bytes, checksum: 0, arena_bytes, record_bytes, model_version };
        file[..Header::BYTES].copy_from_slice(&header.to_bytes());
        header.checksum = checksum(&file[Header::CHECKED_FROM..]);
        file[..Header::BYTES].copy_from_slice(&header.to_bytes());
        Ok(file.len())
    }
}
