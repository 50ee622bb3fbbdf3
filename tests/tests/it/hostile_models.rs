//! Models with every bit flipped, cut off at every byte, and with bytes after: refused, or, when
//! the CRC is that of the changed bytes, refused or run within their buffers, within the work they
//! announce, and as the reference runs; a stream also row by row.
//!
//! The small models are treated so at every bit: a chain, a graph with rows held in shared memory,
//! an imported network and a stream. Of the large ones the header and the records are, and as many
//! of the other bits as an ordinary run has time for: others on every day.
//! `KINDLING_BITS=all` takes them all, `KINDLING_BITS=3/61` the fourth of 61 parts of them all,
//! each bit in one of the parts. An odd number of parts leaves each part bits of every place in a
//! byte.

use std::env;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use infer::Table;
use infer::features::Feature;
use infer::format::LAYERS_MAX;
use infer::format::{Algorithm, Header, checksum};
use infer::ops::Buffers;
use infer::{
    Kernels, Layer, LayerKind, Model, ModelError, Native, Observer, Reference, Session, Stream,
    Trust, TrustError,
};
use tests::day::today;
use tests::imported::Imported;
use tests::networks::{GRAPH, ODD, STREAM};
use tests::plans::{tutorial_with_self_test, untrained};
use trainer::model_file::write;
use trainer::plain_model::{Choices, PlainModel};
use trainer::plan::{Budget, Core, Loading, front_of, stream};

/// A file of fewer bits is treated at every bit.
const BITS_OF_SMALL: usize = 32_000;

/// Bits of a large model's weights that an ordinary run flips.
const SAMPLE: usize = 600;

/// One in this many of the accepted files is compared with the reference, which takes most of the
/// time.
const COMPARED_ONE_IN: usize = 8;

/// The value of every pixel of the image that accepted models run on.
const PIXEL: u8 = 200;

/// A network in int8 that was made elsewhere, of those in `trainer/fixtures`.
const IMPORTED: &str = "chain";

/// A run of an accepted model must end within this. On an idle machine it takes milliseconds.
const TIME_MAX: Duration = Duration::from_secs(20);

struct Hostile {
    name: &'static str,
    file: Vec<u8>,
}

impl Hostile {
    fn new(name: &'static str, model: &PlainModel, choices: &Choices) -> Self {
        Self { name, file: write(model, choices).expect("a model") }
    }
}

fn models() -> [Hostile; 6] {
    let [small, graph, row_by_row] =
        [&ODD[0], &GRAPH, &STREAM].map(|network| untrained(&network.network()));
    let graphs = front_of(&graph, Core::M0, Loading::OnChip).expect("plans");
    let least = graphs.iter().min_by_key(|plan| plan.ram).expect("a plan");
    let streams = stream::direct(&row_by_row).expect("it is causal");
    let imported = Imported::fixture(IMPORTED, 1).model;
    let tutorial = tutorial_with_self_test();
    let plans = front_of(&tutorial, Core::M4, Loading::OnChip).expect("plans");
    let plan = &plans
        [Budget { flash: Some(512 << 10), ram: Some(16 << 10) }.choose(&plans).expect("fits")];
    [
        Hostile::new("small", &small, &small.direct()),
        Hostile::new("graph", &graph, &least.choices),
        Hostile::new("imported", &imported, &imported.direct()),
        Hostile::new("stream", &row_by_row, &streams),
        Hostile::new("tutorial", &tutorial, &tutorial.direct()),
        Hostile::new("tutorial planned for M4", &tutorial, &plan.choices),
    ]
}

/// Which of how many parts of all bits to flip, as `KINDLING_BITS` says; `None` for an ordinary
/// run.
fn part() -> Option<(usize, usize)> {
    let value = env::var("KINDLING_BITS").ok()?;
    if value == "all" {
        return Some((0, 1));
    }
    let (part, parts) = value.split_once('/').expect("KINDLING_BITS is 'all' or PART/PARTS");
    Some((part.parse().expect("a number"), parts.parse().expect("a number")))
}

