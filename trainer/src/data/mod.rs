//! Images: labelled sets as IDX files, NumPy arrays or folders of pictures, told apart by what they
//! are, and single pictures.
//!
//! | what `--data` names | what is in it |
//! | --- | --- |
//! | a folder | `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`: plain or gzip |
//! | a folder | `x_train.npy`, `y_train.npy`, `x_test.npy`, `y_test.npy` |
//! | an `.npz` file | the same arrays |
//! | a folder | `train/CLASS/*.png` or `.jpg`, and `test/CLASS/…` |
//! | a folder | `CLASS/*.png` or `.jpg`: with a share of test images |
//! | a folder | `*.png` or `.jpg` alone, or in `train` and `test`: where no labels are needed |
//! | a folder | `train.csv` and `test.csv`: series, cut into windows |
//! | a `.csv` file | the same: with a share of test groups |
//! | an `.npy` file | inputs alone, where no labels are needed |

pub mod class_names;
mod dataset;
pub mod elements;
mod error;
pub mod fit;
pub mod folder;
mod idx;
mod idx_error;
pub mod inputs;
mod jpeg;
pub mod metadata;
pub mod npy;
pub mod npz;
mod parts;
pub mod picture_file;
pub mod png;
pub mod reading;
pub mod record;
pub mod scale;
pub mod series;
mod share;
pub mod survey;
pub mod table;
pub mod target;
mod windows;

use std::path::{Path, PathBuf};

pub use dataset::Dataset;
pub use error::DataError;
use folder::Sizes;
pub use idx_error::IdxError;
use parts::{Loaded, Source};
pub use pictures::{appearance, picture};
use reading::{Reading, Wanted};
use scale::Scale;
use target::Target;

use crate::recipe::Task;

/// Training and test images of one shape, with one common set of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct DataDir {
    /// What a network may be trained, chosen and calibrated on.
    pub train: Dataset,
    /// What the finished model is measured on, once.
    pub test: Dataset,
    /// Names of the classes, at least one for each; empty where they have none but their numbers.
    pub names: Vec<String>,
    /// What a user might not expect of how the files were read, one sentence each.
    pub notes: Vec<String>,
    /// Scale of each channel, where the values are no pixels; else empty.
    pub scales: Vec<Scale>,
    /// The real values to answer; empty where there are none.
    pub targets: Vec<Target>,
    /// Whether it is known what is to be answered.
    pub is_labelled: bool,
}

/// How a data set is to be read.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What the command line says of it.
    pub reading: Reading,
    /// What pictures are made into; `None` leaves them as they are.
    pub wanted: Wanted,
    /// What a finished model says of its data; `None` before there is one.
    pub known: Option<Known>,
    /// What is to be answered: classes need labels, real values need values.
    pub task: Task,
    /// Whether inputs alone will do: a network is calibrated on them, not trained.
    pub labels_optional: bool,
    /// Whether an option asks for how pictures become images, so that other data is refused.
    pub needs_pictures: bool,
}

/// What a model was trained on, as far as other images must be read in the same way.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Names of its classes, in its order; empty where they have none.
    pub names: Vec<String>,
    /// Scale of each channel; empty for pixels.
    pub scales: Vec<Scale>,
    /// The real values it answers; empty where it answers none.
    pub targets: Vec<Target>,
    /// Whether it takes int8 values: those of a file are taken as they are.
    pub takes_int8: bool,
}

impl DataDir {
    /// Reads the data set at `path` as it is.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn load(path: &Path) -> Result<Self, DataError> {
        Self::read(path, &Request::default())
    }

    /// Reads the data set at `path`.
    ///
    /// # Errors
    /// A missing, unreadable, damaged or mismatched file: see [`DataError`].
    pub fn read(path: &Path, request: &Request) -> Result<Self, DataError> {
        let reading = &request.reading;
        let loaded = Source::of_request(path, request)?.load(request)?;
        let Loaded { train, test, names, notes, scales, mut targets, is_shared_out, is_labelled } =
            loaded;
        let (train, test) = match (test, reading.test_share.filter(|_| !is_shared_out)) {
            (Some(_), Some(_)) => return Err(DataError::HasTest { path: path.to_owned() }),
            (Some(test), None) => (train, test),
            (None, Some(share)) => share::split(train, share, path)?,
            (None, None) if request.labels_optional && !is_labelled => (train.clone(), train),
            (None, None) => return Err(DataError::NoTest { path: path.to_owned() }),
        };
        if train.shape != test.shape {
            let directory = path.to_owned();
            return Err(DataError::Shapes { directory, train: train.shape, test: test.shape });
        }
        let classes = train.classes.max(test.classes);
        let wanted = if targets.is_empty() { classes } else { targets.len() };
        let mut names = named(names, request, wanted, path)?;
        if !targets.is_empty() {
            targets.iter_mut().zip(names.drain(..)).for_each(|(target, name)| target.name = name);
        }
        let classes = classes.max(names.len());
        let [train, test] = [train, test].map(|part| {
            let part = if reading.transpose { part.transposed() } else { part };
            Dataset { classes, ..part }
        });
        Ok(Self { train, test, names, notes, scales, targets, is_labelled })
    }

    /// Whether the test images are the training images: of inputs without labels, of which none
    /// are kept apart.
    pub fn tests_on_training(&self) -> bool {
        self.train.pixels == self.test.pixels
    }

    /// Reads the test images of `path`, and the training images only where the test images depend
    /// on them.
    ///
    /// # Errors
    /// As [`DataDir::read`].
    pub fn read_test(path: &Path, request: &Request) -> Result<Dataset, DataError> {
        let source = Source::of_request(path, request)?;
        let alone = request.task.is_classify().then(|| source.test_alone(request.known.as_ref()));
        match alone.transpose()?.flatten() {
            Some(test) if request.reading.transpose => Ok(test.transposed()),
            Some(test) => Ok(test),
            None => Ok(Self::read(path, request)?.test),
        }
    }

    /// The files of the data set at `path`.
    ///
    /// # Errors
    /// What is no data set.
    pub fn files(path: &Path) -> Result<Vec<PathBuf>, DataError> {
        Source::of(path)?.files()
    }

    /// What the pictures at `path` have in common; `None` where it is no folder of pictures.
    ///
    /// # Errors
    /// What is no data set, or a file that gives no picture.
    pub fn picture_sizes(path: &Path) -> Result<Option<Sizes>, DataError> {
        match Source::of(path)? {
            source if source.is_of_pictures() => Ok(folder::sizes(&source.files()?)?),
            _ => Ok(None),
        }
    }

    /// Where MNIST lies: in this repository's tree as it was when the program was built, or else
    /// `trainer/data/mnist` under the working directory.
    pub fn default_path() -> PathBuf {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
        if built_in.is_dir() { built_in } else { PathBuf::from("trainer/data/mnist") }
    }
}

/// Most names: labels are bytes.
const NAMES_MAX: usize = 256;

/// Names of the classes: those of the folders, of the file that the command line names, or of the
/// model.
fn named(
    names: Vec<String>,
    request: &Request,
    classes: usize,
    path: &Path,
) -> Result<Vec<String>, DataError> {
    let Some(file) = &request.reading.labels else {
        let known = request.known.as_ref().map(|known| known.names.clone()).unwrap_or_default();
        let known = if names.is_empty() { known } else { names };
        return Ok(if known.len() < classes { Vec::new() } else { known });
    };
    if !names.is_empty() {
        return Err(DataError::HasNames { path: path.to_owned() });
    }
    class_names::read(file, classes..=NAMES_MAX)
}

#[cfg(test)]
mod tests;
