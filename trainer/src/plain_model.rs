//! A quantised model before it is planned: its layers with their numbers in plain order. Export
//! makes one from a trained network, and [`PlainModel::of`] recovers one from any model file,
//! however that was packed.

use std::ops::Range;

use infer::format::{LayerRecord, OperatorRecord, Tensor, TensorRecord};
use infer::ops::SUM_BYTES;
use infer::packing::WeightBits;
use infer::quant::{ChannelParameters, Rounding};
use infer::schedule::{INPUTS_MAX, Read, RowWindow, Schedule, Slice, Stage, Tensors, group_end};
use infer::{
    Interface, Layer, LayerKind, LayerProblem, Model, Network, OutputType, Shape, ValueType,
};

pub use crate::ops::{Choice, PlainKind};
use crate::ops::{Mixing, Running, dense};

/// A quantised model whose algorithms and memory are still to be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainModel {
    /// The image the caller hands over.
    pub image: Shape,
    /// What its values are, and those of the first output.
    pub interface: PlainInterface,
    /// Row and column of the image at which tensor 0 begins.
    pub origin: [i16; 2],
    /// Tensor 0: the part of the image that is read.
    pub input: Tensor,
    /// The layers in the order in which they run; layer `n` makes tensor `n + 1`.
    pub layers: Vec<PlainLayer>,
    /// The tensors that the network is run for; the first are the scores.
    pub outputs: Vec<usize>,
    /// The maker's count of versions of this model.
    pub version: u32,
    /// An image with the scores it must give.
    pub self_test: Option<PlainSelfTest>,
    /// What the file says for people, as [`Metadata`](infer::Metadata) has it.
    pub metadata: Vec<u8>,
}

/// What a model takes and gives: an [`Interface`] of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainInterface {
    /// What the values of the image are.
    pub takes: ValueType,
    /// What the values of the first output are.
    pub gives: OutputType,
    /// Mean and deviation of each channel, as [`Interface::scales`].
    pub scales: Vec<u8>,
}

impl PlainInterface {
    /// As a file has it.
    pub fn of_file(&self) -> Interface<'_> {
        let Self { takes, gives, ref scales } = *self;
        Interface { takes, gives, scales }
    }
}

impl From<Interface<'_>> for PlainInterface {
    fn from(Interface { takes, gives, scales }: Interface<'_>) -> Self {
        Self { takes, gives, scales: scales.to_vec() }
    }
}

impl From<ValueType> for PlainInterface {
    /// Scores of such values.
    fn from(takes: ValueType) -> Self {
        Self { takes, ..Self::default() }
    }
}

/// An image of the shape that the caller hands over, and the int8 scores it must give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainSelfTest {
    /// The image.
    pub image: Vec<u8>,
    /// The scores; `None` until the file is written, which fills them in: see
    /// [`self_test`](crate::self_test).
    pub scores: Option<Vec<i8>>,
}

impl From<Vec<u8>> for PlainSelfTest {
    /// An image whose scores are still to be computed.
    fn from(image: Vec<u8>) -> Self {
        Self { image, scores: None }
    }
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainLayer {
    /// Name, for people.
    pub name: String,
    /// What it reads.
    pub inputs: Vec<Edge>,
    /// The tensor that it makes.
    pub output: Tensor,
    /// What it computes.
    pub kind: PlainKind,
    /// Bias and multiplier of each output channel; empty for an operator without.
    pub channels: Vec<ChannelParameters>,
    /// Weights, `[output channel][kernel row][kernel column][input channel]` or `[output][input]`.
    pub weights: Vec<i8>,
    /// How many bits they have in a file.
    pub bits: WeightBits,
}

/// A tensor that a layer reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Its number.
    pub number: usize,
    /// Its size and quantisation.
    pub tensor: Tensor,
}

/// Where a layer works in the arena, bytes, and how many rows of its output are held at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Place of its scratch memory.
    pub scratch_at: u32,
    /// Place of its output.
    pub output_at: u32,
    /// Rows of its output that are held at once.
    pub held_rows: u16,
}

