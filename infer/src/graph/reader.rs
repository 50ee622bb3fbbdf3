//! The border: reads a model file and proves all that [`Model`] guarantees. What is special to an
//! operator is read and checked in its folder.

use heapless::Vec;

use super::format::{self, InputRecord, SelfTest};
use super::layer::{Input, Layer, Placement};
use super::model::Model;
use super::placement;
use crate::checksum::checksum;
use crate::error::{LayerProblem, ModelError};
use crate::header::Header;
use crate::ops::{
    KernelSet, LayerKind, LayerRecord, Native, Reading, Sections, Tensor, check_scale, check_sizes,
};
use crate::quant::{INPUT_ZERO_POINT, OutputQuant};
use crate::schedule::{LAYERS_MAX, Stage};
use crate::shape::Shape;

/// Fills in an empty model from a file.
pub(crate) fn read<'a>(file: &'a [u8], model: &mut Model<'a>) -> Result<(), ModelError> {
    let header = check_header(file)?;
    let records =
        file.get(Header::BYTES..).and_then(|rest| rest.get(..header.record_bytes as usize));
    let mut reader = Reader::new(file, records.ok_or(ModelError::Records)?)?;
    reader.read(&header, model)?;
    reader.finish()
}

/// Checks all that needs no record: length, checksum, address.
fn check_header(file: &[u8]) -> Result<Header, ModelError> {
    let header = Header::read(file)?;
    if header.file_bytes as usize != file.len() {
        return Err(ModelError::Length { header: header.file_bytes, found: file.len() });
    }
    let computed = checksum(file.get(Header::CHECKED_FROM..).unwrap_or_default());
    if computed != header.checksum {
        return Err(ModelError::Checksum { header: header.checksum, computed });
    }
    let needed = Native::ALIGNMENT_BYTES;
    if !file.as_ptr().addr().is_multiple_of(needed) {
        return Err(ModelError::Misaligned { needed });
    }
    Ok(header)
}

/// Walks records and sections side by side and checks each layer against the map that it reads.
struct Reader<'a> {
    records: &'a [u8],
    sections: Sections<'a>,
    /// The map that the next layer reads.
    map: Map,
}

/// A feature map in the arena.
#[derive(Clone, Copy)]
struct Map {
    tensor: Tensor,
    held_rows: u16,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(file: &'a [u8], records: &'a [u8]) -> Result<Self, ModelError> {
        let start = format::sections_start(records.len()).ok_or(ModelError::Records)?;
        let quant = OutputQuant { scale: 1.0, zero_point: INPUT_ZERO_POINT };
        let tensor = Tensor { shape: Shape::vector(0), quant };
        let mut sections = Sections::new(file, Header::BYTES + records.len());
        sections.zeros_until(start).ok_or(ModelError::Surplus)?;
        Ok(Self { records, sections, map: Map { tensor, held_rows: 0, at: 0 } })
    }

    /// Fills in an empty model.
    fn read(&mut self, header: &Header, model: &mut Model<'a>) -> Result<(), ModelError> {
        model.input = self.input()?;
        self.layers(&mut model.layers)?;
        model.self_test = self.self_test(&model.input)?;
        let input = Stage::input(model.input.map.height, model.input.held_rows);
        model.slices = placement::find_scratch(&mut model.layers, input)?;
        model.arena_bytes = placement::check(&model.input, &model.layers)?;
        if model.arena_bytes != header.arena_bytes as usize {
            // Fits: the end of a buffer is at most 2^31.
            let needed = model.arena_bytes as u32;
            return Err(ModelError::ArenaBytes { header: header.arena_bytes, needed });
        }
        model.version = header.model_version;
        model.output_quant = self.map.tensor.quant;
        model.file_bytes = header.file_bytes as usize;
        Ok(())
    }

    fn input(&mut self) -> Result<Input, ModelError> {
        let record: InputRecord = self.record()?;
        check_input(&record).map_err(ModelError::Input)?;
        let InputRecord { image, map, origin, scale, held_rows, arena_at } = record;
        let at = arena_at as usize;
        let quant = OutputQuant { scale, zero_point: INPUT_ZERO_POINT };
        self.map = Map { tensor: Tensor { shape: map, quant }, held_rows, at };
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
        let image = self.sections.next(input.image.len()).map_err(missing)?;
        let scores = self.sections.next(self.map.tensor.shape.len()).map_err(missing)?;
        Ok(Some(SelfTest { image, scores }))
    }

    fn record<Record: serde::Deserialize<'a>>(&mut self) -> Result<Record, ModelError> {
        let (record, rest) = format::read_record(self.records).ok_or(ModelError::Records)?;
        self.records = rest;
        Ok(record)
    }

    /// Reads a layer and makes its output the map that the next layer reads.
    fn layer(&mut self, record: LayerRecord<'a>) -> Result<Layer<'a>, LayerProblem> {
        let mut reading = Reading { input: self.map.tensor, sections: &mut self.sections };
        let kind = LayerKind::read(&record, &mut reading)?;
        let place = record.place();
        let input = self.map;
        let placement = Placement {
            input_at: input.at,
            input_bytes: input.held_rows as usize * input.tensor.shape.row_len(),
            output_at: place.output_at as usize,
            scratch_at: place.scratch_at as usize,
            scratch_bytes: 0,
        };
        let (held_rows, shape) = (place.held_rows, kind.output());
        let rows_at_once =
            kind.row_window().rows_at_once(input.held_rows, input.tensor.shape.height);
        if held_rows == 0 || held_rows > shape.height || rows_at_once == 0 {
            return Err(LayerProblem::HeldRows);
        }
        let quant = kind.output_quant().unwrap_or(input.tensor.quant);
        self.map = Map { tensor: Tensor { shape, quant }, held_rows, at: placement.output_at };
        Ok(Layer { name: place.name, kind, held_rows, rows_at_once, placement })
    }

    fn finish(&self) -> Result<(), ModelError> {
        let all_read = self.records.is_empty() && self.sections.is_at_end();
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
