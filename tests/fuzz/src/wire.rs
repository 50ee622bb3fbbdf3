//! The chip's side of the wire: whatever comes over the line, the chip answers or stays silent, and
//! a model that it switches to is one.

use std::sync::LazyLock;

use infer::Table;
use infer::wire::{
    Clock, Follower, InUse, Incoming, Known, Receiver, Request, Room, Server, Streams, Turn,
    UpdateRoom, encode, frame_bytes,
};
use infer::{Aligned, Model};

use super::model::{Outcome, load_and_run};

const PART_BYTES: usize = 64;
const FRAME_BYTES: usize = frame_bytes(PART_BYTES);
const ROOM_BYTES: usize = 4096;
/// Shorter than the longest row that a model may have.
const ROW_BYTES: usize = 100;
/// Fewer than the built-in model has layers.
const TIMED_LAYERS: usize = 2;

/// The model that is built in.
pub const BUILT_IN: &[u8] = infer::include_model!("../corpus/model/seed-8-0.kndl");

/// Layers of the largest model.
const LAYERS: usize = 16;

/// Loaded once, as a chip does.
static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let table = Box::leak(Box::new(Table::<LAYERS>::new()));
    Model::from_bytes(BUILT_IN, table).expect("the built-in model")
});

struct Ticks(u64);

impl Clock for Ticks {
    fn now(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// Takes `line` as requests, as long as it can be read as such, which come in frames of their own,
/// and what follows as bytes of the line. The number of answers.
///
/// # Panics
/// When the chip switches to something that is no model.
pub fn talk(line: &[u8]) -> usize {
    let (mut bytes, mut sequence) = (Vec::new(), 0);
    let mut rest = line;
    while let Ok((request, after)) = postcard::take_from_bytes::<Request>(rest) {
        let mut frame = [0; FRAME_BYTES];
        sequence += 1;
        bytes.extend(encode(sequence, &request, &mut frame).unwrap_or_default());
        rest = after;
    }
    bytes.extend(rest);
    listen(&bytes)
}

fn listen(line: &[u8]) -> usize {
    let model = &*MODEL;
    let mut arena = vec![0; model.arena_bytes()];
    let mut memory = Aligned([0; ROOM_BYTES]);
    let mut room = UpdateRoom::<LAYERS>::new(&mut memory.0);
    let mut follower = Follower::<LAYERS>::new();
    let (mut row, mut ticks) = ([0; ROW_BYTES], [0; TIMED_LAYERS]);
    let mut server = Server {
        firmware: "1",
        board: "none",
        ticks_per_second: 1,
        part_bytes: PART_BYTES as u16,
        clock: Ticks(0),
        incoming: Incoming::new(&mut row, &mut ticks),
        streams: Streams::of(&mut follower),
        known: Known::default(),
    };
    let mut receiver = Receiver::new([0; FRAME_BYTES]);
    let mut out = [0; FRAME_BYTES];
    let mut answers = 0;
    for byte in line {
        if !receiver.push(*byte) {
            continue;
        }
        let room_bytes = room.capacity();
        let used = InUse::new(model, BUILT_IN, &mut arena);
        let mut used = InUse { room: Some(&mut room), room_bytes, ..used };
        match server.turn(&receiver, &mut used, &mut out) {
            Turn::Answer(answer) => answers += !answer.is_empty() as usize,
            Turn::AnswerAndSwitch(_) => {
                answers += 1;
                let outcome = room.model().map(load_and_run);
                assert!(
                    matches!(outcome, Some(Outcome::Ran | Outcome::TooLarge)),
                    "switched to {outcome:?}"
                );
                room.clear();
            }
            Turn::FallBack => panic!("there is room"),
        }
        receiver.clear();
    }
    answers
}
