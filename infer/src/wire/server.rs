//! The chip's side: a request in, an answer out. Transport and the loop around it are the
//! firmware's.

use super::follower::{Row, Streams};
use super::frame::{Frame, Receiver, encode};
use super::incoming::{Incoming, Key, Part, Work, run, values};
use super::message::{Answer, Identity, LayerCost, Refusal, Request, SelfTest, Values};
use super::room::{Limits, Room, Text};
use super::{VERSION, stated};
use crate::checksum::checksum;
use crate::graph::format;
use crate::graph::model::Model;
use crate::graph::network::Network;
use crate::header::Header;
use crate::ops::{KernelSet, Native};

/// The sequence number of an answer to a request whose own cannot be read.
const NO_SEQUENCE: u32 = 0;

/// A clock that never wraps while the chip runs.
pub trait Clock {
    /// Ticks since some moment.
    fn now(&mut self) -> u64;
}

/// Images with the score vectors that a model must give, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'k> {
    /// Id of that model: [`model_id`].
    pub model: u32,
    /// Images.
    pub images: &'k [u8],
    /// Scores.
    pub scores: &'k [u8],
}

/// What a request led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn<'o> {
    /// Bytes to send, none for noise.
    Answer(&'o [u8]),
    /// Bytes to send; then go on with the model in the [`Room`].
    AnswerAndSwitch(&'o [u8]),
    /// Free the [`Room`], go back to the built-in model, and ask for the same turn again.
    FallBack,
}

/// What stays the same from request to request: who the chip is, and the image that is coming in.
pub struct Server<'s, Time> {
    /// Version of the firmware.
    pub firmware: &'s str,
    /// The board, for people.
    pub board: &'s str,
    /// Of the clock.
    pub ticks_per_second: u32,
    /// Most bytes of a part: what the receiver's buffer was made for.
    pub part_bytes: u16,
    /// The clock.
    pub clock: Time,
    /// The image that is coming in.
    pub incoming: Incoming<'s>,
    /// The stream that is followed.
    pub streams: Streams<'s>,
    /// For the self-test, beside what the model's file knows.
    pub known: Known<'s>,
}

/// The model of a turn, with the memory it works in.
pub struct InUse<'t, 'm, Place> {
    /// The model's network: of a loaded [`Model`], or built in.
    pub network: Network<'m>,
    /// What the model's file knows of itself: [`Model::self_test`].
    pub self_test: Option<format::SelfTest<'m>>,
    /// Its file.
    pub file: &'m [u8],
    /// Working memory, the same from turn to turn: between two parts of an image it holds what the
    /// network has made of the rows so far.
    pub arena: &'t mut [i8],
    /// Room for another model; `None` while the model in use lies there.
    pub room: Option<&'t mut Place>,
    /// Bytes of that room, in use or not.
    pub room_bytes: usize,
}

