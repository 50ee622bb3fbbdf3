//! The layers of a network as they come out of a file, one after the other, with their weights.
//!
//! A factor and a summand for each channel, which is also what batch normalisation is, goes into
//! the weights of the layer before it, or of the one after it. Where neither can take it, it is a
//! depthwise convolution of one tap. A border of zeros goes into the convolution after it.

use infer::Shape;
use infer::format::{NAME_BYTES_MAX, OutputQuant};
use infer::schedule::INPUTS_MAX;

use super::layers::Map;
use super::misfit::Misfit;
use super::{FloatImport, VALUES_MAX};
use crate::float_model::{FloatModel, StageWeights};
use crate::network::{Input, Layer, LayerKind, Network, NetworkError, Padding};
use crate::ops::{Extent, Lowered, Operator, Softmax, concat, depthwise};
use crate::quantize::Kept;
use crate::terminal::printable;

/// What the values of an input are in the data: the network reads `scale * value + shift` of each
/// channel, where `value` is from 0 to 1. Nothing where it reads the values as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// Of each channel.
    pub scale: Vec<f32>,
    /// Of each channel.
    pub shift: Vec<f32>,
    /// The shape of the data, for networks that read a vector.
    pub shape: Option<Shape>,
}

/// Layers in an order in which each comes after those that it reads.
pub(super) struct Sketch {
    input: Shape,
    layers: Vec<Drawn>,
    /// Weights of all layers that were drawn.
    weights: usize,
    /// The operator of the file that becomes layers now, after those that it takes in.
    operators: Vec<String>,
}

/// A layer.
struct Drawn {
    name: String,
    /// The tensors that it reads: 0 is the input, `n` what layer `n - 1` leaves.
    reads: Vec<usize>,
    kind: LayerKind,
    weights: Option<StageWeights>,
    output: Shape,
    /// Whether it is a factor and a summand for each channel.
    is_affine: bool,
    /// Whether no value that it leaves can be negative.
    is_never_negative: bool,
    /// The scales that the file has of what it leaves, and of its weights.
    kept: Kept,
    /// The operators of the file that it is made of.
    operators: Vec<String>,
}

/// Layers at most, some of which join others: a model has up to 254.
const LAYERS_LIMIT: usize = 1_024;

/// Longest name of a layer, bytes: a number may follow it.
const NAME_BYTES: usize = NAME_BYTES_MAX - 6;

impl Sketch {
    /// No layers yet. Tensor 0 is the network's input.
    pub const fn new(input: Shape) -> Self {
        Self { input, layers: vec![], weights: 0, operators: vec![] }
    }

    /// Layers that are drawn from now on are made of this operator.
    pub fn begin(&mut self, operator: &str) {
        self.operators = vec![operator.to_owned()];
    }

    /// The size of a tensor.
    pub fn shape(&self, tensor: usize) -> Shape {
        tensor.checked_sub(1).map_or(self.input, |layer| self.layers[layer].output)
    }

    /// A layer, with weights where it has any; the tensor that it leaves.
    pub fn push(
        &mut self,
        name: &str,
        reads: &[usize],
        kind: LayerKind,
        weights: Option<StageWeights>,
    ) -> Result<usize, Misfit> {
        let output = self.output(reads, &kind, weights.as_ref())?;
        if self.layers.len() >= LAYERS_LIMIT {
            return Err("more layers than a model can have".into());
        }
        let numbers =
            weights.iter().flat_map(|weights| weights.weights.iter().chain(&weights.bias));
        if numbers.clone().any(|number| !number.is_finite()) {
            return Err("a weight or bias is no finite number: the training diverged".into());
        }
        self.weights += weights.as_ref().map_or(0, |weights| weights.weights.len());
        if self.weights > VALUES_MAX {
            return Err("more weights than any network for a small core has".into());
        }
        let is_never_negative = self.leaves_no_negative(&kind, reads);
        let (name, reads, is_affine) = (self.unique(name), reads.to_vec(), false);
        let kept = Kept::default();
        self.layers.push(Drawn {
            name,
            reads,
            kind,
            weights,
            output,
            is_affine,
            is_never_negative,
            kept,
            operators: self.operators.clone(),
        });
        Ok(self.layers.len())
    }

