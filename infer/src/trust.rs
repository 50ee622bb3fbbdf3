//! Whose models are let in, and of which version on: asked before anything of a file is used.

use core::error::Error;
use core::fmt;

use crate::error::ModelError;
use crate::graph::model::Model;
use crate::graph::table::Table;
#[cfg(feature = "signature")]
use crate::signature::{self, PublicKey};

/// What a model must bring along to be let in.
///
/// ```
/// # fn demo(file: &[u8]) -> Result<(), infer::TrustError> {
/// let mut table = infer::Table::<8>::new(); // for up to 8 layers
/// let model = infer::Trust::ANY.at_least(3).load(file, &mut table)?; // version 3 or newer
/// # let _ = model; Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    #[cfg(feature = "signature")]
    key: Option<PublicKey>,
    minimum_version: u32,
    operations_max: u64,
}

/// Why a model is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TrustError {
    /// The file has no signature, and one is asked for.
    NotSigned,
    /// The signature is not that of the key for this file: another key's, or the file was changed.
    WrongSignature,
    /// The model is older than what was asked for.
    Older {
        /// Its version.
        found: u32,
        /// The oldest that is let in.
        minimum: u32,
    },
    /// A run would take longer than is allowed.
    TooSlow {
        /// Operations of a run.
        found: u64,
        /// Most that are let in.
        limit: u64,
    },
    /// The file is no valid model.
    Model(ModelError),
}

#[cfg(feature = "signature")]
impl<'m> Model<'m> {
    /// Reads a signed model file: the signature is checked before anything else is looked at, then
    /// the model is validated, then its version is compared.
    ///
    /// # Errors
    /// A file that `key` has not signed, that is no valid model, or whose version is below
    /// `minimum_version`.
    pub fn from_signed_bytes<'f: 'm, const LAYERS: usize>(
        file: &'f [u8],
        table: &'m mut Table<'f, LAYERS>,
        key: &PublicKey,
        minimum_version: u32,
    ) -> Result<Self, TrustError> {
        Trust::signed_by(*key).at_least(minimum_version).load(file, table)
    }
}

impl Trust {
    /// Every valid model, of whatever origin and version; signed files are none, see
    /// [`Trust::signed_by`].
    pub const ANY: Self = Self {
        #[cfg(feature = "signature")]
        key: None,
        minimum_version: 0,
        operations_max: u64::MAX,
    };

    /// Models that the owner of `key` has signed.
    #[cfg(feature = "signature")]
    pub const fn signed_by(key: PublicKey) -> Self {
        Self { key: Some(key), ..Self::ANY }
    }

    /// The same, but no model of a version below `minimum_version`.
    #[must_use]
    pub const fn at_least(self, minimum_version: u32) -> Self {
        Self { minimum_version, ..self }
    }

    /// The same, but no model whose run takes more [`Model::operations`] than these. A small file
    /// can hold a model that runs for hours: a caller that loads unsigned models should say what
    /// is too long.
    #[must_use]
    pub const fn at_most_operations(self, operations_max: u64) -> Self {
        Self { operations_max, ..self }
    }

    /// The same, but no model of a version below `minimum_version` either.
    #[cfg(feature = "update")]
    pub(crate) const fn and_at_least(self, minimum_version: u32) -> Self {
        if minimum_version > self.minimum_version { self.at_least(minimum_version) } else { self }
    }

    /// Checks the signature where one is asked for, then reads and validates the model, then looks
    /// at its version and its work.
    ///
    /// # Errors
    /// A file that is not signed by the key, is no valid model ([`Model::from_bytes`]), is too old
    /// or takes too long.
    pub fn load<'m, 'f: 'm, const LAYERS: usize>(
        &self,
        file: &'f [u8],
        table: &'m mut Table<'f, LAYERS>,
    ) -> Result<Model<'m>, TrustError> {
        let model = Model::from_bytes(self.vouched(file)?, table).map_err(TrustError::Model)?;
        let (found, minimum) = (model.version(), self.minimum_version);
        if found < minimum {
            return Err(TrustError::Older { found, minimum });
        }
        let (found, limit) = (model.operations(), self.operations_max);
        if found > limit { Err(TrustError::TooSlow { found, limit }) } else { Ok(model) }
    }

    /// The part of the file that is the model, which the key's owner vouches for.
    #[cfg(feature = "signature")]
    fn vouched<'f>(&self, file: &'f [u8]) -> Result<&'f [u8], TrustError> {
        let Some(key) = self.key else { return Ok(file) };
        let (model, signature) = signature::split(file).ok_or(TrustError::NotSigned)?;
        if key.has_signed(model, signature) { Ok(model) } else { Err(TrustError::WrongSignature) }
    }

    #[cfg(not(feature = "signature"))]
    fn vouched<'f>(&self, file: &'f [u8]) -> Result<&'f [u8], TrustError> {
        Ok(file)
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotSigned => f.write_str("the model is not signed: sign it by `trainer sign`"),
            Self::WrongSignature => f.write_str(
                "the signature is not this key's for this file: another key's, or the file was \
                    changed",
            ),
            Self::Older { found, minimum } => {
                write!(
                    f,
                    "the model is of version {found}, older than {minimum}: export it with a \
                        higher --model-version"
                )
            }
            Self::TooSlow { found, limit } => {
                write!(f, "a run takes {found} operations, more than the {limit} that are allowed")
            }
            Self::Model(error) => error.fmt(f),
        }
    }
}

impl Error for TrustError {}