impl<Time: Clock> Server<'_, Time> {
    /// Answers the message that waits in `receiver`, into `out`, which should hold a frame of
    /// `part_bytes`.
    pub fn turn<'o>(
        &mut self,
        receiver: &Receiver<impl AsRef<[u8]> + AsMut<[u8]>>,
        used: &mut InUse<'_, '_, impl Room>,
        out: &'o mut [u8],
    ) -> Turn<'o> {
        let (sequence, request) = match receiver.frame::<Request<'_>>() {
            Some(Frame::Message { sequence, content }) => (sequence, Ok(content)),
            Some(Frame::OtherVersion(found)) => {
                (NO_SEQUENCE, Err(Refusal::Version { found, supported: VERSION }))
            }
            Some(Frame::Unreadable { sequence }) => {
                (sequence.unwrap_or(NO_SEQUENCE), Err(Refusal::Unreadable))
            }
            None => return Turn::Answer(&[]),
        };
        if let Ok(Request::BeginUpdate { model, .. }) = request
            && used.must_fall_back(model)
        {
            return Turn::FallBack;
        }
        let mut problem = Text::default();
        let answer = request.and_then(|request| self.answer(sequence, request, used, &mut problem));
        let bytes = send(sequence, answer.unwrap_or_else(Answer::Refused), out);
        match &used.room {
            Some(room) if room.is_complete() => Turn::AnswerAndSwitch(bytes),
            _ => Turn::Answer(bytes),
        }
    }

    fn answer<'t>(
        &'t mut self,
        sequence: u32,
        request: Request<'_>,
        used: &'t mut InUse<'_, '_, impl Room>,
        problem: &'t mut Text,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        match request {
            Request::Identify => Ok(Answer::Identity(self.identity(used))),
            Request::Infer { image, at, timed_from, part } => {
                let key = Key { model: used.id(), image, timed_from };
                self.infer(&Part { key, sequence, at: at as usize, bytes: part }, used)
            }
            Request::Profile { image, layer } => self.profile(image, layer, used),
            Request::SelfTest => self.self_test(used, problem),
            Request::BeginUpdate { model, .. } if model == used.id() => {
                Ok(received(used.file.len()))
            }
            Request::BeginUpdate { bytes, model } => {
                used.room()?.begin(bytes as usize, model, problem).map(received)
            }
            Request::Update { at, part } => {
                used.room()?.take(at as usize, part, problem).map(received)
            }
            Request::FinishUpdate { model } => self.finish_update(model, used, problem),
            Request::Push { row, values } => {
                self.push(&Row { model: used.id(), sequence, number: row, values }, used, problem)
            }
        }
    }

    fn identity<'i>(&'i self, used: &InUse<'_, '_, impl Room>) -> Identity<'i> {
        Identity {
            firmware: self.firmware,
            board: self.board,
            kernels: <Native as KernelSet>::NAME,
            model: used.id(),
            model_bytes: stated(used.file.len()),
            image: used.network.image_shape(),
            takes: used.network.input().interface.takes,
            gives: used.network.input().interface.gives,
            // A map has 2^30 values at most, a model 255 layers.
            classes: used.network.classes() as u32,
            output_quant: used.network.output_quant(),
            layers: used.network.layers().len() as u8,
            arena_bytes: stated(used.network.arena_bytes()),
            part_bytes: self.part_bytes,
            update_bytes: stated(used.room_bytes),
            update_arena_bytes: stated(used.arena.len()),
            ticks_per_second: self.ticks_per_second,
        }
    }

    /// Takes a part of an image, and runs the model on the rows that it completes.
    fn infer<'t>(
        &mut self,
        part: &Part<'_>,
        used: &'t mut InUse<'_, '_, impl Room>,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        let mut work = Work { network: used.network, arena: &mut *used.arena };
        self.streams.forget();
        match self.incoming.take(part, &mut work, &mut self.clock)? {
            None => Ok(Answer::Placed),
            Some(ticks) => {
                let values = Values::Arena(values(used.network, used.arena));
                Ok(Answer::Scores { model: part.key.model, ticks, values })
            }
        }
    }

    /// Takes a row of a stream.
    fn push<'t>(
        &mut self,
        row: &Row<'_>,
        used: &'t mut InUse<'_, '_, impl Room>,
        problem: &'t mut Text,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        let mut work = Work { network: used.network, arena: &mut *used.arena };
        self.incoming.forget();
        match self.streams.take(row, &mut work, &mut || self.clock.now(), problem)? {
            None => Ok(Answer::Placed),
            Some(output) => {
                let values = used.arena.get(output.values).unwrap_or_default();
                let (model, ticks) = (row.model, output.ticks);
                Ok(Answer::Scores { model, ticks, values: Values::Arena(values) })
            }
        }
    }

    fn profile<'t>(
        &self,
        image: u32,
        layer: u8,
        used: &'t InUse<'_, '_, impl Room>,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        let cost = used.network.layers().get(layer as usize).ok_or(Refusal::NoLayer)?;
        let ticks = self.incoming.layer_ticks(used.id(), image, layer).ok_or(Refusal::NotTimed)?;
        Ok(Answer::Layer(LayerCost { name: cost.name, ticks: ticks as u64, macs: cost.macs() }))
    }

    /// The known answers, the model's own first; a model that gives them all is confirmed.
    fn self_test<'t>(
        &mut self,
        used: &mut InUse<'_, '_, impl Room>,
        problem: &'t mut Text,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        let (network, model_intact) = (used.network, is_intact(used.file));
        let known = if self.known.model == used.id() { self.known } else { Known::default() };
        let images = known.images.chunks_exact(network.image_shape().len().max(1));
        let pairs = images.zip(known.scores.chunks_exact(network.classes().max(1)));
        let own = used.self_test.map(|test| (test.image, test.scores));
        let (mut images, mut as_known) = (0, 0);
        self.forget_runs();
        for (image, scores) in own.into_iter().chain(pairs) {
            let work = Work { network, arena: &mut *used.arena };
            let values = run(work, image, &mut self.clock).unwrap_or_default();
            images += 1;
            as_known += values.iter().map(|value| *value as u8).eq(scores.iter().copied()) as u32;
        }
        if let Some(room) = used.room.as_deref_mut().filter(|_| model_intact && as_known == images)
        {
            room.confirm(problem)?;
        }
        Ok(Answer::SelfTest(SelfTest { model_intact, images, as_known }))
    }

    /// The working memory is used for something else.
    fn forget_runs(&mut self) {
        self.incoming.forget();
        self.streams.forget();
    }

    /// The model in the room takes over, or has done so before.
    fn finish_update<'t>(
        &mut self,
        model: u32,
        used: &mut InUse<'_, '_, impl Room>,
        problem: &'t mut Text,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        if model != used.id() {
            self.forget_runs();
            let row_bytes = self.incoming.row_bytes().max(self.part_bytes as usize);
            let room = used.room.as_deref_mut().ok_or(Refusal::NoUpdate)?;
            room.finish(model, Limits { arena: used.arena, row_bytes }, problem)?;
        }
        match &used.room {
            Some(room) if room.is_lasting() => Ok(Answer::Installed { model }),
            _ => Ok(Answer::Updated { model }),
        }
    }
}

