//! The border: reads a model file and proves all that [`Model`] guarantees.

use heapless::Vec;

use crate::error::{LayerProblem, ModelError};
use crate::features::Feature;
use crate::format::{
    self, ConvRecord, DenseRecord, Header, InputRecord, LAYERS_MAX, LayerRecord, MaxPoolRecord,
    NAME_BYTES_MAX, OutputQuant, SECTION_ALIGNMENT_BYTES, SelfTest,
};
use crate::kernels::{Kernels, Native};
use crate::layer::{Buffers, Conv, Dense, Input, Layer, LayerKind, MaxPool, channel_parameters};
use crate::model::Model;
use crate::placement;
use crate::quant::{ChannelParameters, INPUT_ZERO_POINT};
use crate::schedule::Stage;
use crate::shape::Shape;

/// Largest map or section, bytes.
const SIZE_MAX_BYTES: usize = 1 << 30;

/// Largest row number, and largest offset of a value in its row, that a window may reach.
const COORDINATE_MAX: u64 = 1 << 30;

/// Checks all that needs no record: length, checksum, address.
pub(crate) fn check_header(file: &[u8]) -> Result<Header, ModelError> {
    let header = Header::read(file)?;
    if header.file_bytes as usize != file.len() {
        return Err(ModelError::Length { header: header.file_bytes, found: file.len() });
    }
    let computed = format::checksum(file.get(Header::CHECKED_FROM..).unwrap_or_default());
    if computed != header.checksum {
        return Err(ModelError::Checksum { header: header.checksum, computed });
    }
    let needed = Native::ALIGNMENT_BYTES;
    if !file.as_ptr().addr().is_multiple_of(needed) {
        return Err(ModelError::Misaligned { needed });
    }
    Ok(header)
}

/// Walks records and sections side by side and checks each layer against the map in front of it.
pub(crate) struct Reader<'a> {
    file: &'a [u8],
    records: &'a [u8],
    section_at: usize,
    /// The map in front of the next layer.
    map: Map,
}

