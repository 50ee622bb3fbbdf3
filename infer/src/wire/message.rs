//! What a host asks and a chip answers. Each enum's order is part of the protocol: new ones go to
//! its end, and a change of what there is takes a new [`VERSION`](super::VERSION).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quant::OutputQuant;
use crate::shape::Shape;
use crate::value_type::{OutputType, ValueType};

/// What a host asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Who are you? Answered by [`Answer::Identity`].
    Identify,
    /// A part of an image, in order from the first: the chip runs the model on the rows that the
    /// part completes, and keeps no row. The first part begins the image anew. Answered by
    /// [`Answer::Placed`] or [`Answer::Scores`].
    Infer {
        /// CRC-32 of the whole image. The chip gives no scores for other bytes than these.
        image: u32,
        /// Place of the part in the image, bytes.
        at: u32,
        /// The first layer to time, from 0; none for `None`. How many layers the chip times in one
        /// run is its choice.
        timed_from: Option<u8>,
        /// The part, at most [`Identity::part_bytes`]: whole rows, or of a longer row a part.
        part: &'a [u8],
    },
    /// The work of one layer on the image sent last, if it was timed. Answered by
    /// [`Answer::Layer`].
    Profile {
        /// CRC-32 of that image.
        image: u32,
        /// The layer, from 0.
        layer: u8,
    },
    /// A new model will come; if the same one was begun before, it goes on where it stopped.
    /// Answered by [`Answer::Received`].
    BeginUpdate {
        /// Bytes of the model file.
        bytes: u32,
        /// The model's id: see [`Identity::model`].
        model: u32,
    },
    /// A part of the new model. Answered by [`Answer::Received`].
    Update {
        /// Place of the part in the file, bytes.
        at: u32,
        /// The part, at most [`Identity::part_bytes`].
        part: &'a [u8],
    },
    /// The new model is complete: check it and use it. Answered by [`Answer::Updated`].
    FinishUpdate {
        /// The model's id.
        model: u32,
    },
    /// Check the stored model and run the known answers: the model's own and those that the
    /// firmware was built with. A new model that gives them is no longer on trial. Answered by
    /// [`Answer::SelfTest`].
    SelfTest,
    /// A row of a stream; row 0 begins one. Answered by [`Answer::Scores`], or by
    /// [`Answer::Placed`] where the row completes no output.
    Push {
        /// Its number. The row after row 2^32 - 1 is row 1.
        row: u32,
        /// Its values, as a part of an image has them.
        values: &'a [u8],
    },
}

/// What the chip answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// To [`Request::Identify`].
    #[serde(borrow)]
    Identity(Identity<'a>),
    /// To [`Request::Infer`] and [`Request::Push`]: it is there, more must come.
    Placed,
    /// To [`Request::Infer`] and [`Request::Push`]: the answer of the model.
    Scores {
        /// Id of the model that gave it: [`Identity::model`].
        model: u32,
        /// Time of the run in ticks: [`Identity::ticks_per_second`]. Of all rows, without the time
        /// that was spent waiting for them; in a stream of the new row.
        ticks: u64,
        /// The int8 scores.
        #[serde(borrow)]
        values: Values<'a>,
    },
    /// To [`Request::Profile`].
    Layer(LayerCost<'a>),
    /// To [`Request::BeginUpdate`] and [`Request::Update`]: how many bytes of the new model are
    /// there, in order.
    Received {
        /// Bytes.
        bytes: u32,
    },
    /// To [`Request::FinishUpdate`]: the new model answers from now on, until a reset.
    Updated {
        /// Its id.
        model: u32,
    },
    /// To [`Request::SelfTest`].
    SelfTest(SelfTest),
    /// The request cannot be answered.
    Refused(Refusal<'a>),
    /// To [`Request::FinishUpdate`]: the new model answers from now on and, once it has passed a
    /// [`Request::SelfTest`], stays at a reset.
    Installed {
        /// Its id.
        model: u32,
    },
}

/// What a chip is and runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity<'a> {
    /// Version of the firmware.
    pub firmware: &'a str,
    /// The board, for people.
    pub board: &'a str,
    /// Kernel set: [`BACKEND`](crate::BACKEND).
    pub kernels: &'a str,
    /// Id of the model: the CRC-32 in its header.
    pub model: u32,
    /// Bytes of the model file.
    pub model_bytes: u32,
    /// The image the model takes.
    pub image: Shape,
    /// What the image's values are: each is sent as a byte, the int8 value that the network reads,
    /// plus 128.
    pub takes: ValueType,
    /// What the values of the answer are.
    pub gives: OutputType,
    /// Values it gives.
    pub classes: u32,
    /// Their quantisation.
    pub output_quant: OutputQuant,
    /// Its layers.
    pub layers: u8,
    /// Working memory of the model, bytes.
    pub arena_bytes: u32,
    /// Most bytes of a part of an image or a model.
    pub part_bytes: u16,
    /// Room for another model, bytes; 0 where there is none.
    pub update_bytes: u32,
    /// Working memory there is for another model, bytes.
    pub update_arena_bytes: u32,
    /// What [`Answer::Scores`] counts time in; 0 where the chip has no clock.
    pub ticks_per_second: u32,
}

/// The work of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LayerCost<'a> {
    /// The layer's name.
    pub name: &'a str,
    /// Time in ticks: [`Identity::ticks_per_second`].
    pub ticks: u64,
    /// Multiply-accumulates.
    pub macs: u64,
}

