//! Picture files, told apart by how they begin.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::jpeg::{self, JpegError};
use super::picture::Picture;
use super::png::{self, PIXELS_MAX, PngError};

/// Why a file gives no picture.
#[derive(Debug, Error)]
pub enum PictureError {
    /// The operating system refused.
    #[error("{}: cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Another kind of file.
    #[error("{}: neither PNG nor JPEG: convert it, or leave it out", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// A PNG file that gives no picture.
    #[error(transparent)]
    Png(#[from] PngError),
    /// A damaged JPEG file.
    #[error("{}: not a whole JPEG file ({cause}): convert or copy it again", path.display())]
    Jpeg {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        cause: String,
    },
    /// Far larger than any model's image.
    #[error(
        "{}: {width}x{height} pixels, at most {PIXELS_MAX} can be read: make it smaller",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// Reads a PNG or a JPEG file.
///
/// # Errors
/// See [`PictureError`].
pub fn read(path: &Path) -> Result<Picture, PictureError> {
    let unreadable = |cause| PictureError::Unreadable { path: path.to_owned(), cause };
    decode(path, BufReader::new(File::open(path).map_err(unreadable)?))
}

/// Whether a file begins as a picture does.
pub fn is_picture(path: &Path) -> bool {
    let mut source = File::open(path).map(BufReader::new);
    match source.as_mut().map(|source| source.fill_buf()) {
        Ok(Ok(start)) => start.starts_with(png::MAGIC) || start.starts_with(jpeg::MAGIC),
        _ => false,
    }
}

/// [`read`] from anything that gives bytes; `path` is named in messages.
///
/// # Errors
/// As [`read`].
pub fn decode(path: &Path, mut source: impl BufRead + Seek) -> Result<Picture, PictureError> {
    let unreadable = |cause| PictureError::Unreadable { path: path.to_owned(), cause };
    let begins = source.fill_buf().map_err(unreadable)?;
    if begins.starts_with(png::MAGIC) {
        return Ok(png::decode(path, source)?);
    }
    if begins.starts_with(jpeg::MAGIC) {
        return jpeg::decode(source).map_err(|error| of_jpeg(path, error));
    }
    Err(PictureError::Kind { path: path.to_owned() })
}

fn of_jpeg(path: &Path, error: JpegError) -> PictureError {
    let path = path.to_owned();
    match error {
        JpegError::Damaged(cause) => PictureError::Jpeg { path, cause },
        JpegError::TooLarge(width, height) => PictureError::TooLarge { path, width, height },
    }
}
