//! A network that is built in: the same scores as from its file, and nothing worse than wrong
//! scores when its numbers do not belong together.

#[path = "support/split_mix.rs"]
mod split_mix;
#[cfg(feature = "build")]
mod support;

#[path = "built_in/network.rs"]
#[rustfmt::skip]
mod built_in;

use infer::embedded;
use infer::format::{
    AddRecord, Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, InputRecord, LayerRecord,
    OperatorRecord, OutputQuant, Scaling, Tensor, TensorRecord,
};
use infer::ops::{Kind, Record};
use infer::schedule::INPUTS_MAX;
use infer::{
    Input, Interface, Layer, LayerKind, Model, Native, Network, Reference, RowsError, RunError,
    Session, Shape, Stream, Table,
};
use split_mix::SplitMix64;
#[cfg(feature = "build")]
use support::Parts;

const IMAGES: [[u8; 25]; 3] = [[7; 25], [200; 25], [0; 25]];

/// Networks with numbers that do not belong together; `KINDLING_NETWORKS` says otherwise.
const NETWORKS: u64 = 200_000;

/// `KINDLING_WRITE_NETWORK=1` writes the source anew.
#[cfg(feature = "build")]
#[test]
fn the_source_is_this() {
    let file = Parts::default().file();
    let source = infer::build::source(&file, "\"model.kndl\"").unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/built_in");
    let head = "//! What `infer::build::source` makes of the small hand-made model: \
                compared with it by\n//! tests/network.rs.\n\n";
    let source = head.to_owned() + &source;
    if std::env::var_os("KINDLING_WRITE_NETWORK").is_some() {
        std::fs::write(folder.join("model.kndl"), &file).unwrap();
        std::fs::write(folder.join("network.rs"), &source).unwrap();
    }
    assert!(built_in::MODEL == file, "tests/built_in/model.kndl");
    assert_eq!(include_str!("built_in/network.rs"), source);
}

#[test]
fn a_built_in_network_answers_as_the_model_it_was_made_of() {
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(built_in::MODEL, &mut table).unwrap();
    let mut arenas = [[0; built_in::ARENA_BYTES]; 2];
    let [first, second] = &mut arenas;
    let mut loaded = Session::new(&model, first).unwrap();
    let mut network = Session::new(built_in::NETWORK, second).unwrap();
    for image in &IMAGES {
        let expected = loaded.run(image).unwrap().values().to_vec();
        assert_eq!(network.run(image).unwrap().values(), expected);
        assert_eq!(network.run_with::<Reference>(image, &mut ()).unwrap().values(), expected);
    }
    assert_eq!((built_in::IMAGE_BYTES, built_in::CLASSES), (25, 3));
}

/// Random numbers, and what networks are made of.
struct Random(SplitMix64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        (self.0.next() % limit.max(1) as u64) as usize
    }

    fn side(&mut self) -> u8 {
        [0, 1, 1, 2, 2, 3, 3, 5][self.below(8)]
    }

    fn shape(&mut self) -> Shape {
        let mut side = |most| if self.below(16) == 0 { 0 } else { 1 + self.below(most) as u16 };
        let channels = [1, 2, 8, 8][side(4) as usize % 4];
        let is_vector = side(3) == 1;
        if is_vector { Shape::vector(channels) } else { Shape::new(side(9), side(9), channels) }
    }

    fn quant(&mut self) -> OutputQuant {
        OutputQuant { scale: 1.0, zero_point: self.below(256) as i8 }
    }

    fn place(&mut self) -> usize {
        if self.below(40) == 0 { usize::MAX - self.below(99) } else { 16 * self.below(20) }
    }

    /// As many bytes as an operator states, mostly.
    fn numbers<'n>(&mut self, numbers: &'n [u8], stated: u64) -> &'n [u8] {
        let bytes = if self.below(20) == 0 { self.below(numbers.len()) } else { stated as usize };
        &numbers[..bytes.min(numbers.len())]
    }

    /// The last reader of a tensor of a chain of three layers at most, mostly.
    fn last_reader(&mut self, tensor: u8) -> u8 {
        match self.below(6) {
            0 => self.below(6) as u8,
            1 | 2 => u8::MAX,
            _ => tensor + 1,
        }
    }
}

