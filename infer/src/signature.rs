//! Signed model files: the file, eight bytes that say so, and an Ed25519 signature over the file.
//!
//! ```text
//! 0            N             N+8                N+72
//! | model file | "KNDL-SIG"  | Ed25519 signature |
//! ```
//!
//! The signature is checked before a byte of the model is looked at; [`Trust`](crate::Trust) does
//! both in that order.

use ed25519_compact::{PublicKey as Ed25519Key, Signature};

/// What stands between a model file and its signature.
pub const SIGNATURE_MAGIC: [u8; 8] = *b"KNDL-SIG";

/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = Signature::BYTES;

/// What a signature adds to a file, bytes.
pub const TRAILER_BYTES: usize = SIGNATURE_MAGIC.len() + SIGNATURE_BYTES;

/// The key whose owner's models are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; PublicKey::BYTES]);

impl PublicKey {
    /// Bytes of a key.
    pub const BYTES: usize = Ed25519Key::BYTES;

    /// The key as `trainer keygen` leaves it in its `.pub` file:
    /// `PublicKey::new(*include_bytes!("maker.pub"))`.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The key's bytes.
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }

    /// Whether `signature` is this key's for `message`.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        Ed25519Key::new(self.0).verify(message, &Signature::new(*signature)).is_ok()
    }
}

/// Takes a signed file apart into the model file and its signature, which is not checked; `None`
/// when there is none.
pub fn split(file: &[u8]) -> Option<(&[u8], &[u8; SIGNATURE_BYTES])> {
    let (rest, signature) = file.split_last_chunk()?;
    let (model, magic) = rest.split_last_chunk()?;
    (*magic == SIGNATURE_MAGIC).then_some((model, signature))
}
