//! Lays out a model file.

use serde::Serialize;

use super::format::{InputRecord, LayerRecord, SelfTest, Traits};
use super::metadata::Metadata;
use crate::checksum::checksum;
use crate::header::Header;
use crate::interface::Interface;
use crate::ops::dense::DenseRecord;
use crate::ops::{OperatorRecord, SECTION_ALIGNMENT_BYTES};
use crate::quant::{ChannelParameters, Rounding};

/// Everything of a model file that is not derived: what [`write()`] lays out.
pub struct Content<'c> {
    /// How the image becomes tensor 0.
    pub input: InputRecord,
    /// What the network takes and gives.
    pub interface: Interface<'c>,
    /// What the file says for people; left out where it says nothing.
    pub metadata: Metadata<'c>,
    /// The layers in order.
    pub layers: &'c [LayerRecord<'c>],
    /// Channel parameters and packed weights of each layer, empty for an operator without; as long
    /// as `layers`.
    pub sections: &'c [Section<'c>],
    /// The tensors that the network is run for: 1 to
    /// [`OUTPUTS_MAX`](crate::format::OUTPUTS_MAX).
    pub outputs: &'c [u8],
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
    /// One entry per output channel, with a shift each if the model rounds twice; empty for an
    /// operator without. A record that says so has the multiplier and the shift of the first for
    /// all channels.
    pub channels: &'c [ChannelParameters],
    /// Weights, packed as the layer's algorithm asks, or a table; empty for an operator without.
    pub weights: &'c [u8],
}

/// Why [`write()`] has written no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WriteError {
    /// The buffer is too small.
    BufferFull,
    /// More layers than the file can count.
    TooManyLayers {
        /// Layers.
        found: usize,
    },
    /// The file would take 4 GiB or more, and states its size in 32 bits.
    TooLarge,
}

impl core::fmt::Display for WriteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BufferFull => f.write_str("the file does not fit its buffer: use a larger one"),
            Self::TooManyLayers { found } => {
                write!(f, "{found} layers; a model file counts 65535 at most")
            }
            Self::TooLarge => f.write_str("the model file would take 4 GiB or more"),
        }
    }
}

impl core::error::Error for WriteError {}

/// Lays out a model file in `buffer` and returns its size in bytes.
///
/// The result is not validated: a reader does that.
///
/// # Errors
/// A buffer that is too small, or what a file cannot state: see [`WriteError`].
pub fn write(content: &Content<'_>, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let mut writer = Writer { buffer, at: Header::BYTES };
    writer.record(&content.input)?;
    writer.record(&counted(content)?)?;
    for layer in content.layers {
        writer.record(layer)?;
    }
    writer.record(&content.outputs)?;
    let (metadata, scales) = (content.metadata.bytes(), content.interface.scales);
    writer.record(&traits(content).bits())?;
    for bytes in [scales, metadata].into_iter().filter(|bytes| !bytes.is_empty()) {
        writer.record(&bytes)?;
    }
    let record_bytes = stated(writer.at - Header::BYTES)?;
    writer.align()?;
    for (index, section) in content.sections.iter().enumerate() {
        writer.section(section, is_per_tensor(content.layers.get(index)))?;
    }
    if let Some(SelfTest { image, scores }) = content.self_test {
        writer.aligned(image)?;
        writer.aligned(scores)?;
    }
    writer.finish(content, record_bytes)
}

fn traits(content: &Content<'_>) -> Traits {
    let Interface { takes, gives, scales } = content.interface;
    Traits {
        has_self_test: content.self_test.is_some(),
        takes,
        gives,
        has_scales: !scales.is_empty(),
        has_metadata: !content.metadata.bytes().is_empty(),
    }
}

/// The layers as the file counts them.
fn counted(content: &Content<'_>) -> Result<u16, WriteError> {
    let found = content.layers.len();
    u16::try_from(found).map_err(|_| WriteError::TooManyLayers { found })
}

/// The rounding that the layers' numbers are for.
fn rounding(content: &Content<'_>) -> Rounding {
    let mut channels = content.sections.iter().flat_map(|section| section.channels);
    if channels.any(|channel| channel.shift.is_some()) { Rounding::Twice } else { Rounding::Once }
}

/// Whether the channels of a layer have one multiplier and shift.
const fn is_per_tensor(layer: Option<&LayerRecord<'_>>) -> bool {
    matches!(
        layer,
        Some(LayerRecord {
            operator: OperatorRecord::Dense(DenseRecord { is_per_tensor: true, .. }),
            ..
        })
    )
}

/// A size as the header states it.
fn stated(bytes: usize) -> Result<u32, WriteError> {
    u32::try_from(bytes).map_err(|_| WriteError::TooLarge)
}

struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn record<Record: Serialize>(&mut self, record: &Record) -> Result<(), WriteError> {
        let free = self.buffer.get_mut(self.at..).ok_or(WriteError::BufferFull)?;
        self.at += postcard::to_slice(record, free).map_err(|_| WriteError::BufferFull)?.len();
        Ok(())
    }

    fn section(&mut self, section: &Section<'_>, is_per_tensor: bool) -> Result<(), WriteError> {
        if !section.channels.is_empty() {
            self.align()?;
        }
        match section.channels.first() {
            Some(first) if is_per_tensor => self.per_tensor(section.channels, first)?,
            _ => self.per_channel(section.channels)?,
        }
        if section.weights.is_empty() { Ok(()) } else { self.aligned(section.weights) }
    }

    fn per_channel(&mut self, channels: &[ChannelParameters]) -> Result<(), WriteError> {
        for channel in channels {
            self.bytes(&channel.to_le_bytes())?;
        }
        for shift in channels.iter().filter_map(|channel| channel.shift) {
            self.bytes(&shift.to_le_bytes())?;
        }
        Ok(())
    }

    /// The biases of all channels, the multiplier and the shift of the first.
    fn per_tensor(
        &mut self,
        channels: &[ChannelParameters],
        first: &ChannelParameters,
    ) -> Result<(), WriteError> {
        for channel in channels {
            self.bytes(&channel.bias.to_le_bytes())?;
        }
        self.bytes(&first.multiplier.to_le_bytes())?;
        self.bytes(&first.shift.unwrap_or_default().to_le_bytes())
    }

    fn aligned(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.align()?;
        self.bytes(bytes)
    }

    fn align(&mut self) -> Result<(), WriteError> {
        while !self.at.is_multiple_of(SECTION_ALIGNMENT_BYTES) {
            self.bytes(&[0])?;
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let end = self.at + bytes.len();
        self.buffer.get_mut(self.at..end).ok_or(WriteError::BufferFull)?.copy_from_slice(bytes);
        self.at = end;
        Ok(())
    }

    fn finish(self, content: &Content<'_>, record_bytes: u32) -> Result<usize, WriteError> {
        let file = self.buffer.get_mut(..self.at).ok_or(WriteError::BufferFull)?;
        let Content { arena_bytes, model_version, .. } = *content;
        let file_bytes = stated(file.len())?;
        let layers = counted(content)?;
        let mut header = Header {
            rounding: rounding(content),
            layers,
            file_bytes,
            checksum: 0,
            arena_bytes,
            record_bytes,
            model_version,
        };
        file[..Header::BYTES].copy_from_slice(&header.to_bytes());
        header.checksum = checksum(&file[Header::CHECKED_FROM..]);
        file[..Header::BYTES].copy_from_slice(&header.to_bytes());
        Ok(file.len())
    }
}
