//! Model files of format 2, the one before: read, and written again in format 3.
//!
//! Format 2 knew chains of layers only: each layer read what the layer before it left.

use infer::format::{
    Algorithm, Content, ConvRecord, DenseAlgorithm, DenseRecord, InputRecord, LayerRecord,
    MaxPoolRecord, OperatorRecord, OutputQuant, Section, SelfTest, Tensor, TensorRecord,
};
use infer::packing::{Filters, Matrix};
use infer::quant::{ChannelParameters, INPUT_ZERO_POINT};
use infer::{Interface, Metadata, Shape};
use serde::Deserialize;
use thiserror::Error;

use crate::model_file::{WriteModelError, check, in_growing_buffer};

/// The version that this module reads.
pub const VERSION: u16 = 2;

/// Bytes of the header.
const HEADER_BYTES: usize = 28;

/// Why a file cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConvertError {
    /// It is no model file at all.
    #[error("no model file: it does not begin with \"KNDL\" and a header of 28 bytes")]
    NoModel,
    /// It is of another format.
    #[error("the file is of format {found}; only files of format 2 need to be converted")]
    Version {
        /// Its format.
        found: u16,
    },
    /// Its bytes are not those that were written.
    #[error("the file is damaged: its checksum or its length is not what its header says")]
    Damaged,
    /// Its records or sections end too early.
    #[error("the file is damaged: its {0} end too early or cannot be read")]
    Missing(&'static str),
    /// What was converted is refused.
    #[error("after the conversion: {0}")]
    Refused(WriteModelError),
}

/// The file in format 3: the same network, plan, places and version, so the same scores.
///
/// # Errors
/// A file that is not a valid model of format 2.
pub fn convert(file: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let header = Header::read(file)?;
    let mut reader = Reader::new(file, header.record_bytes)?;
    let input: Input = reader.record()?;
    let count: u8 = reader.record()?;
    let layers = (0..count).map(|_| reader.record()).collect::<Result<Vec<Layer<'_>>, _>>()?;
    let has_self_test: bool = reader.record()?;
    let mut chain = Chain::new(&input);
    let records: Vec<LayerRecord<'_>> = layers.iter().map(|layer| chain.push(layer)).collect();
    let numbers = reader.numbers(&input, &layers)?;
    let sections: Vec<Section<'_>> = numbers.iter().map(Numbers::section).collect();
    let self_test = match has_self_test {
        true => Some(reader.self_test(&input, chain.last.shape)?),
        false => None,
    };
    let converted = in_growing_buffer(&Content {
        interface: Interface::default(),
        metadata: Metadata::default(),
        input: input.record(),
        layers: &records,
        sections: &sections,
        outputs: &[count],
        arena_bytes: header.arena_bytes,
        model_version: header.model_version,
        self_test,
    })
    .map_err(ConvertError::Refused)?;
    check(&converted).map_err(ConvertError::Refused)?;
    Ok(converted)
}

/// What is still needed of the header.
struct Header {
    arena_bytes: u32,
    record_bytes: usize,
    model_version: u32,
}

impl Header {
    fn read(file: &[u8]) -> Result<Self, ConvertError> {
        let header = file.get(..HEADER_BYTES).filter(|header| header.starts_with(b"KNDL"));
        let header = header.ok_or(ConvertError::NoModel)?;
        if u16::from_le_bytes([header[4], header[5]]) != VERSION {
            // Later formats have the rounding in the second byte.
            return Err(ConvertError::Version { found: header[4].into() });
        }
        let word = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let is_whole = word(8) as usize == file.len();
        if !is_whole || word(12) != infer::format::checksum(&file[16..]) {
            return Err(ConvertError::Damaged);
        }
        let (arena_bytes, record_bytes) = (word(16), word(20) as usize);
        Ok(Self { arena_bytes, record_bytes, model_version: word(24) })
    }
}

/// The input record of format 2.
#[derive(Deserialize)]
struct Input {
    image: Shape,
    map: Shape,
    origin: [i16; 2],
    scale: f32,
    held_rows: u16,
    arena_at: u32,
}

/// The layer records of format 2, in the order of their numbers.
#[derive(Deserialize)]
enum Layer<'f> {
    #[serde(borrow)]
    Conv(Conv<'f>),
    MaxPool(MaxPool<'f>),
    Dense(Dense<'f>),
}

#[derive(Deserialize)]
struct Conv<'f> {
    name: &'f str,
    output: Shape,
    kernel: [u8; 2],
    stride: [u8; 2],
    origin: [i16; 2],
    pool: [u8; 2],
    output_quant: OutputQuant,
    algorithm: Algorithm,
    held_rows: u16,
    output_at: u32,
    scratch_at: u32,
}

#[derive(Deserialize)]
struct MaxPool<'f> {
    name: &'f str,
    output: Shape,
    size: [u8; 2],
    stride: [u8; 2],
    held_rows: u16,
    output_at: u32,
}

#[derive(Deserialize)]
struct Dense<'f> {
    name: &'f str,
    units: u16,
    output_quant: OutputQuant,
    algorithm: DenseAlgorithm,
    output_at: u32,
}

impl Input {
    fn quant(&self) -> OutputQuant {
        OutputQuant { scale: self.scale, zero_point: INPUT_ZERO_POINT }
    }

    fn record(&self) -> InputRecord {
        let tensor = Tensor { shape: self.map, quant: self.quant() };
        let tensor = TensorRecord { tensor, held_rows: self.held_rows, at: self.arena_at };
        InputRecord { image: self.image, origin: self.origin, tensor }
    }
}

