//! A small hand-made model that uses every record kind: 4x4x1 image -> conv 2x2x2 with pooling ->
//! pool -> dense 3.

// Each test file uses its part of it.
#![allow(dead_code)]

pub mod graph;
pub mod stream;

use infer::features::Feature;
use infer::format::{
    Algorithm, Content, ConvRecord, DenseAlgorithm, DenseRecord, InputRecord, LayerRecord,
    MaxPoolRecord, OperatorRecord, OutputQuant, Section, SelfTest, Tensor, TensorRecord, write,
};
use infer::quant::ChannelParameters;
use infer::{Interface, Metadata, Model, ModelError, Shape, Table};

/// The largest multiplier: a hair less than one half.
pub const HALF: i32 = i32::MAX;

/// The self-test's image, and the scores it gives.
const IMAGE: [u8; 25] = [
    0, 9, 40, 200, 255, 3, 80, 120, 7, 90, 11, 60, 250, 30, 20, 99, 1, 128, 127, 5, 0, 0, 255, 255,
    64,
];
const SCORES: [u8; 3] = [66, -11i8 as u8, 7];

/// The parts of the model, to be changed by tests before it is written.
#[derive(Clone)]
pub struct Parts {
    pub input: InputRecord,
    pub interface: Interface<'static>,
    pub metadata: Metadata<'static>,
    pub conv: Made<ConvRecord>,
    pub pool: Made<MaxPoolRecord>,
    pub dense: Made<DenseRecord>,
    pub conv_channels: Vec<ChannelParameters>,
    pub conv_weights: Vec<u8>,
    pub dense_channels: Vec<ChannelParameters>,
    pub dense_weights: Vec<u8>,
    pub outputs: Vec<u8>,
    pub arena_bytes: u32,
    pub model_version: u32,
    pub self_test: Option<SelfTest<'static>>,
}

/// A layer with its operator's record.
#[derive(Clone, Copy)]
pub struct Made<Operator> {
    pub name: &'static str,
    pub operator: Operator,
    pub output: TensorRecord,
    pub scratch_at: u32,
}

impl<Operator> Made<Operator> {
    pub fn record(self, of: impl Fn(Operator) -> OperatorRecord) -> LayerRecord<'static> {
        let Self { name, operator, output, scratch_at } = self;
        LayerRecord { name, operator: of(operator), output, scratch_at }
    }
}

/// A tensor that is held whole at `at`.
pub fn whole(shape: Shape, quant: OutputQuant, at: u32) -> TensorRecord {
    TensorRecord { tensor: Tensor { shape, quant }, held_rows: shape.height, at }
}

impl Default for Parts {
    fn default() -> Self {
        let quant = OutputQuant { scale: 0.5, zero_point: -128 };
        let pixels = OutputQuant { scale: 1.0 / 255.0, zero_point: -128 };
        Self {
            input: InputRecord {
                image: Shape::new(5, 5, 1),
                origin: [0, 0],
                tensor: whole(Shape::new(5, 5, 1), pixels, 0),
            },
            interface: Interface::default(),
            metadata: Metadata::default(),
            conv: Made {
                name: "conv1",
                operator: ConvRecord {
                    input: 0,
                    kernel: [2, 2],
                    stride: [1, 1],
                    origin: [0, 0],
                    pool: [2, 2],
                    algorithm: Algorithm::Direct,
                },
                output: whole(Shape::new(2, 2, 2), quant, 64),
                scratch_at: 32,
            },
            pool: Made {
                name: "pool1",
                operator: MaxPoolRecord { input: 1, size: [2, 1], stride: [2, 1], origin: [0, 0] },
                output: whole(Shape::new(1, 2, 2), quant, 0),
                scratch_at: 0,
            },
            dense: Made {
                name: "dense1",
                operator: DenseRecord::new(2, DenseAlgorithm::Rows),
                output: whole(Shape::vector(3), OutputQuant { scale: 0.25, zero_point: 3 }, 16),
                scratch_at: 0,
            },
            conv_channels: vec![channel(-200, HALF), channel(100, HALF)],
            conv_weights: [1i8, 2, -3, 4, -1, 0, 1, 0].map(|weight| weight as u8).to_vec(),
            dense_channels: vec![channel(0, HALF), channel(5, HALF), channel(-5, HALF)],
            dense_weights: [1i8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, -1]
                .map(|weight| weight as u8)
                .to_vec(),
            outputs: vec![3],
            arena_bytes: 72,
            model_version: 7,
            self_test: Some(SelfTest { image: &IMAGE, scores: &SCORES }),
        }
    }
}