/// A feature map in the arena.
#[derive(Clone, Copy)]
struct Map {
    shape: Shape,
    held_rows: u16,
    at: usize,
    quant: OutputQuant,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a [u8], records: &'a [u8]) -> Result<Self, ModelError> {
        let start = format::sections_start(records.len()).ok_or(ModelError::Records)?;
        let quant = OutputQuant { scale: 1.0, zero_point: INPUT_ZERO_POINT };
        let map = Map { shape: Shape::vector(0), held_rows: 0, at: 0, quant };
        let mut reader = Self { file, records, section_at: Header::BYTES + records.len(), map };
        reader.zeros_until(start).ok_or(ModelError::Surplus)?;
        Ok(reader)
    }

    /// Fills in an empty model.
    pub(crate) fn read(
        &mut self,
        header: &Header,
        model: &mut Model<'a>,
    ) -> Result<(), ModelError> {
        model.input = self.input()?;
        self.layers(&mut model.layers)?;
        model.self_test = self.self_test(&model.input)?;
        let input = Stage::input(model.input.map.height, model.input.held_rows);
        model.slices = placement::find_scratch(&mut model.layers, input)?;
        model.arena_bytes = placement::check(&model.input, &model.layers)?;
        if model.arena_bytes != header.arena_bytes as usize {
            let needed = model.arena_bytes as u32;
            return Err(ModelError::ArenaBytes { header: header.arena_bytes, needed });
        }
        model.version = header.model_version;
        model.output_quant = self.map.quant;
        model.file_bytes = self.file.len();
        Ok(())
    }

    fn input(&mut self) -> Result<Input, ModelError> {
        let record: InputRecord = self.record()?;
        check_input(&record).map_err(ModelError::Input)?;
        let InputRecord { image, map, origin, scale, held_rows, arena_at } = record;
        let at = arena_at as usize;
        let quant = OutputQuant { scale, zero_point: INPUT_ZERO_POINT };
        self.map = Map { shape: map, held_rows, at, quant };
        Ok(Input { image, map, origin, scale, held_rows, arena_at: at })
    }

    fn layers(&mut self, layers: &mut Vec<Layer<'a>, LAYERS_MAX>) -> Result<(), ModelError> {
        let count: u8 = self.record()?;
        let refused = ModelError::LayerCount { found: count as usize, limit: LAYERS_MAX };
        for index in 0..count {
            let record: LayerRecord<'a> = self.record()?;
            let layer =
                self.layer(record).map_err(|problem| ModelError::Layer { index, problem })?;
            layers.push(layer).map_err(|_| refused)?;
        }
        match layers.last() {
            None => Err(refused),
            Some(last) if last.held_rows < last.output().height => {
                Err(ModelError::Layer { index: count - 1, problem: LayerProblem::HeldRows })
            }
            Some(_) => Ok(()),
        }
    }

    /// Image and scores behind the last layer's sections, of the sizes that the model has.
    fn self_test(&mut self, input: &Input) -> Result<Option<SelfTest<'a>>, ModelError> {
        if !self.record::<bool>()? {
            return Ok(None);
        }
        let missing = |_: LayerProblem| ModelError::SelfTestMissing;
        let image = self.section(input.image.len()).map_err(missing)?;
        let scores = self.section(self.map.shape.len()).map_err(missing)?;
        Ok(Some(SelfTest { image, scores }))
    }

    fn record<Record: serde::Deserialize<'a>>(&mut self) -> Result<Record, ModelError> {
        let (record, rest) = format::read_record(self.records).ok_or(ModelError::Records)?;
        self.records = rest;
        Ok(record)
    }

    fn layer(&mut self, record: LayerRecord<'a>) -> Result<Layer<'a>, LayerProblem> {
        match record {
            LayerRecord::Conv(record) => self.conv(&record),
            LayerRecord::MaxPool(record) => self.max_pool(&record),
            LayerRecord::Dense(record) => self.dense(&record),
        }
    }

    fn conv(&mut self, record: &ConvRecord<'a>) -> Result<Layer<'a>, LayerProblem> {
        let sides = [record.kernel, record.stride, record.pool];
        check_sizes(record.name, record.output, &sides)?;
        check_scale(record.output_quant.scale)?;
        check_coordinates(record, self.map.shape)?;
        let conv = Conv::from_record(record, self.map.shape, self.map.quant.zero_point);
        if conv.window() as u64 * conv.taps() as u64 > SIZE_MAX_BYTES as u64 {
            return Err(LayerProblem::TooLarge);
        }
        if !conv.algorithm.is_built() {
            return Err(LayerProblem::NotBuilt);
        }
        if !conv.algorithm.fits(&conv) {
            return Err(LayerProblem::Algorithm);
        }
        let (channels, weights) =
            self.sections(record.output.channels, conv.filters().packed_bytes())?;
        let conv = conv.with_numbers(channels, weights)?;
        let ConvRecord { name, output_quant, held_rows, output_at, scratch_at, .. } = *record;
        let buffers = self.buffers(output_at, scratch_at);
        self.place(name, LayerKind::Conv(conv), held_rows, buffers, output_quant)
    }

    fn max_pool(&mut self, record: &MaxPoolRecord<'a>) -> Result<Layer<'a>, LayerProblem> {
        check_sizes(record.name, record.output, &[record.size, record.stride])?;
        let MaxPoolRecord { output, size, stride, .. } = *record;
        let input = self.map.shape;
        let rows_read = (output.height as u32 - 1) * stride[0] as u32 + size[0] as u32;
        let columns_read = (output.width as u32 - 1) * stride[1] as u32 + size[1] as u32;
        let inside = rows_read <= input.height as u32 && columns_read <= input.width as u32;
        if !inside || output.channels != input.channels {
            return Err(LayerProblem::OutsideMap);
        }
        if !Feature::MaxPool.is_built() {
            return Err(LayerProblem::NotBuilt);
        }
        let kind = LayerKind::MaxPool(MaxPool { input, output, size, stride });
        let buffers = self.buffers(record.output_at, record.output_at);
        self.place(record.name, kind, record.held_rows, buffers, self.map.quant)
    }

    fn dense(&mut self, record: &DenseRecord<'a>) -> Result<Layer<'a>, LayerProblem> {
        check_sizes(record.name, Shape::vector(record.units), &[])?;
        check_scale(record.output_quant.scale)?;
        let dense = Dense::from_record(record, self.map.shape);
        if !dense.algorithm.is_built() {
            return Err(LayerProblem::NotBuilt);
        }
        if !dense.algorithm.fits(&dense) {
            return Err(LayerProblem::Algorithm);
        }
        let (channels, weights) = self.sections(record.units, dense.matrix().packed_bytes())?;
        let dense = dense.with_numbers(channels, weights)?;
        let DenseRecord { name, output_quant, output_at, .. } = *record;
        self.place(
            name,
            LayerKind::Dense(dense),
            1,
            self.buffers(output_at, output_at),
            output_quant,
        )
    }

    /// The channel parameters and the packed weights of a layer.
    fn sections(
        &mut self,
        channels: u16,
        weight_bytes: u64,
    ) -> Result<(&'a [u8], &'a [u8]), LayerProblem> {
        let parameters = self.section(channels as usize * ChannelParameters::BYTES)?;
        if weight_bytes > SIZE_MAX_BYTES as u64 {
            return Err(LayerProblem::TooLarge);
        }
        Ok((parameters, self.section(weight_bytes as usize)?))
    }

    fn section(&mut self, bytes: usize) -> Result<&'a [u8], LayerProblem> {
        let aligned = self.section_at.checked_next_multiple_of(SECTION_ALIGNMENT_BYTES);
        aligned.and_then(|start| self.zeros_until(start)).ok_or(LayerProblem::SectionMissing)?;
        let rest = self.file.get(self.section_at..).unwrap_or_default();
        let section = rest.get(..bytes).ok_or(LayerProblem::SectionMissing)?;
        self.section_at += bytes;
        Ok(section)
    }

    /// Skips padding up to `end`; `None` when the file ends before or a byte is not 0.
    fn zeros_until(&mut self, end: usize) -> Option<()> {
        let padding = self.file.get(self.section_at..end)?;
        self.section_at = end;
        padding.iter().all(|byte| *byte == 0).then_some(())
    }

    /// Makes the layer's output the next layer's input.
    fn place(
        &mut self,
        name: &'a str,
        kind: LayerKind<'a>,
        held_rows: u16,
        buffers: Buffers,
        quant: OutputQuant,
    ) -> Result<Layer<'a>, LayerProblem> {
        let shape = kind.output();
        let rows_at_once =
            kind.row_window().rows_at_once(self.map.held_rows, self.map.shape.height);
        if held_rows == 0 || held_rows > shape.height || rows_at_once == 0 {
            return Err(LayerProblem::HeldRows);
        }
        self.map = Map { shape, held_rows, at: buffers.output_at, quant };
        Ok(Layer { name, kind, held_rows, rows_at_once, buffers })
    }

    /// Where a layer works that reads the map in front.
    fn buffers(&self, output_at: u32, scratch_at: u32) -> Buffers {
        let (output_at, scratch_at) = (output_at as usize, scratch_at as usize);
        let input_bytes = self.map.held_rows as usize * self.map.shape.row_len();
        Buffers { input_at: self.map.at, input_bytes, output_at, scratch_at, scratch_bytes: 0 }
    }

    pub(crate) fn finish(&self) -> Result<(), ModelError> {
        let all_read = self.records.is_empty() && self.section_at == self.file.len();
        if all_read { Ok(()) } else { Err(ModelError::Surplus) }
    }
}

fn check_input(record: &InputRecord) -> Result<(), LayerProblem> {
    check_sizes("", record.image, &[])?;
    check_sizes("", record.map, &[])?;
    if record.map.channels != record.image.channels {
        return Err(LayerProblem::OutsideMap);
    }
    if record.held_rows == 0 || record.held_rows > record.map.height {
        return Err(LayerProblem::HeldRows);
    }
    check_scale(record.scale)
}

/// Name, output and window sizes that every layer has.
fn check_sizes(name: &str, output: Shape, sides: &[[u8; 2]]) -> Result<(), LayerProblem> {
    if name.len() > NAME_BYTES_MAX {
        return Err(LayerProblem::NameTooLong);
    }
    if output.is_empty() || sides.as_flattened().contains(&0) {
        return Err(LayerProblem::ZeroSize);
    }
    match output.checked_len() {
        Some(len) if len <= SIZE_MAX_BYTES => Ok(()),
        _ => Err(LayerProblem::TooLarge),
    }
}

fn check_scale(scale: f32) -> Result<(), LayerProblem> {
    if scale.is_finite() && scale > 0.0 { Ok(()) } else { Err(LayerProblem::Scale) }
}

/// Bounds the rows, columns and offsets in a row that a convolution can name, so that kernels may
/// compute them in 32 bits. An origin adds at most 2^15 rows or columns to what is counted here.
fn check_coordinates(record: &ConvRecord<'_>, input: Shape) -> Result<(), LayerProblem> {
    let reach = |outputs: u16, axis: usize| {
        let convolved = outputs as u64 * record.pool[axis] as u64;
        convolved * record.stride[axis] as u64 + record.kernel[axis] as u64 + (1 << 15)
    };
    let (rows, columns) = (reach(record.output.height, 0), reach(record.output.width, 1));
    let bounded = rows <= COORDINATE_MAX && columns * input.channels as u64 <= COORDINATE_MAX;
    if bounded { Ok(()) } else { Err(LayerProblem::TooLarge) }
}

/// Checks the sizes of a layer's sections.
pub(crate) fn check_sections(
    parameters: &[u8],
    channels: u16,
    weights: &[u8],
    weight_bytes: u64,
) -> Result<(), LayerProblem> {
    let parameters_fit = parameters.len() == channels as usize * ChannelParameters::BYTES;
    let weights_fit = weights.len() as u64 == weight_bytes;
    if parameters_fit && weights_fit { Ok(()) } else { Err(LayerProblem::SectionMissing) }
}

/// Proves that no input can overflow a channel's accumulator.
///
/// Every input value lies in -128 to 127, so every partial sum of the channel lies within `|bias| +
/// 128 * sum(|weight|)`, in any order of summation. `sum_max` is the largest `128 * sum(|weight|)`
/// that the layer's algorithm computes exactly; `magnitude` gives a channel's `sum(|weight|)`.
pub(crate) fn check_channels(
    parameters: &[u8],
    sum_max: u64,
    magnitude: impl Fn(usize) -> Result<u64, LayerProblem>,
) -> Result<(), LayerProblem> {
    for (channel, parameters) in (0u16..).zip(channel_parameters(parameters)) {
        if parameters.multiplier < 1 {
            return Err(LayerProblem::Multiplier { channel });
        }
        let magnitude = magnitude(channel as usize)?;
        if parameters.bias.unsigned_abs() as u64 + 128 * magnitude > i32::MAX as u64 {
            return Err(LayerProblem::AccumulatorRange { channel });
        }
        if 128 * magnitude > sum_max {
            return Err(LayerProblem::AlgorithmRange { channel });
        }
    }
    Ok(())
}
