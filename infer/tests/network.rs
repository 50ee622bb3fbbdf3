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
    Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, InputRecord, Inputs, LayerRecord,
    MaxPoolRecord, OperatorRecord, OutputQuant, Tensor, TensorRecord,
};
use infer::schedule::INPUTS_MAX;
use infer::{Input, Layer, Model, Native, Network, Reference, Session, Shape, Table};
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
        Shape::new(side(9), side(9), [1, 2, 8, 8][side(4) as usize % 4])
    }

    fn quant(&mut self) -> OutputQuant {
        OutputQuant { scale: 1.0, zero_point: self.below(256) as i8 }
    }

    fn place(&mut self) -> usize {
        if self.below(40) == 0 { usize::MAX - self.below(99) } else { 16 * self.below(20) }
    }

    fn numbers<'n>(&mut self, numbers: &'n [u8]) -> &'n [u8] {
        &numbers[..self.below(numbers.len())]
    }
}

fn operator(random: &mut Random) -> OperatorRecord {
    let input = random.below(3) as u8;
    let sides = |random: &mut Random| [random.side(), random.side()];
    match random.below(4) {
        0 => OperatorRecord::MaxPool(MaxPoolRecord {
            input,
            size: sides(random),
            stride: sides(random),
            origin: [random.below(3) as u16, random.below(3) as u16],
        }),
        1 => {
            let algorithm = DenseAlgorithm::ALL[random.below(3)];
            OperatorRecord::Dense(DenseRecord { input, algorithm })
        }
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

fn tensor(random: &mut Random, shape: Shape) -> TensorRecord {
    let tensor = Tensor { shape, quant: random.quant() };
    TensorRecord { tensor, held_rows: 1 + random.below(9) as u16, at: random.place() as u32 }
}

fn layer<'n>(random: &mut Random, input: Shape, output: Shape, numbers: &'n [u8]) -> Layer<'n> {
    let record = LayerRecord {
        name: "",
        operator: operator(random),
        output: tensor(random, output),
        scratch_at: random.place() as u32,
    };
    let inputs = [tensor(random, input).tensor; INPUTS_MAX];
    let numbers = [random.numbers(numbers), random.numbers(numbers)];
    let rows_at_once = 1 + random.below(3) as u16;
    let found = (rows_at_once, random.below(6) as u8, random.below(3000) as u32);
    let read = Inputs::one(random.below(6) as u8);
    embedded::layer(&record, read, &inputs, numbers, found)
}

/// Numbers that a loader would refuse: a run ends, within its memory, and does not panic, unless
/// overflow checks are compiled in.
#[test]
#[cfg_attr(debug_assertions, ignore = "sums of numbers that do not belong together may overflow")]
fn numbers_that_do_not_belong_together_give_wrong_scores_and_nothing_worse() {
    let more = std::env::var("KINDLING_NETWORKS").ok().and_then(|count| count.parse().ok());
    let numbers: Vec<u8> =
        (0..4000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut ran = 0;
    for seed in 0..more.unwrap_or(NETWORKS) {
        let random = &mut Random(SplitMix64(seed));
        let shapes: Vec<Shape> = (0..2 + random.below(3)).map(|_| random.shape()).collect();
        let layers: Vec<Layer> =
            shapes.windows(2).map(|pair| layer(random, pair[0], pair[1], &numbers)).collect();
        let record = InputRecord {
            image: if random.below(4) == 0 { random.shape() } else { shapes[0] },
            origin: [random.below(6) as i16 - 3, random.below(6) as i16 - 3],
            tensor: tensor(random, shapes[0]),
        };
        let input: Input = embedded::input(&record, random.below(6) as u8);
        let outputs = [1 + random.below(4) as u8];
        let arena_bytes = random.below(4000);
        let network: Network = embedded::network(&input, &layers, &outputs, arena_bytes);
        let image = vec![9; network.image_shape().len()];
        let mut arena = vec![0; network.arena_bytes()];
        let Ok(mut session) = Session::new(network, &mut arena) else { continue };
        if let Ok(scores) = session.run_with::<Native>(&image, &mut ()) {
            let _ = (scores.class(), scores.probabilities().count());
            ran += 1;
        }
    }
    println!("{ran} networks ran");
    assert!(ran > 0);
}
