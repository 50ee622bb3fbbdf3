//! A quantised model before it is planned: its layers with their numbers in plain order. Export
//! makes one from a trained network, and [`PlainModel::of`] recovers one from any model file,
//! however that was packed.

use infer::format::{
    Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, LayerRecord, MaxPoolRecord, OutputQuant,
};
use infer::quant::ChannelParameters;
use infer::schedule::{RowWindow, Schedule, Slice, Stage};
use infer::{Conv, Dense, Input, Layer, LayerKind, LayerProblem, MaxPool, Model, Shape};

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
    /// The scores.
    pub scores: Vec<i8>,
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

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlainKind {
    /// Convolution with the pooling behind it; fields as in [`ConvRecord`].
    Conv {
        /// Kernel rows and columns.
        kernel: [u8; 2],
        /// Step in rows and columns.
        stride: [u8; 2],
        /// Input row and column under the first tap of the first output.
        origin: [i16; 2],
        /// Rows and columns of the pooling window.
        pool: [u8; 2],
        /// Quantisation of the output.
        quant: OutputQuant,
    },
    /// Maximum over windows; fields as in [`MaxPoolRecord`].
    MaxPool {
        /// Window rows and columns.
        size: [u8; 2],
        /// Step in rows and columns.
        stride: [u8; 2],
    },
    /// Fully connected.
    Dense {
        /// Quantisation of the output.
        quant: OutputQuant,
    },
}

/// How one layer is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A convolution.
    Conv(Algorithm),
    /// A pooling: there is one way.
    MaxPool,
    /// A dense layer.
    Dense(DenseAlgorithm),
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

/// Where a layer works in the arena, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Place of its scratch memory.
    pub scratch_at: u32,
    /// Place of its output.
    pub output_at: u32,
    /// Rows of its output that are held at once.
    pub held_rows: u16,
}

