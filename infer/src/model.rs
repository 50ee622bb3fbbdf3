//! A validated model. [`Model::from_bytes`] is the border: what it lets through needs no further check.
//!
//! Guaranteed for every `Model`:
//! - maps, weights and channel parameters have exactly the sizes their layer needs;
//! - the buffers of a layer (input, scratch, output) lie inside of the arena and share no byte;
//! - no accumulator can leave 32 bits for any input; every multiplier is 1 or more;
//! - index arithmetic of every window fits 32 bits.

use heapless::Vec;

use crate::error::{LayerProblem, ModelError};
use crate::format::{
    self, Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, Header, InputRecord, LAYERS_MAX, LayerRecord,
    MaxPoolRecord, NAME_BYTES_MAX, OutputQuant, SECTION_ALIGNMENT_BYTES,
};
use crate::kernels::winograd::TileGrid;
use crate::kernels::{Kernels, Native};
use crate::packing::{Filters, Matrix};
use crate::quant::{ChannelParameters, INPUT_ZERO_POINT};
use crate::shape::Shape;

/// Largest map or section, bytes.
const SIZE_MAX_BYTES: usize = 1 << 30;

/// Largest row number, and largest offset of a value in its row, that a window may reach.
const COORDINATE_MAX: u64 = 1 << 30;

/// A validated model that borrows its weights from the file.
pub struct Model<'a> {
    input: Input,
    layers: Vec<Layer<'a>, LAYERS_MAX>,
    output_quant: OutputQuant,
    file_bytes: usize,
    arena_bytes: usize,
}

/// How the caller's image becomes the first feature map: map pixel (row, column) is image pixel
/// `(row + origin[0], column + origin[1])`, less 128; outside of the image it is black.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// The image the caller hands over, 8 bits per value.
    pub image: Shape,
    /// The first feature map.
    pub map: Shape,
    /// Row and column of the image at which the map begins.
    pub origin: [i16; 2],
    /// Real value of one step of a pixel.
    pub scale: f32,
    pub(crate) arena_at: usize,
}

/// One layer with its place in the arena.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// What it computes.
    pub kind: LayerKind<'a>,
    pub(crate) buffers: Buffers,
}

/// Where a layer works: byte offsets in the arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffers {
    pub input_at: usize,
    pub output_at: usize,
    pub scratch_at: usize,
}

/// What a layer computes.
#[derive(Clone, Copy, Debug)]
pub enum LayerKind<'a> {
    /// Convolution, with the pooling behind it.
    Conv(Conv<'a>),
    /// Maximum over windows.
    MaxPool(MaxPool),
    /// Fully connected.
    Dense(Dense<'a>),
}

/// A convolution with the pooling behind it.
///
/// Output pixel (row, column) is the maximum over the pooling window of the convolved pixels
/// `(row * pool[0] + i, column * pool[1] + j)`; convolved pixel (row, column) reads input rows
/// `origin[0] + row * stride[0] ..` and input columns `origin[1] + column * stride[1] ..`.
#[derive(Clone, Copy, Debug)]
pub struct Conv<'a> {
    /// The map it reads.
    pub input: Shape,
    /// What input outside of the map reads as.
    pub input_zero_point: i8,
    /// The map it leaves, after pooling.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column under the first tap of convolved pixel (0, 0).
    pub origin: [i16; 2],
    /// Rows and columns of the pooling window, which is also its step; 1, 1 without pooling.
    pub pool: [u8; 2],
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it.
    pub algorithm: Algorithm,
    /// Channel parameters, 8 bytes per output channel.
    pub(crate) channels: &'a [u8],
    /// Weights as the algorithm packs them.
    pub(crate) weights: &'a [u8],
}

/// Maximum over windows.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// The map it reads.
    pub input: Shape,
    /// The map it leaves.
    pub output: Shape,
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
}

/// The tiles of a Winograd convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Tiles in a column and in a row of the map.
    pub grid: [usize; 2],
    /// Tiles that are worked on at once.
    pub per_pass: usize,
    /// Pooled outputs on a tile's side.
    pub outputs: usize,
}

/// Fully connected layer over all values of its input in memory order.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// The map it reads.
    pub input: Shape,
    /// Outputs.
    pub units: u16,
    /// How the output is quantised.
    pub output_quant: OutputQuant,
    /// Which algorithm runs it.
    pub algorithm: DenseAlgorithm,
    /// Channel parameters, 8 bytes per output.
    pub(crate) channels: &'a [u8],
    /// Weights as the algorithm packs them.
    pub(crate) weights: &'a [u8],
}

