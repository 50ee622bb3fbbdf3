//! What can be refused, one enum per operation; numbers rather than strings, so that unused
//! messages cost no flash.
//!
//! A message tells all, also what the error that it wraps says: on a chip nobody walks a chain of
//! sources. So no error has a source: one that is told in the message and is a source as well would
//! be told twice by what prints chains. The wrapped error is in the variant.

use core::error::Error;
use core::fmt;

use crate::features::Feature;
use crate::schedule::SLICES_MAX;
use crate::value_type::{OutputType, ValueType};

/// Why [`Model::from_bytes`](crate::Model::from_bytes) refused a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ModelError {
    /// The file ends before its header does.
    TooShort {
        /// Bytes a header takes.
        needed: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The file does not begin with `KNDL`.
    Magic {
        /// Its first bytes.
        found: [u8; 4],
    },
    /// The file is of another format version.
    Version {
        /// The file's.
        found: u16,
        /// This crate's.
        supported: u16,
    },
    /// The file is not as long as its header says: truncated or with something appended.
    Length {
        /// Bytes by the header.
        header: u32,
        /// Bytes there are.
        found: usize,
    },
    /// The bytes are not those that were written.
    Checksum {
        /// CRC-32 in the header.
        header: u32,
        /// CRC-32 of the bytes.
        computed: u32,
    },
    /// The file's first byte lies at an address the backend cannot load words from.
    Misaligned {
        /// Bytes the address must be a multiple of.
        needed: usize,
    },
    /// The records are not postcard of this format.
    Records,
    /// Bytes remain after the last record or the last section, or padding is not zero.
    Surplus,
    /// No layer, more than the table or the format holds, or not as many as the header says.
    LayerCount {
        /// In the file.
        found: usize,
        /// Most there may be.
        limit: usize,
    },
    /// The input record cannot be right.
    Input(LayerProblem),
    /// A layer cannot be right.
    Layer {
        /// Its place, from 0.
        index: u8,
        /// What is wrong.
        problem: LayerProblem,
    },
    /// A run has more steps than this crate allows.
    SliceCount {
        /// Most slices there may be.
        limit: u32,
    },
    /// No output, too many, one that is named twice, or that no layer makes.
    Outputs,
    /// The file ends before its self-test does.
    SelfTestMissing,
    /// The header's working memory is not what the layers need.
    ArenaBytes {
        /// By the header.
        header: u32,
        /// By the layers.
        needed: u32,
    },
}

/// What is wrong with a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LayerProblem {
    /// A side, kernel, stride or window of 0.
    ZeroSize,
    /// A map or weight section of more bytes than the limit.
    TooLarge,
    /// A window reaches outside of the map.
    OutsideMap,
    /// The file ends before the layer's section does.
    SectionMissing,
    /// A scale that is not a positive finite number.
    Scale,
    /// A multiplier, or its shift, out of range: below 1, say.
    Multiplier {
        /// Output channel.
        channel: u16,
    },
    /// Some input could overflow the 32-bit accumulator.
    AccumulatorRange {
        /// Output channel.
        channel: u16,
    },
    /// The layer needs this part of the crate, which the build leaves out: turn on the Cargo
    /// feature of its [name](Feature::name).
    NotBuilt(Feature),
    /// The layer's algorithm cannot compute a layer of its shape.
    Algorithm,
    /// The weights are too large for the layer's algorithm to stay exact with every input.
    AlgorithmRange {
        /// Output channel.
        channel: u16,
    },
    /// Stored transformed weights that are the transform of no int8 weights.
    TransformedWeights {
        /// Output channel.
        channel: u16,
    },
    /// Padding between packed weights that is not zero.
    WeightPadding,
    /// No rows of a map are held, more than there are, or too few for one row of the next map.
    HeldRows,
    /// A place in the arena that is not a multiple of 16.
    ArenaMisaligned,
    /// Two buffers that are in use at once share bytes of the arena.
    ArenaOverlap,
    /// A buffer that ends beyond the header's arena.
    ArenaExceeded,
    /// A name longer than the limit.
    NameTooLong,
    /// It reads a tensor that no layer before it makes.
    UnknownInput,
    /// It reads a tensor twice.
    SameInput,
    /// Nothing reads its tensor, which is no output either.
    Unread,
    /// Its tensor has another shape than the operator makes.
    OutputShape,
    /// Its tensor has another quantisation than the operator makes.
    OutputQuant,
    /// Interleaved layers wait for each other: too few rows of a tensor are held, or there are
    /// too many of them.
    Stuck,
}

