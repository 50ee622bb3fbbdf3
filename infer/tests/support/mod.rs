//! A small hand-made model that uses every record kind: 4x4x1 image -> conv 2x2x2 with pooling ->
//! pool -> dense 3.

use infer::format::{
    Algorithm, Content, ConvRecord, DenseAlgorithm, DenseRecord, InputRecord, LayerRecord,
    MaxPoolRecord, OutputQuant, Section, SelfTest, write,
};
use infer::quant::ChannelParameters;
use infer::{Model, ModelError, Shape};

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
    pub conv: ConvRecord<'static>,
    pub pool: MaxPoolRecord<'static>,
    pub dense: DenseRecord<'static>,
    pub conv_channels: Vec<ChannelParameters>,
    pub conv_weights: Vec<u8>,
    pub dense_channels: Vec<ChannelParameters>,
    pub dense_weights: Vec<u8>,
    pub arena_bytes: u32,
    pub model_version: u32,
    pub self_test: Option<SelfTest<'static>>,
}

impl Default for Parts {
    fn default() -> Self {
        let quant = OutputQuant { scale: 0.5, zero_point: -128 };
        Self {
            input: InputRecord {
                image: Shape::new(5, 5, 1),
                map: Shape::new(5, 5, 1),
                origin: [0, 0],
                scale: 1.0 / 255.0,
                held_rows: 5,
                arena_at: 0,
            },
            conv: ConvRecord {
                name: "conv1",
                output: Shape::new(2, 2, 2),
                kernel: [2, 2],
                stride: [1, 1],
                origin: [0, 0],
                pool: [2, 2],
                output_quant: quant,
                algorithm: Algorithm::Direct,
                held_rows: 2,
                output_at: 64,
                scratch_at: 32,
            },
            pool: MaxPoolRecord {
                name: "pool1",
                output: Shape::new(1, 2, 2),
                size: [2, 1],
                stride: [2, 1],
                held_rows: 1,
                output_at: 0,
            },
            dense: DenseRecord {
                name: "dense1",
                units: 3,
                output_quant: OutputQuant { scale: 0.25, zero_point: 3 },
                algorithm: DenseAlgorithm::Rows,
                output_at: 16,
            },
            conv_channels: vec![channel(-200, HALF), channel(100, HALF)],
            conv_weights: [1i8, 2, -3, 4, -1, 0, 1, 0].map(|weight| weight as u8).to_vec(),
            dense_channels: vec![channel(0, HALF), channel(5, HALF), channel(-5, HALF)],
            dense_weights: [1i8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, -1]
                .map(|weight| weight as u8)
                .to_vec(),
            arena_bytes: 72,
            model_version: 7,
            self_test: Some(SelfTest { image: &IMAGE, scores: &SCORES }),
        }
    }
}

impl Parts {
    /// The model file.
    pub fn file(&self) -> Vec<u8> {
        let layers = [
            LayerRecord::Conv(self.conv),
            LayerRecord::MaxPool(self.pool),
            LayerRecord::Dense(self.dense),
        ];
        let sections = [
            Section { channels: &self.conv_channels, weights: &self.conv_weights },
            Section { channels: &[], weights: &[] },
            Section { channels: &self.dense_channels, weights: &self.dense_weights },
        ];
        let content = Content {
            input: self.input,
            layers: &layers,
            sections: &sections,
            arena_bytes: self.arena_bytes,
            model_version: self.model_version,
            self_test: self.self_test,
        };
        written(&content)
    }
}

/// The file of a model whose weights are few.
pub fn written(content: &Content<'_>) -> Vec<u8> {
    let channels: usize = content.sections.iter().map(|section| section.channels.len()).sum();
    let mut buffer =
        vec![0; 4096 + 128 * content.layers.len() + ChannelParameters::BYTES * channels];
    let bytes = write(content, &mut buffer).expect("the buffer is large enough");
    buffer.truncate(bytes);
    buffer
}

/// Why a file that must not load does not.
#[allow(dead_code)]
pub fn refused(file: &[u8]) -> ModelError {
    match Model::from_bytes(file) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

pub fn channel(bias: i32, multiplier: i32) -> ChannelParameters {
    ChannelParameters { bias, multiplier }
}

/// Writes the right CRC-32 into a changed file.
#[allow(dead_code)]
pub fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    if file.len() >= 16 {
        let checksum = infer::format::checksum(&file[16..]);
        file[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
    file
}