/// How a model is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// How each layer is computed.
    pub layers: Vec<Choice>,
    /// How many rows are held at once of each tensor: see [`infer::schedule`].
    pub held_rows: Vec<u16>,
    /// Whether all tensors have memory of their own, as a [`infer::Stream`] needs it.
    pub streams: bool,
}

impl Choices {
    /// How a model file says it is run; it does not say whether that may be as a stream.
    pub fn of(model: &Model<'_>) -> Self {
        let choice = |layer: &Layer<'_>| layer.kind.choice();
        let held = model.layers().iter().map(Layer::held_rows);
        Self {
            layers: model.layers().iter().map(choice).collect(),
            held_rows: std::iter::once(model.input().held_rows()).chain(held).collect(),
            streams: false,
        }
    }
}

impl PlainModel {
    /// The layers and numbers of a model file, without its plan.
    pub fn of(model: &Model<'_>) -> Self {
        let (input, network) = (model.input(), Network::from(model));
        let self_test = model.self_test().map(|test| PlainSelfTest {
            image: test.image.to_vec(),
            scores: Some(test.scores.iter().map(|score| *score as i8).collect()),
        });
        Self {
            image: input.image,
            interface: input.interface.into(),
            origin: input.origin,
            input: input.tensor,
            layers: model.layers().iter().map(|layer| PlainLayer::of(&network, layer)).collect(),
            outputs: model.outputs().iter().map(|tensor| usize::from(*tensor)).collect(),
            version: model.version(),
            self_test,
            metadata: model.metadata().bytes().to_vec(),
        }
    }

    /// The plan that runs on any core with the least memory for weights: everything direct, all
    /// tensors whole.
    pub fn direct(&self) -> Choices {
        self.with_whole_tensors(self.layers.iter().map(|layer| layer.choices()[0]).collect())
    }

    /// Layers that run one after the other.
    pub fn with_whole_tensors(&self, layers: Vec<Choice>) -> Choices {
        Choices { layers, held_rows: self.heights(), streams: false }
    }

    /// Tensor 0 and what each layer makes.
    pub fn tensors(&self) -> impl Iterator<Item = Tensor> {
        std::iter::once(self.input).chain(self.layers.iter().map(|layer| layer.output))
    }

    /// Rows of each tensor.
    pub fn heights(&self) -> Vec<u16> {
        self.tensors().map(|tensor| tensor.shape.height).collect()
    }

    /// Bytes that each tensor takes when `held_rows` of its rows are held.
    pub fn held_bytes(&self, held_rows: &[u16]) -> Vec<usize> {
        let of_values = self.layers.iter().map(|layer| match layer.reduces() {
            Some(_) => SUM_BYTES,
            None => 1,
        });
        let bytes = |((tensor, held), of_value): ((Tensor, &u16), usize)| {
            of_value * *held as usize * tensor.shape.row_len()
        };
        let of_values = std::iter::once(1).chain(of_values);
        self.tensors().zip(held_rows).zip(of_values).map(bytes).collect()
    }

    /// Values of the first output.
    pub fn classes(&self) -> usize {
        let tensor = self.outputs.first().and_then(|output| self.tensors().nth(*output));
        tensor.map_or(0, |tensor| tensor.shape.len())
    }

    /// For each tensor, the last tensor that is made from it; 0 if there is none. For an output, a
    /// number above that of every tensor.
    pub fn last_readers(&self) -> Vec<usize> {
        let mut last = vec![0; self.layers.len() + 1];
        for (layer, made) in self.layers.iter().zip(1..) {
            layer.inputs.iter().for_each(|edge| last[edge.number] = made);
        }
        self.outputs.iter().for_each(|output| last[*output] = usize::MAX);
        last
    }