/// Why [`Session::new`](crate::Session::new) refused a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SessionError {
    /// The buffer is too small.
    BufferTooSmall {
        /// Bytes the model needs.
        needed: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The buffer's address is not a multiple of what the backend needs.
    BufferMisaligned {
        /// Bytes the address must be a multiple of.
        needed: usize,
    },
}

/// Why [`self_test`](crate::self_test()) does not vouch for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SelfTestError {
    /// The model file has no self-test.
    Absent,
    /// The buffer cannot be worked in.
    Session(SessionError),
    /// The scores are not those that the file expects.
    Differs,
}

/// Why [`Session::run`](crate::Session::run) gave no scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RunError {
    /// The input was refused, before any work began.
    Input(InputError),
    /// The model gives something else than was asked for.
    Output {
        /// What the model gives.
        gives: OutputType,
        /// What was asked for.
        asked: OutputType,
    },
    /// A layer could not be run: the [`Network`](crate::Network) was made by hand, of parts that do
    /// not belong together. One that a loader or a build script has checked never gives this.
    Network,
}

/// Why an input was refused, before any work began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum InputError {
    /// Other values than the model takes.
    Type {
        /// What the model takes.
        takes: ValueType,
        /// What was given.
        given: ValueType,
    },
    /// Too few or too many values.
    Length {
        /// Values the model's image has: height * width * channels.
        expected: usize,
        /// Values there are.
        found: usize,
    },
}

/// Why a model cannot run as a [`Stream`](crate::Stream).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StreamError {
    /// The buffer is no arena of the model.
    Session(SessionError),
    /// Streams need this part of the crate, which the build leaves out.
    NotBuilt(Feature),
    /// More layers than the stream was made for.
    LayerCount {
        /// Layers of the model.
        found: usize,
        /// Most layers that the stream has room for.
        limit: usize,
    },
    /// Rows outside of the image are read.
    Input,
    /// A layer cannot stream.
    Layer {
        /// Its place, from 0.
        index: u8,
        /// What is wrong.
        problem: StreamProblem,
    },
    /// The plan keeps too few rows.
    Stuck,
    /// A row completes more than one output.
    Burst,
    /// No output, or no end of what comes before the first, within
    /// [`ROWS_MAX`](crate::flow::ROWS_MAX) rows.
    TooLong,
}

/// Why a layer cannot stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StreamProblem {
    /// It reads padding after the last row, which never comes.
    PaddingAfter,
    /// It needs a whole map before its first row is made.
    WholeMap,
    /// Its inputs have rows of different lengths of time.
    Rates,
    /// The model is not planned for streams.
    Plan,
    /// It needs this part of the crate, which the build leaves out.
    NotBuilt(Feature),
}

/// Why a row of a stream was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PushError {
    /// Other values than the model takes.
    Type {
        /// What the model takes.
        takes: ValueType,
        /// What was given.
        given: ValueType,
    },
    /// Too few or too many values.
    Length {
        /// Values of a row: width * channels.
        expected: usize,
        /// Values there are.
        found: usize,
    },
    /// As [`RunError::Network`].
    Network,
}

