//! What is asked of a chip.

use crate::model_file::ModelTable;
use std::time::Duration;

use infer::format::{Header, OutputQuant, checksum};
use infer::wire::{Answer, Refusal, Request, SelfTest};
use infer::{Model, ModelError, OutputType, Shape, ValueType};
use thiserror::Error;

use super::client::{Client, ClientError, Patience};
use super::line::Line;

/// For the first answer: a chip that is there is quick to say who it is.
const HELLO: Patience = Patience { timeout: Duration::from_secs(1), tries: 5 };

/// How often a request is sent before the chip is given up.
const TRIES: u32 = 3;

/// How often an image or a part is sent anew because the chip did not get all of it.
const RESENDS: u32 = 3;

/// Why a chip did not do what was asked.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// No answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The chip says no.
    #[error("the chip refuses: {0}")]
    Refused(String),
    /// An answer to another question.
    #[error(
        "the chip gave an answer that fits no {0}: flash the firmware that belongs to this program"
    )]
    OtherAnswer(&'static str),
    /// Another model answers than the one that was there.
    #[error("the chip runs another model now ({now:08x}, it was {before:08x}): was it reset?")]
    ModelChanged {
        /// Id of the model when the chip was first asked.
        before: u32,
        /// Id of the model that answered.
        now: u32,
    },
    /// Images of the wrong size.
    #[error("the chip's model takes {model} images, these are {images}")]
    ImageShape {
        /// Of the model.
        model: Shape,
        /// Of the images.
        images: Shape,
    },
    /// A row that is too long for one message.
    #[error("a row has {row_bytes} bytes, the chip takes {part_bytes} at once")]
    LongRow {
        /// Bytes of a row.
        row_bytes: usize,
        /// Most bytes that the chip takes.
        part_bytes: usize,
    },
    /// The new model is none.
    #[error("the new model is refused: {0}")]
    Model(ModelError),
}

/// What a chip is and runs: [`infer::wire::Identity`] with strings of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    /// Version of its firmware.
    pub firmware: String,
    /// The board.
    pub board: String,
    /// Kernel set.
    pub kernels: String,
    /// Id of its model: the CRC-32 in the file's header.
    pub model: u32,
    /// Bytes of the model file.
    pub model_bytes: u32,
    /// The image it takes.
    pub image: Shape,
    /// What the image's values are.
    pub takes: ValueType,
    /// What the values of the answer are.
    pub gives: OutputType,
    /// Values it gives.
    pub classes: usize,
    /// Their quantisation.
    pub output_quant: OutputQuant,
    /// Its layers.
    pub layers: u8,
    /// Working memory of the model, bytes.
    pub arena_bytes: u32,
    /// Most bytes of a part.
    pub part_bytes: usize,
    /// Room for another model, bytes.
    pub update_bytes: u32,
    /// Of its clock.
    pub ticks_per_second: u64,
}

impl Chip {
    /// Bytes of an image in one request: whole rows, where a part holds one.
    fn image_part_bytes(&self) -> usize {
        let (part_bytes, row_bytes) = (self.part_bytes.max(1), self.image.row_len().max(1));
        if row_bytes > part_bytes { part_bytes } else { part_bytes - part_bytes % row_bytes }
    }
}

/// The answer to one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipScores {
    /// int8 scores, one per class.
    pub values: Vec<i8>,
    /// Time of the run in ticks of the chip's clock.
    pub ticks: u64,
}

/// The work of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipLayer {
    /// Its name.
    pub name: String,
    /// Time in ticks of the chip's clock.
    pub ticks: u64,
    /// Multiply-accumulates.
    pub macs: u64,
}

/// How an update went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Bytes that were there already, of an attempt before this one.
    pub resumed_at: usize,
    /// Whether the model lies in flash and stays at a reset, once it has passed
    /// [`Session::self_test`]; otherwise it is in RAM.
    pub is_lasting: bool,
}

/// A chip that has said who it is.
pub struct Session<L> {
    client: Client<L>,
    chip: Chip,
    patience: Patience,
}

impl<L: Line> Session<L> {
    /// Asks the chip at the other end who it is. Later requests wait for `timeout` before they are
    /// sent again.
    ///
    /// # Errors
    /// No answer, or one of another version.
    pub fn open(mut client: Client<L>, timeout: Duration) -> Result<Self, DeviceError> {
        let patience = Patience { timeout: HELLO.timeout.min(timeout), ..HELLO };
        let chip = identify(&mut client, patience)?;
        Ok(Self { client, chip, patience: Patience { timeout, tries: TRIES } })
    }

    /// Who it is.
    pub fn chip(&self) -> &Chip {
        &self.chip
    }