/// The layers that are converted so far.
struct Chain {
    /// The number of the tensor that the next layer reads.
    tensor: u8,
    /// That tensor.
    last: Tensor,
}

impl Chain {
    fn new(input: &Input) -> Self {
        Self { tensor: 0, last: input.record().tensor.tensor }
    }

    /// A layer that reads the last tensor and makes the next one.
    fn push<'f>(&mut self, layer: &Layer<'f>) -> LayerRecord<'f> {
        let record = record(layer, self.tensor, self.last.quant);
        (self.tensor, self.last) = (self.tensor + 1, record.output.tensor);
        record
    }
}

fn record<'f>(layer: &Layer<'f>, input: u8, input_quant: OutputQuant) -> LayerRecord<'f> {
    let output = |shape, quant, held_rows, at| {
        let tensor = Tensor { shape, quant };
        TensorRecord { tensor, held_rows, at }
    };
    match *layer {
        Layer::Conv(ref conv) => {
            let Conv { name, kernel, stride, origin, pool, algorithm, scratch_at, .. } = *conv;
            let operator = ConvRecord { input, kernel, stride, origin, pool, algorithm };
            LayerRecord {
                name,
                operator: OperatorRecord::Conv(operator),
                output: output(conv.output, conv.output_quant, conv.held_rows, conv.output_at),
                scratch_at,
            }
        }
        Layer::MaxPool(ref pool) => {
            let MaxPool { name, size, stride, .. } = *pool;
            let operator = MaxPoolRecord { input, size, stride, origin: [0, 0] };
            LayerRecord {
                name,
                operator: OperatorRecord::MaxPool(operator),
                output: output(pool.output, input_quant, pool.held_rows, pool.output_at),
                scratch_at: 0,
            }
        }
        Layer::Dense(ref dense) => {
            let Dense { name, units, output_quant, algorithm, output_at } = *dense;
            LayerRecord {
                name,
                operator: OperatorRecord::Dense(DenseRecord::new(input, algorithm)),
                output: output(Shape::vector(units), output_quant, 1, output_at),
                scratch_at: 0,
            }
        }
    }
}

/// Channel parameters and packed weights of a layer.
struct Numbers<'f> {
    channels: Vec<ChannelParameters>,
    weights: &'f [u8],
}

impl Numbers<'_> {
    fn section(&self) -> Section<'_> {
        Section { channels: &self.channels, weights: self.weights }
    }
}

/// Records and sections, side by side.
struct Reader<'f> {
    file: &'f [u8],
    records: &'f [u8],
    section_at: usize,
}

impl<'f> Reader<'f> {
    fn new(file: &'f [u8], record_bytes: usize) -> Result<Self, ConvertError> {
        let rest = &file[HEADER_BYTES..];
        let records = rest.get(..record_bytes).ok_or(ConvertError::Missing("records"))?;
        Ok(Self { file, records, section_at: HEADER_BYTES + record_bytes })
    }

    fn record<Record: Deserialize<'f>>(&mut self) -> Result<Record, ConvertError> {
        let read = postcard::take_from_bytes(self.records);
        let (record, rest) = read.map_err(|_| ConvertError::Missing("records"))?;
        self.records = rest;
        Ok(record)
    }

    fn section(&mut self, bytes: u64) -> Result<&'f [u8], ConvertError> {
        let start = self.section_at.next_multiple_of(infer::format::SECTION_ALIGNMENT_BYTES);
        let end = usize::try_from(bytes).ok().and_then(|bytes| start.checked_add(bytes));
        let section = end.and_then(|end| self.file.get(start..end));
        let section = section.ok_or(ConvertError::Missing("sections"))?;
        self.section_at = start + section.len();
        Ok(section)
    }

    /// The numbers of all layers, in their order.
    fn numbers(
        &mut self,
        input: &Input,
        layers: &[Layer<'_>],
    ) -> Result<Vec<Numbers<'f>>, ConvertError> {
        let mut map = input.map;
        let mut numbers = vec![];
        for layer in layers {
            let (channels, bytes, output) = sizes(layer, map);
            map = output;
            let channels = self.section(channels as u64 * ChannelParameters::BYTES as u64)?;
            let channels = channels.as_chunks().0.iter().map(ChannelParameters::from_le_bytes);
            numbers.push(Numbers { channels: channels.collect(), weights: self.section(bytes)? });
        }
        Ok(numbers)
    }

    fn self_test(&mut self, input: &Input, scores: Shape) -> Result<SelfTest<'f>, ConvertError> {
        let image = self.section(input.image.len() as u64)?;
        Ok(SelfTest { image, scores: self.section(scores.len() as u64)? })
    }
}

/// Channels and bytes of packed weights of a layer that reads `input`, and what it leaves.
fn sizes(layer: &Layer<'_>, input: Shape) -> (u16, u64, Shape) {
    match layer {
        Layer::Conv(conv) => {
            let filters = Filters {
                algorithm: conv.algorithm,
                kernel: conv.kernel,
                input_channels: input.channels,
                output_channels: conv.output.channels,
            };
            (conv.output.channels, filters.packed_bytes(), conv.output)
        }
        Layer::MaxPool(pool) => (0, 0, pool.output),
        Layer::Dense(dense) => {
            let (inputs, units) = (input.len(), dense.units as usize);
            let matrix = Matrix { algorithm: dense.algorithm, inputs, units };
            (dense.units, matrix.packed_bytes(), Shape::vector(dense.units))
        }
    }
}