/// Why an image that comes row by row gave no scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RowsError {
    /// Other values than the model takes.
    Type {
        /// What the model takes.
        takes: ValueType,
        /// What was given.
        given: ValueType,
    },
    /// A row of too few or too many values, which changed nothing.
    Length {
        /// Values of a row: width * channels.
        expected: usize,
        /// Values there are.
        found: usize,
    },
    /// The image is complete: this row is one too many, and changed nothing.
    TooMany {
        /// Rows of the image.
        image: u16,
    },
    /// The image is not complete.
    TooFew {
        /// Rows of the image.
        expected: u16,
        /// Rows that have come.
        found: u16,
    },
    /// As [`RunError::Network`].
    Network,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { needed, found } => {
                write!(f, "no model: {found} bytes, a header takes {needed}")
            }
            Self::Magic { found } => {
                write!(f, "no model: begins with {found:02x?}, not with \"KNDL\"")
            }
            Self::Version { found, supported } => {
                write!(
                    f,
                    "model format {found}, this build reads {supported}: \
                     `trainer convert` writes it anew"
                )
            }
            Self::Length { header, found } => {
                write!(f, "the header says {header} bytes, there are {found}: copy the file again")
            }
            Self::Checksum { header, computed } => {
                write!(
                    f,
                    "CRC-32 is {computed:08x}, the header says {header:08x}: the file is damaged"
                )
            }
            Self::Misaligned { needed } => {
                write!(
                    f,
                    "the model must lie at a multiple of {needed} bytes: use infer::include_model!"
                )
            }
            Self::Records => f.write_str("the layer records cannot be read"),
            Self::Surplus => f.write_str("bytes that belong to no record or section"),
            Self::LayerCount { found, limit } => {
                write!(
                    f,
                    "{found} layers; the header and a table for {limit} ask for another count"
                )
            }
            Self::Input(problem) => write!(f, "input: {problem}"),
            Self::Layer { index, problem } => write!(f, "layer {index}: {problem}"),
            Self::SliceCount { limit } => {
                write!(f, "a run has more than {limit} steps: hold more rows at once")
            }
            Self::Outputs => f.write_str("the outputs are not 1 to 4 tensors that layers make"),
            Self::SelfTestMissing => f.write_str("the file ends before its self-test does"),
            Self::ArenaBytes { header, needed } => {
                write!(
                    f,
                    "the header says {header} bytes of working memory, the layers need {needed}"
                )
            }
        }
    }
}

impl fmt::Display for LayerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ZeroSize => f.write_str("a size of 0"),
            Self::TooLarge => f.write_str("a map or weight section over 2^30 bytes"),
            Self::OutsideMap => f.write_str("a window reaches outside of its map"),
            Self::SectionMissing => f.write_str("the file ends before the weights do"),
            Self::Scale => f.write_str("a scale is not positive and finite"),
            Self::Multiplier { channel } => {
                write!(f, "channel {channel}: the multiplier or its shift is out of range")
            }
            Self::AccumulatorRange { channel } => {
                write!(f, "channel {channel}: the 32-bit accumulator could overflow")
            }
            Self::NotBuilt(part) => write_not_built(f, part),
            Self::Algorithm => f.write_str("the algorithm cannot compute a layer of this shape"),
            Self::AlgorithmRange { channel } => {
                write!(f, "channel {channel}: the weights are too large for the algorithm")
            }
            Self::TransformedWeights { channel } => {
                write!(f, "channel {channel}: the weights are not the transform of int8 weights")
            }
            Self::WeightPadding => f.write_str("padding between packed weights is not zero"),
            Self::HeldRows => {
                f.write_str("the rows that are held of a map do not suffice, or are too many")
            }
            Self::ArenaMisaligned => f.write_str("a buffer is not at a multiple of 16 bytes"),
            Self::ArenaOverlap => f.write_str("buffers that are in use at once overlap"),
            Self::ArenaExceeded => f.write_str("a buffer ends outside of the working memory"),
            Self::NameTooLong => f.write_str("the name is longer than 32 bytes"),
            Self::UnknownInput => f.write_str("it reads a tensor that no layer before it makes"),
            Self::SameInput => f.write_str("it reads a tensor twice"),
            Self::Unread => f.write_str("nothing reads what it makes"),
            Self::OutputShape => f.write_str("its tensor has another shape than it makes"),
            Self::OutputQuant => f.write_str("its tensor has another quantisation than it makes"),
            Self::Stuck => f.write_str("interleaved layers wait for each other for ever"),
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BufferTooSmall { needed, found } => {
                write!(
                    f,
                    "the model needs {needed} bytes of working memory, the buffer has {found}"
                )
            }
            Self::BufferMisaligned { needed } => {
                write!(
                    f,
                    "the working memory must lie at a multiple of {needed} bytes: use infer::Arena"
                )
            }
        }
    }
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("the model file has no self-test"),
            Self::Session(error) => error.fmt(f),
            Self::Differs => {
                f.write_str("the model does not give the scores that its self-test expects")
            }
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => error.fmt(f),
            Self::Output { gives, asked } => {
                write!(f, "the model gives {gives}, and was asked for {asked}")
            }
            Self::Network => f.write_str(NOT_OF_ONE_NETWORK),
        }
    }
}

