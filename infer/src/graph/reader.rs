//! The border: reads a model file and proves all that [`Model`] guarantees. What is special to an
//! operator is read and checked in its folder.

use heapless::VecView;

use super::format::{
    self, InputRecord, LAYERS_MAX, LayerRecord, NAME_BYTES_MAX, SelfTest, TensorRecord, Traits,
};
use super::layer::{AFTER_RUN, Input, Layer, Place};
use super::metadata::Metadata;
use super::model::Model;
use super::network::Network;
use super::placement;
use crate::checksum::checksum;
use crate::error::{LayerProblem, ModelError};
use crate::features::Feature;
use crate::header::Header;
use crate::interface::Interface;
use crate::ops::{
    Inputs, KernelSet, LayerKind, Native, OperatorRecord, Reading, Record, Sections, Tensor,
    check_scale, check_shape,
};
use crate::quant::Rounding;
use crate::schedule::{BRANCHES, INPUTS_MAX};
use crate::value_type::OutputType;

/// Reads a file: its layers into `layers`, which is empty.
pub(crate) fn read<'t, 'f: 't>(
    file: &'f [u8],
    layers: &'t mut VecView<Layer<'f>>,
) -> Result<Model<'t>, ModelError> {
    let header = check_header(file)?;
    let records =
        file.get(Header::BYTES..).and_then(|rest| rest.get(..header.record_bytes as usize));
    let records = records.ok_or(ModelError::Records)?;
    Reader::new(header.rounding, file, records)?.read(&header, layers)
}

/// Checks all that needs no record: length, checksum, address.
// Inlined: firmware that loads a model and takes no updates calls it once, and is 200 to 500 bytes
// smaller so.
#[inline(always)]
pub(crate) fn check_header(file: &[u8]) -> Result<Header, ModelError> {
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

/// Walks records and sections side by side and checks each layer against the tensors that it reads.
struct Reader<'a> {
    records: &'a [u8],
    sections: Sections<'a>,
}

impl<'a> Reader<'a> {
    fn new(rounding: Rounding, file: &'a [u8], records: &'a [u8]) -> Result<Self, ModelError> {
        let start = format::sections_start(records.len()).ok_or(ModelError::Records)?;
        let mut sections = Sections::new(rounding, file, Header::BYTES + records.len());
        sections.zeros_until(start).ok_or(ModelError::Surplus)?;
        Ok(Self { records, sections })
    }

