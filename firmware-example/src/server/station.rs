//! The loop that answers requests with one model.

use infer::Model;
use infer::wire::{Clock, InUse, Receiver, Room, Server, Turn};

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

impl<Time: Clock, Wire: Line> Station<Time, Wire> {
    /// Answers requests with `model`, which is `file`, until another model takes over. A message
    /// that waits in the receiver comes first.
    pub fn serve<Place: Room>(
        &mut self,
        model: &Model,
        file: &[u8],
        mut room: Option<&mut Place>,
        room_bytes: usize,
    ) {
        loop {
            let room = room.as_deref_mut();
            let mut used = InUse { model, file, arena: self.arena, room, room_bytes };
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
