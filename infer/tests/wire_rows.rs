//! Images and streams on the wire: a server takes them row by row, and gives the scores of a run on
//! the whole, or of a stream.
#![cfg(feature = "wire")]

#[path = "support/random_graph.rs"]
mod random_graph;
#[allow(dead_code)]
#[path = "support/random_layer/mod.rs"]
mod random_layer;
mod support;

use infer::flow::Flow;
use infer::format::checksum;
use infer::wire::{
    Answer, CLASSES_MAX, Clock, Follower, Frame, InUse, Incoming, Known, LayerCost, NoRoom,
    PART_BYTES_MAX, Receiver, Refusal, Request, SelfTest, Server, Streams, Turn, encode,
    frame_bytes,
};
use infer::{Model, Native, Network, Session, Stream, Table};
use random_graph::{graph, hold_some};
use random_layer::Random;
use support::Parts;
use support::graph::LAYERS;
use support::stream::planned;

const GRAPHS: u64 = if cfg!(miri) { 2 } else { 400 };

/// Layers that are timed at once.
const TIMED: usize = 2;

const FRAME_BYTES: usize = frame_bytes(PART_BYTES_MAX);

/// A tick each time it is read.
struct Ticks(u64);

impl Clock for Ticks {
    fn now(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// A chip at work.
struct Chip<'m> {
    model: &'m Model<'m>,
    file: &'m [u8],
    arena: Vec<i8>,
    server: Server<'static, Ticks>,
    sequence: u32,
}

/// What a test looks at in an answer.
#[derive(Debug, PartialEq)]
enum Said {
    Placed,
    Scores(Vec<i8>, u64),
    Layer(u64),
    SelfTest(u32, u32),
    Incomplete,
    Outside,
    NotTimed,
    NoStream(String),
    RowLost(u32),
}

impl<'m> Chip<'m> {
    /// With room for a row of this many bytes that comes in several parts.
    fn new(model: &'m Model<'m>, file: &'m [u8], row_bytes: usize) -> Self {
        let server = Server {
            firmware: "",
            board: "",
            ticks_per_second: 1,
            part_bytes: PART_BYTES_MAX as u16,
            clock: Ticks(0),
            incoming: Incoming::new(vec![0; row_bytes].leak(), vec![0; TIMED].leak()),
            streams: Streams::of(Box::leak(Box::new(Follower::<LAYERS>::new()))),
            known: Known::default(),
        };
        Self { model, file, arena: vec![0; model.arena_bytes()], server, sequence: 0 }
    }

    fn ask(&mut self, request: &Request<'_>) -> Said {
        self.sequence += 1;
        self.repeat(request)
    }

    /// Asks with the number of the request before.
    fn repeat(&mut self, request: &Request<'_>) -> Said {
        let (mut bytes, mut out) = ([0; FRAME_BYTES], [0; FRAME_BYTES]);
        let mut receiver = Receiver::new([0; FRAME_BYTES]);
        let sent = encode(self.sequence, request, &mut bytes).unwrap();
        assert!(sent.iter().filter(|byte| receiver.push(**byte)).count() == 1);
        let mut used = InUse::<NoRoom>::new(self.model, self.file, &mut self.arena);
        let Turn::Answer(bytes) = self.server.turn(&receiver, &mut used, &mut out) else {
            panic!("no answer");
        };
        bytes.iter().for_each(|byte| _ = receiver.push(*byte));
        match receiver.frame() {
            Some(Frame::Message { content, .. }) => said(content),
            _ => panic!("no answer"),
        }
    }

    /// Sends an image in parts of this many bytes; the last answer.
    fn send(&mut self, image: &[u8], part_bytes: usize) -> Said {
        let parts = image.chunks(part_bytes).enumerate();
        let say = |(index, part)| {
            let at = (index * part_bytes) as u32;
            self.ask(&Request::Infer { image: checksum(image), at, timed_from: None, part })
        };
        parts.map(say).last().unwrap()
    }

