//! A quantised model before it is planned: its layers with their numbers in plain order. Export
//! makes one from a trained network, and [`PlainModel::of`] recovers one from any model file,
//! however that was packed.

use infer::format::LayerRecord;
use infer::quant::ChannelParameters;
use infer::schedule::{RowWindow, Schedule, Slice, Stage};
use infer::{Input, Layer, LayerKind, LayerProblem, Model, Shape};

pub use crate::ops::{Choice, Place, PlainKind};
use crate::ops::{Frame, Running};

/// A quantised model whose algorithms and memory are still to be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainModel {
    /// The image the caller hands over.
    pub image: Shape,
    /// The part of it that is read: the first feature map.
    pub map: Shape,
    /// Row and column of the image at which the map begins.
    pub origin: [i16; 2],
    /// Real value of one step of a pixel.
    pub scale: f32,
    /// The layers in order.
    pub layers: Vec<PlainLayer>,
    /// The maker's count of versions of this model.
    pub version: u32,
    /// An image with the scores it must give.
    pub self_test: Option<PlainSelfTest>,
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
    /// The map it reads.
    pub input: Shape,
    /// The input's zero point.
    pub input_zero_point: i8,
    /// The map it leaves.
    pub output: Shape,
    /// What it computes.
    pub kind: PlainKind,
    /// Bias and multiplier of each output channel; empty for a pooling.
    pub channels: Vec<ChannelParameters>,
    /// int8 weights, `[output channel][kernel row][kernel column][input channel]` or
    /// `[output][input]`.
    pub weights: Vec<i8>,
}

/// How a model is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// How each layer is computed.
    pub layers: Vec<Choice>,
    /// How many rows are held at once of the first map and of each layer's output: see
    /// [`infer::schedule`].
    pub held_rows: Vec<u16>,
}

impl Choices {
    /// How a model file says it is run.
    pub fn of(model: &Model<'_>) -> Self {
        let choice = |layer: &Layer<'_>| layer.kind.choice();
        let held = model.layers().iter().map(|layer| layer.held_rows);
        Self {
            layers: model.layers().iter().map(choice).collect(),
            held_rows: std::iter::once(model.input().held_rows).chain(held).collect(),
        }
    }
}

impl PlainModel {
    /// The layers and numbers of a model file, without its plan.
    pub fn of(model: &Model<'_>) -> Self {
        let input = model.input();
        let layers = model.layers().iter().map(PlainLayer::of).collect();
        let self_test = model.self_test().map(|test| PlainSelfTest {
            image: test.image.to_vec(),
            scores: Some(test.scores.iter().map(|score| *score as i8).collect()),
        });
        let Input { image, map, origin, scale, .. } = *input;
        Self { image, map, origin, scale, layers, version: model.version(), self_test }
    }

    /// The plan that runs on any core with the least memory for weights: everything direct, all
    /// maps whole.
    pub fn direct(&self) -> Choices {
        self.with_whole_maps(self.layers.iter().map(|layer| layer.choices()[0]).collect())
    }

    /// Layers that run one after the other.
    pub fn with_whole_maps(&self, layers: Vec<Choice>) -> Choices {
        Choices { layers, held_rows: self.maps().map(|map| map.height).collect() }
    }

    /// The first map and each layer's output.
    pub fn maps(&self) -> impl Iterator<Item = Shape> {
        std::iter::once(self.map).chain(self.layers.iter().map(|layer| layer.output))
    }

    /// What each map's rows are made of, when so many of them are held.
    pub fn stages(&self, held_rows: &[u16]) -> Vec<Stage> {
        let mut stages = vec![Stage::input(self.map.height, held_rows[0])];
        for (layer, held) in self.layers.iter().zip(&held_rows[1..]) {
            let (front, window) = (stages[stages.len() - 1], layer.row_window());
            stages.push(Stage::new(layer.output.height, *held, window, front.held, front.rows));
        }
        stages
    }
}

/// The slices that `stages` are made in, in their order.
pub fn slices(stages: &[Stage]) -> Vec<Slice> {
    let mut schedule = Schedule::new();
    std::iter::from_fn(|| schedule.next(|map| stages.get(map).copied())).collect()
}

impl PlainLayer {
    fn of(layer: &Layer<'_>) -> Self {
        Self {
            name: layer.name.to_owned(),
            input: layer.input(),
            input_zero_point: layer.kind.padding_zero_point(),
            output: layer.output(),
            kind: layer.kind.plain(),
            channels: layer.kind.channels(),
            weights: layer.kind.weights(),
        }
    }

    /// All ways there are for a layer of this kind, whether they fit or not; the direct one first.
    pub fn choices(&self) -> Vec<Choice> {
        self.kind.choices()
    }

    /// The rows of its input that a row of its output reads.
    pub fn row_window(&self) -> RowWindow {
        self.kind(self.choices()[0]).row_window()
    }

    /// The layer's record; a choice for another kind of layer counts as the direct one.
    pub fn record(&self, choice: Choice, place: Place) -> LayerRecord<'_> {
        self.kind.record(&self.frame(place), choice)
    }

    /// The layer as `infer` sees it, without its numbers.
    pub fn kind(&self, choice: Choice) -> LayerKind<'static> {
        self.kind.running(&self.frame(Place::default()), choice)
    }

    /// The weights as the choice has them in the file.
    ///
    /// # Errors
    /// What a loader would say: a shape the algorithm does not compute, or weights beyond its
    /// range.
    pub fn packed(&self, choice: Choice) -> Result<Vec<u8>, LayerProblem> {
        let channels: Vec<u8> =
            self.channels.iter().flat_map(|channel| channel.to_le_bytes()).collect();
        self.kind(choice).pack(&channels, &self.weights)
    }

    fn frame(&self, place: Place) -> Frame<'_> {
        let Self { ref name, input, input_zero_point, output, .. } = *self;
        Frame { name, input, input_zero_point, output, place }
    }
}