    /// What a layer leaves, if its weights fit it.
    fn output(
        &self,
        reads: &[usize],
        kind: &LayerKind,
        weights: Option<&StageWeights>,
    ) -> Result<Shape, Misfit> {
        let mut inputs = [self.shape(reads[0]); INPUTS_MAX];
        inputs.iter_mut().zip(reads).for_each(|(shape, tensor)| *shape = self.shape(*tensor));
        let mut output = match kind.lower(inputs)? {
            Lowered::Operator(kind) => {
                let needed = kind.weights().map(|needed| [needed.values(), needed.outputs]);
                if needed != weights.map(|found| [found.weights.len(), found.bias.len()]) {
                    return Err("weights that do not fit the map".into());
                }
                kind.output()
            }
            _ => inputs[0],
        };
        if output.is_empty() {
            return Err("it leaves nothing".into());
        }
        for tensor in reads.iter().skip(INPUTS_MAX) {
            match kind.lower([output, self.shape(*tensor)])? {
                Lowered::Operator(kind) => output = kind.output(),
                _ => return Err("it reads too many maps".into()),
            }
        }
        Ok(output)
    }

    /// `scale * value + shift` for each channel. The layer before takes it in where nothing else
    /// reads what that leaves.
    pub fn affine(
        &mut self,
        name: &str,
        Map { tensor, is_sole }: Map,
        [scale, shift]: [&[f32]; 2],
    ) -> Result<usize, Misfit> {
        let before = tensor.checked_sub(1).map(|layer| &mut self.layers[layer]);
        let before = before.filter(|_| is_sole);
        if let Some(Drawn { weights: Some(weights), kept, operators, .. }) = before {
            weights.follow(scale, shift);
            kept.follow(scale);
            operators.extend(self.operators.clone());
            return Ok(tensor);
        }
        let one_tap = depthwise::Layer {
            kernel: Extent::Square(1),
            stride: Extent::Square(1),
            padding: Padding::Valid,
            multiplier: 1,
            activation: None,
        };
        let weights = StageWeights { weights: scale.to_vec(), bias: shift.to_vec() };
        let made = self.push(name, &[tensor], LayerKind::Depthwise(one_tap), Some(weights))?;
        self.layers[made - 1].is_affine = true;
        Ok(made)
    }

    /// The network's input as a file expects it, made of what is given.
    pub fn normalised(&mut self, Given { scale, shift, .. }: &Given) -> Result<usize, Misfit> {
        match scale.iter().all(|scale| *scale == 1.0) && shift.iter().all(|shift| *shift == 0.0) {
            true => Ok(0),
            false => self.affine("normalise", Map { tensor: 0, is_sole: false }, [scale, shift]),
        }
    }

    /// Notes the scale that the file has of a map.
    pub fn keep_scale(&mut self, tensor: usize, quant: OutputQuant) {
        if let Some(layer) = tensor.checked_sub(1) {
            self.layers[layer].kept.output = Some(quant);
        }
    }

    /// Notes the scale that the file has of the weights of each output, or of all of them.
    pub fn keep_weights(&mut self, tensor: usize, steps: &[f32]) {
        let layer = tensor.checked_sub(1).map(|layer| &mut self.layers[layer]);
        let Some(Drawn { weights: Some(weights), kept, .. }) = layer else { return };
        let outputs = weights.bias.len();
        if steps.len() == 1 || steps.len() == outputs {
            kept.weights = (0..outputs).map(|output| steps[output % steps.len()]).collect();
        }
    }

    /// A map once more, for a layer that would read it twice.
    pub fn copy(&mut self, name: &str, tensor: usize) -> Result<usize, Misfit> {
        let channels = self.shape(tensor).channels.into();
        let [ones, zeros] = [1.0, 0.0].map(|value| vec![value; channels]);
        self.affine(name, Map { tensor, is_sole: false }, [&ones, &zeros])
    }

    /// The map within the border that a tensor is, and the border `[top, bottom, left, right]`: for
    /// a layer that can read zeros beyond the edge, where nothing else reads the tensor.
    pub fn without_border(&mut self, tensor: usize, is_sole: bool) -> (usize, [u8; 4]) {
        let is_last = tensor == self.layers.len() && is_sole;
        match self.layers.last() {
            Some(Drawn { kind: LayerKind::Pad(pad), reads, .. }) if is_last => {
                let (before, padding) = (reads[0], pad.padding);
                let Padding::Each(border) = padding else { return (tensor, [0; 4]) };
                let taken = self.layers.pop().map(|pad| pad.operators);
                self.operators.splice(..0, taken.unwrap_or_default());
                (before, border)
            }
            _ => (tensor, [0; 4]),
        }
    }