impl<'a> Conv<'a> {
    /// The layer of a record that reads a map of shape `input`, still without its numbers: what an exporter asks for
    /// [`Conv::scratch_bytes`], [`Conv::filters`] and [`Algorithm::fits`] before there is a file.
    pub const fn from_record(record: &ConvRecord<'_>, input: Shape, input_zero_point: i8) -> Self {
        Self {
            input,
            input_zero_point,
            output: record.output,
            kernel: record.kernel,
            stride: record.stride,
            origin: record.origin,
            pool: record.pool,
            output_quant: record.output_quant,
            algorithm: record.algorithm,
            channels: &[],
            weights: &[],
        }
    }

    /// Weights of one output channel: kernel rows * kernel columns * input channels.
    pub const fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize * self.input.channels as usize
    }

    /// Pixels of one pooling window.
    pub const fn window(&self) -> usize {
        self.pool[0] as usize * self.pool[1] as usize
    }

    /// Bytes of scratch memory the algorithm needs.
    pub fn scratch_bytes(&self) -> usize {
        self.algorithm.scratch_bytes(self)
    }

    /// The layer with its numbers: [`ChannelParameters`] as the file holds them, and packed weights.
    ///
    /// # Errors
    /// Numbers with which some input would give a wrong result, or weights that are not as the algorithm packs them.
    pub fn with_numbers(self, channels: &'a [u8], weights: &'a [u8]) -> Result<Self, LayerProblem> {
        if !self.algorithm.fits(&self) {
            return Err(LayerProblem::Algorithm);
        }
        let filters = self.filters();
        check_sections(channels, self.output.channels, weights, filters.packed_bytes())?;
        let magnitude = |channel| filters.magnitude(weights, channel);
        let total = check_channels(channels, self.algorithm.sum_max(), magnitude)?;
        filters.check(weights, total)?;
        Ok(Self { channels, weights, ..self })
    }

    /// How the weights lie, and how many bytes they take.
    pub const fn filters(&self) -> Filters {
        Filters {
            algorithm: self.algorithm,
            kernel: self.kernel,
            input_channels: self.input.channels,
            output_channels: self.output.channels,
        }
    }

    /// The int8 weight of a tap of an output channel, read back from its packed form: see [`Filters::weight`].
    pub fn weight(&self, channel: usize, tap: usize) -> i8 {
        self.filters().weight(self.weights, channel, tap)
    }

    /// How Winograd's algorithm cuts the map; `None` for other algorithms.
    pub fn tiles(&self) -> Option<Tiles> {
        let grid = TileGrid::new(self)?;
        Some(Tiles { grid: grid.tiles, per_pass: grid.tiles_per_pass, outputs: grid.outputs })
    }

    /// Channel parameters in the order of the output channels.
    pub fn channel_parameters(&self) -> impl Iterator<Item = ChannelParameters> {
        channel_parameters(self.channels)
    }
}

impl<'a> Dense<'a> {
    /// The layer of a record that reads a map of shape `input`, still without its numbers.
    pub const fn from_record(record: &DenseRecord<'_>, input: Shape) -> Self {
        let DenseRecord { units, output_quant, algorithm, .. } = *record;
        Self { input, units, output_quant, algorithm, channels: &[], weights: &[] }
    }

    /// The layer with its numbers: [`ChannelParameters`] as the file holds them, and packed weights.
    ///
    /// # Errors
    /// Numbers with which some input would give a wrong result, or weights that are not as the algorithm packs them.
    pub fn with_numbers(self, channels: &'a [u8], weights: &'a [u8]) -> Result<Self, LayerProblem> {
        if !self.algorithm.fits(&self) {
            return Err(LayerProblem::Algorithm);
        }
        let matrix = self.matrix();
        check_sections(channels, self.units, weights, matrix.packed_bytes())?;
        let total = check_channels(channels, i32::MAX as u64, |unit| matrix.magnitude(weights, unit))?;
        matrix.check(weights, total)?;
        Ok(Self { channels, weights, ..self })
    }

    /// How the weights lie, and how many bytes they take.
    pub const fn matrix(&self) -> Matrix {
        Matrix { algorithm: self.algorithm, inputs: self.input.len(), units: self.units as usize }
    }