    fn read<'t>(
        mut self,
        header: &Header,
        layers: &'t mut VecView<Layer<'a>>,
    ) -> Result<Model<'t>, ModelError>
    where
        'a: 't,
    {
        let mut input = self.input(header.rounding)?;
        self.layers(header, &mut input, layers)?;
        let outputs = self.outputs(&mut input, layers)?;
        check_readers(layers)?;
        let slices = placement::find_scratch(&input, layers)?;
        let (traits, metadata) = self.last_records(&mut input)?;
        let network = Network { input: &input, layers, outputs, arena_bytes: 0 };
        check_output(&network)?;
        let self_test = if traits.has_self_test { Some(self.self_test(&network)?) } else { None };
        let arena_bytes = placement::check(&network)?;
        if arena_bytes != header.arena_bytes as usize {
            // Fits: the end of a buffer is at most 2^31.
            let needed = arena_bytes as u32;
            return Err(ModelError::ArenaBytes { header: header.arena_bytes, needed });
        }
        self.finish()?;
        let (version, file_bytes) = (header.model_version, header.file_bytes as usize);
        let metadata = Metadata::new(metadata);
        Ok(Model {
            input,
            layers,
            outputs,
            self_test,
            version,
            file_bytes,
            arena_bytes,
            metadata,
            slices,
        })
    }

    fn input(&mut self, rounding: Rounding) -> Result<Input<'a>, ModelError> {
        let record: InputRecord = self.record()?;
        check_input(&record, rounding).map_err(ModelError::Input)?;
        let InputRecord { image, origin, tensor } = record;
        let (interface, place) = (Interface::default(), Place::of(&tensor));
        Ok(Input { image, interface, origin, tensor: tensor.tensor, place })
    }

    fn layers(
        &mut self,
        header: &Header,
        input: &mut Input<'_>,
        layers: &mut VecView<Layer<'a>>,
    ) -> Result<(), ModelError> {
        let count: u16 = self.record()?;
        let limit = layers.capacity().min(LAYERS_MAX);
        if count == 0 || count as usize > limit || count != header.layers {
            return Err(ModelError::LayerCount { found: count as usize, limit });
        }
        for index in 0..count as u8 {
            let refused = |problem| ModelError::Layer { index, problem };
            let record = self.layer_record()?.map_err(refused)?;
            let layer = self.layer(record, input, layers).map_err(refused)?;
            for tensor in layer.inputs.iter() {
                place_of(tensor, input, layers).last_reader = index + 1;
            }
            // There is room: see above.
            let _ = layers.push(layer);
        }
        Ok(())
    }

    fn layer_record(&mut self) -> Result<Result<LayerRecord<'a>, LayerProblem>, ModelError> {
        let name = self.record()?;
        let (operator, rest) = OperatorRecord::read(self.records).ok_or(ModelError::Records)?;
        self.records = rest;
        let operator = match operator {
            Ok(operator) => operator,
            Err(problem) => return Ok(Err(problem)),
        };
        let (output, scratch_at) = (self.record()?, self.record()?);
        Ok(Ok(LayerRecord { name, operator, output, scratch_at }))
    }

    /// Reads a layer, whose inputs are among the tensors that the layers before it make.
    fn layer(
        &mut self,
        record: LayerRecord<'a>,
        input: &Input<'_>,
        layers: &[Layer<'a>],
    ) -> Result<Layer<'a>, LayerProblem> {
        let LayerRecord { name, operator, output, scratch_at } = record;
        if name.len() > NAME_BYTES_MAX {
            return Err(LayerProblem::NameTooLong);
        }
        check_tensor(&output)?;
        let inputs = operator.inputs();
        if !BRANCHES && !inputs.are_of_a_chain(layers.len()) {
            return Err(LayerProblem::NotBuilt(Feature::Branches));
        }
        let (tensors, held_rows) = tensors_of(inputs, input, layers)?;
        let mut reading =
            Reading { inputs: &tensors, output: output.tensor, sections: &mut self.sections };
        let kind = LayerKind::read(&operator, &mut reading)?;
        let read = tensors.iter().zip(held_rows).take(inputs.count());
        let at_once = |(input, (tensor, held_rows)): (usize, (&Tensor, u16))| {
            kind.row_window(input).rows_at_once(held_rows, tensor.shape.height)
        };
        let rows_at_once = read.enumerate().map(at_once).min().unwrap_or(0);
        if rows_at_once == 0 {
            return Err(LayerProblem::HeldRows);
        }
        let place = Place::of(&output);
        Ok(Layer { name, kind, inputs, rows_at_once, place, scratch_at, scratch_bytes: 0 })
    }

    /// The tensors that the network is run for, each of them whole.
    fn outputs(
        &mut self,
        input: &mut Input<'_>,
        layers: &mut [Layer<'_>],
    ) -> Result<&'a [u8], ModelError> {
        let outputs = self.bytes_if(true)?;
        if outputs.is_empty() || outputs.len() > format::OUTPUTS_MAX {
            return Err(ModelError::Outputs);
        }
        for tensor in outputs {
            let Some(layer) = tensor.checked_sub(1).and_then(|at| layers.get(at as usize)) else {
                return Err(ModelError::Outputs);
            };
            if layer.place.held_rows < layer.output().height {
                let problem = LayerProblem::HeldRows;
                return Err(ModelError::Layer { index: tensor - 1, problem });
            }
            let last_reader = &mut place_of(*tensor as usize, input, layers).last_reader;
            if *last_reader == AFTER_RUN {
                return Err(ModelError::Outputs); // named twice
            }
            *last_reader = AFTER_RUN;
        }
        Ok(outputs)
    }

    /// Image and scores after the last layer's sections, of the sizes that the model has.
    fn self_test(&mut self, network: &Network<'_>) -> Result<SelfTest<'a>, ModelError> {
        let missing = |_: LayerProblem| ModelError::SelfTestMissing;
        let image = self.sections.next(network.image_shape().len()).map_err(missing)?;
        let scores = self.sections.next(network.classes()).map_err(missing)?;
        Ok(SelfTest { image, scores })
    }

    /// The traits and what they say that follows. Not inlined: compilers take what comes after many
    /// checks for rare.
    #[inline(never)]
    fn last_records(&mut self, input: &mut Input<'a>) -> Result<(Traits, &'a [u8]), ModelError> {
        let traits = Traits::from_bits(self.record()?).ok_or(ModelError::Records)?;
        let Traits { takes, gives, .. } = traits;
        let interface = Interface { takes, gives, scales: self.bytes_if(traits.has_scales)? };
        let (channels, quant) = (input.image.channels, input.tensor.quant);
        interface.check(channels, quant).map_err(ModelError::Input)?;
        input.interface = interface;
        Ok((traits, self.bytes_if(traits.has_metadata)?))
    }

    /// The next byte string, if there is one. Not inlined: three places would have its code.
    #[inline(never)]
    fn bytes_if(&mut self, is_there: bool) -> Result<&'a [u8], ModelError> {
        if is_there { self.record() } else { Ok(&[]) }
    }

    fn record<Record: serde::Deserialize<'a>>(&mut self) -> Result<Record, ModelError> {
        let (record, rest) = format::read_record(self.records).ok_or(ModelError::Records)?;
        self.records = rest;
        Ok(record)
    }

    fn finish(&self) -> Result<(), ModelError> {
        let all_read = self.records.is_empty() && self.sections.is_at_end();
        if all_read { Ok(()) } else { Err(ModelError::Surplus) }
    }
}