/// How the known answers came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SelfTest {
    /// The model file is what it was when it was written.
    pub model_intact: bool,
    /// Images run.
    pub images: u32,
    /// Of them with exactly the known scores.
    pub as_known: u32,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal<'a> {
    /// The request is of another protocol version than the firmware's.
    Version {
        /// Of the request.
        found: u8,
        /// Of the firmware.
        supported: u8,
    },
    /// The request cannot be read.
    Unreadable,
    /// The part is not the next one, or the image's bytes are not those that were sent: send the
    /// image anew.
    ImageIncomplete,
    /// A part that reaches beyond its image or model, or a part of a row that is longer than there
    /// is room for.
    PartOutside,
    /// No layer with this number.
    NoLayer,
    /// The answer is longer than the chip's buffer.
    AnswerTooLong,
    /// The model is larger than the room for it.
    NoUpdateRoom {
        /// Bytes there are.
        room: u32,
    },
    /// No update has been begun, or it is of another model, or not complete.
    NoUpdate,
    /// The new model needs more working memory than there is, or its image has longer rows than
    /// there is room for.
    NoMemory {
        /// Bytes it needs: working memory, or a row of its image.
        needed: u32,
        /// Bytes there are.
        room: u32,
    },
    /// The new model is refused; the one before it answers on.
    Model {
        /// Why, for people.
        problem: &'a str,
    },
    /// The layer was not timed in the run on that image, or another image came since: send the
    /// image with this layer as the first to time.
    NotTimed,
    /// The model cannot be a stream, or the firmware follows none.
    NoStream {
        /// Why, for people.
        problem: &'a str,
    },
    /// The row is not the next one of the stream.
    RowLost {
        /// The one that is; 0 where no stream was begun.
        next: u32,
    },
}

/// int8 scores, one byte each: read from the arena by the chip, from the message by the host.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// As the session gives them.
    Arena(&'a [i8]),
    /// As the message holds them.
    Message(&'a [u8]),
}

impl<'a> Values<'a> {
    /// The scores in the classes' order.
    pub fn iter(self) -> impl Iterator<Item = i8> + use<'a> {
        let (arena, message) = match self {
            Self::Arena(values) => (values, &[][..]),
            Self::Message(bytes) => (&[][..], bytes),
        };
        arena.iter().copied().chain(message.iter().map(|byte| *byte as i8))
    }
}

impl PartialEq for Values<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Values<'_> {}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // A sequence of i8 is the same bytes in postcard as a byte string.
            Self::Arena(values) => values.serialize(serializer),
            Self::Message(bytes) => bytes.serialize(serializer),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self::Message)
    }
}