impl<'t, 'm, Place: Room> InUse<'t, 'm, Place> {
    /// A model that was loaded from `file`, without room for another.
    pub fn new(model: &'m Model<'_>, file: &'m [u8], arena: &'t mut [i8]) -> Self {
        let (network, self_test) = (Network::from(model), model.self_test());
        Self { network, self_test, file, arena, room: None, room_bytes: 0 }
    }

    fn id(&self) -> u32 {
        model_id(self.file)
    }

    /// Whether the update to `model` needs the room in which the model in use lies.
    fn must_fall_back(&self, model: u32) -> bool {
        self.room.is_none() && self.room_bytes > 0 && model != self.id()
    }

    fn room<'e>(&mut self) -> Result<&mut Place, Refusal<'e>> {
        let missing = if self.room_bytes == 0 {
            Refusal::NoUpdateRoom { room: 0 }
        } else {
            Refusal::NoUpdate
        };
        self.room.as_deref_mut().ok_or(missing)
    }
}

/// The model's id: the CRC-32 in its header; 0 for a file that has none.
pub fn model_id(file: &[u8]) -> u32 {
    Header::read(file).map_or(0, |header| header.checksum)
}

/// Whether the file is what was checked when it was loaded.
fn is_intact(file: &[u8]) -> bool {
    let Ok(header) = Header::read(file) else { return false };
    let checked = file.get(Header::CHECKED_FROM..header.file_bytes as usize);
    checked.is_some_and(|checked| checksum(checked) == header.checksum)
}

fn received<'e>(bytes: usize) -> Answer<'e> {
    Answer::Received { bytes: stated(bytes) }
}

/// The answer as bytes; if it is too long for `out`, that is the answer.
fn send<'o>(sequence: u32, answer: Answer<'_>, out: &'o mut [u8]) -> &'o [u8] {
    let long = encode(sequence, &answer, out).is_err();
    let instead = Answer::Refused(Refusal::AnswerTooLong);
    let bytes = if long { encode(sequence, &instead, out) } else { encode(sequence, &answer, out) };
    bytes.unwrap_or_default()
}