    /// The int8 weight between an input and an output, read back from its packed form.
    pub fn weight(&self, output: usize, input: usize) -> i8 {
        self.matrix().weight(self.weights, output, input)
    }

    /// Channel parameters in the order of the outputs.
    pub fn channel_parameters(&self) -> impl Iterator<Item = ChannelParameters> {
        channel_parameters(self.channels)
    }
}

fn channel_parameters(section: &[u8]) -> impl Iterator<Item = ChannelParameters> {
    section.as_chunks().0.iter().map(ChannelParameters::from_le_bytes)
}

impl<'a> Layer<'a> {
    /// The map the layer reads.
    pub const fn input(&self) -> Shape {
        match &self.kind {
            LayerKind::Conv(conv) => conv.input,
            LayerKind::MaxPool(pool) => pool.input,
            LayerKind::Dense(dense) => dense.input,
        }
    }

    /// The map the layer leaves.
    pub const fn output(&self) -> Shape {
        match &self.kind {
            LayerKind::Conv(conv) => conv.output,
            LayerKind::MaxPool(pool) => pool.output,
            LayerKind::Dense(dense) => Shape::vector(dense.units),
        }
    }

    /// Quantisation of the output; `None` for a pooling, which keeps that of its input.
    pub const fn output_quant(&self) -> Option<OutputQuant> {
        match &self.kind {
            LayerKind::Conv(conv) => Some(conv.output_quant),
            LayerKind::Dense(dense) => Some(dense.output_quant),
            LayerKind::MaxPool(_) => None,
        }
    }

    /// Bytes of scratch memory.
    pub fn scratch_bytes(&self) -> usize {
        match &self.kind {
            LayerKind::Conv(conv) => conv.scratch_bytes(),
            LayerKind::MaxPool(_) | LayerKind::Dense(_) => 0,
        }
    }

    /// Bytes of channel parameters and weights in the file, without padding.
    pub const fn parameter_bytes(&self) -> usize {
        match &self.kind {
            LayerKind::Conv(conv) => conv.channels.len() + conv.weights.len(),
            LayerKind::Dense(dense) => dense.channels.len() + dense.weights.len(),
            LayerKind::MaxPool(_) => 0,
        }
    }

    /// Multiply-accumulates that are computed, taps on padding included.
    pub const fn macs(&self) -> u64 {
        match &self.kind {
            LayerKind::Conv(conv) => (conv.output.len() * conv.window()) as u64 * conv.taps() as u64,
            LayerKind::Dense(dense) => dense.input.len() as u64 * dense.units as u64,
            LayerKind::MaxPool(_) => 0,
        }
    }

    /// The layer's buffers in the arena as `(start, bytes)`: input, scratch, output.
    pub fn arena_use(&self) -> [(usize, usize); 3] {
        [
            (self.buffers.input_at, self.input().len()),
            (self.buffers.scratch_at, self.scratch_bytes()),
            (self.buffers.output_at, self.output().len()),
        ]
    }
}

impl<'a> Model<'a> {
    /// Reads and validates a model file; weights stay where they are and are borrowed.
    ///
    /// On a backend that loads words, `file` must lie at a multiple of 16 bytes:
    /// [`include_model!`](crate::include_model) and [`Aligned`](crate::Aligned) see to that.
    ///
    /// # Errors
    /// Everything that is not exactly what the writer would have written, and everything later code could trip over:
    /// see [`ModelError`] and [`LayerProblem`].
    pub fn from_bytes(file: &'a [u8]) -> Result<Self, ModelError> {
        let header = check_header(file)?;
        let records = file.get(Header::BYTES..).and_then(|rest| rest.get(..header.record_bytes as usize));
        let mut reader = Reader::new(file, records.ok_or(ModelError::Records)?)?;
        let model = reader.model(&header)?;
        reader.finish()?;
        Ok(model)
    }

    /// Bytes of working memory a [`Session`](crate::Session) needs: exact, not an estimate.
    pub const fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Bytes of the model file.
    pub const fn file_bytes(&self) -> usize {
        self.file_bytes
    }

    /// The image [`Session::run`](crate::Session::run) takes: rows of pixels of 8-bit values.
    pub const fn image_shape(&self) -> Shape {
        self.input.image
    }

    /// How the image becomes the first map.
    pub const fn input(&self) -> &Input {
        &self.input
    }

    /// The layers in order, one at least.
    pub fn layers(&self) -> &[Layer<'a>] {
        &self.layers
    }