    /// The model as the schedule sees it, with the rows of each tensor that are held.
    pub fn flow(&self, held_rows: &[u16]) -> Flow {
        let heights = self.heights();
        let edge = |edge: &Edge, window: RowWindow| {
            let at_once = window.rows_at_once(held_rows[edge.number], heights[edge.number]);
            (Read { tensor: edge.number, window }, at_once)
        };
        let mut stages = vec![Stage::input(heights[0], held_rows[0], 0)];
        let mut reads = vec![vec![]];
        for (layer, made) in self.layers.iter().zip(1..) {
            let windows = layer.row_windows().into_iter().zip(&layer.inputs);
            let edges: Vec<_> = windows.map(|(window, from)| edge(from, window)).collect();
            let rows_at_once = edges.iter().map(|(_, rows)| *rows).min().unwrap_or(u16::MAX);
            let (rows, held) = (heights[made], held_rows[made]);
            let stage = Stage { rows, held, rows_at_once, last_reader: 0, reduces: false };
            stages.push(match layer.reduces() {
                Some(rows) => Stage { rows, held: rows, reduces: true, ..stage },
                None => stage,
            });
            reads.push(edges.into_iter().map(|(read, _)| read).collect());
        }
        for (stage, last_reader) in stages.iter_mut().zip(self.last_readers()) {
            stage.last_reader = last_reader;
        }
        Flow { stages, reads }
    }
}

/// A model as the schedule sees it.
#[derive(Clone, Debug)]
pub struct Flow {
    stages: Vec<Stage>,
    reads: Vec<Vec<Read>>,
}

/// What a run does.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// The slices in their order.
    pub slices: Vec<Slice>,
    /// Whether each tensor is [passed on](infer::schedule).
    pub passed_on: Vec<bool>,
}

impl Tensors for Flow {
    fn stage(&self, tensor: usize) -> Option<Stage> {
        self.stages.get(tensor).copied()
    }

    fn read(&self, tensor: usize, input: usize) -> Option<Read> {
        self.reads.get(tensor)?.get(input).copied()
    }
}

impl Flow {
    /// What a run does; `None` when it gets stuck.
    pub fn walk(&self) -> Option<Walk> {
        self.walk_of(0..self.stages.len())
    }

    /// What is done for the tensors `made`, which groups begin and end; `None` when that gets
    /// stuck.
    pub fn walk_of(&self, made: Range<usize>) -> Option<Walk> {
        let (mut schedule, mut slices) = (Schedule::new(), vec![]);
        let is_in_part = |stage: &Stage| stage.held < stage.rows;
        let mut passed_on: Vec<bool> = self.stages.iter().map(is_in_part).collect();
        // The caller's image is placed in the first slice, before anything reads it.
        passed_on[0] = false;
        let mut before = 0;
        while let Some(slice) = schedule.next(self) {
            let reads = self.reads[slice.tensor].iter().map(|read| read.tensor);
            slice.keeps(before, reads).for_each(|tensor| passed_on[tensor] = false);
            before = slice.tensor;
            if slice.tensor >= made.end {
                return Some(Walk { slices, passed_on });
            }
            if made.contains(&slice.tensor) {
                slices.push(slice);
            }
        }
        schedule.is_done(self).then_some(Walk { slices, passed_on })
    }

    /// The groups of interleaved tensors, each as its first tensor and the one after its last.
    pub fn groups(&self) -> Vec<Range<usize>> {
        let mut groups: Vec<Range<usize>> = vec![];
        let mut first = 0;
        while let Some(end) = group_end(first, self) {
            groups.push(first..end);
            first = end;
        }
        groups
    }
}

impl PlainLayer {
    fn of(network: &Network<'_>, layer: &Layer<'_>) -> Self {
        let edge = |number| Some(Edge { number, tensor: network.tensor(number)? });
        Self {
            name: layer.name.to_owned(),
            inputs: layer.inputs.iter().filter_map(edge).collect(),
            output: layer.kind.output(),
            kind: layer.kind.plain(),
            channels: layer.kind.channels(),
            weights: layer.kind.weights(),
            bits: layer.kind.choice().weight_bits(),
        }
    }