    fn scores(&self, image: &[u8]) -> Vec<i8> {
        let mut arena = vec![0; self.model.arena_bytes()];
        let mut session = Session::new(self.model, &mut arena).unwrap();
        session.run_stored::<Native>(image, &mut ()).unwrap().values().to_vec()
    }
}

fn said(answer: Answer<'_>) -> Said {
    match answer {
        Answer::Placed => Said::Placed,
        Answer::Scores { ticks, values, .. } => Said::Scores(values.iter().collect(), ticks),
        Answer::Layer(LayerCost { ticks, .. }) => Said::Layer(ticks),
        Answer::SelfTest(SelfTest { images, as_known, .. }) => Said::SelfTest(images, as_known),
        Answer::Refused(Refusal::ImageIncomplete) => Said::Incomplete,
        Answer::Refused(Refusal::PartOutside) => Said::Outside,
        Answer::Refused(Refusal::NotTimed) => Said::NotTimed,
        Answer::Refused(Refusal::NoStream { problem }) => Said::NoStream(problem.to_owned()),
        Answer::Refused(Refusal::RowLost { next }) => Said::RowLost(next),
        answer => panic!("{answer:?}"),
    }
}

/// The small model at work, with an image of 5 rows of 5 pixels.
fn on_small_model(row_bytes: usize, test: impl FnOnce(&mut Chip<'_>, &[u8; 25])) {
    let file = Parts::default().file();
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let image = core::array::from_fn(|index| 10 * index as u8);
    test(&mut Chip::new(&model, &file, row_bytes), &image);
}

fn part<'p>(image: &[u8], at: usize, part: &'p [u8]) -> Request<'p> {
    Request::Infer { image: checksum(image), at: at as u32, timed_from: None, part }
}

#[test]
fn random_graphs_give_the_same_by_parts_of_any_size() {
    let mut checked = 0;
    for seed in 0..GRAPHS {
        let random = &mut Random::new(seed);
        let whole = graph(random);
        let graph = if random.below(2) == 0 { whole } else { hold_some(random, whole) };
        let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
        let Ok(model) = Model::from_bytes(&file, &mut table) else { continue };
        let (image, row_len) = (model.image_shape().len(), model.image_shape().row_len());
        if image == 0 || model.classes() > CLASSES_MAX {
            continue;
        }
        let image: Vec<u8> = (0..image).map(|_| random.int8() as u8).collect();
        let mut chip = Chip::new(&model, &file, row_len);
        let expected = chip.scores(&image);
        for _ in 0..2 {
            let part_bytes = 1 + random.below(3 * row_len as u32) as usize;
            let Said::Scores(scores, _) = chip.send(&image, part_bytes) else { panic!("{seed}") };
            assert_eq!(scores, expected, "seed {seed}, {part_bytes} of {row_len}");
        }
        checked += 1;
    }
    assert!(cfg!(miri) || checked > GRAPHS / 2, "{checked} of {GRAPHS} graphs");
}

/// What came before is taken once, however often it comes.
#[test]
fn parts_that_come_again_change_nothing() {
    on_small_model(0, |chip, image| {
        let expected = chip.scores(image);
        let first = part(image, 0, &image[..10]);
        for request in [&first, &part(image, 10, &image[10..20])] {
            assert_eq!(chip.ask(request), Said::Placed);
            assert_eq!(chip.repeat(request), Said::Placed);
        }
        // The number of the first request: it came late.
        chip.sequence = 1;
        assert_eq!(chip.repeat(&first), Said::Placed);
        chip.sequence = 9;
        let last = part(image, 20, &image[20..]);
        let scores = chip.ask(&last);
        assert!(matches!(&scores, Said::Scores(found, 3..) if *found == expected), "{scores:?}");
        // The answer was lost: the same again, with the time of the one run.
        assert_eq!(chip.ask(&last), scores);
    });
}

#[test]
fn an_image_that_is_not_all_there_has_no_scores() {
    on_small_model(0, |chip, image| {
        let (first, last) = (part(image, 0, &image[..10]), part(image, 15, &image[15..]));
        assert_eq!(chip.ask(&last), Said::Incomplete, "nothing came before");
        assert_eq!(chip.ask(&first), Said::Placed);
        assert_eq!(chip.ask(&last), Said::Incomplete, "a part is missing");
        // It can still come.
        assert_eq!(chip.ask(&part(image, 10, &image[10..15])), Said::Placed);
        assert!(matches!(chip.ask(&last), Said::Scores(..)));
        let other = part(b"another image", 10, &image[10..15]);
        assert_eq!(chip.ask(&first), Said::Placed);
        assert_eq!(chip.ask(&other), Said::Incomplete, "a part of another image");
        let [mut wrong, expected] = [*image, *image];
        wrong[12] ^= 1;
        assert_eq!(chip.ask(&first), Said::Placed);
        assert_eq!(chip.ask(&part(&expected, 10, &wrong[10..])), Said::Incomplete, "other bytes");
        assert_eq!(chip.ask(&last), Said::Incomplete, "nothing is left of it");
        assert_eq!(chip.ask(&part(image, 20, &image[..10])), Said::Outside);
    });
}

