//! The chip's side: a request in, an answer out. Transport and the loop around it are the
//! firmware's.

use core::ops::Range;

use super::frame::{Frame, Receiver, encode};
use super::message::{Answer, Identity, LayerCost, Refusal, Request, SelfTest, Values};
use super::room::{Limits, Room, Text};
use super::{VERSION, stated};
use crate::checksum::checksum;
use crate::graph::layer::Layer;
use crate::graph::model::Model;
use crate::graph::network::Network;
use crate::header::Header;
use crate::ops::{KernelSet, Native};
use crate::run::observer::Observer;
use crate::run::session::Session;

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
    /// Room for an image.
    pub image: &'s mut [u8],
    /// For the self-test, beside what the model's file knows.
    pub known: Known<'s>,
}

/// The model of a turn, with the memory it works in.
pub struct InUse<'t, 'm, Place> {
    /// The model.
    pub model: &'m Model<'m>,
    /// Its file.
    pub file: &'m [u8],
    /// Working memory.
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
        let answer = request.and_then(|request| self.answer(request, used, &mut problem));
        let bytes = send(sequence, answer.unwrap_or_else(Answer::Refused), out);
        match &used.room {
            Some(room) if room.is_complete() => Turn::AnswerAndSwitch(bytes),
            _ => Turn::Answer(bytes),
        }
    }

    fn answer<'t>(
        &'t mut self,
        request: Request<'_>,
        used: &'t mut InUse<'_, '_, impl Room>,
        problem: &'t mut Text,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        match request {
            Request::Identify => Ok(Answer::Identity(self.identity(used))),
            Request::Infer { image, at, part } => self.infer(image, at as usize, part, used),
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
        }
    }

    fn identity<'i>(&'i self, used: &InUse<'_, '_, impl Room>) -> Identity<'i> {
        Identity {
            firmware: self.firmware,
            board: self.board,
            kernels: <Native as KernelSet>::NAME,
            model: used.id(),
            model_bytes: stated(used.file.len()),
            image: used.model.image_shape(),
            takes: used.model.input().interface.takes,
            gives: used.model.input().interface.gives,
            // A map has 2^30 values at most, a model 255 layers.
            classes: used.model.classes() as u32,
            output_quant: used.model.output_quant(),
            layers: used.model.layers().len() as u8,
            arena_bytes: stated(used.model.arena_bytes()),
            part_bytes: self.part_bytes,
            update_bytes: stated(used.room_bytes),
            update_arena_bytes: stated(used.arena.len()),
            ticks_per_second: self.ticks_per_second,
        }
    }

    /// Takes a part of an image; runs the model once the image is complete.
    fn infer<'t>(
        &mut self,
        image: u32,
        at: usize,
        part: &[u8],
        used: &'t mut InUse<'_, '_, impl Room>,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        let image_bytes = used.model.image_shape().len();
        let end = at
            .checked_add(part.len())
            .filter(|end| *end <= image_bytes)
            .ok_or(Refusal::PartOutside)?;
        self.image.get_mut(at..end).ok_or(Refusal::PartOutside)?.copy_from_slice(part);
        if end < image_bytes {
            return Ok(Answer::Placed);
        }
        let image = whole_image(self.image, end, image)?;
        let (model, begun) = (used.id(), self.clock.now());
        let values = run(used.model, used.arena, image, &mut ())?;
        Ok(Answer::Scores { model, ticks: self.clock.now() - begun, values: Values::Arena(values) })
    }

    fn profile<'t>(
        &mut self,
        image: u32,
        layer: u8,
        used: &'t mut InUse<'_, '_, impl Room>,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        let cost = used.model.layers().get(layer as usize).ok_or(Refusal::NoLayer)?;
        let image = whole_image(self.image, used.model.image_shape().len(), image)?;
        let mut timed = Timed { clock: &mut self.clock, layer: layer as usize, begun: 0, ticks: 0 };
        run(used.model, used.arena, image, &mut timed)?;
        Ok(Answer::Layer(LayerCost { name: cost.name, ticks: timed.ticks, macs: cost.macs() }))
    }

    /// The known answers, the model's own first; a model that gives them all is confirmed.
    fn self_test<'t>(
        &mut self,
        used: &mut InUse<'_, '_, impl Room>,
        problem: &'t mut Text,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        let (model, model_intact) = (used.model, is_intact(used.file));
        let known = if self.known.model == used.id() { self.known } else { Known::default() };
        let images = known.images.chunks_exact(model.image_shape().len());
        let pairs = images.zip(known.scores.chunks_exact(model.classes()));
        let own = model.self_test().map(|test| (test.image, test.scores));
        let (mut images, mut as_known) = (0, 0);
        for (image, scores) in own.into_iter().chain(pairs) {
            let values = run(model, used.arena, image, &mut ()).unwrap_or_default();
            images += 1;
            as_known += values.iter().map(|value| *value as u8).eq(scores.iter().copied()) as u32;
        }
        if let Some(room) = used.room.as_deref_mut().filter(|_| model_intact && as_known == images)
        {
            room.confirm(problem)?;
        }
        Ok(Answer::SelfTest(SelfTest { model_intact, images, as_known }))
    }

    /// The model in the room takes over, or has done so before.
    fn finish_update<'t>(
        &self,
        model: u32,
        used: &mut InUse<'_, '_, impl Room>,
        problem: &'t mut Text,
    ) -> Result<Answer<'t>, Refusal<'t>> {
        if model != used.id() {
            let image_bytes = self.image.len();
            let room = used.room.as_deref_mut().ok_or(Refusal::NoUpdate)?;
            room.finish(model, Limits { arena: used.arena, image_bytes }, problem)?;
        }
        match &used.room {
            Some(room) if room.is_lasting() => Ok(Answer::Installed { model }),
            _ => Ok(Answer::Updated { model }),
        }
    }
}

