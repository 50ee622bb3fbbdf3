//! A simulated chip at the end of a line that loses, flips, doubles, swaps, delays and repeats what
//! it carries.
//!
//! Time is simulated too: when no byte is under way, waiting for one is over at once.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use infer::format::LAYERS_MAX;
use infer::wire::{
    Clock, InUse, Incoming, Known, Receiver, Server, Streams, Turn, UpdateRoom, frame_bytes,
};
use infer::{Aligned, Model};
use trainer::device::line::Line;
use trainer::model_file::ModelTable;

use crate::random_layer::Random;

/// Most bytes of a part: less than an image, so that one takes several requests.
const PART_BYTES: usize = 48;

/// Longest scores, and the chip's description of itself.
const ANSWER_BYTES: usize = 128;

/// Working memory of the chip.
const ARENA_BYTES: usize = 16 * 1024;

/// Room for another model, bytes.
const ROOM_BYTES: usize = 16 * 1024;

/// How often something happens: once in this many times; never for 0.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// A byte is lost.
    pub lost: u16,
    /// A bit of a byte is flipped.
    pub flipped: u16,
    /// A byte comes twice.
    pub doubled: u16,
    /// Two bytes change places.
    pub swapped: u16,
    /// A whole message is lost.
    pub message_lost: u16,
    /// A whole message comes twice.
    pub message_doubled: u16,
    /// A whole message comes late: after later ones.
    pub message_late: u16,
}

/// What the line did to the messages it carried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Messages that one side sent.
    pub messages: u64,
    /// Of them: some byte was lost, flipped, doubled or swapped.
    pub damaged: u64,
    /// Of them: lost, doubled or late as a whole.
    pub misplaced: u64,
}

/// The line, with the chip at its other end.
pub struct FaultyLine {
    chip: SimulatedChip,
    faults: Faults,
    random: Random,
    to_host: VecDeque<u8>,
    late: [VecDeque<Vec<u8>>; 2],
    /// What was done so far.
    pub counts: Counts,
}

/// Which way a message goes: an index of [`FaultyLine::late`].
#[derive(Clone, Copy)]
enum Way {
    ToChip,
    ToHost,
}

impl FaultyLine {
    /// A line to a chip that runs `model`.
    pub fn new(model: &[u8], faults: Faults, seed: u64) -> Self {
        Self {
            chip: SimulatedChip::new(model),
            faults,
            random: Random::new(seed),
            to_host: VecDeque::new(),
            late: Default::default(),
            counts: Counts::default(),
        }
    }

    /// What arrives of a message, together with late ones that arrive after it.
    fn carry(&mut self, message: &[u8], way: Way) -> Vec<u8> {
        self.counts.messages += 1;
        let damaged = self.damage(message);
        self.counts.damaged += u64::from(damaged != message);
        let Faults { message_lost, message_doubled, message_late, .. } = self.faults;
        let mut arrives = damaged.clone();
        if self.happens(message_lost) {
            arrives.clear();
        } else if self.happens(message_doubled) {
            arrives.extend(&damaged);
        } else if self.happens(message_late) {
            self.late[way as usize].push_back(damaged.clone());
            arrives.clear();
        }
        self.counts.misplaced += u64::from(arrives != damaged);
        if self.random.within(0, 3) == 0 {
            arrives.extend(self.late[way as usize].pop_front().unwrap_or_default());
        }
        arrives
    }

    fn damage(&mut self, message: &[u8]) -> Vec<u8> {
        let Faults { lost, flipped, doubled, swapped, .. } = self.faults;
        let mut arrives: Vec<u8> = Vec::new();
        for byte in message {
            let mut byte = *byte;
            if self.happens(flipped) {
                byte ^= 1 << self.random.within(0, 7);
            }
            if !self.happens(lost) {
                arrives.push(byte);
            }
            if self.happens(doubled) {
                arrives.push(byte);
            }
            let end = arrives.len();
            if end >= 2 && self.happens(swapped) {
                arrives.swap(end - 1, end - 2);
            }
        }
        arrives
    }

    fn happens(&mut self, once_in: u16) -> bool {
        once_in > 0 && self.random.within(1, once_in) == 1
    }
}

impl Line for FaultyLine {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let arrives = self.carry(bytes, Way::ToChip);
        for answer in self.chip.take(&arrives) {
            let arrives = self.carry(&answer, Way::ToHost);
            self.to_host.extend(arrives);
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
        let bytes = self.to_host.len().min(buffer.len());
        buffer.iter_mut().zip(self.to_host.drain(..bytes)).for_each(|(to, from)| *to = from);
        Ok(bytes)
    }
}

/// Counts how often it is asked.
struct Ticks(u64);

impl Clock for Ticks {
    fn now(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// The firmware's loop, one message at a time.
struct SimulatedChip {
    built_in: Vec<u8>,
    room: UpdateRoom<'static, LAYERS_MAX>,
    receiver: Receiver<Vec<u8>>,
    server: Server<'static, Ticks>,
    arena: Vec<i8>,
}

impl SimulatedChip {
    fn new(model: &[u8]) -> Self {
        // As on a chip, the buffers live as long as the program.
        let room: &mut Aligned<[u8; ROOM_BYTES]> = Box::leak(Box::new(Aligned([0; ROOM_BYTES])));
        let server = Server {
            firmware: "simulated",
            board: "simulated",
            ticks_per_second: 1,
            part_bytes: PART_BYTES as u16,
            clock: Ticks(0),
            incoming: Incoming::new(&mut [], &mut []),
            streams: Streams::NONE,
            known: Known::default(),
        };
        let receiver = Receiver::new(vec![0; frame_bytes(PART_BYTES)]);
        let (built_in, room) = (model.to_vec(), UpdateRoom::new(&mut room.0));
        Self { built_in, room, receiver, server, arena: vec![0; ARENA_BYTES] }
    }

    /// Takes bytes from the line; the answers.
    fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for byte in bytes {
            if self.receiver.push(*byte) {
                answers.push(self.answer());
            }
        }
        answers
    }

    fn answer(&mut self) -> Vec<u8> {
        if self.room.model().is_some() {
            match self.turn_in_room() {
                Some(answer) => return answer,
                None => self.room.clear(),
            }
        }
        let room = Some(&mut self.room);
        turn(&mut self.server, &self.receiver, &self.built_in, &mut self.arena, room)
            .expect("the built-in model needs no room")
    }

    fn turn_in_room(&mut self) -> Option<Vec<u8>> {
        turn(&mut self.server, &self.receiver, self.room.model()?, &mut self.arena, None)
    }
}

/// The answer of the model in `file`; `None` when the chip must fall back to the built-in one.
fn turn(
    server: &mut Server<'_, Ticks>,
    receiver: &Receiver<Vec<u8>>,
    file: &[u8],
    arena: &mut [i8],
    room: Option<&mut UpdateRoom<'_, LAYERS_MAX>>,
) -> Option<Vec<u8>> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut out = vec![0; frame_bytes(ANSWER_BYTES)];
    let mut used = InUse { room, room_bytes: ROOM_BYTES, ..InUse::new(&model, file, arena) };
    match server.turn(receiver, &mut used, &mut out) {
        Turn::Answer(bytes) | Turn::AnswerAndSwitch(bytes) => Some(bytes.to_vec()),
        Turn::FallBack => None,
    }
}
