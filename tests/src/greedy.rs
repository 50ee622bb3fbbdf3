//! Small files that ask for much: valid or not by a hair, and made by hand, since no exporter
//! would.

use infer::format::{
    Algorithm, Content, ConvRecord, InputRecord, LAYERS_MAX, LayerRecord, MaxPoolRecord,
    OperatorRecord, OutputQuant, Section, Tensor, TensorRecord, write,
};
use infer::quant::ChannelParameters;
use infer::schedule::SLICES_MAX;
use infer::{Interface, Metadata, Model, ModelError, Shape, Table};

const QUANT: OutputQuant = OutputQuant { scale: 1.0, zero_point: -128 };

/// Layers of the longer ones.
const LAYERS: usize = 16;

/// A name for each of the files, and the file.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let most_turns = most_turns(0);
    vec![
        ("as many turns as there can be".to_owned(), most_turns),
        ("a turn more".to_owned(), self::most_turns(1)),
        ("sixteen interleaved layers of a row".to_owned(), taking_turns(u16::MAX, LAYERS)),
        ("more work than 32 bits can count".to_owned(), huge_windows(1)),
        ("nearly as much work as 64 bits can count".to_owned(), huge_windows(LAYERS)),
        ("sixteen interleaved convolutions".to_owned(), convolutions_taking_turns(100, LAYERS)),
    ]
}

/// Two maps of one column that are made row by row in turns: [`SLICES_MAX`] slices and `more`.
pub fn most_turns(more: u16) -> Vec<u8> {
    taking_turns(SLICES_MAX as u16 / 2 + more, 1)
}

/// `layers` poolings of windows of one value, each holding one row of a column.
pub fn taking_turns(rows: u16, layers: usize) -> Vec<u8> {
    let shape = Shape::new(rows, 1, 1);
    let input = input(shape, shape, 1);
    let pooling = |layer: usize| {
        let held_rows = if layer == layers { rows } else { 1 };
        LayerRecord {
            name: "",
            operator: OperatorRecord::MaxPool(MaxPoolRecord {
                input: layer as u8 - 1,
                size: [1, 1],
                stride: [1, 1],
                origin: [0, 0],
            }),
            output: tensor(shape, held_rows, 16 * layer as u32),
            scratch_at: 0,
        }
    };
    let records: Vec<_> = (1..=layers).map(pooling).collect();
    let sections: Vec<_> =
        records.iter().map(|_| Section { channels: &[], weights: &[] }).collect();
    file(input, &records, &sections, 16 * layers as u32 + rows as u32)
}

/// `layers` convolutions by Winograd's algorithm, each holding three rows of a column of 8
/// channels.
///
/// # Panics
/// With more turns than a model may take.
pub fn convolutions_taking_turns(rows: u16, layers: usize) -> Vec<u8> {
    const CHANNELS: u16 = 8;
    const HELD: u16 = 3;
    let shape = Shape::new(rows, 1, CHANNELS);
    let (held_bytes, whole_bytes) = (32, rows as u32 * CHANNELS as u32);
    let input = input(shape, shape, HELD);
    let scratch_at = held_bytes * layers as u32 + whole_bytes.next_multiple_of(16);
    let convolution = |layer: usize| {
        let held_rows = if layer == layers { rows } else { HELD };
        LayerRecord {
            name: "",
            operator: OperatorRecord::Conv(ConvRecord {
                input: layer as u8 - 1,
                kernel: [3, 3],
                stride: [1, 1],
                origin: [-1, -1],
                pool: [1, 1],
                algorithm: Algorithm::WinogradF2OnTheFly,
            }),
            output: tensor(shape, held_rows, held_bytes * layer as u32),
            scratch_at,
        }
    };
    let records: Vec<_> = (1..=layers).map(convolution).collect();
    let channels = [ChannelParameters { bias: 0, multiplier: 1, shift: None }; CHANNELS as usize];
    let weights = [1; 9 * CHANNELS as usize * CHANNELS as usize];
    let sections: Vec<_> =
        records.iter().map(|_| Section { channels: &channels, weights: &weights }).collect();
    with_memory(|arena_bytes| file(input, &records, &sections, arena_bytes))
}