impl<Place: Room> InUse<'_, '_, Place> {
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

fn whole_image<'e>(buffer: &[u8], bytes: usize, stated: u32) -> Result<&[u8], Refusal<'e>> {
    let image = buffer.get(..bytes).ok_or(Refusal::ImageIncomplete)?;
    if checksum(image) == stated { Ok(image) } else { Err(Refusal::ImageIncomplete) }
}

/// The scores of one run.
fn run<'t, 'e>(
    model: &Model<'_>,
    arena: &'t mut [i8],
    image: &[u8],
    observer: &mut impl Observer,
) -> Result<&'t [i8], Refusal<'e>> {
    let (needed, room) = (stated(model.arena_bytes()), stated(arena.len()));
    let mut session = Session::new(model, arena).map_err(|_| Refusal::NoMemory { needed, room })?;
    session.run_stored::<Native>(image, observer).map_err(|_| Refusal::ImageIncomplete)?;
    let network = Network::from(model);
    let scores = network.output(0).and_then(|(tensor, at)| arena.get(at..at + tensor.shape.len()));
    Ok(scores.unwrap_or_default())
}

/// The answer as bytes; if it is too long for `out`, that is the answer.
fn send<'o>(sequence: u32, answer: Answer<'_>, out: &'o mut [u8]) -> &'o [u8] {
    let long = encode(sequence, &answer, out).is_err();
    let instead = Answer::Refused(Refusal::AnswerTooLong);
    let bytes = if long { encode(sequence, &instead, out) } else { encode(sequence, &answer, out) };
    bytes.unwrap_or_default()
}

/// Times one layer.
struct Timed<'c, Time> {
    clock: &'c mut Time,
    layer: usize,
    begun: u64,
    ticks: u64,
}

impl<Time: Clock> Observer for Timed<'_, Time> {
    fn before(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>) {
        if index == self.layer {
            self.begun = self.clock.now();
        }
    }

    fn after(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>, _: &[i8]) {
        if index == self.layer {
            self.ticks += self.clock.now() - self.begun;
        }
    }
}