impl Choices {
    /// How a model file says it is run.
    pub fn of(model: &Model<'_>) -> Self {
        let choice = |layer: &Layer<'_>| match &layer.kind {
            LayerKind::Conv(conv) => Choice::Conv(conv.algorithm),
            LayerKind::MaxPool(_) => Choice::MaxPool,
            LayerKind::Dense(dense) => Choice::Dense(dense.algorithm),
        };
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
            scores: test.scores.iter().map(|score| *score as i8).collect(),
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
        let (input_zero_point, kind, channels, weights) = match &layer.kind {
            LayerKind::Conv(conv) => (
                conv.input_zero_point,
                conv_kind(conv),
                conv.channel_parameters().collect(),
                conv_weights(conv),
            ),
            LayerKind::MaxPool(MaxPool { size, stride, .. }) => {
                (0, PlainKind::MaxPool { size: *size, stride: *stride }, vec![], vec![])
            }
            LayerKind::Dense(dense) => {
                let kind = PlainKind::Dense { quant: dense.output_quant };
                (0, kind, dense.channel_parameters().collect(), dense_weights(dense))
            }
        };
        let (name, input, output) = (layer.name.to_owned(), layer.input(), layer.output());
        Self { name, input, input_zero_point, output, kind, channels, weights }
    }

    /// All ways there are for a layer of this kind, whether they fit or not; the direct one first.
    pub fn choices(&self) -> Vec<Choice> {
        match self.kind {
            PlainKind::Conv { .. } => Algorithm::ALL.map(Choice::Conv).to_vec(),
            PlainKind::MaxPool { .. } => vec![Choice::MaxPool],
            PlainKind::Dense { .. } => DenseAlgorithm::ALL.map(Choice::Dense).to_vec(),
        }
    }

    /// The rows of its input that a row of its output reads.
    pub fn row_window(&self) -> RowWindow {
        self.kind(self.choices()[0]).row_window()
    }

    /// The layer's record; a choice for another kind of layer counts as the direct one.
    pub fn record(&self, choice: Choice, place: Place) -> LayerRecord<'_> {
        let (name, output) = (&*self.name, self.output);
        let Place { scratch_at, output_at, held_rows } = place;
        match self.kind {
            PlainKind::Conv { kernel, stride, origin, pool, quant: output_quant } => {
                let algorithm = choice.conv();
                LayerRecord::Conv(ConvRecord {
                    name,
                    output,
                    kernel,
                    stride,
                    origin,
                    pool,
                    output_quant,
                    algorithm,
                    held_rows,
                    output_at,
                    scratch_at,
                })
            }
            PlainKind::MaxPool { size, stride } => LayerRecord::MaxPool(MaxPoolRecord {
                name,
                output,
                size,
                stride,
                held_rows,
                output_at,
            }),
            PlainKind::Dense { quant: output_quant } => {
                let (units, algorithm) = (output.channels, choice.dense());
                LayerRecord::Dense(DenseRecord { name, units, output_quant, algorithm, output_at })
            }
        }
    }

    /// The layer as `infer` sees it, without its numbers.
    pub fn kind(&self, choice: Choice) -> LayerKind<'_> {
        match self.record(choice, Place::default()) {
            LayerRecord::Conv(record) => {
                LayerKind::Conv(Conv::from_record(&record, self.input, self.input_zero_point))
            }
            LayerRecord::MaxPool(MaxPoolRecord { output, size, stride, .. }) => {
                LayerKind::MaxPool(MaxPool { input: self.input, output, size, stride })
            }
            LayerRecord::Dense(record) => LayerKind::Dense(Dense::from_record(&record, self.input)),
        }
    }

    /// The weights as the choice has them in the file.
    ///
    /// # Errors
    /// What a loader would say: a shape the algorithm does not compute, or weights beyond its
    /// range.
    pub fn packed(&self, choice: Choice) -> Result<Vec<u8>, LayerProblem> {
        let channels: Vec<u8> =
            self.channels.iter().flat_map(|channel| channel.to_le_bytes()).collect();
        match self.kind(choice) {
            LayerKind::MaxPool(_) => Ok(vec![]),
            LayerKind::Conv(conv) if !conv.algorithm.fits(&conv) => Err(LayerProblem::Algorithm),
            LayerKind::Conv(conv) => {
                let filters = conv.filters();
                let mut packed = vec![0; filters.packed_bytes() as usize];
                filters
                    .pack(&self.weights, &mut packed)
                    .map_err(|_| LayerProblem::SectionMissing)?;
                conv.with_numbers(&channels, &packed)?;
                Ok(packed)
            }
            LayerKind::Dense(dense) if !dense.algorithm.fits(&dense) => {
                Err(LayerProblem::Algorithm)
            }
            LayerKind::Dense(dense) => {
                let matrix = dense.matrix();
                let mut packed = vec![0; matrix.packed_bytes() as usize];
                matrix
                    .pack(&self.weights, &mut packed)
                    .map_err(|_| LayerProblem::SectionMissing)?;
                dense.with_numbers(&channels, &packed)?;
                Ok(packed)
            }
        }
    }
}

impl Choice {
    fn conv(self) -> Algorithm {
        if let Self::Conv(algorithm) = self { algorithm } else { Algorithm::Direct }
    }

    fn dense(self) -> DenseAlgorithm {
        if let Self::Dense(algorithm) = self { algorithm } else { DenseAlgorithm::Rows }
    }
}

fn conv_kind(conv: &Conv<'_>) -> PlainKind {
    let Conv { kernel, stride, origin, pool, output_quant: quant, .. } = *conv;
    PlainKind::Conv { kernel, stride, origin, pool, quant }
}

fn conv_weights(conv: &Conv<'_>) -> Vec<i8> {
    let row = |channel| (0..conv.taps()).map(move |tap| conv.weight(channel, tap));
    (0..conv.output.channels as usize).flat_map(row).collect()
}

fn dense_weights(dense: &Dense<'_>) -> Vec<i8> {
    let row = |unit| (0..dense.input.len()).map(move |input| dense.weight(unit, input));
    (0..dense.units as usize).flat_map(row).collect()
}