/// What is said of a network that was made by hand.
const NOT_OF_ONE_NETWORK: &str = "the parts of the network do not belong together: use what a \
                                  loader or infer::build has checked";

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Type { takes, given } => write_type(f, takes, given),
            Self::Length { expected, found } => write_length(f, expected, found),
            Self::TooMany { image } => {
                write!(f, "the image has {image} rows, and all have come: begin the next image")
            }
            Self::TooFew { expected, found } => {
                write!(f, "the image has {expected} rows, {found} have come")
            }
            Self::Network => f.write_str(NOT_OF_ONE_NETWORK),
        }
    }
}

/// What is said of rows of other values, and of other lengths.
fn write_type(f: &mut fmt::Formatter<'_>, takes: ValueType, given: ValueType) -> fmt::Result {
    write!(f, "the model takes {takes}, these are {given}")
}

fn write_length(f: &mut fmt::Formatter<'_>, expected: usize, found: usize) -> fmt::Result {
    write!(f, "a row has {expected} values, this one has {found}")
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Type { takes, given } => write_type(f, takes, given),
            Self::Length { expected, found } => write_length(f, expected, found),
            Self::Network => f.write_str(NOT_OF_ONE_NETWORK),
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Session(error) => error.fmt(f),
            Self::NotBuilt(part) => write_not_built(f, part),
            Self::LayerCount { found, limit } => {
                write!(f, "{found} layers, and the stream has room for {limit}")
            }
            Self::Input => f.write_str("rows before the first or after the last are read"),
            Self::Layer { index, problem } => write!(f, "layer {index}: {problem}"),
            Self::Stuck => f.write_str(NOT_PLANNED),
            Self::Burst => f.write_str("one row completes several outputs"),
            Self::TooLong => write!(f, "no output that comes again within {SLICES_MAX} rows"),
        }
    }
}

/// What is said of a part that the build leaves out.
fn write_not_built(f: &mut fmt::Formatter<'_>, part: Feature) -> fmt::Result {
    write!(
        f,
        "the part `{0}` is not in this build: turn on the feature `{0}` of infer; \
         `trainer plan` prints all that a plan needs",
        part.name()
    )
}

/// What is said of a plan that is not for streams.
const NOT_PLANNED: &str = "the model is not planned for streams: use `trainer plan --stream`";

impl fmt::Display for StreamProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PaddingAfter => f.write_str(
                "it reads padding after the last row, which never comes: make it causal",
            ),
            Self::WholeMap => f.write_str("it needs a whole map before its first row is made"),
            Self::Rates => f.write_str("its inputs do not come at the same rate"),
            Self::Plan => f.write_str(NOT_PLANNED),
            Self::NotBuilt(part) => write_not_built(f, part),
        }
    }
}

impl InputError {
    /// The error for the types that a model takes and was given, and how many of each. Marked as
    /// rare for the compiler.
    #[cold]
    pub(crate) fn of(
        (takes, given): (ValueType, ValueType),
        (expected, found): (usize, usize),
    ) -> Self {
        if takes == given { Self::Length { expected, found } } else { Self::Type { takes, given } }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Type { takes, given } => {
                write!(f, "the model takes {takes}, these are {given}")
            }
            Self::Length { expected, found } => {
                write!(f, "the model's image has {expected} values, this one has {found}")
            }
        }
    }
}

impl Feature {
    /// Refuses a layer that needs it, in a build without it.
    #[inline(always)]
    pub(crate) const fn check(self) -> Result<(), LayerProblem> {
        if self.is_built() { Ok(()) } else { Err(LayerProblem::NotBuilt(self)) }
    }
}

impl ModelError {
    /// The part of this crate that the model needs and this build leaves out, if that is why it
    /// was refused.
    pub const fn left_out(&self) -> Option<Feature> {
        match self {
            Self::Input(LayerProblem::NotBuilt(part))
            | Self::Layer { problem: LayerProblem::NotBuilt(part), .. } => Some(*part),
            _ => None,
        }
    }
}

impl StreamError {
    /// The part of this crate that the stream needs and this build leaves out, if that is why it
    /// was refused.
    pub const fn left_out(&self) -> Option<Feature> {
        match self {
            Self::NotBuilt(part) | Self::Layer { problem: StreamProblem::NotBuilt(part), .. } => {
                Some(*part)
            }
            _ => None,
        }
    }
}

impl Error for ModelError {}
impl Error for LayerProblem {}
impl Error for SessionError {}
impl Error for SelfTestError {}
impl Error for RunError {}
impl Error for InputError {}
impl Error for RowsError {}
impl Error for StreamError {}
impl Error for StreamProblem {}
impl Error for PushError {}
