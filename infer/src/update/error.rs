//! What can go wrong with an update, one enum per operation.

use core::error::Error;
use core::fmt;

use embedded_storage::nor_flash::NorFlashErrorKind;

use crate::error::SelfTestError;
use crate::trust::TrustError;

/// Why [`Store::open`](super::Store::open) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpenError {
    /// The journal has fewer than two erasable sectors.
    JournalTooSmall {
        /// Sectors there are.
        sectors: u32,
    },
    /// The flash cannot be read.
    Flash(NorFlashErrorKind),
}

/// Why [`Store::boot`](super::Store::boot) gives no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BootError {
    /// There is no model in either slot.
    NoModel,
    /// The model is not one to be trusted.
    Refused {
        /// Why.
        cause: TrustError,
        /// Whether it was given up for the model in the other slot, which the next call tries.
        fallback: bool,
    },
    /// The flash cannot be written.
    Flash(NorFlashErrorKind),
}

/// Why an [`Updater`](super::Updater) did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpdateError {
    /// A file that is empty or larger than the slot.
    Size {
        /// Bytes of the file.
        file: usize,
        /// Bytes of the slot.
        slot: usize,
    },
    /// The model that runs is on trial: confirm it first.
    OnTrial,
    /// No file has been announced by `begin`.
    NotBegun,
    /// More bytes than `begin` announced.
    Overrun {
        /// Bytes that were announced.
        expected: usize,
    },
    /// Fewer bytes than `begin` announced.
    Incomplete {
        /// Bytes that were announced.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// The file is no model to be trusted.
    Refused(TrustError),
    /// The model does not do on this chip what it did where it was exported.
    SelfTest(SelfTestError),
    /// The flash cannot be written.
    Flash(NorFlashErrorKind),
}

impl From<NorFlashErrorKind> for BootError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self::Flash(kind)
    }
}

impl From<NorFlashErrorKind> for UpdateError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self::Flash(kind)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JournalTooSmall { sectors } => {
                write!(f, "the journal has {sectors} sectors of flash, it takes 2")
            }
            Self::Flash(kind) => write!(f, "flash: {kind}"),
        }
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModel => f.write_str("no model in either slot"),
            Self::Refused { cause, fallback: true } => {
                write!(f, "the model was given up for the other: {cause}")
            }
            Self::Refused { cause, fallback: false } => {
                write!(f, "the only model is refused: {cause}")
            }
            Self::Flash(kind) => write!(f, "flash: {kind}"),
        }
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { file, slot } => {
                write!(f, "a file of {file} bytes does not fit a slot of {slot}")
            }
            Self::OnTrial => f.write_str("the model that runs is on trial: confirm it first"),
            Self::NotBegun => f.write_str("no file was announced"),
            Self::Overrun { expected } => {
                write!(f, "more than the {expected} bytes that were announced")
            }
            Self::Incomplete { expected, found } => write!(f, "{found} of {expected} bytes came"),
            Self::Refused(error) => write!(f, "the new model is refused: {error}"),
            Self::SelfTest(error) => write!(f, "self-test: {error}"),
            Self::Flash(kind) => write!(f, "flash: {kind}"),
        }
    }
}

impl Error for OpenError {}
impl Error for BootError {}
impl Error for UpdateError {}