    /// Classifies one image, whose rows the chip takes as they come.
    ///
    /// # Errors
    /// No answer, or another model than before.
    pub fn infer(&mut self, image: &[u8]) -> Result<ChipScores, DeviceError> {
        self.infer_timed(image, None)
    }

    fn infer_timed(
        &mut self,
        image: &[u8],
        timed_from: Option<u8>,
    ) -> Result<ChipScores, DeviceError> {
        let before = self.chip.model;
        for _ in 0..RESENDS {
            if let Some((now, scores)) = self.infer_once(image, timed_from)? {
                return if now == before {
                    Ok(scores)
                } else {
                    Err(DeviceError::ModelChanged { before, now })
                };
            }
        }
        Err(DeviceError::Refused(reason(Refusal::ImageIncomplete)))
    }

    /// Sends all parts; `None` when the chip has not got them all.
    fn infer_once(
        &mut self,
        image: &[u8],
        timed_from: Option<u8>,
    ) -> Result<Option<(u32, ChipScores)>, DeviceError> {
        let (whole, part_bytes) = (checksum(image), self.chip.image_part_bytes());
        for (index, part) in image.chunks(part_bytes).enumerate() {
            let at = (index * part_bytes) as u32;
            let request = Request::Infer { image: whole, at, timed_from, part };
            let answer = self.client.ask(&request, self.patience, scores)??;
            if !matches!(answer, Inferred::Placed) {
                return Ok(answer.scores());
            }
        }
        Err(DeviceError::OtherAnswer("image"))
    }

    /// The work of layer `layer` on an image, which is sent where the chip has not timed that layer
    /// in its last run.
    ///
    /// # Errors
    /// No answer, or no such layer.
    pub fn profile(&mut self, image: &[u8], layer: u8) -> Result<ChipLayer, DeviceError> {
        if let Some(cost) = self.timed_layer(image, layer)? {
            return Ok(cost);
        }
        self.infer_timed(image, Some(layer))?;
        let cost = self.timed_layer(image, layer)?;
        cost.ok_or_else(|| DeviceError::Refused(reason(Refusal::NotTimed)))
    }

    /// `None` where the chip has not timed the layer.
    fn timed_layer(&mut self, image: &[u8], layer: u8) -> Result<Option<ChipLayer>, DeviceError> {
        let request = Request::Profile { image: checksum(image), layer };
        self.client.ask(&request, self.patience, |answer| match answer {
            Answer::Layer(cost) => {
                let name = cost.name.to_owned();
                Ok(Some(ChipLayer { name, ticks: cost.ticks, macs: cost.macs }))
            }
            Answer::Refused(Refusal::NotTimed) => Ok(None),
            answer => Err(unexpected(answer, "profile")),
        })?
    }

    /// Pushes a row of a stream, the first of which is row 0; the output that it completes.
    ///
    /// # Errors
    /// No answer, another model than before, a row that is longer than the chip takes at once, or a
    /// chip that follows no stream or has lost it.
    pub fn push(&mut self, row: u32, values: &[u8]) -> Result<Option<ChipScores>, DeviceError> {
        let (row_bytes, part_bytes) = (values.len(), self.chip.part_bytes);
        if row_bytes > part_bytes {
            return Err(DeviceError::LongRow { row_bytes, part_bytes });
        }
        let before = self.chip.model;
        let answer = self.client.ask(&Request::Push { row, values }, self.patience, scores)??;
        match answer.scores() {
            Some((now, _)) if now != before => Err(DeviceError::ModelChanged { before, now }),
            scores => Ok(scores.map(|(_, scores)| scores)),
        }
    }

    /// Lets the chip check its model and its known answers. A new model in flash that gives them
    /// all is no longer on trial.
    ///
    /// # Errors
    /// No answer.
    pub fn self_test(&mut self) -> Result<SelfTest, DeviceError> {
        self.client.ask(&Request::SelfTest, self.patience, |answer| match answer {
            Answer::SelfTest(result) => Ok(result),
            answer => Err(unexpected(answer, "self-test")),
        })?
    }