    /// Leaves out the last rows and columns of what a convolution leaves, where that reads zeros
    /// beyond the edge for them; whether it does.
    pub fn cropped(
        &mut self,
        Map { tensor, is_sole }: Map,
        left_out: [usize; 2],
    ) -> Result<bool, Misfit> {
        let Some(layer) = tensor.checked_sub(1).filter(|_| is_sole && left_out != [0, 0]) else {
            return Ok(false);
        };
        let shorter = match &mut self.layers[layer].kind {
            LayerKind::Conv(layer) => shorten(&mut layer.padding, layer.stride, left_out),
            LayerKind::Depthwise(layer) => shorten(&mut layer.padding, layer.stride, left_out),
            _ => None,
        };
        if shorter.is_none() {
            return Ok(false);
        }
        let Drawn { reads, kind, weights, .. } = &self.layers[layer];
        let output = self.output(reads, kind, weights.as_ref())?;
        let layer = &mut self.layers[layer];
        layer.output = output;
        layer.operators.extend(self.operators.clone());
        Ok(true)
    }

    /// A map within a border of zeros.
    pub fn pad(&mut self, name: &str, tensor: usize, border: [u8; 4]) -> Result<usize, Misfit> {
        match border {
            [0, 0, 0, 0] => Ok(tensor),
            _ => {
                let pad = concat::Pad { padding: Padding::Each(border) };
                self.push(name, &[tensor], LayerKind::Pad(pad), None)
            }
        }
    }

    /// Whether no value of a tensor can be negative, so that a border of zeros changes no maximum.
    pub fn is_never_negative(&self, tensor: usize) -> bool {
        tensor.checked_sub(1).is_none_or(|layer| self.layers[layer].is_never_negative)
    }

    /// The same of what a layer leaves.
    fn leaves_no_negative(&self, kind: &LayerKind, reads: &[usize]) -> bool {
        match kind {
            LayerKind::Relu(_) | LayerKind::Relu6(_) | LayerKind::Sigmoid(_) => true,
            LayerKind::MaxPool(_)
            | LayerKind::AveragePool(_)
            | LayerKind::Pad(_)
            | LayerKind::Concat(_)
            | LayerKind::Add(_)
            | LayerKind::Minimum(_)
            | LayerKind::Mul(_) => reads.iter().all(|read| self.is_never_negative(*read)),
            LayerKind::Maximum(_) => reads.iter().any(|read| self.is_never_negative(*read)),
            _ => false,
        }
    }

    /// A name that no other layer has.
    fn unique(&self, name: &str) -> String {
        const RESERVED: &str = "input";
        let name = shortened(&printable(name));
        let is_taken = |name: &str| {
            name.is_empty()
                || name == RESERVED
                || self.layers.iter().any(|layer| layer.name == name)
        };
        let mut names = (1..).map(|number| match number {
            1 => name.clone(),
            _ => format!("{name}.{number}"),
        });
        names.find(|name| !is_taken(name)).unwrap_or_default()
    }

    /// The network whose last layer leaves its answer, made of a number of operators; `is_softmax`
    /// where that are scores of which a softmax was taken.
    ///
    /// # Errors
    /// Layers that make no network.
    pub fn finish(
        mut self,
        is_softmax: bool,
        operators: usize,
    ) -> Result<FloatImport, NetworkError> {
        self.fold_forward();
        let input = Input {
            height: self.input.height,
            width: self.input.width,
            channels: self.input.channels,
            offset: [0, 0],
        };
        let names: Vec<String> = self.layers.iter().map(|layer| layer.name.clone()).collect();
        let name = |tensor: &usize| match tensor.checked_sub(1) {
            None => "input".to_owned(),
            Some(layer) => names[layer].clone(),
        };
        let (mut layers, mut weights, mut scales, mut names_in_file) =
            (vec![], vec![], vec![], vec![]);
        for (place, layer) in self.layers.into_iter().enumerate() {
            let is_next = layer.reads == [place];
            let from = if is_next { vec![] } else { layer.reads.iter().map(name).collect() };
            weights.extend(layer.weights);
            scales.push(layer.kept);
            names_in_file.push(layer.operators);
            layers.push(Layer { name: layer.name, from, kind: layer.kind });
        }
        if is_softmax {
            layers.push(Layer::from(LayerKind::Softmax(Softmax {})));
        }
        let network = Network { input, layers };
        let mut weights = weights.into_iter();
        // A layer with weights is a stage of its own, in the same order.
        let stages = network.stages()?.into_iter().map(|stage| match stage.kind.weights() {
            Some(_) => weights.next().unwrap_or_default(),
            None => StageWeights::default(),
        });
        let stages: Vec<StageWeights> = stages.collect();
        let mut kept = vec![Kept::default(); stages.len()];
        let mut made_of = vec![vec![]; stages.len()];
        for ((scales, names), made) in scales.into_iter().zip(names_in_file).zip(network.made()?) {
            if let Some(stage) = made.checked_sub(1) {
                kept[stage].take(scales);
                made_of[stage].extend(names);
            }
        }
        let made_of = made_of.into_iter().map(joined).collect();
        Ok(FloatImport { model: FloatModel { network, stages }, kept, operators, made_of })
    }