/// The bits to flip: all of a small file, all of the header and records of a large one, and some of
/// the rest.
fn bits(file: &[u8]) -> Vec<usize> {
    let records = Header::BYTES + Header::read(file).expect("a header").record_bytes as usize;
    let (first, end) = (records.next_multiple_of(16) * 8, file.len() * 8);
    if let Some((part, parts)) = part() {
        return (part..end).step_by(parts).collect();
    }
    if end < BITS_OF_SMALL {
        return (0..end).collect();
    }
    let step = (end - first) / SAMPLE;
    let offset = today() as usize * 7919 % step;
    println!("offset {offset} of {step}");
    (0..first).chain((first + offset..end).step_by(step)).collect()
}

/// Does `work` for each of the bits on two threads, each with a copy of the file; the sum of what
/// it returns.
fn for_each(file: &[u8], bits: &[usize], work: impl Fn(&mut [u8], usize) -> usize + Sync) -> usize {
    let sum = AtomicUsize::new(0);
    thread::scope(|scope| {
        for half in bits.chunks(bits.len().div_ceil(2)) {
            let (work, sum) = (&work, &sum);
            scope.spawn(move || {
                let mut file = file.to_vec();
                for bit in half {
                    file[bit / 8] ^= 1 << (bit % 8);
                    sum.fetch_add(work(&mut file, *bit), Ordering::Relaxed);
                    file[bit / 8] ^= 1 << (bit % 8);
                }
            });
        }
    });
    sum.into_inner()
}

