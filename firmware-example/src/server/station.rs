//! The loop that answers requests with one model.

use infer::format::SelfTest;
use infer::wire::{Clock, InUse, Receiver, Room, Server, Turn};
use infer::{Model, Network};

use crate::board::line::Line;

/// All that stays while models come and go.
pub struct Station<Time, Wire> {
    /// Answers requests.
    pub server: Server<'static, Time>,
    /// Collects them.
    pub receiver: Receiver<&'static mut [u8]>,
    /// An answer's frame.
    pub out: &'static mut [u8],
    /// The line.
    pub line: Wire,
    /// Working memory of the model.
    pub arena: &'static mut [i8],
}

/// The model that is served.
#[derive(Clone, Copy)]
pub struct Served<'m> {
    /// Its network.
    pub network: Network<'m>,
    /// What its file knows of itself.
    pub self_test: Option<SelfTest<'m>>,
    /// Its file.
    pub file: &'m [u8],
}

impl<'m> Served<'m> {
    /// A model that was loaded from `file`.
    pub fn loaded(model: &'m Model<'_>, file: &'m [u8]) -> Self {
        Self { network: model.into(), self_test: model.self_test(), file }
    }
}

impl<Time: Clock, Wire: Line> Station<Time, Wire> {
    /// Answers requests with a model until another one takes over. A message that waits in the
    /// receiver comes first.
    pub fn serve<Place: Room>(
        &mut self,
        Served { network, self_test, file }: Served<'_>,
        mut room: Option<&mut Place>,
        room_bytes: usize,
    ) {
        loop {
            let room = room.as_deref_mut();
            let arena = &mut *self.arena;
            let mut used = InUse { network, self_test, file, arena, room, room_bytes };
            let (bytes, switch) = match self.server.turn(&self.receiver, &mut used, self.out) {
                Turn::Answer(bytes) => (bytes, false),
                Turn::AnswerAndSwitch(bytes) => (bytes, true),
                Turn::FallBack => return,
            };
            bytes.iter().for_each(|byte| self.line.write(*byte));
            self.receiver.clear();
            if switch {
                return;
            }
            while !self.receiver.push(self.line.read()) {}
        }
    }
}