/// The first part in a new request is a new image, though it is the same.
#[test]
fn a_new_image_begins_in_the_middle() {
    on_small_model(0, |chip, image| {
        let expected = chip.scores(image);
        for at in [5, 10, 15, 20] {
            assert_eq!(chip.ask(&part(image, 0, &image[..at])), Said::Placed);
        }
        let Said::Scores(scores, ticks) = chip.ask(&part(image, 0, image)) else { panic!() };
        let Said::Scores(again, other) = chip.ask(&part(image, 0, image)) else { panic!() };
        assert_eq!((&scores, &again, ticks), (&expected, &expected, other));
    });
}

#[test]
fn a_row_in_several_parts_needs_room() {
    on_small_model(4, |chip, image| {
        assert_eq!(chip.ask(&part(image, 0, &image[..7])), Said::Outside);
        assert_eq!(chip.ask(&part(image, 7, &image[7..])), Said::Incomplete);
        assert!(matches!(chip.send(image, 15), Said::Scores(..)), "whole rows need none");
    });
    on_small_model(5, |chip, image| {
        let expected = chip.scores(image);
        for part_bytes in 1..=25 {
            let Said::Scores(scores, _) = chip.send(image, part_bytes) else { panic!() };
            assert_eq!(scores, expected, "parts of {part_bytes}");
        }
    });
}

/// The working memory is then another run's.
#[test]
fn a_self_test_ends_an_image() {
    on_small_model(0, |chip, image| {
        assert_eq!(chip.ask(&part(image, 0, &image[..10])), Said::Placed);
        assert_eq!(chip.ask(&Request::SelfTest), Said::SelfTest(1, 1));
        assert_eq!(chip.ask(&part(image, 10, &image[10..])), Said::Incomplete);
        let scores = chip.send(image, 25);
        assert_eq!(chip.ask(&Request::SelfTest), Said::SelfTest(1, 1));
        assert_eq!(chip.ask(&part(image, 20, &image[20..])), Said::Incomplete);
        assert_eq!(chip.send(image, 25), scores);
    });
}

#[test]
fn layers_are_timed_as_many_as_there_is_room_for() {
    on_small_model(0, |chip, image| {
        let crc = checksum(image);
        let ask = |chip: &mut Chip<'_>, layer| chip.ask(&Request::Profile { image: crc, layer });
        let timed = |timed_from| Request::Infer { image: crc, at: 0, timed_from, part: image };
        chip.send(image, 10);
        assert_eq!(ask(chip, 0), Said::NotTimed, "no layer was to be timed");
        chip.ask(&timed(Some(0)));
        let ticks = [0, 1, 2].map(|layer| ask(chip, layer));
        assert!(matches!(ticks, [Said::Layer(1..), Said::Layer(1..), Said::NotTimed]), "{ticks:?}");
        chip.ask(&timed(Some(2)));
        let ticks = [0, 1, 2].map(|layer| ask(chip, layer));
        assert!(matches!(ticks, [Said::NotTimed, Said::NotTimed, Said::Layer(1..)]), "{ticks:?}");
        let other = Request::Profile { image: crc ^ 1, layer: 2 };
        assert_eq!(chip.ask(&other), Said::NotTimed, "another image");
    });
}

/// A network over time, planned for streams.
const STREAM: &[u8] = infer::include_model!("../../firmware-example/model/stream.kndl");

/// The window of its first output, and a few rows more.
const ROWS: u32 = 140;