/// The tensors that an operator reads, and how many rows of each are held.
fn tensors_of(
    inputs: Inputs,
    input: &Input<'_>,
    layers: &[Layer<'_>],
) -> Result<([Tensor; INPUTS_MAX], [u16; INPUTS_MAX]), LayerProblem> {
    let (mut tensors, mut held_rows) = ([input.tensor; INPUTS_MAX], [0; INPUTS_MAX]);
    for (index, tensor) in inputs.iter().enumerate() {
        // Memory is shared out by tensors: a tensor can be read in one place only.
        if inputs.iter().take(index).any(|other| other == tensor) {
            return Err(LayerProblem::SameInput);
        }
        (tensors[index], held_rows[index]) = match tensor.checked_sub(1) {
            None => (input.tensor, input.place.held_rows),
            Some(layer) => {
                let layer = layers.get(layer).ok_or(LayerProblem::UnknownInput)?;
                (layer.kind.output(), layer.place.held_rows)
            }
        };
    }
    Ok((tensors, held_rows))
}

/// The place of a tensor that there is.
fn place_of<'p>(
    tensor: usize,
    input: &'p mut Input<'_>,
    layers: &'p mut [Layer<'_>],
) -> &'p mut Place {
    match tensor.checked_sub(1).and_then(|layer| layers.get_mut(layer)) {
        Some(layer) => &mut layer.place,
        None => &mut input.place,
    }
}

/// Every layer's tensor is read, or an output: what nobody reads is not computed. The first layer
/// can read no other tensor than the network's input.
fn check_readers(layers: &[Layer<'_>]) -> Result<(), ModelError> {
    match (0u8..).zip(layers).find(|(_, layer)| layer.place.last_reader == 0) {
        Some((index, _)) => Err(ModelError::Layer { index, problem: LayerProblem::Unread }),
        None => Ok(()),
    }
}

fn check_input(record: &InputRecord, rounding: Rounding) -> Result<(), LayerProblem> {
    let InputRecord { image, tensor, .. } = record;
    check_shape(*image)?;
    check_tensor(tensor)?;
    if tensor.tensor.shape.channels != image.channels {
        return Err(LayerProblem::OutsideMap);
    }
    match rounding {
        Rounding::Once => Ok(()),
        Rounding::Twice => Feature::TwoRoundings.check(),
    }
}

/// A reconstruction is as large as the image.
fn check_output(network: &Network<'_>) -> Result<(), ModelError> {
    let is_other = network.classes() != network.image_shape().len();
    let wrong = network.input.interface.gives == OutputType::Reconstruction && is_other;
    if wrong { Err(ModelError::Outputs) } else { Ok(()) }
}

/// Size, scale and held rows of a tensor.
fn check_tensor(record: &TensorRecord) -> Result<(), LayerProblem> {
    check_shape(record.tensor.shape)?;
    check_scale(record.tensor.quant.scale)?;
    let held = record.held_rows;
    match record.tensor.shape.height.checked_sub(held) {
        _ if held == 0 => Err(LayerProblem::HeldRows),
        None => Err(LayerProblem::HeldRows),
        Some(1..) => Feature::HeldRows.check(),
        Some(_) => Ok(()),
    }
}