/// A convolution of one value, nearly all of it padding, by kernels of 900 weights: cores without
/// vectors read all of them back for it.
///
/// # Panics
/// When the format no longer takes it.
pub fn weights_for_one_place() -> Vec<u8> {
    const KERNEL: u8 = 30;
    // Whole vectors of 16.
    const PADDED_TAPS: usize = (KERNEL as usize * KERNEL as usize).next_multiple_of(16);
    const CHANNELS: usize = 2;
    let (map, output) = (Shape::new(1, 1, 1), Shape::new(1, 1, CHANNELS as u16));
    let input = input(map, map, 1);
    let layer = LayerRecord {
        name: "",
        operator: OperatorRecord::Conv(ConvRecord {
            input: 0,
            kernel: [KERNEL; 2],
            stride: [1, 1],
            origin: [0, 0],
            pool: [1, 1],
            algorithm: Algorithm::DirectVector,
        }),
        output: tensor(output, 1, 16),
        scratch_at: 32,
    };
    let channels = [ChannelParameters { bias: 0, multiplier: 1, shift: None }; CHANNELS];
    let section = Section { channels: &channels, weights: &[0; CHANNELS * PADDED_TAPS] };
    with_memory(|arena_bytes| file(input, &[layer], &[section], arena_bytes))
}

/// The file with as much working memory as it needs.
fn with_memory(file: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    match Model::from_bytes(&file(0), &mut Table::<LAYERS_MAX>::new()).err() {
        Some(ModelError::ArenaBytes { needed, .. }) => file(needed),
        other => panic!("{other:?}"),
    }
}

/// Convolutions of a map of 2^30 values, each the largest of 255 x 255 convolved ones, nearly all
/// of them in the padding.
fn huge_windows(layers: usize) -> Vec<u8> {
    const SIDE: u16 = 1 << 15;
    const KERNEL: u8 = 128;
    let shape = Shape::new(SIDE, SIDE, 1);
    let image = Shape::new(1, 1, 1);
    let input = input(image, shape, SIDE);
    let convolution = |layer: usize| {
        let at = if layer.is_multiple_of(2) { 1 << 30 } else { 0 };
        LayerRecord {
            name: "",
            operator: OperatorRecord::Conv(ConvRecord {
                input: layer as u8,
                kernel: [KERNEL; 2],
                stride: [1, 1],
                origin: [0, 0],
                pool: [u8::MAX; 2],
                algorithm: Algorithm::DirectInPlace,
            }),
            output: tensor(shape, SIDE, at),
            scratch_at: 0,
        }
    };
    let records: Vec<_> = (0..layers).map(convolution).collect();
    let channels = [ChannelParameters { bias: 0, multiplier: 1, shift: None }];
    let weights = vec![0; KERNEL as usize * KERNEL as usize];
    let sections: Vec<_> =
        records.iter().map(|_| Section { channels: &channels, weights: &weights }).collect();
    file(input, &records, &sections, 1 << 31)
}

/// An image of which all of `shape` is read, and `held_rows` rows are held.
fn input(image: Shape, shape: Shape, held_rows: u16) -> InputRecord {
    InputRecord { image, origin: [0, 0], tensor: tensor(shape, held_rows, 0) }
}

fn tensor(shape: Shape, held_rows: u16, at: u32) -> TensorRecord {
    TensorRecord { tensor: Tensor { shape, quant: QUANT }, held_rows, at }
}

fn file(
    input: InputRecord,
    layers: &[LayerRecord<'_>],
    sections: &[Section<'_>],
    arena_bytes: u32,
) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 20];
    let content = Content {
        input,
        interface: Interface::default(),
        metadata: Metadata::default(),
        layers,
        sections,
        outputs: &[layers.len() as u8],
        arena_bytes,
        model_version: 0,
        self_test: None,
    };
    let bytes = write(&content, &mut buffer).expect("a file of less than a megabyte");
    buffer.truncate(bytes);
    buffer
}
