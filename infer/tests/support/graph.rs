//! Models of any operators, laid out as simply as can be: every tensor has a place of its own, if
//! the test gives no other, and the scratch memory of all layers lies after the last.

use infer::format::{
    Content, InputRecord, LayerRecord, OperatorRecord, Section, Tensor, TensorRecord,
};
use infer::ops::{Record, SUM_BYTES};
use infer::quant::ChannelParameters;
use infer::schedule::INPUTS_MAX;
use infer::{Interface, LayerKind, LayerProblem, Metadata, Model, ModelError, Shape, Table};

use super::{refused, written};

/// Most layers of a graph.
pub const LAYERS: usize = 32;

/// Layers that read tensors: 0 is the image, which is read whole, `n + 1` what layer `n` makes.
#[derive(Clone, Debug)]
pub struct Graph {
    pub image: Tensor,
    /// The image that is shown, and its row and column at which tensor 0 begins.
    pub shown: (Shape, [i16; 2]),
    pub interface: Interface<'static>,
    pub held_rows: u16,
    pub layers: Vec<Layer>,
    pub outputs: Vec<u8>,
    /// Where each tensor lies, in places of 16 bytes; empty: one after the other.
    pub places: Vec<u32>,
}

/// A layer with the tensor that it makes.
#[derive(Clone, Debug)]
pub struct Layer {
    pub operator: OperatorRecord,
    pub output: Tensor,
    pub held_rows: u16,
    pub channels: Vec<ChannelParameters>,
    pub weights: Vec<u8>,
}

impl Graph {
    pub fn new(image: Tensor) -> Self {
        Self {
            image,
            shown: (image.shape, [0, 0]),
            interface: Interface::default(),
            held_rows: image.shape.height,
            layers: Vec::new(),
            outputs: Vec::new(),
            places: Vec::new(),
        }
    }

    /// A layer more, without numbers, whose tensor is held whole; it is the output.
    pub fn with(self, operator: OperatorRecord, output: Tensor) -> Self {
        self.with_numbers(operator, output, Vec::new(), Vec::new())
    }

    /// A layer more, whose tensor is held whole; it is the output.
    pub fn with_numbers(
        mut self,
        operator: OperatorRecord,
        output: Tensor,
        channels: Vec<ChannelParameters>,
        weights: Vec<u8>,
    ) -> Self {
        let held_rows = output.shape.height;
        self.layers.push(Layer { operator, output, held_rows, channels, weights });
        self.outputs = vec![self.layers.len() as u8];
        self
    }

    /// The model file, with the arena that the loader asks for.
    pub fn file(&self) -> Vec<u8> {
        let file = self.file_for(0);
        let problem = Model::from_bytes(&file, &mut Table::<LAYERS>::new()).err();
        match problem {
            Some(ModelError::ArenaBytes { needed, .. }) => self.file_for(needed),
            _ => file,
        }
    }

    /// The problem with the last layer.
    pub fn problem(&self) -> LayerProblem {
        match refused(&self.file()) {
            ModelError::Layer { index, problem } if index as usize + 1 == self.layers.len() => {
                problem
            }
            other => panic!("{other:?}"),
        }
    }

    /// Bytes that each tensor takes: its held rows, or the sums that come to be its row.
    pub fn held_bytes(&self) -> Vec<usize> {
        let image = self.held_rows as usize * self.image.shape.row_len();
        let bytes = |layer: &Layer| {
            let inputs = layer.operator.inputs();
            let mut tensors = [self.image; INPUTS_MAX];
            for (tensor, number) in tensors.iter_mut().zip(inputs.iter()) {
                let made = number.checked_sub(1).and_then(|index| self.layers.get(index));
                *tensor = made.map_or(self.image, |layer| layer.output);
            }
            let kind = LayerKind::of_record(&layer.operator, &tensors, layer.output);
            let of_value = if kind.reduces().is_some() { SUM_BYTES } else { 1 };
            of_value * layer.held_rows as usize * layer.output.shape.row_len()
        };
        std::iter::once(image).chain(self.layers.iter().map(bytes)).collect()
    }

    fn file_for(&self, arena_bytes: u32) -> Vec<u8> {
        let (mut end, mut places) = (0, self.places.iter());
        let mut place = |tensor: Tensor, held_rows: u16, bytes: usize| {
            let at = places.next().map_or(end, |place| 16 * place);
            end = end.max((at + bytes as u32).next_multiple_of(16));
            TensorRecord { tensor, held_rows, at }
        };
        let bytes = self.held_bytes();
        let tensor = place(self.image, self.held_rows, bytes[0]);
        let layers = self.layers.iter().zip(&bytes[1..]);
        let outputs: Vec<TensorRecord> =
            layers.map(|(layer, bytes)| place(layer.output, layer.held_rows, *bytes)).collect();
        let record = |(layer, output): (&Layer, TensorRecord)| LayerRecord {
            name: "",
            operator: layer.operator,
            output,
            scratch_at: end,
        };
        let sections: Vec<Section> = self
            .layers
            .iter()
            .map(|layer| Section { channels: &layer.channels, weights: &layer.weights })
            .collect();
        written(&Content {
            input: InputRecord { image: self.shown.0, origin: self.shown.1, tensor },
            interface: self.interface,
            metadata: Metadata::default(),
            layers: &self.layers.iter().zip(outputs).map(record).collect::<Vec<_>>(),
            sections: &sections,
            outputs: &self.outputs,
            arena_bytes,
            model_version: 1,
            self_test: None,
        })
    }
}
