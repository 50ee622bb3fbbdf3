//! How a call ended.

use core::ffi::{CStr, c_char, c_int};

use infer::format::LAYERS_MAX;
use infer::{InputError, ModelError, PushError, RowsError, RunError, SessionError, StreamError};

/// How a call ended. Whatever it is but `OK`, nothing was written but what the function says.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindlingStatus {
    /// It did what was asked.
    Ok = 0,
    /// A pointer is null that must not be.
    NullPointer = 1,
    /// Two parts of memory overlap that must lie apart: arena, input, output, handle, model.
    Overlap = 2,
    /// The address of the handle's memory is no multiple of `KINDLING_ALIGNMENT_BYTES`.
    HandleMisaligned = 3,
    /// The handle's memory has room for no layer, or not for a stream: see
    /// `KINDLING_HANDLE_BYTES` and `KINDLING_STREAM_HANDLE_BYTES`.
    HandleTooSmall = 4,
    /// The model has more layers than the handle has room for; or than a stream may have,
    /// `KINDLING_STREAM_LAYERS`.
    TooManyLayers = 5,
    /// The handle was not loaded, loading it failed, it was moved, overwritten, or loaded by
    /// another program.
    NotLoaded = 6,
    /// The library was built without a model in it.
    NoBuiltInModel = 7,
    /// The address of the model is no multiple of `KINDLING_ALIGNMENT_BYTES`.
    ModelMisaligned = 8,
    /// These bytes are no model.
    NotAModel = 9,
    /// A model of another format than this library reads: `trainer convert` writes it anew.
    ModelFormat = 10,
    /// The model is damaged: cut off, with bytes added, or with another checksum.
    ModelDamaged = 11,
    /// The model is whole, but says what cannot be right.
    ModelInvalid = 12,
    /// The model needs a part that this library was built without: `kindling_missing_part` names
    /// it, and `trainer plan` prints all features of `infer` that a plan needs.
    PartNotBuilt = 13,
    /// The model's memory holds another model than was loaded.
    ModelChanged = 14,
    /// The arena has fewer bytes than the model needs.
    ArenaTooSmall = 15,
    /// The address of the arena is no multiple of `KINDLING_ALIGNMENT_BYTES`.
    ArenaMisaligned = 16,
    /// The address of `float` values is no multiple of 4.
    ValuesMisaligned = 17,
    /// The model takes values of another type.
    WrongType = 18,
    /// An input or a row of another number of values than the model takes.
    WrongSize = 19,
    /// The model has no such output, or gives something else: real values in place of scores, or
    /// scores in place of real values.
    WrongOutput = 20,
    /// There is not room for all values of the output.
    OutputTooSmall = 21,
    /// Nothing of this kind is under way: no run, no image by rows, no stream.
    NotBegun = 22,
    /// The run has steps left, or has none finished whose output could be read.
    NotFinished = 23,
    /// Rows of the image are missing.
    TooFewRows = 24,
    /// The image has all its rows.
    TooManyRows = 25,
    /// The model cannot run as a stream, or is not planned for that: `trainer plan --stream`.
    NotAStream = 26,
}

/// What a status means, for people: a text in English that is always there. A number that is no
/// status has a text, too.
#[unsafe(no_mangle)]
pub extern "C" fn kindling_status_text(status: c_int) -> *const c_char {
    let text = usize::try_from(status).ok().and_then(|status| TEXTS.get(status));
    text.copied().unwrap_or(c"no status of Kindling").as_ptr()
}

/// In the order of the statuses.
static TEXTS: [&CStr; KindlingStatus::NotAStream as usize + 1] = [
    c"done",
    c"a pointer is null",
    c"two parts of memory overlap",
    c"the handle's memory must lie at a multiple of 16",
    c"the handle's memory is too small: see KINDLING_HANDLE_BYTES",
    c"the model has more layers than the handle has room for: see KINDLING_HANDLE_BYTES",
    c"the handle is not loaded, was moved or overwritten, or is another program's",
    c"the library was built without a model: set KINDLING_MODEL when building it",
    c"the model must lie at a multiple of 16",
    c"these bytes are no model",
    c"a model of another format: `trainer convert` writes it anew",
    c"the model is damaged: copy it again",
    c"the model is whole, but says what cannot be right",
    c"the model needs a part that is not in this library: see kindling_missing_part",
    c"the model was replaced after it was loaded: load it again",
    c"the arena is too small: see kindling_info",
    c"the arena must lie at a multiple of 16",
    c"float values must lie at a multiple of 4",
    c"the model takes values of another type: see kindling_info",
    c"the model takes another number of values: see kindling_info",
    c"the model has no such output: see kindling_info",
    c"there is not room for all values of the output: see kindling_output_values",
    c"nothing of this kind was begun",
    c"the run is not finished",
    c"rows of the image are missing",
    c"the image has all its rows already",
    c"the model cannot run as a stream: `trainer plan --stream` plans it for that",
];

/// What C is told.
pub(crate) fn told(result: Result<(), KindlingStatus>) -> KindlingStatus {
    result.err().unwrap_or(KindlingStatus::Ok)
}

impl From<ModelError> for KindlingStatus {
    fn from(error: ModelError) -> Self {
        match error {
            _ if error.left_out().is_some() => Self::PartNotBuilt,
            ModelError::TooShort { .. } | ModelError::Magic { .. } => Self::NotAModel,
            ModelError::Version { .. } => Self::ModelFormat,
            ModelError::Length { .. } | ModelError::Checksum { .. } => Self::ModelDamaged,
            ModelError::Misaligned { .. } => Self::ModelMisaligned,
            ModelError::LayerCount { found, limit } if limit < found.min(LAYERS_MAX) => {
                Self::TooManyLayers
            }
            _ => Self::ModelInvalid,
        }
    }
}

impl From<SessionError> for KindlingStatus {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::BufferMisaligned { .. } => Self::ArenaMisaligned,
            _ => Self::ArenaTooSmall,
        }
    }
}

impl From<InputError> for KindlingStatus {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Length { .. } => Self::WrongSize,
            _ => Self::WrongType,
        }
    }
}

impl From<RunError> for KindlingStatus {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Input(error) => error.into(),
            RunError::Output { .. } => Self::WrongOutput,
            _ => Self::NotLoaded,
        }
    }
}

impl From<RowsError> for KindlingStatus {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Type { .. } => Self::WrongType,
            RowsError::Length { .. } => Self::WrongSize,
            RowsError::TooMany { .. } => Self::TooManyRows,
            RowsError::TooFew { .. } => Self::TooFewRows,
            _ => Self::NotLoaded,
        }
    }
}

impl From<StreamError> for KindlingStatus {
    fn from(error: StreamError) -> Self {
        match error {
            _ if error.left_out().is_some() => Self::PartNotBuilt,
            StreamError::Session(error) => error.into(),
            StreamError::LayerCount { .. } => Self::TooManyLayers,
            _ => Self::NotAStream,
        }
    }
}

impl From<PushError> for KindlingStatus {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Type { .. } => Self::WrongType,
            PushError::Length { .. } => Self::WrongSize,
            _ => Self::NotLoaded,
        }
    }
}