/// An operator that reads one of the tensors before it, mostly.
fn operator(random: &mut Random, input: u8) -> OperatorRecord {
    let sides = |random: &mut Random| [random.side(), random.side()];
    match random.below(8) {
        0..=3 => any_operator(random, input),
        4 => {
            let algorithm = DenseAlgorithm::ALL[random.below(DenseAlgorithm::ALL.len())];
            OperatorRecord::Dense(DenseRecord::new(input, algorithm))
        }
        5 => OperatorRecord::Add(AddRecord {
            inputs: [input, random.below(4) as u8],
            origins: [[0, 0], [random.below(2) as u16, 0]],
            scaling: Scaling::Once { multipliers: [9000, 14_000], shift: random.below(26) as u8 },
        }),
        _ => OperatorRecord::Conv(ConvRecord {
            input,
            kernel: if random.below(2) == 0 { [3, 3] } else { sides(random) },
            stride: if random.below(2) == 0 { [1, 1] } else { sides(random) },
            origin: [random.below(6) as i16 - 3, random.below(6) as i16 - 3],
            pool: if random.below(2) == 0 { [2, 2] } else { sides(random) },
            algorithm: Algorithm::ALL[random.below(Algorithm::ALL.len())],
        }),
    }
}

/// An operator of any kind, with small numbers: records begin with the kind and what is read.
fn any_operator(random: &mut Random, input: u8) -> OperatorRecord {
    loop {
        let mut bytes =
            [0; 32].map(|_: u8| [random.side(), random.below(8) as u8][random.below(2)]);
        (bytes[0], bytes[1]) = (random.below(Kind::ALL.len()) as u8, input);
        if let Ok((record, _)) = postcard::take_from_bytes(&bytes) {
            return record;
        }
    }
}

/// A tensor of which all rows are held, mostly.
fn tensor(random: &mut Random, shape: Shape) -> TensorRecord {
    let tensor = Tensor { shape, quant: random.quant() };
    let held_rows = if random.below(3) == 0 { 1 + random.below(9) as u16 } else { shape.height };
    TensorRecord { tensor, held_rows, at: random.place() as u32 }
}

/// Bytes of the channel parameters and of the weights that an operator states.
fn stated(record: &OperatorRecord, input: Shape, output: Tensor) -> [u64; 2] {
    let inputs = [Tensor { shape: input, quant: output.quant }; INPUTS_MAX];
    let channels = 8 * output.shape.channels as u64;
    match LayerKind::of_record(record, &inputs, output) {
        LayerKind::Conv(conv) => [channels, conv.filters().packed_bytes()],
        LayerKind::Dilated(dilated) => [channels, dilated.conv().filters().packed_bytes()],
        LayerKind::Dense(dense) => [8 * dense.units as u64, dense.matrix().packed_bytes()],
        LayerKind::Depthwise(depthwise) => [channels, depthwise.weight_bytes()],
        _ => [0, 0],
    }
}

/// The layer that makes tensor `tensor`, mostly of the one before, and is read by the next.
fn layer<'n>(random: &mut Random, tensor: u8, pair: [Shape; 2], numbers: &'n [u8]) -> Layer<'n> {
    let read = if random.below(20) == 0 { random.below(6) as u8 } else { tensor - 1 };
    let record = LayerRecord {
        name: "",
        operator: operator(random, read),
        output: self::tensor(random, pair[1]),
        scratch_at: random.place() as u32,
    };
    let inputs = [Tensor { shape: pair[0], quant: random.quant() }; INPUTS_MAX];
    let [channels, weights] = stated(&record.operator, pair[0], record.output.tensor);
    let numbers = [random.numbers(numbers, channels), random.numbers(numbers, weights)];
    let rows_at_once = [1, 3, u16::MAX, u16::MAX][random.below(4)];
    let found = (rows_at_once, random.last_reader(tensor), random.below(3000) as u32);
    embedded::layer(&record, record.operator.inputs(), &inputs, numbers, found)
}