    /// The size of its first input.
    pub fn input(&self) -> Shape {
        self.inputs.first().map_or(Shape::vector(0), |edge| edge.tensor.shape)
    }

    /// All ways there are for a layer of this kind with weights of its bits, whether they fit or
    /// not; the direct one first.
    pub fn choices(&self) -> Vec<Choice> {
        let all = self.kind.choices();
        let with_bits: Vec<Choice> =
            all.iter().copied().filter(|choice| choice.weight_bits() == self.bits).collect();
        if with_bits.is_empty() { all } else { with_bits }
    }

    /// Bytes of its weights, without what fills them up when they are packed.
    pub const fn weight_bytes(&self) -> usize {
        (self.weights.len() * self.bits.count() as usize).div_ceil(8)
    }

    /// The rows of each input that a row of its output reads.
    pub fn row_windows(&self) -> Vec<RowWindow> {
        let kind = self.kind(self.choices()[0]);
        (0..self.inputs.len()).map(|input| kind.row_window(input)).collect()
    }

    /// How its output's channels come of those of its first input.
    pub fn mixing(&self) -> Mixing {
        self.kind.mixing(self.input(), self.output.shape)
    }

    /// Rows of its input that it takes one by one, where it keeps sums: see
    /// [`infer::ops::Operator::reduces`].
    pub fn reduces(&self) -> Option<u16> {
        self.kind(self.choices()[0]).reduces()
    }

    /// The layer's record; a choice for another kind of layer counts as the direct one.
    pub fn record(&self, choice: Choice, place: Place) -> LayerRecord<'_> {
        let Place { scratch_at, output_at: at, held_rows } = place;
        let operator = self.operator(choice);
        let output = TensorRecord { tensor: self.output, held_rows, at };
        LayerRecord { name: &self.name, operator, output, scratch_at }
    }

    /// The layer as `infer` sees it, without its numbers.
    pub fn kind(&self, choice: Choice) -> LayerKind<'static> {
        let mut tensors = [self.output; INPUTS_MAX];
        for (tensor, edge) in tensors.iter_mut().zip(&self.inputs) {
            *tensor = edge.tensor;
        }
        LayerKind::of_record(&self.operator(choice), &tensors, self.output).rounded(self.rounding())
    }

    /// Its operator's record.
    fn operator(&self, choice: Choice) -> OperatorRecord {
        let record = self.kind.record(&self.input_numbers(), choice);
        dense::with_factors(record, &self.channels)
    }

    /// Its channel parameters as the file has them.
    pub fn channel_bytes(&self) -> Vec<u8> {
        if dense::is_per_tensor(&self.kind, &self.channels) {
            return dense::per_tensor_bytes(&self.channels);
        }
        let numbers = self.channels.iter().flat_map(|channel| channel.to_le_bytes());
        let shifts = self.channels.iter().filter_map(|channel| channel.shift);
        numbers.chain(shifts.map(|shift| shift as u8)).collect()
    }

    /// The weights as the choice has them in the file.
    ///
    /// # Errors
    /// What a loader would say: a shape the algorithm does not compute, or weights beyond its
    /// range.
    pub fn packed(&self, choice: Choice) -> Result<Vec<u8>, LayerProblem> {
        self.kind(choice).pack(&self.channel_bytes(), &self.weights)
    }

    /// How its accumulators become int8.
    pub fn rounding(&self) -> Rounding {
        let is_shifted = self.channels.iter().any(|channel| channel.shift.is_some());
        if is_shifted { Rounding::Twice } else { Rounding::Once }
    }

    /// The numbers of its inputs as a file has them; a model of too many layers is refused when it
    /// is written.
    fn input_numbers(&self) -> Vec<u8> {
        self.inputs.iter().map(|edge| u8::try_from(edge.number).unwrap_or(u8::MAX)).collect()
    }
}