    /// Puts factors and summands into the layer after them, where only one reads them.
    fn fold_forward(&mut self) {
        let mut place = 0;
        while place < self.layers.len() {
            let tensor = place + 1;
            let reads = |layer: &Drawn| layer.reads.iter().filter(|read| **read == tensor).count();
            let mut readers = (0..self.layers.len()).filter(|at| reads(&self.layers[*at]) > 0);
            let folded = match (readers.next(), readers.next()) {
                (Some(reader), None) if self.layers[place].is_affine => self.fold(place, reader),
                _ => false,
            };
            if folded {
                self.remove(place);
            } else {
                place += 1;
            }
        }
    }

    /// Puts the factors and summands of a layer into those of its reader, if that reads no zeros
    /// beyond the edge, which would need summands of their own.
    fn fold(&mut self, affine: usize, reader: usize) -> bool {
        let (before, after) = self.layers.split_at_mut(reader);
        let Some(StageWeights { weights: scale, bias: shift }) = &before[affine].weights else {
            return false;
        };
        let pads = match &after[0].kind {
            LayerKind::Conv(layer) => layer.padding != Padding::Valid,
            LayerKind::Depthwise(layer) => layer.padding != Padding::Valid,
            _ => false,
        };
        let is_depthwise = matches!(after[0].kind, LayerKind::Depthwise(_));
        match &mut after[0].weights {
            Some(weights) if !pads || shift.iter().all(|shift| *shift == 0.0) => {
                weights.lead(scale, shift, is_depthwise);
                after[0].operators.splice(..0, before[affine].operators.clone());
                after[0].kept.lead(scale, is_depthwise);
                true
            }
            _ => false,
        }
    }

    /// Takes a layer out: who reads it reads what it reads.
    fn remove(&mut self, place: usize) {
        let before = self.layers.remove(place).reads[0];
        for layer in &mut self.layers {
            for read in &mut layer.reads {
                *read = match *read {
                    read if read == place + 1 => before,
                    read if read > place + 1 => read - 1,
                    read => read,
                };
            }
        }
    }
}

/// Takes the zeros of the last rows and columns off a border; `None` where there are too few.
fn shorten(padding: &mut Padding, stride: Extent, [rows, columns]: [usize; 2]) -> Option<()> {
    let Padding::Each([_, below, _, right]) = padding else { return None };
    let [down, across] = stride.sides();
    let less = |zeros: u8, places: usize, stride: u8| {
        let zeros = usize::from(zeros).checked_sub(places.checked_mul(usize::from(stride))?)?;
        u8::try_from(zeros).ok()
    };
    let left = (less(*below, rows, down)?, less(*right, columns, across)?);
    (*below, *right) = left;
    Some(())
}

impl StageWeights {
    /// A factor and a summand for each output.
    fn follow(&mut self, scale: &[f32], shift: &[f32]) {
        let outputs = self.bias.len().max(1);
        for row in self.weights.chunks_mut(outputs) {
            row.iter_mut().zip(scale).for_each(|(weight, scale)| *weight *= scale);
        }
        for ((bias, scale), shift) in self.bias.iter_mut().zip(scale).zip(shift) {
            *bias = *bias * scale + shift;
        }
    }

    /// A factor and a summand for each channel of what is read. Weights are taps of channels of
    /// outputs; a depthwise convolution has taps of outputs, as many for each channel.
    fn lead(&mut self, scale: &[f32], shift: &[f32], is_depthwise: bool) {
        let outputs = self.bias.len().max(1);
        let each = if is_depthwise { outputs / scale.len().max(1) } else { outputs };
        for (at, weight) in self.weights.iter_mut().enumerate() {
            let channel = at / each.max(1) % scale.len().max(1);
            self.bias[at % outputs] += *weight * shift[channel];
            *weight *= scale[channel];
        }
    }
}

/// Names of operators, those that come several times in a row once: `Conv + Relu`.
fn joined(mut operators: Vec<String>) -> String {
    operators.dedup();
    operators.join(" + ")
}

/// The end of a long name.
fn shortened(name: &str) -> String {
    let over = name.len().saturating_sub(NAME_BYTES);
    let start = (over..=name.len()).find(|start| name.is_char_boundary(*start));
    name[start.unwrap_or_default()..].to_owned()
}