impl Parts {
    /// The model in TensorFlow Lite's arithmetic, without a self-test; its factors are 1/2.
    pub fn rounded_twice() -> Self {
        let mut parts = Self { self_test: None, ..Self::default() };
        for channel in parts.conv_channels.iter_mut().chain(&mut parts.dense_channels) {
            (channel.multiplier, channel.shift) = (1 << 30, Some(0));
        }
        parts
    }

    /// The records of the layers.
    pub fn layers(&self) -> [LayerRecord<'static>; 3] {
        [
            self.conv.record(OperatorRecord::Conv),
            self.pool.record(OperatorRecord::MaxPool),
            self.dense.record(OperatorRecord::Dense),
        ]
    }

    /// The model file.
    pub fn file(&self) -> Vec<u8> {
        let sections = [
            Section { channels: &self.conv_channels, weights: &self.conv_weights },
            Section { channels: &[], weights: &[] },
            Section { channels: &self.dense_channels, weights: &self.dense_weights },
        ];
        let content = Content {
            input: self.input,
            interface: self.interface,
            metadata: self.metadata,
            layers: &self.layers(),
            sections: &sections,
            outputs: &self.outputs,
            arena_bytes: self.arena_bytes,
            model_version: self.model_version,
            self_test: self.self_test,
        };
        written(&content)
    }
}

/// The file of a model whose self-test is small.
pub fn written(content: &Content<'_>) -> Vec<u8> {
    let channels: usize = content.sections.iter().map(|section| section.channels.len()).sum();
    let weights: usize = content.sections.iter().map(|section| section.weights.len()).sum();
    let parameters = ChannelParameters::BYTES * channels + weights;
    let mut buffer = vec![0; 4096 + 128 * content.layers.len() + parameters];
    let bytes = write(content, &mut buffer).expect("the buffer is large enough");
    buffer.truncate(bytes);
    buffer
}

/// Why a file that must not load does not.
pub fn refused(file: &[u8]) -> ModelError {
    match Model::from_bytes(file, &mut Table::<16>::new()) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

/// What is named where none of an operator's algorithms is in the build: its record is not read.
const OF_OPERATORS: [Feature; 2] = [Feature::Direct, Feature::DenseRows];

/// The file, whose last layer needs these parts of the crate, loads if all of its parts are in the
/// build, and is refused for this reason if one is not.
#[allow(dead_code)]
pub fn check_left_out(file: &[u8], parts: &[Feature]) {
    let mut table = Table::<16>::new();
    let found = Model::from_bytes(file, &mut table).err();
    if parts.iter().all(|part| part.is_built()) {
        assert_eq!(found, None, "{parts:?}");
    } else {
        let named = found.and_then(|error| error.left_out());
        let is_right = |part: Feature| {
            (parts.contains(&part) || OF_OPERATORS.contains(&part)) && !part.is_built()
        };
        assert!(named.is_some_and(is_right), "{parts:?}: {found:?}");
        let message = found.map(|error| error.to_string()).unwrap_or_default();
        let feature = named.map_or("", Feature::name);
        assert!(message.contains(&format!("turn on the feature `{feature}`")), "{message}");
    }
}

pub fn channel(bias: i32, multiplier: i32) -> ChannelParameters {
    ChannelParameters { bias, multiplier, shift: None }
}

/// Writes the right CRC-32 into a changed file.
pub fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    if file.len() >= 16 {
        let checksum = infer::format::checksum(&file[16..]);
        file[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
    file
}