    /// Replaces the chip's model by the one in `file`; goes on where an earlier attempt stopped.
    /// `progress` is told the bytes that are there.
    ///
    /// # Errors
    /// No answer, or a model that is none or does not fit. The old model then answers on.
    pub fn update(
        &mut self,
        file: &[u8],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Update, DeviceError> {
        Model::from_bytes(file, &mut ModelTable::new()).map_err(DeviceError::Model)?;
        let model = Header::read(file).map_err(DeviceError::Model)?.checksum;
        let part_bytes = self.chip.part_bytes.max(1);
        let resumed_at =
            self.ask_received(&Request::BeginUpdate { bytes: file.len() as u32, model })?;
        let mut at = resumed_at;
        while at < file.len() {
            progress(at);
            let part = &file[at..file.len().min(at + part_bytes)];
            at = self.ask_received(&Request::Update { at: at as u32, part })?;
        }
        progress(file.len());
        let finish = Request::FinishUpdate { model };
        let is_lasting = self.client.ask(&finish, self.patience, |answer| match answer {
            Answer::Updated { model: now } if now == model => Ok(false),
            Answer::Installed { model: now } if now == model => Ok(true),
            answer => Err(unexpected(answer, "update")),
        })??;
        self.chip = identify(&mut self.client, self.patience)?;
        Ok(Update { resumed_at, is_lasting })
    }

    fn ask_received(&mut self, request: &Request<'_>) -> Result<usize, DeviceError> {
        self.client.ask(request, self.patience, |answer| match answer {
            Answer::Received { bytes } => Ok(bytes as usize),
            answer => Err(unexpected(answer, "update")),
        })?
    }
}

fn identify<L: Line>(client: &mut Client<L>, patience: Patience) -> Result<Chip, DeviceError> {
    client.ask(&Request::Identify, patience, |answer| match answer {
        Answer::Identity(identity) => Ok(Chip {
            firmware: identity.firmware.to_owned(),
            board: identity.board.to_owned(),
            kernels: identity.kernels.to_owned(),
            model: identity.model,
            model_bytes: identity.model_bytes,
            image: identity.image,
            takes: identity.takes,
            gives: identity.gives,
            classes: identity.classes as usize,
            output_quant: identity.output_quant,
            layers: identity.layers,
            arena_bytes: identity.arena_bytes,
            part_bytes: identity.part_bytes as usize,
            update_bytes: identity.update_bytes,
            ticks_per_second: identity.ticks_per_second as u64,
        }),
        answer => Err(unexpected(answer, "greeting")),
    })?
}

/// What an image's part led to.
enum Inferred {
    Placed,
    Scores(u32, ChipScores),
    Incomplete,
}

impl Inferred {
    fn scores(self) -> Option<(u32, ChipScores)> {
        match self {
            Self::Scores(model, scores) => Some((model, scores)),
            Self::Placed | Self::Incomplete => None,
        }
    }
}

fn scores(answer: Answer<'_>) -> Result<Inferred, DeviceError> {
    match answer {
        Answer::Placed => Ok(Inferred::Placed),
        Answer::Refused(Refusal::ImageIncomplete) => Ok(Inferred::Incomplete),
        Answer::Scores { model, ticks, values } => {
            Ok(Inferred::Scores(model, ChipScores { values: values.iter().collect(), ticks }))
        }
        answer => Err(unexpected(answer, "image")),
    }
}

fn unexpected(answer: Answer<'_>, to: &'static str) -> DeviceError {
    match answer {
        Answer::Refused(refusal) => DeviceError::Refused(reason(refusal)),
        _ => DeviceError::OtherAnswer(to),
    }
}

fn reason(refusal: Refusal<'_>) -> String {
    match refusal {
        Refusal::Version { found, supported } => {
            format!("it speaks version {supported} of the wire, the request is of version {found}")
        }
        Refusal::Unreadable => {
            "it cannot read the request: flash the firmware that belongs to this program".to_owned()
        }
        Refusal::ImageIncomplete => {
            "it did not get the whole image: the line loses bytes".to_owned()
        }
        Refusal::PartOutside => {
            "a part reaches beyond its image or model, or its rows are longer than the chip has \
                room for"
                .to_owned()
        }
        Refusal::NoLayer => "it has no such layer".to_owned(),
        Refusal::AnswerTooLong => {
            "the model has more classes than its buffer for answers holds".to_owned()
        }
        Refusal::NoUpdateRoom { room: 0 } => {
            "it has no memory to spare for another model: flash it anew".to_owned()
        }
        Refusal::NoUpdateRoom { room } => {
            format!("its room for another model has {room} bytes, this one is larger")
        }
        Refusal::NoUpdate => "it has lost the update: begin again".to_owned(),
        Refusal::NoMemory { needed, room } => {
            format!(
                "the new model needs {needed} bytes of working memory or for a row of its image, \
                    it has {room}"
            )
        }
        Refusal::NoStream { problem } => {
            format!("{problem}; flash its server for streams with `trainer device flash --stream`")
        }
        Refusal::RowLost { .. } => "it has lost the stream: was it reset?".to_owned(),
        Refusal::NotTimed => "it does not time that layer".to_owned(),
        Refusal::Model { problem } => format!("the model is bad: {problem}"),
        other => format!("{other:?}: flash the firmware that belongs to this program"),
    }
}