    /// Number of scores.
    pub fn classes(&self) -> usize {
        self.output_shape().len()
    }

    /// Quantisation of the scores.
    pub const fn output_quant(&self) -> OutputQuant {
        self.output_quant
    }

    /// Multiply-accumulates of one run.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(Layer::macs).sum()
    }

    pub(crate) fn output_shape(&self) -> Shape {
        self.layers.last().map_or(self.input.map, Layer::output)
    }

    /// Place of the scores in the arena.
    pub(crate) fn output_at(&self) -> usize {
        self.layers.last().map_or(self.input.arena_at, |layer| layer.buffers.output_at)
    }
}

/// Checks all that needs no record: length, checksum, address.
fn check_header(file: &[u8]) -> Result<Header, ModelError> {
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
struct Reader<'a> {
    file: &'a [u8],
    records: &'a [u8],
    section_at: usize,
    /// The map in front of the next layer.
    map: Map,
    /// End of the highest buffer so far, bytes.
    arena_end: usize,
}

/// A feature map in the arena.
#[derive(Clone, Copy)]
struct Map {
    shape: Shape,
    at: usize,
    quant: OutputQuant,
}

impl<'a> Reader<'a> {
    fn new(file: &'a [u8], records: &'a [u8]) -> Result<Self, ModelError> {
        let start = format::sections_start(records.len()).ok_or(ModelError::Records)?;
        let quant = OutputQuant { scale: 1.0, zero_point: INPUT_ZERO_POINT };
        let map = Map { shape: Shape::vector(0), at: 0, quant };
        let mut reader = Self { file, records, section_at: Header::BYTES + records.len(), map, arena_end: 0 };
        reader.zeros_until(start).ok_or(ModelError::Surplus)?;
        Ok(reader)
    }

