//! Keys and signatures of model files: the maker's side of `infer::signature`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ed25519_compact::{KeyPair, PublicKey as Ed25519Key, Seed};
use infer::signature::{self, SIGNATURE_MAGIC};
use infer::{ModelError, PublicKey};
use thiserror::Error;

use crate::atomic_file::{WriteError, write_private_new, write_public_new};
use crate::model_file::ModelTable;

/// Bits of a file's mode by which others than its owner can read it.
#[cfg(unix)]
const READABLE_BY_OTHERS: u32 = 0o077;

/// Why a key or a signature was not made or read. No message shows a private key.
#[derive(Debug, Error)]
pub enum SigningError {
    /// A key file that is not there or cannot be read.
    #[error("{}: cannot be read: {cause}; `trainer keygen` makes keys", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A private key that is not private.
    #[error("{0}: others can read this private key: chmod 600 {0}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// A file that is no private key.
    #[error("{}: no Ed25519 private key in PKCS #8 form (PEM): take the .pem file of `trainer \
        keygen`", path.display())]
    NoPrivateKey {
        /// The file.
        path: PathBuf,
    },
    /// A file that is no public key.
    #[error("{}: no public key: {found} bytes instead of {}; take the .pub file of `trainer \
        keygen`", path.display(), PublicKey::BYTES)]
    NoPublicKey {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: usize,
    },
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers to make a key from")]
    NoRandomness,
    /// A key file that cannot be written, or that is there already.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file that is no model is not signed.
    #[error("not signed: {0}")]
    NoModel(ModelError),
}

impl From<ModelError> for SigningError {
    fn from(cause: ModelError) -> Self {
        Self::NoModel(cause)
    }
}

/// Makes a key pair: the private key at `private` (PKCS #8 in PEM, mode 0600), the 32 bytes of the
/// public key at `public`.
///
/// # Errors
/// Files that are there already, which stay as they are, or that cannot be written; then neither
/// file is left.
pub fn generate(private: &Path, public: &Path) -> Result<(), SigningError> {
    let mut seed = [0; Seed::BYTES];
    getrandom::fill(&mut seed).map_err(|_| SigningError::NoRandomness)?;
    let pair = KeyPair::from_seed(Seed::new(seed));
    write_private_new(private, pair.sk.to_pem().as_bytes())?;
    write_public_new(public, &*pair.pk).inspect_err(|_| {
        // The private key is this call's own and of no use without the public one.
        let _ = fs::remove_file(private);
    })?;
    Ok(())
}

/// Signs a model file, in place of a signature that is there.
///
/// # Errors
/// A file that is no valid model.
pub fn sign(file: &[u8], key: &KeyPair) -> Result<Vec<u8>, SigningError> {
    let model = signature::split(file).map_or(file, |(model, _)| model);
    infer::Model::from_bytes(model, &mut ModelTable::new())?;
    Ok([model, &SIGNATURE_MAGIC, &*key.sk.sign(model, None)].concat())
}

/// Reads a private key, which nobody but its owner may be able to read.
///
/// # Errors
/// A file that cannot be read, that others can read, or that is no key.
pub fn read_private_key(path: &Path) -> Result<KeyPair, SigningError> {
    let path = path.to_owned();
    let text = match private_text(&path) {
        Ok(Some(text)) => text,
        Ok(None) => return Err(SigningError::Exposed { path }),
        Err(cause) if cause.kind() == io::ErrorKind::InvalidData => {
            return Err(SigningError::NoPrivateKey { path });
        }
        Err(cause) => return Err(SigningError::Unreadable { path, cause }),
    };
    KeyPair::from_pem(&text).map_err(|_| SigningError::NoPrivateKey { path })
}

/// The file's text; `None` when others can read it too.
fn private_text(path: &Path) -> io::Result<Option<String>> {
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&fs::metadata(path)?) & READABLE_BY_OTHERS != 0 {
        return Ok(None);
    }
    fs::read_to_string(path).map(Some)
}

/// Reads a public key.
///
/// # Errors
/// A file that cannot be read or that is no key.
pub fn read_public_key(path: &Path) -> Result<PublicKey, SigningError> {
    let path = path.to_owned();
    match fs::read(&path) {
        Ok(bytes) => match Ed25519Key::from_slice(&bytes) {
            Ok(key) => Ok(PublicKey::new(*key)),
            Err(_) => Err(SigningError::NoPublicKey { path, found: bytes.len() }),
        },
        Err(cause) => Err(SigningError::Unreadable { path, cause }),
    }
}