/// Networks of parts that do not belong together, which a loader would refuse. Most are no network
/// at all; what runs answers the same whatever its memory held before, or says that it could not.
#[test]
#[cfg_attr(debug_assertions, ignore = "sums of numbers that do not belong together may overflow")]
fn parts_that_do_not_belong_together_give_wrong_scores_or_an_error() {
    let more = std::env::var("KINDLING_NETWORKS").ok().and_then(|count| count.parse().ok());
    let numbers: Vec<u8> =
        (0..4000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (mut made, mut ran, mut broken, mut streamed) = (0, 0, 0, 0);
    for seed in 0..more.unwrap_or(NETWORKS) {
        let random = &mut Random(SplitMix64(seed));
        let shapes: Vec<Shape> = (0..2 + random.below(3)).map(|_| random.shape()).collect();
        let record = InputRecord {
            image: if random.below(4) == 0 { random.shape() } else { shapes[0] },
            origin: [random.below(6) as i16 - 3, random.below(6) as i16 - 3],
            tensor: tensor(random, shapes[0]),
        };
        let input: Input = embedded::input(&record, Interface::default(), random.last_reader(0));
        let last = shapes.len() as u8 - 1;
        let layer = |tensor: u8| {
            let pair = [shapes[tensor as usize - 1], shapes[tensor as usize]];
            layer(random, tensor, pair, &numbers)
        };
        let layers: Vec<Layer> = (1..=last).map(layer).collect();
        let outputs = [if random.below(20) == 0 { random.below(5) as u8 } else { last }];
        let arena_bytes = random.below(4000);
        let network = embedded::network(&input, &layers, &outputs, arena_bytes);
        let Some(network) = network else { continue };
        made += 1;
        let answers = [3, -77].map(|held| answer(network, held));
        match &answers[0] {
            Some(_) => ran += 1,
            None => broken += 1,
        }
        assert_eq!(answers[0], answers[1], "seed {seed}: what the memory held shows");
        // Without a row nothing is pushed, so nothing runs.
        if network.image_shape().height > 0 {
            assert_eq!(answers[0], answer_by_rows(network), "seed {seed}: by rows");
        }
        streamed += usize::from(stream(network) > 0);
    }
    println!("{made} networks, {ran} ran, {broken} could not, {streamed} streamed");
    assert!(ran > 0 && broken > 0 && streamed > 0);
}

/// The scores of a run in memory that holds `held` everywhere; `None` when it says that it could
/// not run.
fn answer(network: Network<'_>, held: i8) -> Option<Vec<i8>> {
    let image = vec![9u8; network.image_shape().len()];
    let mut arena = vec![held; network.arena_bytes()];
    let mut session = Session::new(network, &mut arena).ok()?;
    match session.run_with::<Native>(&image, &mut ()) {
        Ok(scores) => {
            let _ = (scores.class(), scores.probabilities().count());
            Some(scores.values().to_vec())
        }
        Err(RunError::Network) => None,
        Err(error) => panic!("{error}"),
    }
}

/// The same of an image that comes row by row.
fn answer_by_rows(network: Network<'_>) -> Option<Vec<i8>> {
    let (image, mut arena) = (network.image_shape(), vec![-77; network.arena_bytes()]);
    let mut session = Session::new(network, &mut arena).ok()?;
    let mut rows = session.begin_rows::<u8>().unwrap();
    let pushed = (0..image.height).try_for_each(|_| rows.push(&vec![9; image.row_len()]));
    match pushed.and_then(|()| rows.finish()) {
        Ok(scores) => Some(scores.values().to_vec()),
        Err(RowsError::Network) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Outputs of a stream of some rows; there is no panic.
fn stream(network: Network<'_>) -> usize {
    let (row, mut arena) = (vec![9u8; network.image_shape().row_len()], vec![1; 4096]);
    let Ok(mut stream) = Stream::<8>::new(network, &mut arena) else { return 0 };
    (0..30).filter(|_| stream.push(&row).is_ok_and(|scores| scores.is_some())).count()
}