    fn model(&mut self, header: &Header) -> Result<Model<'a>, ModelError> {
        let input = self.input()?;
        let layers = self.layers()?;
        if self.arena_end != header.arena_bytes as usize {
            let needed = self.arena_end as u32;
            return Err(ModelError::ArenaBytes { header: header.arena_bytes, needed });
        }
        Ok(Model {
            input,
            layers,
            output_quant: self.map.quant,
            file_bytes: self.file.len(),
            arena_bytes: self.arena_end,
        })
    }

    fn input(&mut self) -> Result<Input, ModelError> {
        let record: InputRecord = self.record()?;
        check_input(&record).map_err(ModelError::Input)?;
        let at = record.arena_at as usize;
        self.claim(at, record.map.len()).map_err(ModelError::Input)?;
        let quant = OutputQuant { scale: record.scale, zero_point: INPUT_ZERO_POINT };
        self.map = Map { shape: record.map, at, quant };
        let InputRecord { image, map, origin, scale, .. } = record;
        Ok(Input { image, map, origin, scale, arena_at: at })
    }

    fn layers(&mut self) -> Result<Vec<Layer<'a>, LAYERS_MAX>, ModelError> {
        let count: u8 = self.record()?;
        let refused = ModelError::LayerCount { found: count as usize, limit: LAYERS_MAX };
        let mut layers = Vec::new();
        for index in 0..count {
            let record: LayerRecord<'a> = self.record()?;
            let layer = self.layer(record).map_err(|problem| ModelError::Layer { index, problem })?;
            layers.push(layer).map_err(|_| refused)?;
        }
        if layers.is_empty() { Err(refused) } else { Ok(layers) }
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
        if !conv.algorithm.fits(&conv) {
            return Err(LayerProblem::Algorithm);
        }
        if !conv.algorithm.fits(&conv) {
            return Err(LayerProblem::Algorithm);
        }
        let (channels, weights) = self.sections(record.output.channels, conv.filters().packed_bytes())?;
        let conv = conv.with_numbers(channels, weights)?;
        self.place(
            record.name,
            LayerKind::Conv(conv),
            record.output_at,
            record.scratch_at,
            record.output_quant,
        )
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
        let kind = LayerKind::MaxPool(MaxPool { input, output, size, stride });
        self.place(record.name, kind, record.output_at, record.output_at, self.map.quant)
    }

    fn dense(&mut self, record: &DenseRecord<'a>) -> Result<Layer<'a>, LayerProblem> {
        check_sizes(record.name, Shape::vector(record.units), &[])?;
        check_scale(record.output_quant.scale)?;
        let dense = Dense::from_record(record, self.map.shape);
        if !dense.algorithm.fits(&dense) {
            return Err(LayerProblem::Algorithm);
        }
        if !dense.algorithm.fits(&dense) {
            return Err(LayerProblem::Algorithm);
        }
        let (channels, weights) = self.sections(record.units, dense.matrix().packed_bytes())?;
        let dense = dense.with_numbers(channels, weights)?;
        let DenseRecord { output_quant, output_at, .. } = *record;
        self.place(record.name, LayerKind::Dense(dense), output_at, output_at, output_quant)
    }

    /// The channel parameters and the packed weights of a layer.
    fn sections(&mut self, channels: u16, weight_bytes: u64) -> Result<(&'a [u8], &'a [u8]), LayerProblem> {
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

    /// Finds room for the layer's buffers, apart from each other, and makes its output the next layer's input.
    fn place(
        &mut self,
        name: &'a str,
        kind: LayerKind<'a>,
        output_at: u32,
        scratch_at: u32,
        quant: OutputQuant,
    ) -> Result<Layer<'a>, LayerProblem> {
        let (output_at, scratch_at) = (output_at as usize, scratch_at as usize);
        let buffers = Buffers { input_at: self.map.at, output_at, scratch_at };
        let layer = Layer { name, kind, buffers };
        let [input, scratch, output] = layer.arena_use();
        self.claim(scratch.0, scratch.1)?;
        self.claim(output.0, output.1)?;
        if overlap(input, scratch) || overlap(input, output) || overlap(scratch, output) {
            return Err(LayerProblem::ArenaOverlap);
        }
        self.map = Map { shape: layer.output(), at: output_at, quant };
        Ok(layer)
    }

    /// Notes that the arena must hold `bytes` at `at`.
    fn claim(&mut self, at: usize, bytes: usize) -> Result<(), LayerProblem> {
        if !at.is_multiple_of(crate::memory::ALIGNMENT_BYTES) {
            return Err(LayerProblem::ArenaMisaligned);
        }
        if bytes > SIZE_MAX_BYTES || at > SIZE_MAX_BYTES {
            return Err(LayerProblem::ArenaExceeded);
        }
        self.arena_end = self.arena_end.max(if bytes == 0 { 0 } else { at + bytes });
        Ok(())
    }

    fn finish(&self) -> Result<(), ModelError> {
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

/// Bounds the rows, columns and offsets in a row that a convolution can name, so that kernels may compute them in
/// 32 bits. An origin adds at most 2^15 rows or columns to what is counted here.
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
fn check_sections(
    parameters: &[u8],
    channels: u16,
    weights: &[u8],
    weight_bytes: u64,
) -> Result<(), LayerProblem> {
    let parameters_fit = parameters.len() == channels as usize * ChannelParameters::BYTES;
    let weights_fit = weights.len() as u64 == weight_bytes;
    if parameters_fit && weights_fit { Ok(()) } else { Err(LayerProblem::SectionMissing) }
}

/// Proves that no input can overflow a channel's accumulator; the sum of the sizes of all weights.
///
/// Every input value lies in -128 to 127, so every partial sum of the channel lies within
/// `|bias| + 128 * sum(|weight|)`, in any order of summation. `sum_max` is the largest `128 * sum(|weight|)` that the
/// layer's algorithm computes exactly; `magnitude` gives a channel's `sum(|weight|)`.
fn check_channels(
    parameters: &[u8],
    sum_max: u64,
    magnitude: impl Fn(usize) -> u64,
) -> Result<u64, LayerProblem> {
    let mut total = 0;
    for (channel, parameters) in (0u16..).zip(channel_parameters(parameters)) {
        if parameters.multiplier < 1 {
            return Err(LayerProblem::Multiplier { channel });
        }
        let magnitude = magnitude(channel as usize);
        if parameters.bias.unsigned_abs() as u64 + 128 * magnitude > i32::MAX as u64 {
            return Err(LayerProblem::AccumulatorRange { channel });
        }
        if 128 * magnitude > sum_max {
            return Err(LayerProblem::AlgorithmRange { channel });
        }
        total += magnitude;
    }
    Ok(total)
}

/// Whether two `(start, bytes)` ranges share a byte.
const fn overlap(a: (usize, usize), b: (usize, usize)) -> bool {
    a.1 > 0 && b.1 > 0 && a.0 < b.0 + b.1 && b.0 < a.0 + a.1
}
