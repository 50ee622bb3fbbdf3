//! Images: labelled sets as directories of IDX files, and single pictures as PNG files.
//!
//! A data set is four files, each plain or gzip (told apart by content, not by name):
//! `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
//! `t10k-labels-idx1-ubyte`, with or without `.gz`. Images with several values per pixel are in
//! `…-images-idx4-ubyte`, in the order image, row, column, channel.

pub mod appearance;
mod dataset;
mod drawing;
mod error;
pub mod fit;
mod idx;
pub mod picture;
pub mod png;
pub mod record;
pub mod survey;

use std::path::{Path, PathBuf};

use infer::Shape;

pub use dataset::Dataset;
pub use error::{DataError, IdxError};
use idx::Idx;

/// The training and the test part of a data directory: images of one shape, one common set of
/// classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    /// What a network may be trained, chosen and calibrated on.
    pub train: Dataset,
    /// What the finished model is measured on, once.
    pub test: Dataset,
}

impl DataDir {
    /// Reads the four files of `directory`.
    ///
    /// # Errors
    /// A missing, unreadable, damaged or mismatched file: see [`DataError`].
    pub fn load(directory: &Path) -> Result<Self, DataError> {
        let train = read_part(directory, &TRAIN)?;
        let test = read_part(directory, &TEST)?;
        if train.shape != test.shape {
            let directory = directory.to_owned();
            return Err(DataError::Shapes { directory, train: train.shape, test: test.shape });
        }
        let classes = train.classes.max(test.classes);
        Ok(Self { train: Dataset { classes, ..train }, test: Dataset { classes, ..test } })
    }

    /// Reads only the test files of `directory`; `classes` counts the labels of those alone.
    ///
    /// # Errors
    /// As [`DataDir::load`].
    pub fn load_test(directory: &Path) -> Result<Dataset, DataError> {
        read_part(directory, &TEST)
    }

    /// The four files of `directory`: training images and labels, test images and labels.
    ///
    /// # Errors
    /// A missing directory or file.
    pub fn files(directory: &Path) -> Result<[PathBuf; 4], DataError> {
        let found = |names| find(directory, names);
        Ok([found(TRAIN.images)?, found(TRAIN.labels)?, found(TEST.images)?, found(TEST.labels)?])
    }

    /// Where MNIST lies: in this repository's tree as it was when the program was built, or else
    /// `trainer/data/mnist` under the working directory.
    pub fn default_path() -> PathBuf {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
        if built_in.is_dir() { built_in } else { PathBuf::from("trainer/data/mnist") }
    }
}

/// Reads images and labels; `classes` counts the labels of these files alone.
fn read_part(directory: &Path, part: &Part) -> Result<Dataset, DataError> {
    let images_at = find(directory, part.images)?;
    let labels_at = find(directory, part.labels)?;
    let (shape, pixels) = read_images(&images_at)?;
    let labels = Idx::read(&labels_at, "label", &[1]).map_err(|error| error.at(&labels_at))?.values;
    let images = pixels.len() / shape.len();
    if images != labels.len() {
        return Err(DataError::Counts { images_at, images, labels_at, labels: labels.len() });
    }
    let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
    Ok(Dataset { shape, pixels, labels, classes })
}

/// Names of the two files of one part, each in order of preference and without `.gz`.
struct Part {
    images: &'static [&'static str],
    labels: &'static [&'static str],
}

const TRAIN: Part = Part {
    images: &["train-images-idx3-ubyte", "train-images-idx4-ubyte"],
    labels: &["train-labels-idx1-ubyte"],
};

const TEST: Part = Part {
    images: &["t10k-images-idx3-ubyte", "t10k-images-idx4-ubyte"],
    labels: &["t10k-labels-idx1-ubyte"],
};

/// The first of `names` that `directory` has, plain before gzip.
fn find(directory: &Path, names: &'static [&'static str]) -> Result<PathBuf, DataError> {
    if !directory.is_dir() {
        return Err(DataError::NoDirectory { directory: directory.to_owned() });
    }
    let spellings = names.iter().flat_map(|name| [name.to_string(), format!("{name}.gz")]);
    let mut paths = spellings.map(|name| directory.join(name));
    let missing = || DataError::Missing { directory: directory.to_owned(), name: names[0] };
    paths.find(|path| path.exists()).ok_or_else(missing)
}

/// Images of 3 dimensions (one value per pixel) or 4 (channels last).
fn read_images(path: &Path) -> Result<(Shape, Vec<u8>), DataError> {
    let idx = Idx::read(path, "image", &[3, 4]).map_err(|error| error.at(path))?;
    let side = |axis: usize| idx.dimensions.get(axis).map_or(Ok(1), |side| u16::try_from(*side));
    let shape = || Ok(Shape::new(side(1)?, side(2)?, side(3)?));
    let too_large =
        |_: std::num::TryFromIntError| IdxError::SideTooLong { dimensions: idx.dimensions.clone() };
    let shape = shape().map_err(too_large).map_err(|error| error.at(path))?;
    Ok((shape, idx.values))
}

#[cfg(test)]
mod tests;