/// What each bit of the checked bytes does to the CRC, from the last byte to the first: the CRC is
/// linear, so that of a changed file is the old one with this flipped.
fn differences(bytes: usize) -> Vec<[u32; 8]> {
    let step = |crc: u32| {
        (0..8).fold(crc, |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    };
    let mut at_end: [u32; 8] = std::array::from_fn(|bit| step(1 << bit));
    let mut all = Vec::with_capacity(bytes);
    for _ in 0..bytes {
        all.push(at_end);
        at_end = at_end.map(step);
    }
    all.reverse();
    all
}

#[test]
fn every_flipped_bit_is_refused() {
    for Hostile { name, file } in models() {
        let differences = differences(file.len() - Header::CHECKED_FROM);
        assert!(differences.as_flattened().iter().all(|difference| *difference != 0), "{name}");
        let bits = bits(&file);
        let refused = for_each(&file, &bits, |file, bit| {
            let mut table = Table::<LAYERS_MAX>::new();
            let error = Model::from_bytes(file, &mut table)
                .err()
                .unwrap_or_else(|| panic!("{name}: bit {bit} is not noticed"));
            if bit / 8 >= Header::CHECKED_FROM {
                assert!(
                    matches!(error, ModelError::Checksum { .. }),
                    "{name}, bit {bit}: {error:?}"
                );
            }
            1
        });
        assert_eq!(refused, bits.len());
        println!("{name}: {refused} of {} flipped bits tried, all refused", file.len() * 8);
    }
}

#[test]
fn every_flipped_bit_with_its_crc_is_refused_or_runs_within_bounds() {
    for Hostile { name, file } in models() {
        let differences = differences(file.len() - Header::CHECKED_FROM);
        let bits = bits(&file);
        let sound = Sound::of(&file);
        let ran = for_each(&file, &bits, |file, bit| {
            let Some(at) = (bit / 8).checked_sub(Header::CHECKED_FROM) else {
                assert!(
                    Model::from_bytes(file, &mut Table::<LAYERS_MAX>::new()).is_err(),
                    "{name}: bit {bit} of the header"
                );
                return 0;
            };
            let crc = sound.checksum ^ differences[at][bit % 8];
            file[12..16].copy_from_slice(&crc.to_le_bytes());
            let ran = sound.load_and_run(file, bit);
            file[12..16].copy_from_slice(&sound.checksum.to_le_bytes());
            assert!(
                !ran || !sound.is_transformed(bit / 8),
                "{name}: bit {bit} of a transformed weight"
            );
            ran as usize
        });
        println!(
            "{name}: {} of {} bits flipped, {ran} still load, the others are refused",
            bits.len(),
            file.len() * 8
        );
        let others = bits.iter().filter(|bit| !sound.is_transformed(*bit / 8)).count();
        assert!(
            ran > others / 8 && ran < bits.len(),
            "{name}: {ran} of {}, of which {others}",
            bits.len()
        );
        if sound.streams {
            let streamed = sound.streamed.into_inner();
            println!("{name}: {streamed} of them run as streams");
            assert!(streamed > ran / 2, "{name}: {streamed} streams of {ran}");
        }
    }
}

/// So that a graph is one, the imported network is imported, and the stream streams.
#[test]
fn each_small_model_is_what_it_is_called() {
    let models = models();
    let with = |name: &str, check: &dyn Fn(&Model<'_>) -> bool| {
        let model = models.iter().find(|model| model.name == name).expect("its name");
        assert!(8 * model.file.len() < BITS_OF_SMALL, "{name}: {} bytes", model.file.len());
        let mut table = Table::<LAYERS_MAX>::new();
        let model = Model::from_bytes(&model.file, &mut table).expect("a model");
        assert!(check(&model), "{name}");
    };
    let holds_some =
        |model: &Model<'_>| model.layers().iter().any(|l| l.held_rows() < l.output().height);
    let reads_two = |layer: &Layer<'_>| layer.inputs.count() > 1;
    with("graph", &|model| {
        holds_some(model) && model.layers().iter().filter(|layer| reads_two(layer)).count() > 3
    });
    with("imported", &|model| {
        model.layers().iter().any(|layer| layer.kind.needs(Feature::TwoRoundings))
    });
    with("stream", &|model| {
        let mut arena = vec![0; model.arena_bytes()];
        Stream::<LAYERS_MAX>::new(model, &mut arena).is_ok()
    });
}

/// What is known of a file before any bit of it is flipped.
struct Sound {
    checksum: u32,
    /// Most work that a changed file is run for.
    operations_max: u64,
    sections: Vec<Sections>,
    maps: Maps,
    /// Whether it is planned as a stream, and how many of the changed files ran as one.
    streams: bool,
    streamed: AtomicUsize,
}

/// Where the numbers of a layer lie in the file.
struct Sections {
    layer: usize,
    /// Channel parameters and weights.
    bytes: Range<usize>,
    /// Weights that are a transform of others; empty where they are not.
    transformed: Range<usize>,
}

/// The output of each layer, whole.
#[derive(Default)]
struct Maps(Vec<Vec<i8>>);

impl Observer for Maps {
    fn after(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>, values: &[i8]) {
        self.0.resize(self.0.len().max(index + 1), Vec::new());
        self.0[index].extend(values);
    }
}

impl Sound {
    fn of(file: &[u8]) -> Self {
        let mut table = Table::<LAYERS_MAX>::new();
        let model = Model::from_bytes(file, &mut table).expect("a model");
        let mut maps = Maps::default();
        reference_scores(&model, &mut maps);
        let checksum = checksum(&file[Header::CHECKED_FROM..]);
        Self {
            checksum,
            operations_max: 4 * model.operations(),
            sections: sections(file, &model),
            maps,
            streams: pushed::<Native>(&model, &mut vec![0; model.arena_bytes()]).is_some(),
            streamed: AtomicUsize::new(0),
        }
    }

    fn is_transformed(&self, byte: usize) -> bool {
        self.sections.iter().any(|sections| sections.transformed.contains(&byte))
    }

    /// Whether the file is accepted; if it is, it must run between guards, in time, and as the
    /// reference does.
    fn load_and_run(&self, file: &[u8], bit: usize) -> bool {
        let (trust, mut table) =
            (Trust::ANY.at_most_operations(self.operations_max), Table::<LAYERS_MAX>::new());
        let model = match trust.load(file, &mut table) {
            Ok(model) => model,
            Err(TrustError::Model(error)) => {
                assert!(
                    !matches!(error, ModelError::Checksum { .. }),
                    "the CRC is not the changed file's"
                );
                return false;
            }
            Err(_) => return true,
        };
        if model.arena_bytes() > 1 << 20 || model.image_shape().len() > 1 << 20 {
            return true;
        }
        let scores = run_in_time(&model);
        if (bit / 3).is_multiple_of(COMPARED_ONE_IN) {
            assert_eq!(scores, self.reference_scores(&model, bit / 8), "bit {bit}");
        }
        if self.streams {
            self.run_as_stream(&model, bit);
        }
        true
    }

    /// Rows that come one by one; a changed file may be no stream any more.
    fn run_as_stream(&self, model: &Model<'_>, bit: usize) {
        let pushed_natively = between_guards(model, |arena| pushed::<Native>(model, arena));
        self.streamed.fetch_add(pushed_natively.is_some() as usize, Ordering::Relaxed);
        if (bit / 3).is_multiple_of(COMPARED_ONE_IN) {
            let reference = pushed::<Reference>(model, &mut vec![0; model.arena_bytes()]);
            assert_eq!(pushed_natively, reference, "bit {bit}, as a stream");
        }
    }

    /// The reference's scores of a file of which one byte is changed.
    ///
    /// A byte after the records belongs to the numbers of one layer. The layers before that
    /// one are what they were, so the maps that they leave are the sound file's: the reference goes
    /// on from there, unless that needs the image. It does so on whole maps: neither the plan's
    /// order nor its memory has a part in what it says.
    fn reference_scores(&self, model: &Model<'_>, changed: usize) -> Vec<i8> {
        let of_byte = self.sections.iter().find(|sections| sections.bytes.contains(&changed));
        let Some(Sections { layer: first @ 1.., .. }) = of_byte else {
            return reference_scores(model, &mut ());
        };
        let layers = &model.layers()[*first..];
        if layers.iter().any(|layer| layer.inputs.iter().any(|tensor| tensor == 0)) {
            return reference_scores(model, &mut ());
        }
        let image = vec![];
        let mut tensors = [&[image], &self.maps.0[..*first]].concat();
        for layer in layers {
            tensors.push(reference_map(layer, &tensors));
        }
        tensors.swap_remove(model.outputs()[0] as usize)
    }
}

/// Where the numbers of the layers lie.
fn sections(file: &[u8], model: &Model<'_>) -> Vec<Sections> {
    let place = |numbers: &[u8]| {
        let at = numbers.as_ptr().addr() - file.as_ptr().addr();
        at..at + numbers.len()
    };
    let mut all = Vec::new();
    for (layer, Layer { kind, .. }) in model.layers().iter().enumerate() {
        let numbers = kind.numbers();
        let mut places = numbers.iter().filter(|part| !part.is_empty()).map(|part| place(part));
        let Some(first) = places.next() else { continue };
        let last = places.next().unwrap_or(first.clone());
        let is_transformed = matches!(kind, LayerKind::Conv(conv)
            if matches!(conv.algorithm, Algorithm::WinogradF2 | Algorithm::WinogradF4));
        let transformed = if is_transformed { last.clone() } else { last.end..last.end };
        all.push(Sections { layer, bytes: first.start..last.end, transformed });
    }
    all
}

/// The scores of a run between guards, which must end in time. One that does not is given a second
/// try: the machine may have been suspended.
fn run_in_time(model: &Model<'_>) -> Vec<i8> {
    let begun = Instant::now();
    let scores = run_between_guards(model);
    if begun.elapsed() > TIME_MAX {
        let begun = Instant::now();
        run_between_guards(model);
        assert!(
            begun.elapsed() < TIME_MAX,
            "{:?} for {} operations",
            begun.elapsed(),
            model.operations()
        );
    }
    scores
}

fn run_between_guards(model: &Model<'_>) -> Vec<i8> {
    between_guards(model, |arena| {
        let mut session = Session::new(model, arena).expect("a buffer of its size");
        let scores = session.run_stored::<Native>(&image(model), &mut ());
        scores.expect("an image of its size").values().to_vec()
    })
}

/// What `run` gives in working memory between guards, which it leaves as they are.
fn between_guards<Given>(model: &Model<'_>, run: impl FnOnce(&mut [i8]) -> Given) -> Given {
    let bytes = model.arena_bytes();
    let mut memory = vec![0x5A; bytes + 64];
    let given = run(&mut memory[32..32 + bytes]);
    assert!(
        memory[..32].iter().chain(&memory[32 + bytes..]).all(|byte| *byte == 0x5A),
        "written beside the buffer"
    );
    given
}

/// The outputs of a stream, one after the other; `None` where the model is no stream.
fn pushed<Set: Kernels>(model: &Model<'_>, arena: &mut [i8]) -> Option<Vec<i8>> {
    let mut stream = Stream::<LAYERS_MAX, Set>::with_kernels(model, arena).ok()?;
    let mut outputs = vec![];
    for row in 0..2 * model.image_shape().height as usize + 5 {
        let values: Vec<u8> =
            (0..model.image_shape().row_len()).map(|at| (row * 37 + at * 31 + 7) as u8).collect();
        let scores = stream.push_stored(&values).expect("a row of its size");
        outputs.extend(scores.iter().flat_map(|scores| scores.values()));
    }
    Some(outputs)
}

fn image(model: &Model<'_>) -> Vec<u8> {
    vec![PIXEL; model.image_shape().len()]
}

/// The reference's scores by the model's own plan.
fn reference_scores(model: &Model<'_>, observer: &mut impl Observer) -> Vec<i8> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(model, &mut arena).expect("a buffer of its size");
    let image = image(model);
    let scores = session.run_stored::<Reference>(&image, observer);
    scores.expect("an image of its size").values().to_vec()
}

/// The whole map that a layer makes of a whole map.
/// What a layer makes of the tensors before.
fn reference_map(layer: &Layer<'_>, tensors: &[Vec<i8>]) -> Vec<i8> {
    let mut inputs = layer.inputs.iter().map(|tensor| &tensors[tensor][..]);
    let (input, second) = (inputs.next().unwrap_or_default(), inputs.next().unwrap_or_default());
    let mut output = vec![0; layer.output().len()];
    layer.kind.run::<Reference>(Buffers { input, second, scratch: &mut [], output: &mut output });
    output
}

#[test]
fn every_truncation_and_extension_is_refused() {
    for Hostile { name, file } in models() {
        for bytes in 0..file.len() {
            assert!(
                Model::from_bytes(&file[..bytes], &mut Table::<LAYERS_MAX>::new()).is_err(),
                "{name}: {bytes} bytes"
            );
        }
        let mut longer = file.clone();
        for _ in 0..1000 {
            longer.push(0);
            assert!(
                Model::from_bytes(&longer, &mut Table::<LAYERS_MAX>::new()).is_err(),
                "{name}: {} bytes",
                longer.len()
            );
        }
    }
}

#[test]
fn truncations_and_extensions_with_their_length_and_crc_are_refused() {
    for Hostile { name, file } in models() {
        let step = if file.len() < 10_000 || part() == Some((0, 1)) { 1 } else { file.len() / 300 };
        let refused = |bytes: &[u8]| {
            Model::from_bytes(&sealed(bytes), &mut Table::<LAYERS_MAX>::new()).is_err()
        };
        for bytes in lengths(file.len(), step) {
            assert!(refused(&file[..bytes]), "{name}: {bytes} bytes");
        }
        for more in 1..100 {
            assert!(refused(&[&file[..], &vec![0; more]].concat()), "{name}: {more} bytes more");
        }
    }
}

/// Every `step`th length, and every one near the end.
fn lengths(bytes: usize, step: usize) -> impl Iterator<Item = usize> {
    let end: Range<usize> = bytes.saturating_sub(40)..bytes;
    (0..bytes).step_by(step).chain(end)
}

/// The bytes with the length and CRC that they have.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    if file.len() >= Header::BYTES {
        file[8..12].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        let crc = checksum(&file[Header::CHECKED_FROM..]);
        file[12..16].copy_from_slice(&crc.to_le_bytes());
    }
    file
}

/// A file of a few hundred bytes can ask for hours: the loader accepts it, a caller that sets a
/// limit does not.
#[test]
fn a_small_file_that_would_run_for_hours_is_found_by_its_work() {
    let toml = r#"
        input = { height = 255, width = 255, channels = 1 }
        layer = [
            { type = "conv", filters = 64, kernel = 127, padding = "same" },
            { type = "max_pool", size = 2 },
        ]"#;
    let network: trainer::network::Network = toml::from_str(toml).expect("a network");
    let model = untrained(&network);
    let file = write(&model, &model.direct()).expect("a model");
    let mut table = Table::<LAYERS_MAX>::new();
    let operations = Model::from_bytes(&file, &mut table).expect("a model").operations();
    assert!(operations > 1 << 35, "{operations}");
    let mut table = Table::<LAYERS_MAX>::new();
    let limited = Trust::ANY.at_most_operations(1 << 24).load(&file, &mut table).err();
    assert_eq!(limited, Some(TrustError::TooSlow { found: operations, limit: 1 << 24 }));
}