/// The network over time at work, with what a stream on the host says to each row.
fn on_stream(test: impl FnOnce(&mut Chip<'_>, &[Option<Vec<i8>>])) {
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(STREAM, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    let mut stream = Stream::<LAYERS>::new(&model, &mut arena).unwrap();
    let say = |row| stream.push(&values(row)).unwrap().map(|scores| scores.values().to_vec());
    let expected: Vec<_> = (0..ROWS).map(say).collect();
    assert!(expected.iter().flatten().count() > 10);
    test(&mut Chip::new(&model, STREAM, 0), &expected);
}

fn values(row: u32) -> [u8; 6] {
    core::array::from_fn(|axis| ((row * (7 + 5 * axis as u32)) >> 1) as u8)
}

fn push(chip: &mut Chip<'_>, row: u32) -> Said {
    chip.ask(&Request::Push { row, values: &values(row) })
}

fn is(said: &Said, expected: &Option<Vec<i8>>) -> bool {
    match (said, expected) {
        (Said::Placed, None) => true,
        (Said::Scores(scores, 1..), Some(expected)) => scores == expected,
        _ => false,
    }
}

#[test]
fn a_stream_on_the_wire_says_what_one_on_the_host_says() {
    on_stream(|chip, expected| {
        for _ in 0..2 {
            for (row, expected) in (0..).zip(expected) {
                let said = push(chip, row);
                assert!(is(&said, expected), "row {row}: {said:?}");
                // The answer was lost: the same again.
                assert_eq!(chip.repeat(&Request::Push { row, values: &values(row) }), said);
            }
        }
    });
}

#[test]
fn a_row_that_is_not_the_next_is_refused_and_changes_nothing() {
    on_stream(|chip, expected| {
        assert_eq!(push(chip, 1), Said::RowLost(0), "no stream was begun");
        for (row, expected) in (0..).zip(expected) {
            assert!(is(&push(chip, row), expected), "row {row}");
            assert_eq!(push(chip, row + 2), Said::RowLost(row + 1));
            let wrong = Request::Push { row: row + 1, values: &[0; 5] };
            assert_eq!(chip.ask(&wrong), Said::Outside);
        }
    });
}

/// A feed that stops and starts again: row 0 in a new request is a new stream.
#[test]
fn a_stream_begins_anew_in_the_middle() {
    on_stream(|chip, expected| {
        for stop in [1, 2, 77, 130] {
            (0..stop).for_each(|row| _ = push(chip, row));
            for (row, expected) in (0..).zip(expected) {
                assert!(is(&push(chip, row), expected), "row {row} after {stop}");
            }
        }
    });
}

/// The working memory is then another run's.
#[test]
fn another_run_ends_a_stream() {
    on_stream(|chip, expected| {
        (0..ROWS).for_each(|row| _ = push(chip, row));
        assert_eq!(chip.ask(&Request::SelfTest), Said::SelfTest(0, 0));
        assert_eq!(push(chip, ROWS), Said::RowLost(0));
        (0..ROWS).for_each(|row| _ = push(chip, row));
        let window: Vec<u8> = (0..128).flat_map(values).collect();
        let Said::Scores(scores, _) = chip.send(&window, 600) else { panic!("no scores") };
        assert_eq!(expected.iter().flatten().next(), Some(&scores));
        assert_eq!(push(chip, ROWS), Said::RowLost(0));
        assert_eq!(push(chip, 0), Said::Placed);
        assert_eq!(chip.ask(&part(&window, 600, &window[600..])), Said::Incomplete);
    });
}

#[test]
fn what_cannot_be_followed_is_refused_with_the_reason() {
    on_small_model(0, |chip, image| {
        let request = Request::Push { row: 0, values: &image[..5] };
        let Said::NoStream(why) = chip.ask(&request) else { panic!("a stream") };
        assert!(why.contains("layer"), "{why}");
        chip.server.streams = Streams::NONE;
        let Said::NoStream(why) = chip.ask(&request) else { panic!("a stream") };
        assert_eq!(why, "its firmware follows none");
    });
}

/// Strides, dilation and branches: each push reads nothing but the rows that are held, so all other
/// memory may be painted between two of them.
#[test]
fn a_stream_reads_nothing_but_the_rows_that_are_held() {
    let (mut streamed, mut outputs) = (0, 0);
    for seed in 0..GRAPHS {
        let random = &mut Random::new(1 << 41 | seed);
        let Ok(graph) = planned(&random_graph::stream(random)) else { continue };
        let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
        let model = Model::from_bytes(&file, &mut table).unwrap();
        let mut chip = Chip::new(&model, &file, 0);
        let network = Network::from(&model);
        let mut flow = Flow::<LAYERS>::new(&network).unwrap();
        let mut arena = vec![0; model.arena_bytes()];
        let mut stream = Stream::<LAYERS>::new(&model, &mut arena).unwrap();
        for row in 0..60 {
            let values: Vec<u8> =
                (0..model.image_shape().row_len()).map(|_| random.int8() as u8).collect();
            let expected = stream.push_stored(&values).unwrap();
            let expected = expected.map(|scores| scores.values().to_vec());
            let said = chip.ask(&Request::Push { row, values: &values });
            assert!(is(&said, &expected), "seed {seed}, row {row}: {said:?}");
            outputs += expected.iter().len();
            flow.push(&network, &mut |_| Some(())).unwrap();
            paint(&mut chip.arena, &network, &flow, random);
        }
        streamed += 1;
    }
    println!("{streamed} streams, {outputs} outputs");
    assert!(cfg!(miri) || streamed > GRAPHS / 4 && outputs > 2000);
}

/// Fills all memory but the rows that are held.
fn paint(arena: &mut [i8], network: &Network<'_>, flow: &Flow<LAYERS>, random: &mut Random) {
    let mut lives = vec![false; arena.len()];
    for tensor in 0..=network.layers().len() {
        let row_len = network.tensor(tensor).unwrap().shape.row_len();
        let (start, _) = network.tensor_use(tensor).unwrap();
        lives[start..start + flow.held(tensor) as usize * row_len].fill(true);
    }
    let others = arena.iter_mut().zip(&lives).filter(|(_, lives)| !**lives);
    others.for_each(|(byte, _)| *byte = random.int8());
}
